"""A run folder is input: what is wrong with one is said in a line, and nothing gets out of it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf

from almbench.codecs.codes_file import MOST_BYTES, read_codes
from almbench.errors import CodecError, UserError
from almbench.results.records import ScoreRow
from almbench.results.results import load_results
from almbench.results.row_files import read_rows
from almbench.runner.run import run_suite
from almbench.site.build import build_site
from almbench.suite.config import Suite


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run with codes, two codecs and two clips."""
    root = tmp_path_factory.mktemp("made")
    (root / "data").mkdir()
    for name in ("a", "b"):
        noise = np.random.default_rng(ord(name)).uniform(-0.2, 0.2, 16_000)
        sf.write(root / "data" / f"{name}.wav", noise, 16_000)
    suite = Suite.model_validate(
        {
            "name": "s",
            "testset": [{"name": "t", "domain": "sound", "path": str(root / "data")}],
            "codec": [{"id": "lowpass-3.5"}, {"id": "mp3-16"}],
            "metrics": {"sound": ["gain_db", "mel_distance"]},
        }
    )
    run_suite(suite, root / "run", "cpu", workers=1)
    return root / "run"


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "run"))


def change(run: Path, change: Callable[[dict[str, Any]], None]) -> None:
    manifest = json.loads((run / "manifest.json").read_text())
    change(manifest)
    (run / "manifest.json").write_text(json.dumps(manifest))


def everything(run: Path) -> None:
    """What a reader of a run asks of it."""
    results = load_results(run)
    assert len(results.clip_rows) >= 0
    assert len(results.metric_rows) >= 0
    assert len(results.summary_rows) >= 0
    assert len([comparison.filled for comparison in results.comparisons]) >= 0


def refused(run: Path, out: Path) -> str:
    with pytest.raises(UserError) as caught:
        build_site([run], out)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


@pytest.mark.parametrize("name", ["../../../outside", "/etc/x", "..", "", "a\x00b", "x" * 300])
def test_names_that_lead_elsewhere_are_refused(run: Path, tmp_path: Path, name: str) -> None:
    def codec(manifest: dict[str, Any]) -> None:
        old = manifest["codecs"][0]["id"]
        manifest["codecs"][0]["id"] = name
        ids = manifest["testsets"][0]["codecs"]
        ids[ids.index(old)] = name

    before = set(tmp_path.rglob("*"))
    change(run, codec)
    assert "manifest is damaged" in refused(run, tmp_path / "deep" / "public")
    change(run, lambda m: m["testsets"][0]["clips"][0].update(id=name))
    assert "manifest is damaged" in refused(run, tmp_path / "deep" / "public")
    assert set(tmp_path.rglob("*")) - before <= {tmp_path / "deep", tmp_path / "deep" / "public"}


def test_a_table_that_names_files_elsewhere_is_refused(run: Path, tmp_path: Path) -> None:
    table = run / "clips.csv"
    table.write_text(table.read_text().replace("t,sound,a,", "t,sound,../../secret,"))
    assert "clips.csv is damaged: a name has" in refused(run, tmp_path / "public")


@pytest.mark.parametrize(
    "inside",
    ["reconstructions/t/mp3-16/a.flac", "clips.csv", "manifest.json", "reconstructions/t/original"],
)
def test_links_that_leave_the_run_are_refused(run: Path, tmp_path: Path, inside: str) -> None:
    (run / inside).rename(tmp_path / "private")
    (run / inside).symlink_to(tmp_path / "private")
    assert "leads outside of its run folder" in refused(run, tmp_path / "public")
    assert not list((tmp_path / "public").glob("audio/*"))


def test_links_within_the_run_are_followed(run: Path, tmp_path: Path) -> None:
    sound = run / "reconstructions/t/mp3-16/a.flac"
    sound.rename(sound.with_name("kept.flac"))
    sound.symlink_to("kept.flac")
    assert build_site([run], tmp_path / "public").is_file()


