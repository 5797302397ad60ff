"""What a run would do: what is done already, how long the rest may take, and how large it gets."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

import soundfile

from almbench.names import ORIGINAL
from almbench.results.records import (
    OriginalRow,
    ReconstructionRow,
    ScoreRow,
    read_rows,
    unchanged,
)
from almbench.results.runfolder import RunFolder
from almbench.runner.keeping import Keeping
from almbench.runner.originals import is_kept, sign
from almbench.runner.plan import PlannedTestSet
from almbench.runner.reconstruct import Reconstructor
from almbench.runner.scoring import Scorer

BYTES = 2  # a sample at 16 bit; FLAC takes about half of it


@dataclass
class Amount:
    """How much of a stage there is.

    Attributes:
        total: All of it.
        kept: What earlier runs did.
        seconds: What the rest takes, as far as speeds are known.
        unknown: What has no known speed: codecs, or metric families.
    """

    total: int = 0
    kept: int = 0
    seconds: float = 0.0
    unknown: set[str] = field(default_factory=set)

    @property
    def to_do(self) -> int:
        """What is left."""
        return self.total - self.kept


@dataclass
class Forecast:
    """What a run would do.

    Attributes:
        originals: Clips to store.
        reconstructions: Clips to send through codecs, one each.
        scores: Values to compute.
        codecs: The reconstructions of each codec, by its id.
        sound_s: Seconds of sound to be stored, originals included.
        bytes: How much room they take as 16-bit samples, which is more than FLAC takes.
        unread: Clips whose duration cannot be told.
    """

    originals: Amount = field(default_factory=Amount)
    reconstructions: Amount = field(default_factory=Amount)
    scores: Amount = field(default_factory=Amount)
    codecs: dict[str, Amount] = field(default_factory=dict)
    sound_s: float = 0.0
    bytes: int = 0
    unread: int = 0

    @property
    def seconds(self) -> float | None:
        """What it takes; None where speeds are not known."""
        stages = (self.reconstructions, self.scores)
        if any(stage.unknown for stage in stages):
            return None
        return sum(stage.seconds for stage in stages)

    @property
    def unknown(self) -> set[str]:
        """What has no known speed."""
        return self.reconstructions.unknown | self.scores.unknown


def forecast(
    folder: RunFolder,
    testsets: list[PlannedTestSet],
    reconstructor: Reconstructor,
    scorer: Scorer,
    workers: int,
    keeping: Keeping,
) -> Forecast:
    """Compare a plan with what is in a run folder.

    Args:
        folder: The run folder, which may not be there yet.
        testsets: The test sets.
        reconstructor: Knows which reconstructions hold.
        scorer: Knows which scores hold.
        workers: Scoring processes.
        keeping: Knows which originals are needed.
    """
    made = Forecast()
    speeds = _Speeds(folder)
    originals = read_rows(folder.root, OriginalRow)
    for testset in testsets:
        for clip in testset.clips:
            row = originals.get((testset.name, clip.id))
            kept = is_kept(folder, row, signed := sign(clip)) or (
                row is not None and row.signature == signed and keeping.is_spared(row, clip)
            )
            made.originals.total += 1
            made.originals.kept += kept
            seconds, rate = _length(clip.path)
            made.unread += not seconds
            if not kept:
                made.sound_s += seconds
                made.bytes += round(seconds * rate) * BYTES
            itself = row if kept and row else _unknown(testset.name, clip.id)
            subjects: list[tuple[str, ReconstructionRow | None]] = [(ORIGINAL, unchanged(itself))]
            for planned in testset.usable:
                done = reconstructor.kept(testset.name, planned, clip) if kept else None
                of_codec = made.codecs.setdefault(planned.record.id, Amount())
                for amount in (made.reconstructions, of_codec):
                    amount.total += 1
                    amount.kept += done is not None
                    if done is None:
                        speeds.add_codec(amount, planned.record.id, seconds)
                if done is None:
                    made.sound_s += seconds
                    made.bytes += round(seconds * (planned.record.sample_rate or rate)) * BYTES
                subjects.append((planned.record.id, done))
            for codec, subject in subjects:
                made.scores.total += Scorer.scores_of(testset, codec)
                wanted = scorer.requests(testset, subject)
                count = sum(len(request.metrics) for request in wanted)
                made.scores.kept += Scorer.scores_of(testset, codec) - count
                for request in wanted:
                    speeds.add_family(made.scores, request.metrics, workers)
    return made


def _unknown(testset: str, clip: str) -> OriginalRow:
    """An original that is not there yet."""
    return OriginalRow(testset=testset, clip=clip, status="ok", signature="")


class _Speeds:
    """Speeds that a run folder tells of: codecs' by the second of sound, metrics' by the clip."""

    def __init__(self, folder: RunFolder) -> None:
        originals = read_rows(folder.root, OriginalRow)
        codecs: dict[str, list[float]] = {}
        for row in read_rows(folder.root, ReconstructionRow).values():
            original = originals.get((row.testset, row.clip))
            if row.status == "ok" and original and original.duration_s:
                spent = (row.encode_s or 0.0) + (row.decode_s or 0.0)
                codecs.setdefault(row.codec, []).append(spent / original.duration_s)
        metrics: dict[str, list[float]] = {}
        for score in read_rows(folder.root, ScoreRow).values():
            if score.status == "ok":
                metrics.setdefault(score.metric, []).append(score.seconds)
        self._codecs = {id_: fmean(values) for id_, values in codecs.items()}
        self._metrics = {name: fmean(values) for name, values in metrics.items()}

    def add_codec(self, amount: Amount, codec: str, seconds: float) -> None:
        """Add the time of a clip through a codec."""
        if codec in self._codecs:
            amount.seconds += self._codecs[codec] * seconds
        else:
            amount.unknown.add(codec)

    def add_family(self, amount: Amount, metrics: Iterable[str], workers: int) -> None:
        """Add the time of metrics that are computed together: each row has the whole of it."""
        names = list(metrics)
        known = [self._metrics[name] for name in names if name in self._metrics]
        if known:
            amount.seconds += max(known) / workers
        else:
            amount.unknown.update(names)


def _length(path: Path) -> tuple[float, int]:
    """Seconds and rate of a sound by its header; 0 seconds where that does not tell."""
    try:
        facts = soundfile.info(path)
    except (OSError, soundfile.SoundFileError):
        return 0.0, 0
    return facts.duration, facts.samplerate
