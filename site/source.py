"""What a site is made from: finished runs, each read once."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from almbench.domains import Domain
from almbench.errors import UserError
from almbench.names import safe_name
from almbench.results.audit import Remark
from almbench.results.codec_names import CodecName, name_codecs
from almbench.results.comparison import Comparison
from almbench.results.frames import from_frame
from almbench.results.manifest import Manifest
from almbench.results.rate_distortion import RateDistortion, compare_families, families_of
from almbench.results.results import Results, load_results
from almbench.results.runfolder import RunFolder
from almbench.results.table_rows import ClipRow, MetricRow, ProbeRow
from almbench.results.values import Values
from almbench.site.sample import draw_clips

Scores = dict[tuple[str, str, str], dict[str, MetricRow]]


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        slug: Its name in addresses, unique on the site.
        results: Its results.
        by_metric: All values of its clips.
        scores: The rows of the clips whose sounds are published: of (test set, clip, codec) and
            metric, in the order of `metrics.csv`.
        published_clips: The clips of each test set whose sounds are published.
    """

    slug: str
    results: Results
    by_metric: Values
    scores: Scores
    published_clips: dict[str, list[str]]

    @property
    def folder(self) -> RunFolder:
        """Where it lies."""
        return self.results.folder

    @property
    def manifest(self) -> Manifest:
        """What it was made with and from."""
        return self.results.manifest

    @cached_property
    def names(self) -> dict[str, CodecName]:
        """The names of each codec, by id."""
        return name_codecs(self.manifest.codecs)

    @property
    def own(self) -> str:
        """Id of the codec that the suite is about; empty for none."""
        return self.manifest.suite.highlight

    @property
    def clips(self) -> list[ClipRow]:
        """The rows of `clips.csv`."""
        return self.results.clip_rows

    @cached_property
    def remarks(self) -> list[Remark]:
        """What a referee would ask."""
        return self.results.remarks()

    @cached_property
    def probes(self) -> list[ProbeRow]:
        """The rows of `probes.csv`; none where `bench probe` was not run."""
        if not self.folder.table("probes").is_file():
            return []
        return from_frame(self.results.probes(), ProbeRow)

    def probes_of(self, testset: str) -> list[ProbeRow]:
        """The rows of `probes.csv` of a test set."""
        return [row for row in self.probes if row.testset == testset]

    @cached_property
    def rate_distortion(self) -> list[RateDistortion]:
        """The codec families of several operating points, each against the first of them."""
        families = families_of(self.manifest)
        first, *others = families or [""]
        pairs = [(first, other) for other in others]
        try:
            return compare_families(self.results, families, pairs) if pairs else []
        except UserError:  # no test set has two of them
            return []

    @property
    def tables(self) -> list[Comparison]:
        """The comparison of each test set."""
        return self.results.comparisons

    @property
    def title(self) -> str:
        """The suite's title, or its name."""
        return self.manifest.suite.title or self.manifest.suite.name

    @property
    def domains(self) -> list[Domain]:
        """The domains of the test sets, in order."""
        return list(dict.fromkeys(table.domain for table in self.tables))


def read_runs(roots: list[Path], max_clips: int | None = None) -> list[Run]:
    """Read runs, and give each a name of its own.

    Args:
        roots: The run folders.
        max_clips: Publish the sounds of no more clips per test set; a sample that stands for all.

    Raises:
        UserError: A folder is not a finished run, is given twice, or its manifest is damaged.
    """
    if len({root.resolve() for root in roots}) < len(roots):
        raise UserError("A run is given twice.")
    runs: list[Run] = []
    for root in roots:
        results = load_results(root)
        suite = results.manifest.suite
        slug = _slug(suite.name, {run.slug for run in runs})
        clips = draw_clips(results, max_clips)
        values = results.by_metric
        runs.append(Run(slug, results, values, _scores(values, clips), clips))
    return runs


def _slug(name: str, taken: set[str]) -> str:
    base = safe_name(name).lower()  # some file systems ignore case
    slug, count = base, 1
    while slug in taken:
        count += 1
        slug = f"{base}-{count}"
    return slug


def _scores(values: Values, clips: dict[str, list[str]]) -> Scores:
    """The rows of some clips of each test set."""
    table = values.table
    wanted = pd.Series(data=False, index=table.index)
    for testset, ids in clips.items():
        wanted |= (table["testset"] == testset) & table["clip"].isin(ids)
    scores: Scores = {}
    for row in from_frame(table[wanted], MetricRow):
        scores.setdefault((row.testset, row.clip, row.codec), {})[row.metric] = row
    return scores