@pytest.mark.parametrize(
    "content",
    [
        "", "testset\n", "\x00" * 20, "a,b\n1,2,3,4\n", '"torn', "testset,clip\nt,a\n",
        "x" * 5000, "\n" * 50, "[" * 5000 + "\n1\n",
    ],
)  # fmt: skip
@pytest.mark.parametrize("table", ["clips", "metrics", "summary"])
def test_damaged_tables(run: Path, table: str, content: str) -> None:
    (run / f"{table}.csv").write_text(content)
    with pytest.raises(UserError, match=rf"{table}\.csv is damaged: .*To fix: have it made again"):
        everything(run)


def test_infinite_numbers_and_unknown_states_in_tables(run: Path) -> None:
    table = run / "metrics.csv"
    good = table.read_text()
    table.write_text(good.replace(",ok,", ",great,", 1))
    with pytest.raises(UserError, match="there is no status 'great'"):
        everything(run)
    value = next(line.split(",")[5] for line in good.splitlines()[1:] if ",ok," in line)
    table.write_text(good.replace(value, "1e999", 1))
    with pytest.raises(UserError, match="infinite numbers"):
        everything(run)


@pytest.mark.parametrize("torn", ["0.4", "1e-4", "24000.5", "1e40"])
def test_counts_in_tables_that_are_not_whole(run: Path, torn: str) -> None:
    table = run / "clips.csv"
    head, first, *rest = table.read_text().splitlines()
    cells = first.split(",")
    cells[head.split(",").index("sample_rate_hz")] = torn
    table.write_text("\n".join([head, ",".join(cells), *rest]) + "\n")
    with pytest.raises(UserError, match="column sample_rate_hz holds numbers that are not"):
        everything(run)


@pytest.mark.parametrize(
    "content",
    ["[" * 100_000, '{"schema_version": 2' + "0" * 5000 + "}", "null", "\ufeff{}", "\x00"],
)
def test_damaged_manifests(run: Path, tmp_path: Path, content: str) -> None:
    (run / "manifest.json").write_text(content)
    assert "manifest" in refused(run, tmp_path / "public")


def test_references_to_nothing(run: Path, tmp_path: Path) -> None:
    change(run, lambda m: m["testsets"][0]["metrics"].append("nonsense"))
    assert "Test set t: no facts of metric nonsense" in refused(run, tmp_path / "public")
    change(run, lambda m: m["testsets"][0].update(metrics=[], codecs=["gone"]))
    assert "no facts of codec gone" in refused(run, tmp_path / "public")
    change(run, lambda m: m["codecs"].append(m["codecs"][0]))
    assert "listed twice" in refused(run, tmp_path / "public")
    change(run, lambda m: m["suite"].update(seed=10**30))
    assert "seed" in refused(run, tmp_path / "public")


@pytest.mark.parametrize("value", ["NaN", "null", "1e999", "-1e999"])
def test_rows_that_are_ok_without_a_number_are_no_rows(run: Path, value: str) -> None:
    rows = run / "rows" / "scores.jsonl"
    lines = rows.read_text().splitlines()
    row = json.loads(lines[0])
    torn = lines[0].replace(f'"value":{json.dumps(row["value"])}', f'"value":{value}')
    assert torn != lines[0]
    rows.write_text("\n".join([torn, *lines[1:]]) + "\n")
    assert len(read_rows(run, ScoreRow)) == len(lines) - 1


def codes(path: Path, **arrays: Any) -> Path:
    np.savez_compressed(path, **arrays)
    return path


def test_codes_that_would_fill_the_memory(tmp_path: Path) -> None:
    path = codes(tmp_path / "bomb.npz", codes=np.zeros((2, MOST_BYTES // 8), np.int64))
    assert path.stat().st_size < 2**20
    with pytest.raises(CodecError, match=r"would take 536,870,912 bytes; at most 268,435,456"):
        read_codes(path, [16, 16])
