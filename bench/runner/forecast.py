"""What a run would do: what is done already, how long the rest may take, and how large it gets."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

import soundfile

from almbench.names import ORIGINAL
from almbench.results.records import OriginalRow, ReconstructionRow, ScoreRow, unchanged
from almbench.results.row_files import read_rows
from almbench.results.runfolder import RunFolder
from almbench.runner.claims import claimed
from almbench.runner.keeping import Keeping
from almbench.runner.originals import is_kept, sign
from almbench.runner.plan import PlannedTestSet
from almbench.runner.reconstruct import Reconstructor, reconstruction_unit, sharing
from almbench.runner.scoring import Scorer
from almbench.runner.units import Unit, blocks
from almbench.suite.testsets import Clip

BYTES = 2  # a sample at 16 bit; FLAC takes about half of it


@dataclass
class Amount:
    """How much of a stage there is.

    Attributes:
        total: All of it.
        kept: What earlier runs did.
        seconds: What the rest takes, as far as speeds are known.
        unknown: What has no known speed: codecs, or metric families.
        units: In how many units of work workers share it.
        units_done: Units of which nothing is to do.
        units_claimed: Others that a worker has just now.
    """

    total: int = 0
    kept: int = 0
    seconds: float = 0.0
    unknown: set[str] = field(default_factory=set)
    units: int = 0
    units_done: int = 0
    units_claimed: int = 0

    @property
    def to_do(self) -> int:
        """What is left."""
        return self.total - self.kept

    def add(self, other: "Amount") -> None:
        """Add another amount of the same stage."""
        self.total += other.total
        self.kept += other.kept
        self.seconds += other.seconds
        self.unknown |= other.unknown
        self.units += other.units
        self.units_done += other.units_done
        self.units_claimed += other.units_claimed


@dataclass
class Forecast:
    """What a run would do.

    Attributes:
        originals: Clips to store.
        reconstructions: Clips to send through codecs, one each.
        scores: Values to compute.
        codecs: The reconstructions of each codec, by its id; codecs may share units.
        codec_scores: The scores of each codec, and of `original` where they have scores.
        workers: How many workers have claimed units.
        sound_s: Seconds of sound to be stored, originals included.
        bytes: How much room they take as 16-bit samples, which is more than FLAC takes.
        unread: Clips whose duration cannot be told.
        left_out: What the folder holds from earlier runs and the tables will not show.
    """

    originals: Amount = field(default_factory=Amount)
    reconstructions: Amount = field(default_factory=Amount)
    scores: Amount = field(default_factory=Amount)
    codecs: dict[str, Amount] = field(default_factory=dict)
    codec_scores: dict[str, Amount] = field(default_factory=dict)
    workers: int = 0
    sound_s: float = 0.0
    bytes: int = 0
    unread: int = 0
    left_out: tuple[str, ...] = ()

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

    def add(self, other: "Forecast") -> None:
        """Add what a run would do of other clips."""
        self.originals.add(other.originals)
        self.reconstructions.add(other.reconstructions)
        self.scores.add(other.scores)
        for id_, amount in other.codecs.items():
            self.codecs.setdefault(id_, Amount()).add(amount)
        for id_, amount in other.codec_scores.items():
            self.codec_scores.setdefault(id_, Amount()).add(amount)
        self.sound_s += other.sound_s
        self.bytes += other.bytes
        self.unread += other.unread


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
    claims = claimed(folder.root)
    clips = _Clips(folder, reconstructor, scorer, workers, keeping)
    made = Forecast(workers=len(set(claims.values())))
    for testset in testsets:
        for block in blocks(testset.clips):
            part = Forecast()
            for clip in block:
                clips.add(part, testset, clip)
            _count_units(part, testset, block, claims)
            made.add(part)
    return made


def _count_units(
    part: Forecast, testset: PlannedTestSet, block: Sequence[Clip], claims: Container[str]
) -> None:
    """Count the units of a block, of which `part` says what is to do."""

    def count(unit: Unit, amounts: list[Amount], whole: list[Amount]) -> None:
        done = not any(amount.to_do for amount in amounts)
        for amount in amounts + whole:
            amount.units += 1
            amount.units_done += done
            amount.units_claimed += not done and unit.id in claims

    ids = tuple(clip.id for clip in block)
    count(Unit(OriginalRow, testset.name, (), ids), [part.originals], [])
    for codecs in sharing(testset):
        of_codecs = [part.codecs[c.record.id] for c in codecs if c.record.id in part.codecs]
        if of_codecs:
            unit = reconstruction_unit(testset, codecs, block)
            count(unit, of_codecs, [part.reconstructions])
    for codec, amount in part.codec_scores.items():
        count(Unit(ScoreRow, testset.name, (codec,), ids), [amount], [part.scores])


class _Clips:
    """Compares clips of a plan with what is in a run folder."""

    def __init__(
        self,
        folder: RunFolder,
        reconstructor: Reconstructor,
        scorer: Scorer,
        workers: int,
        keeping: Keeping,
    ) -> None:
        self._folder = folder
        self._reconstructor = reconstructor
        self._scorer = scorer
        self._workers = workers
        self._keeping = keeping
        self._speeds = _Speeds(folder)
        self._originals = read_rows(folder.root, OriginalRow)

    def add(self, made: Forecast, testset: PlannedTestSet, clip: Clip) -> None:
        """Add what a run would do of a clip."""
        row = self._originals.get((testset.name, clip.id))
        kept = is_kept(self._folder, row, signed := sign(clip)) or (
            row is not None and row.signature == signed and self._keeping.is_spared(row, clip)
        )
        made.originals.total += 1
        made.originals.kept += kept
        seconds, rate = _length(clip.path)
        made.unread += not seconds
        if not kept:
            made.sound_s += seconds
            made.bytes += round(seconds * rate) * BYTES
        itself = row if kept and row else _unknown(testset.name, clip.id)
        self._add_scores(made, testset, ORIGINAL, unchanged(itself))
        for planned in testset.usable:
            done = self._reconstructor.kept(testset.name, planned, clip) if kept else None
            of_codec = made.codecs.setdefault(planned.record.id, Amount())
            for amount in (made.reconstructions, of_codec):
                amount.total += 1
                amount.kept += done is not None
                if done is None:
                    self._speeds.add_codec(amount, planned.record.id, seconds)
            if done is None:
                made.sound_s += seconds
                made.bytes += round(seconds * (planned.record.sample_rate or rate)) * BYTES
            self._add_scores(made, testset, planned.record.id, done)

    def _add_scores(
        self, made: Forecast, testset: PlannedTestSet, codec: str, row: ReconstructionRow | None
    ) -> None:
        if not (total := Scorer.scores_of(testset, codec)):
            return
        wanted = self._scorer.requests(testset, row)
        for amount in (made.scores, made.codec_scores.setdefault(codec, Amount())):
            amount.total += total
            amount.kept += total - sum(len(request.metrics) for request in wanted)
            for request in wanted:
                self._speeds.add_family(amount, request.metrics, self._workers)


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
