"""A test set as it was run: its clips, and what was taken of its files."""

import re
from collections.abc import Iterable
from functools import cached_property

import numpy as np
from pydantic import Field, field_validator

from almbench.domains import Domain
from almbench.names import check_file_name, some
from almbench.privacy import shown_path
from almbench.record import Record
from almbench.statistics.clusters import Numbers, number_clusters


class ClipRecord(Record):
    """A clip of a test set.

    Attributes:
        id: Its id.
        speaker: Speaker or source.
        text: What is said, or what is heard.
        cluster: What clips share that are not independent, such as the speaker or the recording;
            empty for a clip that is independent of all others.
        labels: Further labels, by column, such as class -> dog.
    """

    id: str
    speaker: str = ""
    text: str = ""
    cluster: str = ""
    labels: dict[str, str] = Field(default_factory=dict)

    _id = field_validator("id")(check_file_name)

    @property
    def all_labels(self) -> dict[str, str]:
        """All its labels by column, speaker and text among them; without empty ones."""
        every = {"speaker": self.speaker, "text": self.text, **self.labels}
        return {column: label for column, label in every.items() if label}


class LeftOutRecord(Record):
    """What a test set leaves out for one reason.

    Attributes:
        reason: The reason.
        names: Files, by their paths below the test set's folder, or rows of its table.
    """

    reason: str
    names: tuple[str, ...]

    @property
    def words(self) -> str:
        """The count, the reason, and the first names."""
        reason = re.sub(r"^row\b", "rows", self.reason) if len(self.names) > 1 else self.reason
        return f"{len(self.names)} {reason} ({some(self.names)})"


class TestSetRecord(Record):
    """A test set as it was run.

    Attributes:
        name: Its name.
        domain: speech, sound or music.
        path: Where its sounds were.
        scoring_rate: Rate in Hz that every sound passed through before it was scored; None where
            unknown, of imported scores.
        clips: Its clips, in order.
        codecs: Ids of the codecs that took part, in order.
        metrics: Names of the metrics computed from sound, in order.
        metrics_requested: Whether the suite or the user named the metrics.
        files: How many sound files there were.
        undrawn: How many clips a limit left out.
        kept_sounds: Ids of the clips whose sounds the run folder keeps; None for all.
        left_out: What else was left out.
        others: Suffixes of the files that are no sound, and how many have each.
        remarks: What else to know of its files, in sentences without a full stop.
        seconds: Duration of all clips.
        averaged_channels: How many originals had more than one channel.
        data_hash: Hash of all clips' samples.
        means: Whether its one clip stands for means over all of them: a source of imported scores
            gave no others.
    """

    __test__ = False  # not a test class, whatever pytest thinks of the name

    name: str
    domain: Domain
    path: str
    scoring_rate: int | None
    clips: tuple[ClipRecord, ...]
    codecs: tuple[str, ...]
    metrics: tuple[str, ...]
    metrics_requested: bool
    files: int = 0
    undrawn: int = 0
    kept_sounds: tuple[str, ...] | None = None
    left_out: tuple[LeftOutRecord, ...] = ()
    others: dict[str, int] = Field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    seconds: float = 0.0
    averaged_channels: int = 0
    data_hash: str = ""
    means: bool = False

    _path = field_validator("path")(shown_path)
    _name = field_validator("name")(check_file_name)

    @cached_property
    def kept(self) -> frozenset[str] | None:
        """The clips whose sounds the run folder keeps; None for all."""
        return None if self.kept_sounds is None else frozenset(self.kept_sounds)

    def keeps(self, clip: str) -> bool:
        """Whether the run folder keeps the sounds of a clip."""
        return self.kept is None or clip in self.kept

    @property
    def size(self) -> str:
        """Its clips and clusters in words, such as "9 clips of 5 speakers"."""
        if self.means:
            return "all clips of the source"
        ids = [clip.id for clip in self.clips]
        return self.count(len(ids), len(np.unique(self.clusters(ids))))

    def count(self, clips: int, clusters: int) -> str:
        """Some of its clips and the clusters that they are of, in words."""
        words = f"{clips} clip{'' if clips == 1 else 's'}"
        if clusters >= clips:
            return words
        speakers = all(clip.cluster and clip.cluster == clip.speaker for clip in self.clips)
        kind = "speaker" if speakers else "cluster"
        return f"{words} of {clusters} {kind}{'s' if clusters > 1 else ''}"

    @property
    def took(self) -> str:
        """What was taken of its files and what was not, in words."""
        took = f"took {len(self.clips)} of {self.files} sound file{'s' if self.files != 1 else ''}"
        left = [f"{self.undrawn} not drawn"] if self.undrawn else []
        left += [group.words for group in self.left_out]
        said = [took, f"left out: {', '.join(left)}"] if left else [took]
        if self.others:
            kinds = ", ".join(f"{n} {suffix}" for suffix, n in sorted(self.others.items()))
            said.append(f"no sound: {kinds}")
        return "; ".join([*said, *self.remarks])

    def clusters(self, clips: Iterable[str]) -> Numbers:
        """The number of each clip's cluster.

        Args:
            clips: Ids of clips of this test set.
        """
        of_clip = {clip.id: clip.cluster for clip in self.clips}
        return number_clusters([of_clip[id_] for id_ in clips])
