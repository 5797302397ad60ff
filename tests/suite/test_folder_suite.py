"""A suite out of folders: the names of codecs, and what is scored of such folders."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf

from almbench.codecs.reconstructions import Reconstructions
from almbench.codecs.registry import create
from almbench.errors import UserError
from almbench.results.results import load_results
from almbench.suite.config import Suite
from almbench.suite.folder_suite import (
    Given,
    check_same_folders,
    give_codes,
    suite_from_folders,
)

Bench = Callable[..., subprocess.CompletedProcess[str]]
NOISE = np.random.default_rng(1).uniform(-0.1, 0.1, 16_000)


def put(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        sf.write(path, NOISE, 16_000)


def named(tmp_path: Path, *folders: str) -> list[tuple[str, str | None]]:
    """Id and label of each codec."""
    for name in ("ref", *folders):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
    suite = suite_from_folders(tmp_path / "ref", [Given(tmp_path / n) for n in folders], "speech")
    return [(codec.id, codec.label) for codec in suite.codec]


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        (["a", "b/c"], [("a", "a"), ("c", "c")]),
        (["x/run/wavs", "y/run/wavs"], [("x", "x"), ("y", "y")]),
        (["m/1/wavs", "m/2/wavs", "n/1/wavs"], [(n, n) for n in ("m-1", "m-2", "n-1")]),
        (["wavs", "new/wavs"], [("wavs", "wavs"), ("new", "new")]),
        (["Ours v2 (best)"], [("Ours_v2_best_", "Ours v2 (best)")]),
        (["original"], [("original-2", "original")]),
        (["a b", "a?b"], [("a_b", "a b"), ("a_b-2", "a?b")]),
        (["Ours", "x/ours"], [("Ours", "Ours"), ("x-ours", "x-ours")]),
    ],
)
def test_codecs_are_named_after_their_folders(
    tmp_path: Path, folders: list[str], expected: list[tuple[str, str]]
) -> None:
    assert named(tmp_path, *folders) == expected


def test_names_in_any_script_are_kept_as_labels(tmp_path: Path) -> None:
    (one, label), (two, other) = named(tmp_path, "模型一", "模型二")
    assert (label, other) == ("模型一", "模型二")
    assert one != two
    assert one.isascii()


def test_a_folder_that_is_given_twice_or_is_none(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "a")
    with pytest.raises(UserError, match="given twice"):
        named(tmp_path, "a", "link")
    with pytest.raises(UserError, match="no is not a folder"):
        suite_from_folders(tmp_path / "no", [Given(tmp_path)], "speech")
    with pytest.raises(UserError, match=r"no is not a folder\. Allowed: \[LABEL=\]FOLDER\[@RATE"):
        Given.parse(str(tmp_path / "no"))


def test_a_folder_may_come_with_label_and_bitrate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("wavs", "a=b", "c@2kbps"):
        Path(name).mkdir()
    for text, label, kbps in [
        ("wavs", "", None),
        ("Ours=wavs", "Ours", None),
        ("wavs@6kbps", "", 6.0),
        ("Ours (new)=wavs@0.41kbps", "Ours (new)", 0.41),
        ("Ours=wavs@0.41", "Ours", 0.41),
    ]:
        assert Given.parse(text) == Given(Path("wavs"), label, kbps)
    assert Given.parse("a=b") == Given(Path("a=b"))  # a folder that is really named so
    assert Given.parse("c@2kbps") == Given(Path("c@2kbps"))
    for wrong in ("wavs@fast", "wavs@0kbps", "wavs@-1kbps"):
        with pytest.raises(UserError, match="is not a bitrate in kbps"):
            Given.parse(wrong)
    suite = suite_from_folders(Path("a=b"), [Given(Path("wavs"), "Ours", 0.41)], "speech")
    assert [(c.id, c.label) for c in suite.codec] == [("Ours", "Ours")]
    assert suite.codec[0].options["bitrate"] == pytest.approx(410)
    assert suite.name == "score-a_b-Ours"


def test_two_comparisons_do_not_share_a_run_folder(tmp_path: Path, bench: Bench) -> None:
    put(*(tmp_path / n / "a.wav" for n in ("ref", "one", "two", "else/one")))
    for folders in (["one"], ["two"], ["one", "two"]):
        done = bench("score", "ref", *folders, "--metric", "gain_db", "--workers", 1, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    names = {path.name for path in (tmp_path / "runs").iterdir()}
    assert names == {"score-ref-one", "score-ref-two", "score-ref-one-two"}
    done = bench("score", "ref", "else/one", cwd=tmp_path)
    assert done.returncode == 2
    assert "score-ref-one compares other folders: 'one' there is" in done.stderr
    assert "-o runs/score-ref-one-2" in done.stderr


def test_codes_beside_the_sounds_give_the_bitrate(tmp_path: Path, bench: Bench) -> None:
    put(*(tmp_path / n / f"{c}.wav" for n in ("ref", "cod") for c in "abc"))  # one second each
    codes = np.random.default_rng(2).integers(0, 16, (2, 50))
    facts: dict[str, Any] = {"codebook_sizes": [16, 16], "frame_rate": 50.0}
    np.savez(tmp_path / "cod" / "a.npz", codes=codes, **facts)
    (tmp_path / "cod" / "b.npz").write_bytes(b"damaged")
    given = ("score", "ref", "Ours=cod@0.5kbps", "--metric", "gain_db", "--workers", 1)
    done = bench(*given, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Ours (0.5 kbps)" in done.stdout
    results = load_results(tmp_path / "runs" / "score-ref-Ours")
    rows = {row.clip: row for row in results.clip_rows}
    assert rows["a"].measured_kbps == pytest.approx(50 * 2 * 4 / 1000)
    assert rows["a"].nominal_kbps == pytest.approx(0.4)
    assert rows["b"].measured_kbps is None
    assert "no bitrate: its codes cannot be read: b.npz" in rows["b"].reason
    assert rows["c"].reason == "no codes of it"
    used = [r for r in results.metric_rows if r.metric == "codebook_use" and r.value is not None]
    assert [r.clip for r in used] == ["a"]
    np.savez(tmp_path / "cod" / "c.npz", codes=codes, **facts)
    assert bench(*given, cwd=tmp_path).returncode == 0
    rows = {row.clip: row for row in load_results(results.folder.root).clip_rows}
    assert rows["c"].measured_kbps == pytest.approx(0.4)


def test_codes_may_lie_in_a_folder_of_their_own(tmp_path: Path) -> None:
    put(*(tmp_path / n / f"{c}{end}.wav" for n, end in (("ref", ""), ("cod", "_x")) for c in "ab"))
    (tmp_path / "tokens").mkdir()
    codes = np.zeros((1, 9), np.int64)
    np.savez(tmp_path / "tokens" / "a.npz", codes=codes)
    suite = suite_from_folders(
        tmp_path / "ref", [Given(tmp_path / "cod", kbps=0.4)], "speech", "{clip}_x"
    )
    (codec,) = suite.codec
    assert not give_codes(codec, tmp_path / "tokens")  # it does not say the codebooks
    assert codec.options["bitrate"] == 400
    np.savez(tmp_path / "tokens" / "a.npz", codes=codes, codebook_sizes=[16], frame_rate=9.0)
    assert give_codes(codec, tmp_path / "tokens")
    assert (codec.stated_kbps, "bitrate" in codec.options) == (0.4, False)
    made = create(codec.id, "Cod", "reconstructions", codec.options)
    assert isinstance(made, Reconstructions)
    assert made.with_codes
    assert made.codes("a") == tmp_path / "tokens" / "a.npz"
    assert made.codes("b") is None
    with pytest.raises(UserError, match="of codes does not exist"):
        create(codec.id, "Cod", "reconstructions", {**codec.options, "codes": "nowhere"})


def test_nothing_of_the_folders_vanishes(tmp_path: Path, bench: Bench) -> None:
    """Links, hidden files, names of other forms, near misses and surplus files, all in one."""
    put(tmp_path / "store" / "b.wav", tmp_path / "ref" / "cafe\u0301.wav")
    put(*(tmp_path / "ref" / name for name in ("c.wav", "._c.wav", ".ipynb_checkpoints/c-x.wav")))
    (tmp_path / "ref" / "spk").symlink_to(tmp_path / "store")
    (tmp_path / "ref" / "gone.wav").symlink_to(tmp_path / "nowhere.wav")
    put(*(tmp_path / "模型" / n for n in ("b.wav", "caf\u00e9.wav", "c_recon.wav", "gone.wav")))
    root = tmp_path / "run"
    given = ("score", tmp_path / "ref", tmp_path / "模型", "--metric", "gain_db", "-o", root)
    done = bench(*given, "--workers", "1")
    assert (done.returncode, done.stderr.count("Traceback")) == (1, 0)
    assert (
        "ref: took 4 of 5 sound files; left out: 2 hidden (._c.wav, .ipynb_checkpoints/); "
        "1 file of 模型 belongs to no clip: c_recon.wav"
    ) in done.stderr
    results = load_results(root)
    rows = {row.clip: (row.status, row.reason) for row in results.clip_rows}
    assert rows == {
        "b": ("ok", ""),
        "c": (
            "failed",
            "no file for c in 模型; near: c_recon.wav (if that is it: --match '{clip}_recon')",
        ),
        "café": ("ok", ""),
        "gone": ("failed", "original: gone.wav is a link to a file that is not there."),
    }
    assert {row.label for row in results.clip_rows} == {"模型"}
    (left,) = results.manifest.testsets[0].left_out
    assert (left.reason, left.names) == ("hidden", ("._c.wav", ".ipynb_checkpoints/"))


def test_reconstructions_named_after_the_originals(tmp_path: Path, bench: Bench) -> None:
    put(tmp_path / "ref" / "a.wav", tmp_path / "cod" / "a_recon.wav")
    given = ("score", tmp_path / "ref", tmp_path / "cod", "--metric", "gain_db")
    done = bench(*given, "--workers", "1", "--match", "{clip}_recon", "-o", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert "belong" not in done.stderr
    done = bench(*given, "--match", "recon", "-o", tmp_path / "other")
    assert done.returncode == 2
    assert "must have {clip} once, such as {clip}_recon" in done.stderr


def test_what_would_be_silently_wrong_is_said(
    tmp_path: Path, speech: list[Path], bench: Bench
) -> None:
    """Inverted, of another rate, twice as long; and what only looks like one of these."""
    samples, rate = sf.read(speech[0])
    clip = samples[: 2 * rate]
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(2 * rate) / rate)
    made = {
        "inverted": (-clip, rate),
        "late": (np.concatenate([np.zeros(rate // 50), clip]), rate),
        "inverted-late": (np.concatenate([np.zeros(rate // 50), -clip]), rate),
        "other-rate": (clip[::2], rate // 2),
        "twice": (np.tile(clip, 2), rate),
        "same": (clip, rate),
        "tone": (-tone, rate),
    }
    for name, (sound, its_rate) in made.items():
        for folder in ("ref", "cod"):
            (tmp_path / folder).mkdir(exist_ok=True)
        sf.write(tmp_path / "ref" / f"{name}.wav", tone if name == "tone" else clip, rate)
        sf.write(tmp_path / "cod" / f"{name}.wav", sound, its_rate)
    given = ("score", tmp_path / "ref", tmp_path / "cod", "--metric", "gain_db", "--workers", "1")
    done = bench(*given, "-o", tmp_path / "run")
    assert done.returncode == 1, done.stderr
    rows = {r.clip: (r.status, r.reason) for r in load_results(tmp_path / "run").clip_rows}
    inverted = "its polarity is inverted against the original"
    assert rows == {
        "inverted": ("ok", inverted),
        "late": ("ok", ""),
        "inverted-late": ("ok", inverted),
        "other-rate": ("ok", f"its rate is {rate // 2} Hz, the original's {rate} Hz"),
        "twice": (
            "failed",
            "reconstruction lasts 4.000 s of 2.000 s, more than 110%; to cut such files: bench "
            "score --cut-longer, or cut_longer = true of the codec",
        ),
        "same": ("ok", ""),
        "tone": ("ok", ""),  # half a period late, or inverted: nobody can tell
    }
    assert f"Note ref/inverted and 1 more by cod: {inverted}" in done.stdout
    done = bench(*given, "--cut-longer", "-o", tmp_path / "cut")
    assert done.returncode == 0, done.stderr
    assert "reconstruction is 2.000 s longer than the original; cut" in done.stdout


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"[[[[", b"name = 3", b"", b"a=" + b"[" * 100_000]
)
def test_a_damaged_suite_of_the_run_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "suite.toml").write_bytes(content)
    suite = Suite.model_validate(
        {
            "name": "s",
            "testset": [{"name": "t", "domain": "sound", "path": "x"}],
            "codec": [{"id": "mp3-16"}],
        }
    )
    with pytest.raises(UserError, match=r"suite\.toml is damaged\. To fix: remove it"):
        check_same_folders(suite, tmp_path / "suite.toml")
