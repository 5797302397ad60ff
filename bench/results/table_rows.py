"""The rows of a run's three tables. The fields of a row are the columns of its CSV file."""

from dataclasses import dataclass, field, fields
from typing import get_type_hints

from almbench.domains import Domain
from almbench.results.formats import TableName
from almbench.results.records import Status


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipRow:
    """A row of `clips.csv`: one per test set, clip and codec.

    The file has further columns: one per metric that is not among these.

    Attributes:
        testset: Name of the test set.
        domain: Its domain.
        clip: Id of the clip.
        codec: Id of the codec.
        label: Name of the codec for readers.
        duration_s: Duration of the original in seconds.
        nominal_kbps: Nominal bitrate in kbps.
        measured_kbps: Payload bits really emitted over the duration, in kbps.
        entropy_kbps: What the codes would take at their frequencies, in kbps.
        tokens_per_second: Codes per second over all codebooks.
        frame_rate_hz: Frames per second.
        encode_rtf: Seconds of encoding per second of sound.
        decode_rtf: Seconds of decoding per second of sound.
        lag_ms: Lag that is left, in ms; positive where the reconstruction is late. Skipped where
            several lags fit alike, as for a steady tone.
        gain_db: Level of the reconstruction over the original's, in dB.
        status: ok, failed, skipped or unavailable.
        reason: Why it is not ok, or what to know of it.
        speaker: Speaker or source of the clip.
        text: What is said, or what is heard.
        sample_rate_hz: Sample rate of the stored reconstruction.
        clipped_samples: Samples of the reconstruction beyond full scale.
        encoded_with: The deeper codec whose encoding this one shares, if it does.
    """

    testset: str
    domain: Domain
    clip: str
    codec: str
    label: str
    duration_s: float | None = None
    nominal_kbps: float | None = None
    measured_kbps: float | None = None
    entropy_kbps: float | None = None
    tokens_per_second: float | None = None
    frame_rate_hz: float | None = None
    encode_rtf: float | None = None
    decode_rtf: float | None = None
    lag_ms: float | None = None
    gain_db: float | None = None
    status: Status
    reason: str = ""
    speaker: str = ""
    text: str = ""
    sample_rate_hz: int | None = None
    clipped_samples: int | None = None
    encoded_with: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricRow:
    """A row of `metrics.csv`: one value, or why there is none.

    Attributes:
        testset: Name of the test set.
        domain: Its domain.
        clip: Id of the clip.
        codec: Id of the codec; "original" where a no-reference metric scored the original itself.
        metric: Name of the metric.
        value: The value; None for none.
        status: ok, failed, skipped or unavailable.
        reason: Why there is no value; empty for ok.
        seconds: Seconds of computing it.
        signature: Hash of all that can change it.
        version: What computed it.
        rate_hz: Sample rate it was computed at; None where that means nothing.
    """

    testset: str
    domain: Domain
    clip: str
    codec: str
    metric: str
    value: float | None = None
    status: Status
    reason: str = ""
    seconds: float | None = None
    signature: str = ""
    version: str = ""
    rate_hz: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CodecRow:
    """A row of the table `codecs`: what a codec costs.

    Attributes:
        codec: Id of the codec.
        label: Name of the codec for readers.
        family: The kind of codec.
        nominal_kbps: Nominal bitrate in kbps.
        sample_rate_hz: Its own sample rate; None where it takes any.
        frame_rate_hz: Frames per second.
        parameters: Number of weights.
        encode_gmacs: Multiply-accumulates of encoding a second of sound, in billions; None where
            they were not counted.
        decode_gmacs: The same of decoding.
        latency_ms: Algorithmic latency in ms: a frame and the delay; None where unknown, or where
            the whole clip must be there.
        encode_rtf: Seconds of encoding per second of sound, over all clips.
        decode_rtf: Seconds of decoding per second of sound, over all clips.
        device: What it was timed on; empty where it was not.
        peak_memory_mb: Most memory while it was loaded and ran, in MB: of tensors on a GPU, or the
            resident memory of the process on a CPU, its libraries included.
        missing: Why it could not be used; empty where it could.
    """

    codec: str
    label: str
    family: str
    nominal_kbps: float | None = None
    sample_rate_hz: int | None = None
    frame_rate_hz: float | None = None
    parameters: int | None = None
    encode_gmacs: float | None = None
    decode_gmacs: float | None = None
    latency_ms: float | None = None
    encode_rtf: float | None = None
    decode_rtf: float | None = None
    device: str = ""
    peak_memory_mb: int | None = None
    missing: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SummaryRow:
    """A row of `summary.csv`: the mean of a metric over the clips of a test set.

    Attributes:
        testset: Name of the test set.
        domain: Its domain.
        codec: Id of the codec; "original" for the originals themselves, by no-reference metrics.
        metric: Name of the metric, or of a statistic of one codebook, such as `codebook_use_k1`.
        mean: The mean; None for none.
        ci95_low: Lower end of its 95 % interval.
        ci95_high: Upper end.
        n: Clips it is over.
        clusters: Clusters that those are of, such as speakers: what is independent.
        failed: Clips that failed.
        rank_group: Numbers of its rank groups, such as "1 2"; empty where it is not ranked.
        label: Name of the codec for readers.
        version: What computed it.
        rate_hz: Sample rate it was computed at; None where that means nothing.
        reason: Why there is no mean, or no interval of it.
    """

    testset: str
    domain: Domain
    codec: str
    metric: str
    mean: float | None = None
    ci95_low: float | None = None
    ci95_high: float | None = None
    n: int = 0
    clusters: int = 0
    failed: int = 0
    rank_group: str = ""
    label: str = ""
    version: str = ""
    rate_hz: int | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbeRow:
    """A row of `probes.csv`: a number that a token measure found of a codec on a test set.

    Attributes:
        testset: Name of the test set.
        codec: Id of the codec; "original" for plain features of the originals' sound.
        label: Name of the codec for readers.
        measure: Name of the number, such as `probe_accuracy`.
        target: What was looked for, such as `speaker`; empty where nothing was.
        input: What it was computed from, such as `bag` or `sequence`, where there are several.
        book: The codebook, counted from 1, or `all`.
        value: The number; None for none.
        unit: Its unit; empty for none.
        ci95_low: Lower end of its 95 % interval.
        ci95_high: Upper end.
        n: Clips, or pairs or triples of them, that it is over.
        clusters: Clusters that those are of, such as speakers: what is independent.
        chance: What guessing gives.
        baseline: What plain features of the originals' sound give.
        reason: Why there is no value, or no interval of it; or what to know of it.
        seconds: Seconds of computing it, together with what is computed along with it.
        seed: Seed of all that was drawn.
        settings: Settings of the measure, as JSON.
        signature: Hash of all that can change it.
        version: What computed it.
    """

    testset: str
    codec: str
    label: str = ""
    measure: str
    target: str = ""
    input: str = ""
    book: str
    value: float | None = None
    unit: str = ""
    ci95_low: float | None = None
    ci95_high: float | None = None
    n: int = 0
    clusters: int = 0
    chance: float | None = None
    baseline: float | None = None
    reason: str = ""
    seconds: float | None = None
    seed: int = 0
    settings: str = ""
    signature: str = ""
    version: str = ""


