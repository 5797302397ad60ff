"""What a referee would ask about a codec's rows: figures that do not go together, or need a word.

A remark accuses nobody: it says what was found, so that it can be explained. Nothing is left out or
changed for it. Rules that judge a single figure are in `remark_rules`, those of a table here.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from statistics import mean, median

import numpy as np
from numpy.typing import NDArray

from almbench.audio import read, resample
from almbench.errors import AudioError
from almbench.names import ORIGINAL
from almbench.results import remark_rules as rules
from almbench.results.codec_record import CodecRecord
from almbench.results.comparison import Comparison
from almbench.results.runfolder import RunFolder
from almbench.results.table_rows import ClipRow
from almbench.spectra import band_edge, band_powers

Powers = Callable[[Path, int], NDArray[np.float64]]  # of a sound at a rate in Hz
BAND_CLIPS = 3  # clips that the band is measured on; an encoder has one band for all
RATIO = 10.0  # a codec of ten times Codec2's bitrate is ahead of it, or something is wrong
TRUSTED = ("pesq_wb", "stoi")  # metrics that rank waveform and parametric codecs of speech alike
CONTRADICTIONS = (
    # No codec of the demo page, and no classical one of the suites, comes near any of these.
    ("pesq_wb", 3.0, "stoi", 0.6),  # good quality of what cannot be understood
    ("visqol_speech", 4.0, "stoi", 0.5),
    ("stoi", 0.95, "pesq_wb", 1.15),  # fully intelligible at the worst quality there is
    ("si_sdr", 15.0, "pesq_wb", 2.0),  # a waveform kept to 3 %, that sounds bad
    ("dnsmos_ovrl", 3.0, "stoi", 0.4),  # clean speech, but not what was said
)
"""A metric, the mean from which it is high, another, and the mean up to which that is low."""


@dataclass(frozen=True)
class Remark:
    """What is to be said of a codec on a test set.

    Attributes:
        testset: Name of the test set.
        codec: Id of the codec.
        kind: A key of `remark_rules.SHAPES`.
        values: What fills its braces.
    """

    testset: str
    codec: str
    kind: str
    values: dict[str, str] = field(default_factory=dict)

    @property
    def shape(self) -> str:
        """The remark in English, without what fills its braces."""
        return rules.SHAPES[self.kind]

    @property
    def text(self) -> str:
        """The remark in English."""
        return rules.sentence((self.kind, self.values))


def audit(
    tables: Sequence[Comparison], clips: Sequence[ClipRow], folder: RunFolder | None = None
) -> list[Remark]:
    """Go through the rows of a run; anchors are what they are, and left alone.

    Args:
        tables: The comparison of each test set.
        clips: The rows of `clips.csv`.
        folder: The run folder, for the band of the sounds; None to do without.
    """
    done: dict[tuple[str, str], list[ClipRow]] = {}
    for row in clips:
        if row.status in {"ok", "failed"}:
            done.setdefault((row.testset, row.codec), []).append(row)
    powers = cache(_powers)  # of originals are looked at for each codec
    return [
        Remark(table.testset, codec.id, kind, values)
        for table in tables
        for codec in table.codecs
        if not codec.anchor and (rows := done.get((table.testset, codec.id)))
        for kind, values in _found(table, codec, rows, folder, powers)
    ]


def _found(
    table: Comparison,
    codec: CodecRecord,
    rows: Sequence[ClipRow],
    folder: RunFolder | None,
    powers: Powers,
) -> Iterator[rules.Found]:
    yield from _rate(codec, rows)
    yield from _alignment(rows)
    yield from _samples(rows)
    if folder is not None:
        yield from _band(table, codec, rows, folder, powers)
    yield from _codec2(table, codec)
    yield from _contradictions(table, codec)


def _rate(codec: CodecRecord, rows: Sequence[ClipRow]) -> Iterator[rules.Found]:
    label = codec.nominal_kbps if codec.stated_kbps is None else codec.stated_kbps
    measured = [row.measured_kbps for row in rows if row.measured_kbps is not None]
    if label is None:
        return
    if not measured:
        if any(row.status == "ok" for row in rows):
            yield "no rate", {"nominal": f"{label:.3g}"}
        return
    seconds = mean(row.duration_s or 1.0 for row in rows)
    spare = 1 / (codec.frame_rate * seconds) if codec.frame_rate else 0.0
    if found := rules.of_rate(mean(measured), label, spare):
        yield found


def _alignment(rows: Sequence[ClipRow]) -> Iterator[rules.Found]:
    lags = [row.lag_ms for row in rows if row.lag_ms is not None]
    if lags and (found := rules.of_lag(median(lags))):
        yield found
    gains = [row.gain_db for row in rows if row.gain_db is not None]
    if gains and (found := rules.of_gain(median(gains))):
        yield found


def _samples(rows: Sequence[ClipRow]) -> Iterator[rules.Found]:
    cut = sum("than the original; cut" in row.reason for row in rows)
    if found := rules.of_length(cut, len(rows)):
        yield found
    samples = sum((row.duration_s or 0.0) * (row.sample_rate_hz or 0) for row in rows)
    clipped = sum(row.clipped_samples or 0 for row in rows)
    if found := rules.of_clipping(clipped, samples):
        yield found


def _powers(path: Path, rate: int) -> NDArray[np.float64]:
    sound = read(path)
    return band_powers(resample(sound.samples, sound.rate, rate), rate)


def _band(
    table: Comparison,
    codec: CodecRecord,
    rows: Sequence[ClipRow],
    folder: RunFolder,
    powers: Powers,
) -> Iterator[rules.Found]:
    """The band of some clips against that of their originals, both at the scoring rate."""
    rate = table.of.scoring_rate
    edges, originals = [], []
    for row in [row for row in rows if table.of.keeps(row.clip)][:BAND_CLIPS]:
        paths = [folder.audio(table.testset, id_, row.clip) for id_ in (ORIGINAL, codec.id)]
        if rate is None or not all(path.is_file() for path in paths):
            return
        try:
            theirs, own = [powers(path, rate) for path in paths]
        except AudioError:
            return
        edge, whole = band_edge(theirs, own, rate)
        if whole:
            edges.append(edge)
            originals.append(whole)
    if edges and (found := rules.of_band(median(edges), median(originals))):
        yield found


def _codec2(table: Comparison, codec: CodecRecord) -> Iterator[rules.Found]:
    for other in table.codecs:
        rate, least = codec.nominal_kbps, other.nominal_kbps
        if other.family != "codec2" or rate is None or least is None or rate < RATIO * least:
            continue
        pairs = {
            metric: (table.mean(codec.id, metric), table.mean(other.id, metric))
            for metric in TRUSTED
        }
        known = {m: (a, b) for m, (a, b) in pairs.items() if a is not None and b is not None}
        if known and all(a <= b for a, b in known.values()):
            labels = [m.label for m in table.metrics if m.name in known]
            yield "codec2", {"other": table.names[other.id].label, "metrics": ", ".join(labels)}
            return


def _contradictions(table: Comparison, codec: CodecRecord) -> Iterator[rules.Found]:
    metrics = {metric.name: metric for metric in table.metrics}
    for one, high, other, low in CONTRADICTIONS:
        first, second = table.mean(codec.id, one), table.mean(codec.id, other)
        if first is None or second is None or one not in metrics or other not in metrics:
            continue
        if first >= high and second <= low:
            digits = metrics[one].digits, metrics[other].digits
            yield (
                "contradiction",
                {
                    "one": metrics[one].label,
                    "high": f"{first:.{digits[0]}f}",
                    "other": metrics[other].label,
                    "low": f"{second:.{digits[1]}f}",
                },
            )
