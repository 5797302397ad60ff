"""What a site is made from: finished runs, each read once."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ValidationError

from almbench.errors import UserError
from almbench.names import safe_name
from almbench.results.comparison import Comparison, comparisons, read_manifest
from almbench.results.runfolder import RunFolder
from almbench.results.tables import read_table, records
from almbench.suite.config import About
from almbench.suite.testsets import draw
from almbench.validation import explain

MINUS = "−"


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        slug: Its name in addresses, unique on the site.
        folder: Where it lies.
        manifest: What it was made with and from.
        clips: The table of clips.
        scores: The row of `metrics.csv` of (test set, clip, codec) and metric, in its order.
        tables: The comparison of each test set.
        about: What the suite tells of itself.
        heard: The clips of each test set whose sounds are published.
    """

    slug: str
    folder: RunFolder
    manifest: dict[str, Any]
    clips: pd.DataFrame
    scores: dict[tuple[str, str, str], dict[str, dict[str, Any]]]
    tables: list[Comparison]
    about: About
    heard: dict[str, list[str]]

    @property
    def title(self) -> str:
        """The suite's title, or its name."""
        return self.about.title or str(self.manifest["suite"]["name"])

    @property
    def domains(self) -> list[str]:
        """The domains of the test sets, in order."""
        return list(dict.fromkeys(table.domain for table in self.tables))

    def testset(self, name: str) -> dict[str, Any]:
        """The facts of a test set, as in the manifest."""
        facts: dict[str, Any] = next(t for t in self.manifest["testsets"] if t["name"] == name)
        return facts


def read_runs(roots: list[Path], max_clips: int | None = None) -> list[Run]:
    """Read runs, and give each a name of its own.

    Args:
        roots: The run folders.
        max_clips: Publish the sounds of no more clips a test set; they are drawn by the seed.

    Raises:
        UserError: A folder is not a finished run, is given twice, or its manifest is damaged.
    """
    if len({root.resolve() for root in roots}) < len(roots):
        raise UserError("A run is given twice.")
    runs: list[Run] = []
    for root in roots:
        folder = RunFolder(root)
        clips = read_table(folder, "clips")
        metrics = read_table(folder, "metrics")
        summary = read_table(folder, "summary")
        manifest = read_manifest(folder)
        taken = {run.slug for run in runs}
        slug = _slug(manifest["suite"]["name"], taken)
        tables = comparisons(summary, manifest)
        about = _about(folder, manifest["suite"])
        heard = _heard(clips, manifest["suite"]["seed"], max_clips)
        runs.append(Run(slug, folder, manifest, clips, _scores(metrics), tables, about, heard))
    return runs


def _slug(name: str, taken: set[str]) -> str:
    base = safe_name(name).lower()  # some file systems ignore case
    slug, count = base, 1
    while slug in taken:
        count += 1
        slug = f"{base}-{count}"
    return slug


def _about(folder: RunFolder, suite: dict[str, Any]) -> About:
    try:
        return About.model_validate({k: v for k, v in suite.items() if k in About.model_fields})
    except ValidationError as error:
        raise UserError(explain(error, About, str(folder.manifest))) from error


def _heard(clips: pd.DataFrame, seed: int, most: int | None) -> dict[str, list[str]]:
    of_set = clips.groupby("testset", sort=False)["clip"].unique()
    return {
        str(testset): draw(list(ids), most, seed) if most else list(ids)
        for testset, ids in of_set.items()
    }


def _scores(metrics: pd.DataFrame) -> dict[tuple[str, str, str], dict[str, dict[str, Any]]]:
    scores: dict[tuple[str, str, str], dict[str, dict[str, Any]]] = {}
    for row in records(metrics):
        key = row["testset"], row["clip"], row["codec"]
        scores.setdefault(key, {})[row["metric"]] = row
    return scores


def number(value: float, digits: int) -> str:
    """A number for readers, with a real minus sign and no negative zero."""
    return f"{value:z.{digits}f}".replace("-", MINUS)


def hertz(rate: float) -> str:
    """A sample rate for readers, such as "22.05 kHz"."""
    return f"{rate / 1000:g} kHz"


def kbps(rate: float) -> str:
    """A bitrate for readers, without its unit."""
    return f"{rate:.2f}"
