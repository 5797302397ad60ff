"""Kinds that are the run of someone else: read, verified, shown; and themes of its pages."""

import json
import shutil
from pathlib import Path

import numpy as np
import soundfile as sf

from almbench.checks.verify import verify
from almbench.results.checksums import write_checksums
from almbench.results.manifest import read_manifest
from almbench.results.results import load_results
from almbench.results.runfolder import RunFolder
from almbench.results.table_files import write_tables
from almbench.results.tables import build_tables
from almbench.runner.run import run_suite
from almbench.site.build import build_site
from almbench.suite.config import Suite
from tests.fuzz.cases import Kind
from tests.fuzz.edits import as_bytes, as_csv, as_json, as_json_lines, as_text, as_toml

RATE = 16_000


def _make_run(folder: Path) -> None:
    """A run of two clips and three codecs, one with codes, that is the same each time."""
    data = folder.parent / "data"
    for place in ("sounds", "ready"):
        (data / place).mkdir(parents=True)
    rng = np.random.default_rng(3)
    for name in "ab":
        noise = rng.uniform(-0.2, 0.2, RATE // 2)
        sf.write(data / "sounds" / f"{name}.wav", noise, RATE)
        sf.write(data / "ready" / f"{name}.wav", noise / 2, RATE)
        np.savez(data / "ready" / f"{name}.npz", codes=rng.integers(0, 16, (2, 25)))
    (data / "page.md").write_text("# About\n\nSome *words*, and a ![picture](logo.png).\n")
    shutil.copy(Path(__file__).parents[2] / "docs" / "screenshot-overview.png", data / "logo.png")
    ready = {"path": str(data / "ready"), "codebook_sizes": [16, 16], "frame_rate": 50}
    suite = Suite.model_validate(
        {
            "name": "s",
            "title": "Title",
            "description": "One.\n\nTwo.",
            "url": "https://example.org/",
            "extra_pages": [str(data / "page.md")],
            "testset": [{"name": "t", "domain": "sound", "path": str(data / "sounds")}],
            "codec": [
                {"id": "lowpass-3.5"},
                {"id": "mp3-16"},
                {"id": "own", "adapter": "reconstructions", "options": ready},
            ],
            "metrics": {"sound": ["gain_db", "mel_distance"]},
        }
    )
    run_suite(suite, folder, "cpu", workers=1)
    shutil.rmtree(data)
    _steady(folder)


def _steady(run: Path) -> None:
    """Put the times that differ from run to run to one value."""
    for path in (run / "rows").glob("*.jsonl"):
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        for row in rows:
            row.update({key: 0.25 for key in ("encode_s", "decode_s", "seconds") if row.get(key)})
        rows.sort(key=lambda row: (row["clip"], row.get("codec", ""), row.get("metric", "")))
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    folder = RunFolder(run)
    write_tables(build_tables(folder, read_manifest(folder)), folder)
    write_checksums(folder)


def _read(folder: Path, out: Path, name: str) -> None:
    """What exports, comparisons and pages ask of a run."""
    results = load_results(folder)
    for table in results.comparisons:
        assert table.filled is not None
    assert len(results.clip_rows) + len(results.metric_rows) + len(results.summary_rows) >= 0
    results.to_markdown()
    results.to_latex()
    results.to_json("metrics")


def _verify(folder: Path, out: Path, name: str) -> None:
    for finding in verify(folder, 0):
        assert finding.measured


def _show(folder: Path, out: Path, name: str) -> None:
    build_site([folder], out / "public", 1)


def _make_theme(folder: Path) -> None:
    _make_run(folder / "run")
    theme = folder / "theme"
    (theme / "static").mkdir(parents=True)
    (theme / "base.html.j2").write_text(
        '{% extends "almbench/base.html.j2" %}\n{% block title %}{{ page }}{% endblock %}\n'
    )
    (theme / "static" / "custom.js").write_text("document.title = 'x';\n")


def _use_theme(folder: Path, out: Path, name: str) -> None:
    build_site([folder / "run"], out / "public", 1, theme=folder / "theme")


TABLES = {f"{name}.csv": as_csv for name in ("clips", "metrics", "summary")}
ROWS = {"rows/*.jsonl": as_json_lines}
KINDS = [
    Kind("runs, read", _make_run, _read, {"manifest.json": as_json, **TABLES}, few=40, cost=4),
    Kind("runs, verified", _make_run, _verify,
         {"manifest.json": as_json, "checksums.json": as_json, **TABLES, **ROWS}, cost=8),
    Kind("bench site", _make_run, _show,
         {"manifest.json": as_json, "suite.toml": as_toml, **TABLES, "reconstructions/*/*/*.flac":
          as_bytes, "pages/**/*.md": as_text, "pages/**/*.png": as_bytes}, few=3, cost=100),
    Kind("themes", _make_theme, _use_theme,
         {"theme/*.j2": as_text, "theme/static/*": as_text}, few=2, cost=100),
]  # fmt: skip
