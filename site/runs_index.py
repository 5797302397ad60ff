"""The index of a site's runs: `runs.json` for programs, and where the runs lie, to add to them."""

import json
import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from almbench.errors import UserError
from almbench.site.output import FOLDERS
from almbench.site.overview import published_table
from almbench.site.pages import Site
from almbench.site.source import Run

INDEX = "runs.json"
_Folders = TypeAdapter(list[Annotated[str, Field(pattern=r"^[^\x00]+$")]])


def add_to_earlier(runs: list[Path], site: Path) -> list[Path]:
    """The runs that a site shows already, then those that are new to it.

    Args:
        runs: The runs to be added; one that is there already keeps its place.
        site: Folder of the site.

    Raises:
        UserError: The list of the site's runs is damaged, or one of them is not there any more.
    """
    listed = site / FOLDERS
    if not listed.is_file():
        return runs
    try:
        earlier = [site / folder for folder in _Folders.validate_json(listed.read_bytes())]
    except ValidationError as error:
        raise UserError(
            f"{listed} is damaged. To fix: build the site once with all its runs and --add."
        ) from error
    for run in earlier:
        if not run.is_dir():
            raise UserError(
                f"--add: {run.resolve()}, which the site shows, is not there any more. To fix: "
                "put it back, or build the site once with all the runs that it shall show."
            )
    known = {run.resolve() for run in earlier}
    return [*earlier, *(run for run in runs if run.resolve() not in known)]


def write_index(site: Site) -> None:
    """Write `runs.json`, and for the next `--add` where the runs lie."""
    folders = [
        os.path.relpath(run.folder.root.resolve(), site.out.root.resolve()) for run in site.runs
    ]
    text = json.dumps(folders, indent=1, ensure_ascii=False) + "\n"
    (site.out.root / FOLDERS).write_text(text, encoding="utf-8")
    entries = [_entry(site, run) for run in site.runs]
    whole = {"schema_version": 1, "runs": entries}
    text = json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    site.out.write((INDEX,), text.encode())


def _entry(site: Site, run: Run) -> dict[str, Any]:
    manifest = run.manifest
    return {
        "name": run.slug,
        "title": run.title,
        "finished": manifest.finished,
        "almbench": manifest.almbench,
        "policies": manifest.policies.version,
        "page": site.overview_of(run),
        "tables": {
            name: f"data/{run.slug}/{published_table(run.folder.table(name))}"
            for name in ("summary", "clips", "metrics")
        },
        "testsets": [
            {
                "name": table.testset,
                "domain": table.domain,
                "clips": len(table.of.clips),
                "data_hash": table.of.data_hash,
                "means": [
                    {
                        "codec": row.codec,
                        "label": run.names[row.codec].label,
                        "metric": row.metric,
                        "mean": row.mean,
                        "ci95": [row.ci95_low, row.ci95_high],
                        "n": row.n,
                    }
                    for codec in table.codecs
                    for metric in table.metrics
                    if (row := table.cells.get((codec.id, metric.name))) and row.mean is not None
                ],
            }
            for table in run.tables
        ],
    }
