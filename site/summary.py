"""What the overview tells of a run beside its means: its codecs, and what others published."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from almbench.results.codec_names import nominal
from almbench.results.codec_record import CodecRecord
from almbench.results.comparison import Comparison
from almbench.results.costs import codec_rows
from almbench.site.language import tr
from almbench.site.means import cell
from almbench.site.source import Run
from almbench.site.told import told
from almbench.site.words import hertz, kbps, number

EXTERNAL_METRICS = {"dnsmos": "DNSMOS", "mushra": "MUSHRA", "utmos": "UTMOS", "wer": "WER"}
"""Names of metrics that only others measured."""


@dataclass(frozen=True)
class Figure:
    """A figure that was published of a codec, beside the mean measured here; texts."""

    codec: CodecRecord
    metric: str
    value: str
    measured: str
    source: str


def published(run: Run, table: Comparison) -> list[Figure]:
    """What the suite says was published for a test set or its domain."""
    codecs = {codec.id: codec for codec in table.codecs}
    metrics = {metric.name: metric for metric in table.metrics}
    made = []
    for figure in run.manifest.suite.published:
        if figure.codec in codecs and table.testset == (figure.testset or table.testset):
            if figure.domain not in (None, table.domain):
                continue
            facts = metrics.get(figure.metric)
            measured = cell(table, figure.codec, facts).text if facts else ""
            label = facts.label if facts else EXTERNAL_METRICS.get(figure.metric, figure.metric)
            value = number(figure.value, _decimals(figure.value))
            made.append(Figure(codecs[figure.codec], label, value, measured, figure.source))
    return made


def _decimals(value: float) -> int:
    """So many decimals as the shortest way to write it has, at least one."""
    return max(1, -int(Decimal(repr(value)).as_tuple().exponent))


NUMERIC = {
    "Nominal kbps", "Measured kbps", "Parameters (M)", "GMAC/s", "Latency (ms)",
    "Real-time factor", "Memory (MB)",
}  # fmt: skip


@dataclass(frozen=True)
class CodecTable:
    """Facts of the codecs of a run: headings, which of them are of numbers, and rows of values."""

    headings: list[str]
    numeric: frozenset[str]
    rows: list[tuple[CodecRecord, list[str]]]


def codec_table(run: Run) -> CodecTable:
    """Make the table of codecs; a column without any value is left out."""
    costs = {row.codec: row for row in codec_rows(run.manifest, run.clips)}
    columns: dict[str, Callable[[CodecRecord], str]] = {
        "Family": lambda c: str(c.family),
        "Nominal kbps": nominal,
        "Measured kbps": lambda c: measured_rate(run, c.id),
        "Codes": _codes,
        "Sample rate": lambda c: sample_rate(run, c),
        "Parameters (M)": lambda c: _scaled(c.parameters, 1e6),
        "GMAC/s": lambda c: _both(costs[c.id].encode_gmacs, costs[c.id].decode_gmacs),
        "Latency (ms)": lambda c: _scaled(c.latency_ms),
        "Real-time factor": lambda c: _both(costs[c.id].encode_rtf, costs[c.id].decode_rtf),
        "Memory (MB)": lambda c: _scaled(costs[c.id].peak_memory_mb),
        "Licence": _license,
    }
    codecs = run.manifest.codecs
    values = {name: [make(codec) for codec in codecs] for name, make in columns.items()}
    shown = [name for name in values if any(values[name])]
    rows = [(codec, [values[name][i] for name in shown]) for i, codec in enumerate(codecs)]
    return CodecTable(shown, frozenset(shown) & NUMERIC, rows)


def _scaled(value: float | None, unit: float = 1) -> str:
    if value is None:
        return ""
    scaled = value / unit
    return f"{scaled:.3g}" if scaled < 1000 else f"{scaled:.0f}"


def _both(encoding: float | None, decoding: float | None) -> str:
    """A figure of encoding and decoding together."""
    return "" if encoding is None or decoding is None else _scaled(encoding + decoding)


def measured_rate(run: Run, codec: str) -> str:
    """A codec's measured kbps: the least and the greatest mean over the test sets."""
    means = [table.mean(codec, "measured_kbps") for table in run.tables]
    found = sorted(mean for mean in means if mean is not None)
    return "–".join(dict.fromkeys(kbps(value) for value in (found[:1] + found[-1:])))


def _codes(codec: CodecRecord) -> str:
    if not (codec.frame_rate and codec.codebook_sizes):
        return ""
    sizes = codec.codebook_sizes
    entries = "/".join(str(size) for size in dict.fromkeys(sizes))
    rates = [codec.frame_rate / stride for stride in codec.codebook_strides or (1,)]
    rate = "/".join(f"{rate:.4g}" for rate in rates)
    return tr("{rate} Hz × {count} of {entries}", rate=rate, count=len(sizes), entries=entries)


def sample_rate(run: Run, codec: CodecRecord) -> str:
    """A codec's own sample rate, or those of what it gave."""
    if codec.sample_rate:
        return hertz(codec.sample_rate)
    rows = [row for row in run.clips if row.codec == codec.id]
    rates = {row.sample_rate_hz for row in rows if row.sample_rate_hz}
    return ", ".join(map(hertz, sorted(rates)))


def _license(codec: CodecRecord) -> str:
    weights = told(codec.weights_license)
    parts = told(codec.license), tr("weights {license}", license=weights) if weights else ""
    return "; ".join(filter(None, parts))
