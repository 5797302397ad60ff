"""The results of a run: read from its folder, and handed out as tables and typed records."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal, Self

import pandas as pd

from almbench.errors import UserError, unknown
from almbench.packages import missing_packages
from almbench.results.audit import Remark, audit
from almbench.results.compare import PairedComparison, compare_codecs
from almbench.results.comparison import Comparison
from almbench.results.comparison import compare as compare_means
from almbench.results.costs import codec_table
from almbench.results.formats import FORMATS, ExportFormat, TableName
from almbench.results.frames import PIECE, from_frame, plain
from almbench.results.latex import to_latex
from almbench.results.manifest import Manifest, read_manifest
from almbench.results.markdown import to_markdown
from almbench.results.narrow import EVERYTHING, Choice, narrow
from almbench.results.rate_distortion import RateDistortion, compare_families, families_of
from almbench.results.rate_points import families
from almbench.results.runfolder import RunFolder
from almbench.results.table_files import csv_parts, read_table
from almbench.results.table_rows import ClipRow, MetricRow, SummaryRow
from almbench.results.tables import Tables
from almbench.results.values import Values
from almbench.results.versa_export import to_versa

if TYPE_CHECKING:
    from almbench.codecs.base import Codec
    from almbench.codecs.reconstructions import Reconstructions


class Results:
    """What a finished run found.

    Attributes:
        folder: The run folder.
        manifest: What the run was made with and from.
        objects: Codecs of the run that are objects, by their ids; none of a run that was loaded.
    """

    def __init__(
        self,
        folder: RunFolder,
        manifest: Manifest,
        tables: Tables | None = None,
        choice: Choice = EVERYTHING,
    ) -> None:
        """Keep what is known; tables that are not given are read when asked for."""
        self.folder = folder
        self.manifest = manifest
        self._tables = tables
        self._choice = choice
        self.objects: Mapping[str, Codec[Any] | Reconstructions] = {}

    def keep(self, folder: TemporaryDirectory[str]) -> None:
        """Let a temporary folder live as long as these results, which are in it."""
        self._temporary = folder

    def summary(self) -> pd.DataFrame:
        """One row per test set, codec and metric: mean, interval, count, rank group.

        The columns are those of `summary.csv`.
        """
        return self._table("summary")

    def clips(self) -> pd.DataFrame:
        """One row per test set, clip and codec: rates, speeds, status and one column per metric.

        The columns are those of `clips.csv`.
        """
        return self._table("clips")

    def metrics(self) -> pd.DataFrame:
        """One row per value: status, reason, signature, version and rate.

        The columns are those of `metrics.csv`.
        """
        return plain(self._table("metrics"))

    def probes(self) -> pd.DataFrame:
        """One row per number that a token measure found: interval, chance, baseline.

        The columns are those of `probes.csv`, which `bench probe` makes.
        """
        return self._table("probes")

    def codecs(self) -> pd.DataFrame:
        """One row per codec: parameters, multiply-accumulates, latency, speed, memory."""
        return self._table("codecs")

    def _table(self, name: TableName) -> pd.DataFrame:
        if name == "codecs":
            return codec_table(self.manifest, self.clip_rows)
        if self._tables is None:
            return read_table(self.folder, name)
        if name == "probes":
            return self._choice.of_probes(read_table(self.folder, name))
        table: pd.DataFrame = getattr(self._tables, name)
        return table

    def only(
        self,
        *,
        testsets: Sequence[str] = (),
        codecs: Sequence[str] = (),
        metrics: Sequence[str] = (),
        common_clips: bool = False,
    ) -> Self:
        """A part of these results: tables, comparisons and exports hold nothing else.

        Means, intervals and rank groups are computed anew, of what is kept.

        Args:
            testsets: Names of test sets; all by default.
            codecs: Ids of codecs; all by default.
            metrics: Names of metrics; all by default.
            common_clips: Keep only the clips that all these codecs have all these metrics of.

        Raises:
            UserError: A name is unknown, or nothing is left.
        """
        tables = Tables(self.clips(), self.by_metric.table, self.summary())
        choice = Choice(testsets, codecs, metrics, common_clips)
        narrowed = narrow(tables, self.manifest, choice)
        return type(self)(self.folder, self.manifest, narrowed, choice)

    @cached_property
    def clip_rows(self) -> list[ClipRow]:
        """The rows of `clips()` as records, without the columns of metrics."""
        return from_frame(self.clips(), ClipRow)

    @cached_property
    def by_metric(self) -> Values:
        """The values of `metrics()`, metric by metric; of these a run may have millions."""
        return Values(self._table("metrics"))

    @property
    def metric_rows(self) -> list[MetricRow]:
        """The rows of `metrics()` as records, which take much memory where they are many."""
        return from_frame(self.by_metric.table, MetricRow)

    @cached_property
    def summary_rows(self) -> list[SummaryRow]:
        """The rows of `summary()` as records."""
        return from_frame(self.summary(), SummaryRow)

    @cached_property
    def comparisons(self) -> list[Comparison]:
        """The comparison of the codecs, one per test set."""
        made = compare_means(self.summary_rows, self.manifest)
        return made if self._tables is None else [table for table in made if table.codecs]

    def compare(self, a: str, b: str, metric: str) -> list[PairedComparison]:
        """Compare codec `b` with codec `a`, clip by clip, one record per test set that has both.

        P-values are Holm-adjusted over the test sets.

        Args:
            a: Id of the codec to compare with.
            b: Id of the codec.
            metric: Name of the metric.

        Raises:
            UserError: No test set has values of both.
        """
        return compare_codecs(self, [(a, b)], [metric])

    def rate_distortion(
        self,
        baseline: str,
        family: str,
        metric: str,
        families: Mapping[str, Sequence[str]] | None = None,
    ) -> list[RateDistortion]:
        """Compare two codec families over their operating points by Bjøntegaard deltas.

        Two records per test set that has both: the bitrate at equal quality, and the metric at
        equal bitrate. Bitrates are the measured ones.

        Args:
            baseline: Name of the family to compare with, such as "opus".
            family: Name of the family.
            metric: Name of the metric.
            families: Ids of the codecs of further families, by their names.

        Raises:
            UserError: A family, codec or metric is not in the run, or no test set has both.
        """
        known = {**families_of(self.manifest), **(families or {})}
        return compare_families(self, known, [(baseline, family)], [metric])

    def to_latex(
        self,
        testsets: Sequence[str] = (),
        metrics: Sequence[str] = (),
        *,
        intervals: bool = False,
    ) -> str:
        """The comparisons as LaTeX tables with booktabs, one per test set.

        Args:
            testsets: Names of test sets; all by default.
            metrics: Names of metrics; all by default.
            intervals: Whether each mean has its 95 % interval beside it.
        """
        tables = self._narrowed(testsets, metrics)
        return "\n".join(to_latex(table, intervals=intervals) for table in tables)

    def to_markdown(
        self,
        testsets: Sequence[str] = (),
        metrics: Sequence[str] = (),
        *,
        intervals: bool = False,
    ) -> str:
        """The comparisons as Markdown tables, one per test set.

        Args:
            testsets: Names of test sets; all by default.
            metrics: Names of metrics; all by default.
            intervals: Whether each mean has its 95 % interval beside it.
        """
        tables = self._narrowed(testsets, metrics)
        return "\n\n".join(to_markdown(table, intervals=intervals) for table in tables) + "\n"

    def to_json(self, table: TableName = "summary") -> str:
        """A table as JSON in full precision: a list with one object per row.

        Args:
            table: summary, clips, metrics, codecs or probes.
        """
        return b"".join(self.table_parts("json", table)).decode()

    def to_versa(self, codec: str | None = None, testset: str | None = None) -> str:
        """The scores of a codec on a test set as VERSA writes them: JSON lines, one per clip.

        Args:
            codec: Id of the codec; None for the only one.
            testset: Name of the test set; None for the only one.

        Raises:
            UserError: The run has several, or none of that name.
        """
        return to_versa(self.manifest, self.by_metric, codec, testset)

    def figure(
        self,
        format_: Literal["pdf", "svg"] = "pdf",
        width: str = "3.3in",
        testsets: Sequence[str] = (),
        metrics: Sequence[str] = (),
    ) -> bytes:
        """Draw quality against bitrate for a paper, one panel per test set and metric.

        Args:
            format_: pdf, with fonts embedded as Type 42, or svg, with text as outlines.
            width: Width with its unit: in, cm, mm or pt; about 3.3in for one column, 6.9in for two.
            testsets: Names of test sets; all by default.
            metrics: Names of metrics; the headline metrics of each domain by default.

        Raises:
            UserError: A name is unknown, the width is none, or there is nothing to draw.
        """
        from almbench.results.figures import draw_figure, figure_width

        tables = self._narrowed(testsets, metrics)
        order = families(self.manifest.codecs)
        highlight = self.manifest.suite.highlight
        return draw_figure(tables, metrics, order, figure_width(width), format_, highlight)

    def remarks(self) -> list[Remark]:
        """What a referee would ask about the codecs' rows: `almbench.results.audit`."""
        return audit(self.comparisons, self.clip_rows, self.folder)

    def _narrowed(self, testsets: Sequence[str], metrics: Sequence[str]) -> list[Comparison]:
        """The comparisons of some test sets, by some metrics."""
        for kind, names, known in (
            ("test set", testsets, {table.testset for table in self.comparisons}),
            ("metric", metrics, {m.name for table in self.comparisons for m in table.filled}),
        ):
            for name in names:
                if name not in known:
                    raise UserError(unknown(kind, name, known, "to export"))
        return [
            replace(table, metrics=[m for m in table.metrics if m.name in metrics or not metrics])
            for table in self.comparisons
            if table.testset in testsets or not testsets
        ]

    def export(
        self,
        format_: ExportFormat,
        table: TableName = "summary",
        codec: str | None = None,
        testsets: Sequence[str] = (),
        metrics: Sequence[str] = (),
        width: str = "3.3in",
        *,
        intervals: bool = False,
    ) -> bytes:
        """Export the run.

        CSV, Parquet and JSON hold `table`; LaTeX and Markdown hold the comparison of the codecs,
        one table per test set; PDF and SVG draw quality against bitrate; versa holds the scores of
        a codec on a test set.

        Args:
            format_: csv, parquet, latex, markdown, json, versa, pdf or svg.
            table: summary, clips, metrics, codecs or probes.
            codec: Id of the codec, for versa; None for the only one.
            testsets: Test sets of a comparison or drawing, all by default; the one of versa.
            metrics: Metrics of a comparison or drawing; all, or the headline metrics, by default.
            width: Width of a drawing, with its unit: in, cm, mm or pt.
            intervals: Whether LaTeX and Markdown have 95 % intervals; the tables always have them.

        Raises:
            UserError: The folder is not a finished run, a name is unknown, or the format is unknown
                or needs a package that is missing.
        """
        makers: dict[ExportFormat, Callable[[], bytes]] = {
            "csv": lambda: b"".join(self.table_parts("csv", table)),
            "parquet": lambda: self._parquet(table),
            "latex": lambda: self.to_latex(testsets, metrics, intervals=intervals).encode(),
            "markdown": lambda: self.to_markdown(testsets, metrics, intervals=intervals).encode(),
            "json": lambda: b"".join(self.table_parts("json", table)),
            "versa": lambda: self._versa(codec, testsets),
            "pdf": lambda: self.figure("pdf", width, testsets, metrics),
            "svg": lambda: self.figure("svg", width, testsets, metrics),
        }
        if format_ not in makers:
            raise UserError(unknown("export format", format_, FORMATS))
        return makers[format_]()

    def table_parts(
        self, format_: Literal["csv", "json"], table: TableName = "summary"
    ) -> Iterator[bytes]:
        """Export a table that may be large, piece by piece.

        Args:
            format_: csv or json.
            table: summary, clips, metrics, codecs or probes.

        Raises:
            UserError: The folder is not a finished run.
        """
        if format_ == "json":
            return _json(self._table(table))
        if self._tables is not None or table == "codecs":
            return csv_parts(self._table(table))
        read_table(self.folder, table)  # says so where there is no such table, or it is damaged
        return _file(self.folder.table(table))

    def _parquet(self, table: TableName) -> bytes:
        if missing := missing_packages(["pyarrow"], "'almbench[parquet]'"):
            raise UserError(f"The format parquet: {missing}.")
        buffer = BytesIO()
        plain(self._table(table)).to_parquet(buffer, index=False)
        return buffer.getvalue()

    def _versa(self, codec: str | None, testsets: Sequence[str]) -> bytes:
        if len(testsets) > 1:
            raise UserError("The format versa holds one test set: give --testset once.")
        return self.to_versa(codec, *testsets).encode()


def _file(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(2**20):
            yield piece


def _json(table: pd.DataFrame) -> Iterator[bytes]:
    """A table as a list of objects, piece by piece."""
    if table.empty:
        yield b"[]\n"
        return
    before = "["
    for start in range(0, len(table), PIECE):
        piece = table[start : start + PIECE].astype(object)
        rows = piece.where(piece.notna(), None).to_dict("records")
        text = json.dumps(rows, indent=1, ensure_ascii=False, allow_nan=False)
        yield (before + text.removeprefix("[").removesuffix("\n]")).encode()
        before = ","
    yield b"\n]\n"


def load_results(run: str | Path) -> Results:
    """Load the results of a finished run.

    Args:
        run: The run folder.

    Raises:
        UserError: The folder is not a finished run, its manifest is damaged, or another version of
            almbench made it.
    """
    folder = RunFolder(Path(run))
    return Results(folder, read_manifest(folder))