AnyRow = ClipRow | MetricRow | SummaryRow | CodecRow | ProbeRow


@dataclass(frozen=True)
class TableForm:
    """What a table is.

    Attributes:
        row: The class of its rows.
        holds: What a row of it is, for readers.
        many: Whether a run may have millions of its rows.
    """

    row: type[AnyRow]
    holds: str
    many: bool = False
    columns: list[str] = field(init=False)

    def __post_init__(self) -> None:
        """Read the columns off the class of the rows."""
        object.__setattr__(self, "columns", [f.name for f in fields(self.row)])


TABLES: dict[TableName, TableForm] = {
    "clips": TableForm(
        ClipRow, "one row per clip and codec: rates, speeds, status and every metric"
    ),
    "metrics": TableForm(
        MetricRow, "one row per value: status, reason, version and rate", many=True
    ),
    "summary": TableForm(
        SummaryRow, "one row per mean: its interval, rank group, count and failures"
    ),
    "codecs": TableForm(
        CodecRow, "one row per codec: size, arithmetic, latency, speed, memory; made when asked for"
    ),
    "probes": TableForm(ProbeRow, "one row per number that a token measure found"),
}


TEXT = {
    name
    for form in TABLES.values()
    for name, hint in get_type_hints(form.row).items()
    if hint is str or "Literal" in str(hint)
}
"""Columns that hold text: an empty cell is the empty text."""
WHOLE = {
    name
    for form in TABLES.values()
    for name, hint in get_type_hints(form.row).items()
    if hint == (int | None)
}
"""Columns that hold whole numbers, or nothing."""
