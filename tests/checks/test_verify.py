"""`bench verify` on a run as it is, and on runs that were tampered with."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from almbench.audio import sha256
from almbench.checks.verify import verify
from almbench.errors import UserError
from almbench.results.checksums import write_checksums
from almbench.results.manifest import read_manifest
from almbench.results.probes import ProbeRecord, ProbeValue, probe_table, read_probes
from almbench.results.row_files import Writer
from almbench.results.runfolder import RunFolder
from almbench.results.table_files import write_probes, write_tables
from almbench.results.tables import build_tables
from almbench.runner.run import run_suite
from almbench.suite.load import load_suite
from tests.conftest import Bench

SUITE = """
name = "small"
[[testset]]
name = "talk"
domain = "speech"
path = "data"
[[codec]]
id = "opus-6"
[[codec]]
id = "lowpass-3.5"
[metrics]
speech = ["mel_distance", "gain_db"]
"""


@pytest.fixture(scope="module")
def made(speech: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("verify")
    (root / "data").mkdir()
    for path in speech[:2]:
        samples, rate = sf.read(path, dtype="int16")
        sf.write(root / "data" / f"{path.stem}.wav", samples[:rate], rate)
    (root / "suite.toml").write_text(SUITE)
    run_suite(load_suite(str(root / "suite.toml")), root / "run", workers=1)
    return root / "run"


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "run")


def failures(run: Path, sample: int = 20) -> list[tuple[str, str]]:
    return [(f.check, f.measured) for f in verify(run, sample) if f.verdict == "FAIL"]


def seal(run: Path, *, tables: bool = True) -> None:
    """Cover tampering up: tables made again from the rows, and checksums."""
    folder = RunFolder(run)
    if tables:
        write_tables(build_tables(folder, read_manifest(folder)), folder)
    write_checksums(folder)


def rewrite(path: Path, **changes: object) -> Iterator[str]:
    """Change the first row of a file of rows."""
    first, *others = path.read_text(encoding="utf-8").splitlines()
    return iter([json.dumps({**json.loads(first), **changes}), *others])


def test_a_run_verifies(run: Path) -> None:
    found = list(verify(run, 20))
    assert [f.check for f in found] == ["files", "manifest", "sounds", "tables", "scores"]
    assert {f.verdict for f in found} == {"pass"}
    assert found[2].measured.startswith("6 sounds")
    assert found[4].measured == "8 of 8 scores come out the same again"
    assert list(verify(run, 3))[4].measured.startswith("3 of 8")


def test_a_tampered_table(run: Path) -> None:
    path = run / "summary.csv"
    text = path.read_text(encoding="utf-8")
    value = text.splitlines()[1].split(",")[4]
    path.write_text(text.replace(value, "9.5", 1), encoding="utf-8")
    (first, files), (second, tables) = failures(run, 0)
    assert (first, second) == ("files", "tables")
    assert files.startswith("summary.csv has SHA-256")
    assert tables.startswith("summary.csv line 2, mean: '9.5', and the rows make")
    write_checksums(RunFolder(run))  # the checksums may be forged; the rows still say otherwise
    assert [check for check, _ in failures(run, 0)] == ["tables"]


def test_a_table_that_lost_rows(run: Path) -> None:
    path = run / "metrics.csv"
    path.write_text("\n".join(path.read_text().splitlines()[:-2]) + "\n")
    write_checksums(RunFolder(run))
    assert "metrics.csv has" in failures(run, 0)[0][1]


def test_what_tokens_carry_is_made_again_from_its_rows(run: Path) -> None:
    folder = RunFolder(run)
    value = ProbeValue(measure="probe_accuracy", value=0.25, chance=0.5, reason="few")
    with Writer(run, ProbeRecord) as rows:
        rows.write(
            ProbeRecord(
                testset="talk", status="ok", signature="1", codec="opus-6", family="probe",
                target="speaker", found=(value,),
            )
        )  # fmt: skip
    write_probes(probe_table(read_probes(folder)), folder)
    write_checksums(folder)
    assert failures(run) == []
    path = folder.table("probes")
    path.write_text(path.read_text().replace("0.25", "0.75"))
    write_checksums(folder)
    [(check, text)] = failures(run)
    assert check == "tables"
    assert text == "probes.csv line 2, value: '0.75', and the rows make '0.25'"


def test_a_tampered_score_with_tables_and_checksums_made_anew(run: Path) -> None:
    path = run / "rows" / "scores.jsonl"
    path.write_text("\n".join(rewrite(path, value=0.001)) + "\n", encoding="utf-8")
    seal(run)
    found = failures(run)
    assert [check for check, _ in found] == ["scores"]
    assert "is 0.001, and comes out as" in found[0][1]


def test_a_tampered_sound(run: Path) -> None:
    path = next((run / "reconstructions" / "talk" / "opus-6").glob("*.flac"))
    samples, rate = sf.read(path, dtype="int16")
    sf.write(path, np.roll(samples, 7), rate, subtype="PCM_16")
    found = failures(run)
    assert found[0][0] == "sounds"
    assert f"{path.stem}.flac has SHA-256" in found[0][1]
    assert "scores" in {check for check, _ in found}
    rows = run / "rows" / "reconstructions.jsonl"
    lines = [json.loads(line) for line in rows.read_text(encoding="utf-8").splitlines()]
    old = next(x for x in lines if (x["codec"], x["clip"]) == ("opus-6", path.stem))
    for name in ("reconstructions", "scores"):
        of_kind = run / "rows" / f"{name}.jsonl"
        of_kind.write_text(of_kind.read_text().replace(old["audio_sha256"], sha256(path)))
    seal(run)  # all hashes forged: the scores are not those of this sound
    assert {check for check, _ in failures(run)} == {"scores"}


def test_missing_files(run: Path) -> None:
    next((run / "reconstructions" / "talk" / "original").glob("*.flac")).unlink()
    (run / "clips.csv").unlink()
    found = failures(run, 0)
    assert ("files", "clips.csv is missing") in found
    assert ("tables", "clips.csv is missing") in found
    assert any(check == "sounds" and text.endswith("is missing") for check, text in found)


def test_another_suite_and_other_clips_than_the_manifest_names(run: Path) -> None:
    with (run / "suite.toml").open("a") as file:
        file.write("# changed\n")
    rows = run / "rows" / "originals.jsonl"
    rows.write_text("\n".join(rewrite(rows, samples_sha256="0" * 64)) + "\n")
    seal(run)
    found = failures(run, 0)
    assert [check for check, _ in found] == ["manifest", "manifest"]
    assert "suite.toml of the manifest has SHA-256" in found[0][1]
    assert "the clips of talk are not those" in found[1][1]


def test_no_checksums_damaged_ones_and_files_that_they_do_not_name(run: Path) -> None:
    sums = json.loads((run / "checksums.json").read_text())
    del sums["files"]["summary.csv"]
    sums["files"]["../outside"] = "0" * 64
    (run / "checksums.json").write_text(json.dumps(sums))
    texts = [text for _, text in failures(run, 0)]
    assert texts == ["../outside lies outside of the run", "summary.csv has no checksum"]
    (run / "checksums.json").write_text("{}")
    assert "damaged" in failures(run, 0)[0][1]
    (run / "checksums.json").unlink()
    assert "has no checksums.json" in failures(run, 0)[0][1]


def test_another_version_of_a_metric_is_said_and_not_compared(run: Path) -> None:
    path = run / "manifest.json"
    manifest = json.loads(path.read_text())
    version = next(m["version"] for m in manifest["metrics"] if m["name"] == "gain_db")
    path.write_text(path.read_text().replace(version, "another"))
    seal(run)
    found = [f for f in verify(run, 20) if f.check == "scores"]
    assert (found[0].verdict, found[1].verdict) == ("info", "pass")
    assert "gain_db: computed by another, and here is" in found[0].measured
    assert found[1].measured == "4 of 8 scores come out the same again"


def test_rows_that_make_no_tables(run: Path) -> None:
    (run / "rows" / "originals.jsonl").unlink()
    write_checksums(RunFolder(run))
    check, text = failures(run)[-1]
    assert (check, text.startswith("the rows and the manifest make no tables")) == ("tables", True)


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not a finished run"):
        list(verify(tmp_path, 1))


def test_the_command(run: Path, bench: Bench) -> None:
    done = bench("verify", run, "--sample", 2)
    assert (done.returncode, "The run is what it says." in done.stdout) == (0, True), done.stdout
    (run / "metrics.csv").write_text("testset\n")
    done = bench("verify", run, "--sample", 0)
    assert done.returncode == 1
    assert "FAIL tables: metrics.csv has other columns" in done.stdout
    assert bench("verify", run / "rows").returncode == 2
