"""Measures that run the codecs of a finished run again."""

from pathlib import Path

import numpy as np
import pytest

from almbench.audio import write_flac
from almbench.errors import UserError
from almbench.results.probes import ProbeRecord
from almbench.runner.run import run_suite
from almbench.suite.load import load_suite
from almbench.tokens.measure import Effort
from almbench.tokens.probing import Wanted, probe
from almbench.tokens.token_files import TokenFolder

SUITE = """
name = "two"
[[testset]]
name = "talk"
domain = "speech"
path = "{folder}"
metrics = ["gain_db"]
[[codec]]
id = "almtokenizer"
[[codec]]
id = "opus-24"
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of noise through a codec with codes and one without."""
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("talk")
    for i in range(3):
        noise = np.random.default_rng(i).standard_normal(24_000)
        write_flac(folder / "in" / f"c{i}.flac", 0.05 * np.cumsum(noise) / 10, 24_000)
    (folder / "suite.toml").write_text(SUITE.format(folder=folder / "in"))
    run_suite(load_suite(str(folder / "suite.toml")), folder / "run", "cpu", 1)
    return folder / "run"


@pytest.mark.slow
def test_a_codec_with_codes_and_one_without(run: Path) -> None:
    settings = {"stability": {"clips": 2, "seconds": 0.5}}
    found = probe(run, Wanted(["stability"]), settings=settings, effort=Effort())
    records: dict[str, ProbeRecord] = {record.codec: record for record in found.records}
    assert {id_: record.status for id_, record in records.items()} == {
        "almtokenizer": "ok",
        "opus-24": "ok",
    }
    plain = {value.measure for value in records["opus-24"].found}
    assert plain == {"mel_distance", "stoi"}
    coded = {(v.measure, v.input, v.book): v for v in records["almtokenizer"].found}
    quiet = coded["stability", "+1 dB", "all"]
    assert quiet.value is not None
    assert 0.2 < quiet.value <= 1
    again = probe(run, Wanted(["stability"]), settings=settings, effort=Effort())
    assert [r.signature for r in again.records] == [r.signature for r in found.records]
    assert [r.seconds for r in again.records] == [r.seconds for r in found.records]  # kept


@pytest.mark.slow
def test_without_codes_there_is_nothing_to_read(run: Path) -> None:
    with pytest.raises(UserError, match="no codes to probe"):
        probe(run, Wanted(["probe", "language"], codecs=["opus-24"]))


def test_codecs_without_codes_are_named(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    short = {"language": {"steps": 1}}
    probe(run, Wanted(["probe", "language"]), settings=short)
    assert "Left out of probe, language, for want of codes: opus-24\n" in capsys.readouterr().err
    probe(run, Wanted(["language"], codecs=["almtokenizer"]), settings=short)
    assert "Left out" not in capsys.readouterr().err


def test_token_files_of_no_clip_of_the_run_are_refused(run: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "x_c0.npz", codes=np.zeros((1, 5), np.int64))
    given = [TokenFolder.parse(f"Ours={tmp_path}")]
    with pytest.raises(UserError, match=r"there is 'x_c0\.npz', and the clip 'c0'"):
        probe(run, Wanted(["probe"]), folders=given)
