"""The results of a run: read from its folder, and handed out as tables and typed records."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from almbench.errors import UserError
from almbench.packages import missing_packages
from almbench.results.compare import PairedComparison, compare_codecs
from almbench.results.comparison import Comparison
from almbench.results.comparison import compare as compare_means
from almbench.results.formats import FORMATS, ExportFormat, TableName
from almbench.results.latex import to_latex
from almbench.results.manifest import Manifest, read_manifest
from almbench.results.markdown import to_markdown
from almbench.results.rate_distortion import RateDistortion, compare_families, families_of
from almbench.results.runfolder import RunFolder
from almbench.results.table_rows import ClipRow, MetricRow, SummaryRow, from_frame
from almbench.results.tables import read_table
from almbench.results.versa_export import to_versa


class Results:
    """What a finished run found.

    Attributes:
        folder: The run folder.
        manifest: What the run was made with and from.
    """

    def __init__(self, folder: RunFolder, manifest: Manifest) -> None:
        """Keep what is known; tables are read when asked for."""
        self.folder = folder
        self.manifest = manifest

    def keep(self, folder: TemporaryDirectory[str]) -> None:
        """Let a temporary folder live as long as these results, which are in it."""
        self._temporary = folder

    def summary(self) -> pd.DataFrame:
        """One row per test set, codec and metric: mean, interval, count, rank group.

        The columns are those of `summary.csv`.
        """
        return read_table(self.folder, "summary")

    def clips(self) -> pd.DataFrame:
        """One row per test set, clip and codec: rates, speeds, status and one column per metric.

        The columns are those of `clips.csv`.
        """
        return read_table(self.folder, "clips")

    def metrics(self) -> pd.DataFrame:
        """One row per value: status, reason, signature, version and rate.

        The columns are those of `metrics.csv`.
        """
        return read_table(self.folder, "metrics")

    @cached_property
    def clip_rows(self) -> list[ClipRow]:
        """The rows of `clips()` as records, without the columns of metrics."""
        return from_frame(self.clips(), ClipRow)

    @cached_property
    def metric_rows(self) -> list[MetricRow]:
        """The rows of `metrics()` as records."""
        return from_frame(self.metrics(), MetricRow)

    @cached_property
    def summary_rows(self) -> list[SummaryRow]:
        """The rows of `summary()` as records."""
        return from_frame(self.summary(), SummaryRow)

    @cached_property
    def comparisons(self) -> list[Comparison]:
        """The comparison of the codecs, one per test set."""
        return compare_means(self.summary_rows, self.manifest)

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

    def to_latex(self) -> str:
        """The comparisons as LaTeX tables with booktabs, one per test set."""
        return "\n".join(to_latex(table) for table in self.comparisons)

    def to_markdown(self) -> str:
        """The comparisons as Markdown tables, one per test set."""
        return "\n\n".join(to_markdown(table) for table in self.comparisons) + "\n"

    def to_json(self, table: TableName = "summary") -> str:
        """A table as JSON: a list with one object per row.

        Args:
            table: summary, clips or metrics.
        """
        frame = read_table(self.folder, table)
        return str(
            frame.to_json(orient="records", double_precision=15, indent=1, force_ascii=False)
        )

    def to_versa(self, codec: str | None = None, testset: str | None = None) -> str:
        """The scores of a codec on a test set as VERSA writes them: JSON lines, one per clip.

        Args:
            codec: Id of the codec; None for the only one.
            testset: Name of the test set; None for the only one.

        Raises:
            UserError: The run has several, or none of that name.
        """
        return to_versa(self.manifest, self.metric_rows, codec, testset)

    def export(
        self,
        format_: ExportFormat,
        table: TableName = "summary",
        codec: str | None = None,
        testset: str | None = None,
    ) -> bytes:
        """Export the run.

        CSV, Parquet and JSON hold `table`; LaTeX and Markdown hold the comparison of the codecs,
        one table per test set; versa holds the scores of a codec on a test set.

        Args:
            format_: csv, parquet, latex, markdown, json or versa.
            table: summary, clips or metrics.
            codec: Id of the codec, for versa; None for the only one.
            testset: Name of the test set, for versa; None for the only one.

        Raises:
            UserError: The folder is not a finished run, the format is unknown or needs a package
                that is missing, or there is no such codec or test set.
        """
        if format_ == "csv":
            read_table(self.folder, table)  # says so where there is no such table
            return self.folder.table(table).read_bytes()
        if format_ == "parquet":
            if missing := missing_packages(["pyarrow"], "'almbench[parquet]'"):
                raise UserError(f"The format parquet: {missing}.")
            buffer = BytesIO()
            read_table(self.folder, table).to_parquet(buffer, index=False)
            return buffer.getvalue()
        if format_ == "latex":
            return self.to_latex().encode()
        if format_ == "markdown":
            return self.to_markdown().encode()
        if format_ == "json":
            return self.to_json(table).encode()
        if format_ == "versa":
            return self.to_versa(codec, testset).encode()
        raise UserError(f"There is no export format '{format_}'. Allowed: {', '.join(FORMATS)}.")


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
