"""`bench encode` and `bench decode`: what a run stores, file by file; and what cannot be."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf
import typer

from almbench.api.codec import load_codec
from almbench.cli.encode import decode, encode
from almbench.codecs.codes_file import CodesFacts, read_codes, read_facts, write_codes
from almbench.errors import CodecError, UserError
from almbench.results.results import load_results

Bench = Callable[..., subprocess.CompletedProcess[str]]
SUITE = """
name = "one"
[[testset]]
name = "talk"
domain = "speech"
path = "{data}"
[[codec]]
id = "ours"
adapter = "almtokenizer"
options = {{ window = 6 }}
[metrics]
speech = ["gain_db"]
"""
SIZES = [2048, 2048, 2048]


@pytest.fixture
def sounds(tmp_path: Path, speech: list[Path]) -> list[Path]:
    """Speech at 16 bit, and as floats beyond full scale at another rate."""
    samples, rate = sf.read(speech[0])
    (tmp_path / "data").mkdir()
    plain, loud = tmp_path / "data" / "plain.wav", tmp_path / "data" / "loud.wav"
    sf.write(plain, samples[: rate + 11], rate, subtype="PCM_16")
    sf.write(loud, 1.7 / np.abs(samples).max() * samples[:rate], 22_050, subtype="FLOAT")
    return [plain, loud]


def test_what_is_encoded_and_decoded_is_what_a_run_stores(
    tmp_path: Path, sounds: list[Path], bench: Bench
) -> None:
    (tmp_path / "one.toml").write_text(SUITE.format(data=tmp_path / "data"))
    for args in (
        ["run", "one.toml", "-o", "run", "--workers", "1"],
        ["encode", *sounds, "--codec", "almtokenizer", "-o", "codes"],
        ["decode", "codes/plain.npz", "codes/loud.npz", "--codec", "almtokenizer", "-o", "codes"],
        ["score", "data", "codes", "--metric", "gain_db", "--workers", "1", "-o", "scored"],
    ):
        done = bench(*args, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
    rows = {row.clip: row for row in load_results(tmp_path / "run").clip_rows}
    scored = {row.clip: row for row in load_results(tmp_path / "scored").clip_rows}
    for name, bit_depth in (("plain", "PCM_16"), ("loud", "PCM_24")):
        stored = tmp_path / "run" / "reconstructions" / "talk" / "ours" / f"{name}.flac"
        kept, rate = sf.read(stored, dtype="int32")
        made, its_rate = sf.read(tmp_path / "codes" / f"{name}.wav", dtype="int32")
        assert (rate, its_rate) == (24_000, 24_000)
        assert sf.info(tmp_path / "codes" / f"{name}.wav").subtype == bit_depth
        np.testing.assert_array_equal(kept, made)
        here = tmp_path / "codes" / f"{name}.npz"
        of_run = tmp_path / "run" / "codes" / "talk" / "ours" / f"{name}.npz"
        np.testing.assert_array_equal(read_codes(here, SIZES), read_codes(of_run, SIZES))
        facts, told = read_facts(here), read_facts(of_run)
        assert facts == told.model_copy(update={"codec": "almtokenizer"})
        assert (facts.frame_rate, facts.codebook_sizes) == (12.5, tuple(SIZES))
        # `bench score` takes the codes beside the sounds, and counts the same bits.
        assert scored[name].measured_kbps == pytest.approx(rows[name].measured_kbps)
    # Codes of a run, whose codec has an id of its own, are decoded, too.
    with load_codec("almtokenizer") as codec:
        codec.decode_file(of_run, tmp_path / "again.flac")
    np.testing.assert_array_equal(sf.read(tmp_path / "again.flac", dtype="int32")[0], kept)


def test_codes_of_another_codec_or_shape_are_refused_by_name(tmp_path: Path) -> None:
    path, out = tmp_path / "a.npz", tmp_path / "a.wav"
    codes = np.zeros((3, 5), np.int64)
    facts: dict[str, Any] = {"codebook_sizes": (2048,) * 3, "frame_rate": 12.5}
    wrong: list[tuple[Any, dict[str, Any], str]] = [
        (codes, {"codec": "mimi-0.41"}, r"made by 'mimi-0\.41', not by 'almtokenizer'$"),
        (codes, {"codec": "x", "weights": "ab" * 32}, r"'x' \(weights abababababab\), not by"),
        (codes, {"frame_rate": 25.0}, r"by a codec \(25 frames/s\), .*\(12\.5 frames/s\)"),
        (codes[:2], {"codebook_sizes": (2048, 2048)}, r"\(2 codebooks of 2048 entries\), not"),
        (codes[:2], {"codebook_sizes": ()}, r"have the shape \[2, 5\], not \[3, T\] of 3 code"),
        (codes.T, {}, r"are \[T, K\] = \(5, 3\); they should be \[K, T\]: transpose them"),
        (codes, {"length": 10**9, "sample_rate": 24_000}, "its frames last 9600"),
    ]
    with load_codec("almtokenizer") as codec:
        for held, said, words in wrong:
            write_codes(path, held, CodesFacts.model_validate({**facts, **said}))
            with pytest.raises(CodecError, match=words):
                codec.decode_file(path, out)
        np.savez(path, codes=codes)  # no facts at all
        assert codec.decode_file(path, out).seconds == pytest.approx(5 / 12.5)
        np.savez(path, codes=codes, frame_rate="fast")
        with pytest.raises(CodecError, match=r"a\.npz: frame_rate = 'fast'"):
            codec.decode_file(path, out)
        path.write_bytes(b"PK\x03\x04 half a file")
        with pytest.raises(
            CodecError, match=r"the codes in a\.npz cannot be read: .* no \.npz file"
        ):
            codec.decode_file(path, out)


def test_a_file_that_names_its_codec_is_decoded_by_it(tmp_path: Path, bench: Bench) -> None:
    codes = np.zeros((3, 5), np.int64)
    facts = CodesFacts(codebook_sizes=(2048,) * 3, frame_rate=12.5)
    for name in ("almtokenizer", "ours", "opus-6", ""):
        given = facts.model_copy(update={"codec": name})
        write_codes(tmp_path / f"{name or 'none'}.npz", codes, given)
    done = bench("decode", "almtokenizer.npz", "-o", "x.wav", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "0.40 s at 24000 Hz" in done.stdout
    for files, words in [
        (["none.npz"], "none.npz names none. To fix: give --codec CODEC."),
        (["ours.npz"], "ours.npz is of 'ours', which is no codec here. To fix: give --codec"),
        (["opus-6.npz"], "has no codebooks"),
        (["almtokenizer.npz", "opus-6.npz"], "opus-6.npz of 'opus-6'. To fix: decode the files"),
    ]:
        done = bench("decode", *files, "-o", "out", cwd=tmp_path)
        assert done.returncode == 2, done.stdout
        assert words in " ".join(done.stderr.split())
    done = bench("decode", "ours.npz", "--codec", "almtokenizer", "-o", "y.wav", cwd=tmp_path)
    assert done.returncode == 2  # no weights say that it is the same


def test_files_and_targets_that_cannot_be(tmp_path: Path, sounds: list[Path]) -> None:
    plain, loud = sounds
    twin = tmp_path / "plain.flac"
    sf.write(twin, np.zeros(100), 8000)
    there = tmp_path / "there.npz"
    there.touch()
    for files, output, words in [
        ([tmp_path / "no.wav"], "x.npz", r"no\.wav is not there"),
        ([tmp_path / "data"], "x.npz", "is a folder: give its files"),
        ([plain, loud], "x.npz", "is one file, for 2: give a folder"),
        ([plain], "x.json", r"neither a folder nor a file that ends in \.npz"),
        ([plain, twin], "codes", r"would both become codes/plain\.npz"),
        ([plain], str(there), "is there already. To write over it: --force"),
    ]:
        with pytest.raises(UserError, match=words):
            encode(files, "almtokenizer", Path(output))
    with pytest.raises(UserError, match=r"opus-6' has no codebooks: .*load_codec\('opus-6'\)"):
        encode([plain], "opus-6", tmp_path / "x.npz")
    with pytest.raises(UserError, match="has no codebooks: there are no codes to decode"):
        decode([there], tmp_path / "x.wav", "opus-6")
    with pytest.raises(UserError, match=r"Did you mean .*almtokenizer"):
        encode([plain], "almtokeniser", tmp_path / "x.npz")
    with pytest.raises(UserError, match=r"--checkpoint .*gone does not exist"):
        encode([plain], "almtokenizer", tmp_path / "x.npz", str(tmp_path / "gone"))


def test_one_bad_file_does_not_keep_the_others_back(
    tmp_path: Path, sounds: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"no sound")
    for files, code in (([bad, sounds[0]], 1), ([bad], 2)):
        with pytest.raises(typer.Exit) as ended:
            encode(files, "almtokenizer", tmp_path / "codes")
        assert ended.value.exit_code == code
        assert "Error: bad.wav: cannot be read as audio" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "codes").iterdir()] == ["plain.npz"]
