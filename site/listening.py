"""What there is to hear of a test set: every clip in every version, with its scores."""

import hashlib
from dataclasses import dataclass, replace

from almbench.names import ORIGINAL
from almbench.results.codec_names import UNIT, nominal
from almbench.results.codec_record import CodecRecord
from almbench.results.comparison import Comparison
from almbench.results.metric_record import MetricRecord
from almbench.results.table_rows import ClipRow, MetricRow
from almbench.results.tables import NOT_RUN
from almbench.results.testset_record import TestSetRecord
from almbench.site.language import tr
from almbench.site.means import Column, column
from almbench.site.media import Sound, Sounds
from almbench.site.source import Run
from almbench.site.told import told
from almbench.site.words import kbps, number


@dataclass(frozen=True)
class Score:
    """A score of a sound.

    Attributes:
        text: The value for readers; empty for none.
        reason: Why there is none.
        value: The value, rounded as it is shown; None for none.
    """

    text: str
    reason: str
    value: float | None = None


@dataclass(frozen=True)
class System:
    """What made a version: its id and label, whether it is an anchor, its kbps (empty: none)."""

    id: str
    label: str
    anchor: bool = False
    nominal: str = ""
    measured: str = ""

    @property
    def rate(self) -> str:
        """The nominal bitrate with its unit; empty for none."""
        return f"{self.nominal} {UNIT}" if self.nominal else ""


@dataclass(frozen=True)
class Version:
    """A clip as one system made it: its sound, or the reason why there is none.

    Attributes:
        system: The system.
        sound: What to hear and see.
        reason: Why there is no sound.
        note: What to know of the sound.
        scores: One a column; empty for the original.
    """

    system: System
    sound: Sound | None
    reason: str
    note: str
    scores: list[Score]


@dataclass(frozen=True)
class Clip:
    """A clip in all its versions, the original first.

    Attributes:
        name: Its id.
        key: 12 hexadecimal digits that name its page and data.
        text: What is said, or what is heard.
        speaker: Speaker or source.
        seconds: Duration; None where it is not known.
        versions: Its versions.
    """

    name: str
    key: str
    text: str
    speaker: str
    seconds: float | None
    versions: list[Version]

    @property
    def sounds(self) -> list[tuple[System, Sound]]:
        """The versions that can be heard: none, or the original and others."""
        return [(v.system, v.sound) for v in self.versions if v.sound]

    @property
    def measured(self) -> bool:
        """Whether a bitrate was measured of any of its systems."""
        return any(version.system.measured for version in self.versions)

    @property
    def changes(self) -> list[tuple[str, list[System]]]:
        """What was done to stored sounds so that they play in step, and to whose."""
        changed: dict[str, list[System]] = {}
        for system, sound in self.sounds:
            if sound.change:
                changed.setdefault(sound.change, []).append(system)
        return list(changed.items())


@dataclass(frozen=True)
class Listening:
    """The clips of a test set.

    Attributes:
        testset: The test set.
        systems: What made the versions, the original first.
        metrics: The metrics of its scores.
        columns: Their headings.
        headline: Index of the metric that is shown first.
        clips: The clips.
    """

    testset: TestSetRecord
    systems: list[System]
    metrics: list[MetricRecord]
    columns: list[Column]
    headline: int
    clips: list[Clip]


def listening(run: Run, table: Comparison, sounds: Sounds) -> Listening:
    """Gather what there is to hear of a test set.

    Args:
        run: The run.
        table: The comparison of the test set.
        sounds: The published sound of (test set, codec, clip), for each that there is.
    """
    metrics = [m for m in table.filled if m.computed_from == "sound"]
    columns = [replace(head, unit=_unit(head.unit)) for head in (column(table, m) for m in metrics)]
    first = (i for i, metric in enumerate(metrics) if table.domain in metric.headline)
    systems = {codec.id: _system(table, codec) for codec in table.codecs}
    maker = _Maker(run, table.testset, systems, metrics, sounds)
    rows: dict[str, list[ClipRow]] = {id_: [] for id_ in run.published_clips[table.testset]}
    for row in run.clips:
        if row.testset == table.testset and row.clip in rows:
            rows[row.clip].append(row)
    clips = [maker.clip(of_clip) for of_clip in rows.values()]
    every = [_source(), *systems.values()]
    return Listening(table.of, every, metrics, columns, next(first, 0), clips)


class _Maker:
    def __init__(
        self,
        run: Run,
        testset: str,
        systems: dict[str, System],
        metrics: list[MetricRecord],
        sounds: Sounds,
    ) -> None:
        self._run, self._testset, self._systems = run, testset, systems
        self._metrics, self._sounds = metrics, sounds

    def clip(self, rows: list[ClipRow]) -> Clip:
        """A clip, from its rows of `clips.csv`, one per codec."""
        by_codec = {row.codec: row for row in rows}
        first = rows[0]
        original = self._sounds.get((self._testset, ORIGINAL, first.clip))
        reason = "" if original else told(first.reason)
        versions = [
            Version(_source(), original, reason, "", []),
            *(self._version(codec, by_codec.get(codec)) for codec in self._systems),
        ]
        seconds = original.seconds if original else first.duration_s
        key = _key(self._run.slug, self._testset, first.clip)
        return Clip(first.clip, key, first.text, first.speaker, seconds, versions)

    def _version(self, codec: str, row: ClipRow | None) -> Version:
        system = self._systems[codec]
        if row is None:
            return Version(system, None, told(NOT_RUN), "", [])
        key = self._testset, codec, row.clip
        if key not in self._sounds:
            return Version(system, None, told(row.reason) or tr("no sound"), "", [])
        of_clip = self._run.scores.get((self._testset, row.clip, codec), {})
        scores = [_score(m, of_clip.get(m.name)) for m in self._metrics]
        return Version(system, self._sounds[key], "", _note(row.reason, of_clip), scores)


def _key(*names: str) -> str:
    return hashlib.sha256("\0".join(names).encode()).hexdigest()[:12]


def _unit(unit: str) -> str:
    return "" if unit == "MOS" else unit  # a scale, not a quantity


def _system(table: Comparison, codec: CodecRecord) -> System:
    seen = table.mean(codec.id, "measured_kbps")
    measured = "" if seen is None else kbps(seen)
    return System(codec.id, table.names[codec.id].title, codec.anchor, nominal(codec), measured)


def _score(metric: MetricRecord, row: MetricRow | None) -> Score:
    if row is None:
        return Score("", tr("not scored"))
    if row.value is None:
        return Score("", told(row.reason))
    text = number(row.value, metric.digits)
    return Score(text, "", round(row.value, metric.digits))


def _source() -> System:
    return System(ORIGINAL, tr("Original"))


def _note(reason: str, of_clip: dict[str, MetricRow]) -> str:
    """What to know of a sound: its row's reason, without what is unavailable in every row."""
    for row in of_clip.values():
        if row.status == "unavailable":
            reason = reason.replace(f"{row.metric}: {row.reason}", "")
    return told("; ".join(part for part in reason.split("; ") if part))
