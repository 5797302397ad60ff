"""Tables of some of a run's codecs, metrics, test sets and clips, their means computed anew."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from almbench.errors import UserError, unknown
from almbench.names import ORIGINAL
from almbench.results.manifest import Manifest
from almbench.results.table_rows import TABLES
from almbench.results.tables import Tables, summary_table

METRIC_COLUMNS = {"measured_kbps", "entropy_kbps", "lag_ms", "gain_db"}  # fields of every clip row


@dataclass(frozen=True)
class Choice:
    """What of a run to keep; an empty sequence keeps all.

    Attributes:
        testsets: Names of test sets.
        codecs: Ids of codecs.
        metrics: Names of metrics.
        common: Keep only the clips of a test set that all these codecs have all these metrics of; a
            metric that a codec has of no clip at all does not count.
    """

    testsets: Sequence[str] = ()
    codecs: Sequence[str] = ()
    metrics: Sequence[str] = ()
    common: bool = False

    def check(self, manifest: Manifest) -> None:
        """Refuse names that the run does not have.

        Raises:
            UserError: A name is unknown.
        """
        for kind, names, known in (
            ("test set", self.testsets, manifest.testsets_by_name),
            ("codec", self.codecs, manifest.codecs_by_id),
            ("metric", self.metrics, manifest.metrics_by_name),
        ):
            for name in names:
                if name not in known:
                    raise UserError(unknown(kind, name, known, "in the run"))

    def of_probes(self, table: pd.DataFrame) -> pd.DataFrame:
        """The rows of `probes.csv` that are kept: of test sets, codecs and the originals."""
        codecs = {*self.codecs, ORIGINAL} if self.codecs else set()
        return _keep(table, testset=self.testsets, codec=codecs)


EVERYTHING = Choice()


def narrow(tables: Tables, manifest: Manifest, choice: Choice) -> Tables:
    """Narrow the tables of a run. Means, intervals and rank groups are those of what is kept.

    Args:
        tables: The tables.
        manifest: What was run.
        choice: What to keep.

    Raises:
        UserError: A name is unknown, or no value is left.
    """
    choice.check(manifest)
    codecs = {*choice.codecs, ORIGINAL} if choice.codecs else set()
    metrics = _keep(tables.metrics, testset=choice.testsets, codec=codecs, metric=choice.metrics)
    clips = _keep(tables.clips, testset=choice.testsets, codec=codecs)
    if choice.common:
        common = _common(metrics)
        metrics = metrics[_in(metrics, common)]
        clips = clips[_in(clips, common)]
    if metrics["value"].isna().all():
        raise UserError("Nothing is left to export: no clip has a value of all that was asked for.")
    kept = {*TABLES["clips"].columns} - METRIC_COLUMNS | {*metrics["metric"].unique()}
    frame = summary_table(manifest, metrics, {})
    if not (choice.common or choice.metrics):  # statistics of single codebooks are of all clips
        books = _keep(tables.summary, testset=choice.testsets, codec=codecs)
        frame = pd.concat([frame, books[~books["metric"].isin(frame["metric"])]], ignore_index=True)
    return Tables(clips[[name for name in clips if name in kept]], metrics, frame)


def _keep(table: pd.DataFrame, **columns: Sequence[str] | set[str]) -> pd.DataFrame:
    """The rows whose columns have one of some values; an empty sequence allows all."""
    for name, allowed in columns.items():
        if allowed:
            table = table[table[name].isin(list(allowed))]
    return table


def _common(metrics: pd.DataFrame) -> set[tuple[str, str]]:
    """The clips, as (test set, clip), that have every value which a codec has of any clip."""
    values = metrics[(metrics["codec"] != ORIGINAL) & metrics["value"].notna()]
    found: set[tuple[str, str]] = set()
    for testset, of_set in values.groupby("testset", sort=False):
        there = [set(group["clip"]) for _, group in of_set.groupby(["codec", "metric"])]
        found |= {(str(testset), str(clip)) for clip in set.intersection(*there)}
    return found


def _in(table: pd.DataFrame, clips: set[tuple[str, str]]) -> list[bool]:
    return [pair in clips for pair in zip(table["testset"], table["clip"], strict=True)]
