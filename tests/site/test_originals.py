"""What pages show of the originals' own scores, by metrics that need no reference."""

import shutil
from pathlib import Path

import pytest

from almbench.results.manifest import Manifest, read_manifest, write_manifest
from almbench.results.records import OriginalRow, ScoreRow, unchanged
from almbench.results.row_files import Writer, read_rows
from almbench.results.runfolder import RunFolder
from almbench.results.table_files import write_tables
from almbench.results.tables import build_tables
from almbench.site.build import build_site


@pytest.mark.parametrize("scored", [True, False])
def test_the_originals_have_a_line_and_no_page(run: Path, tmp_path: Path, *, scored: bool) -> None:
    folder = RunFolder(Path(shutil.copytree(run, tmp_path / "run")))
    held = read_manifest(folder).model_dump()
    for metric in held["metrics"]:
        metric["no_reference"] = metric["name"] == "stoi"
    manifest = Manifest.model_validate(held)
    stoi = manifest.metrics_by_name["stoi"]
    with Writer(folder.root, ScoreRow) as rows:
        for row in map(unchanged, read_rows(folder.root, OriginalRow).values()):
            if scored and row.testset == "talk":
                rows.write(
                    ScoreRow(
                        testset=row.testset,
                        clip=row.clip,
                        codec=row.codec,
                        status=row.status,
                        audio_sha256=row.audio_sha256,
                        metric="stoi",
                        value=0.987,
                        signature=stoi.signature(row.signature, 16_000),
                    )
                )
    write_tables(build_tables(folder, manifest), folder)
    write_manifest(manifest, folder)
    index = build_site([folder.root], tmp_path / "site")
    text = index.read_text(encoding="utf-8")
    assert "<bdi>Original</bdi>" in text
    assert ("0.987" in text) == scored
    assert "codec-original" not in text
    assert not list(index.parent.glob("codec-original*"))
