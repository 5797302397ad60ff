"""The manifest of a run: what it was made with and from, written and read back as typed records."""

import re
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    field_validator,
    model_validator,
)

from almbench import policies
from almbench.atomic import write_atomically
from almbench.codecs.base import Checkpoint, CodecSpec
from almbench.domains import Domain
from almbench.errors import Unavailable, UserError
from almbench.metrics.base import Metric
from almbench.names import ORIGINAL, check_file_name
from almbench.privacy import hide, shown_path, without_folders
from almbench.results.records import signature
from almbench.results.runfolder import RunFolder
from almbench.statistics.clusters import Numbers, number_clusters
from almbench.suite.config import About
from almbench.validation import explain

SCHEMA_VERSION: Literal[2] = 2
NAMES_SHOWN = 3


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SuiteRecord(About):
    """The suite that was run, as far as pages tell of it.

    Attributes:
        name: Its name.
        seed: Its seed.
    """

    name: str
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)]


class MachineRecord(_Record):
    """Where a run was made.

    Attributes:
        python: Version of Python.
        system: Operating system.
        processor: Model of the processor.
        cores: Cores of the machine; None where unknown.
    """

    python: str
    system: str
    processor: str
    cores: int | None


class UsageRecord(_Record):
    """What a codec took of the machine.

    Attributes:
        device: What it ran on.
        load_s: Seconds of loading it.
        batch: Clips that a batch may hold; 1 of a codec that takes clips one by one.
        batch_that_fits: What memory sufficed for, where it ran out with more.
        coding_s: Seconds of encoding and decoding, without what warms up.
        busy_share: Share of the time from then to the last clip that they were; the rest, the
            device waited for clips to be read and stored.
        peak_device_mb: Most memory of the device in MB; None on a CPU.
        peak_process_mb: Most resident memory of the process while the codec was loaded and ran, in
            MB, libraries included; None where the system does not tell.
        encode_macs: Multiply-accumulates of encoding a second of sound; None where not counted.
        decode_macs: The same of decoding.
    """

    device: str
    load_s: float = 0.0
    batch: int = 1
    batch_that_fits: int | None = None
    coding_s: float | None = None
    busy_share: float | None = None
    peak_device_mb: int | None = None
    peak_process_mb: int | None = None
    encode_macs: float | None = None
    decode_macs: float | None = None


class PeakMemory(_Record):
    """Peak resident memory.

    Attributes:
        main: Of the main process, in MB.
        largest_worker: Of the largest of its children, in MB.
    """

    main: int
    largest_worker: int


class CallRecord(_Record):
    """A call of a run, which may have been interrupted.

    Attributes:
        started: When it began: date and time in UTC, as ISO 8601.
        worker: Which process it was: several may work on a run at once.
        device: What neural codecs ran on.
        workers: Scoring processes.
        seconds: How long it took; None where it was killed.
        codecs: What each codec that it ran took of the machine, by its id.
    """

    started: str
    worker: str
    device: str
    workers: int
    seconds: float | None = None
    codecs: dict[str, UsageRecord] = Field(default_factory=dict)


class RunRecord(_Record):
    """How a run went, by the process that finished it.

    Attributes:
        device: What neural codecs ran on.
        workers: Scoring processes.
        seconds: Seconds of the whole.
        scored_pairs: Pairs that were scored.
        scoring_s: Seconds of scoring.
        scoring_busy_s: Seconds that the scoring processes spent on pairs, summed.
        scoring_loading_s: Seconds of those that imports, models and compilation took.
        scoring_in_metrics_s: Seconds of those inside the metrics' own code.
        codecs: What each codec took of the machine, by its id.
        peak_memory_mb: Peak resident memory; None where it is not known.
        calls: All calls of the run, those before that were interrupted too.
    """

    device: str
    workers: int
    seconds: float
    scored_pairs: int
    scoring_s: float
    scoring_busy_s: float
    scoring_loading_s: float = 0.0  # earlier versions did not tell it apart
    scoring_in_metrics_s: float
    codecs: dict[str, UsageRecord]
    peak_memory_mb: PeakMemory | None
    calls: tuple[CallRecord, ...] = ()


class ClipRecord(_Record):
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


class LeftOutRecord(_Record):
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
        shown, more = self.names[:NAMES_SHOWN], len(self.names) - NAMES_SHOWN
        rest = f" and {more} more" if more > 0 else ""
        reason = re.sub(r"^row\b", "rows", self.reason) if len(self.names) > 1 else self.reason
        return f"{len(self.names)} {reason} ({', '.join(shown)}{rest})"


class TestSetRecord(_Record):
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


class CodecRecord(CodecSpec):
    """A codec as it was run: its facts, and how it took part.

    Attributes:
        missing: Why it could not be used; empty where it could.
        missing_cause: Why, in words that codecs missing for the same cause share.
        missing_command: The shell command that gets what is missing; empty where there is none.
        precomputed: Whether its reconstructions were ready files: it was not run.
        with_codes: Whether codes lay beside the ready files.
        stated_kbps: Nominal bitrate in kbps as the suite states it, for readers; None where it does
            not.
    """

    missing: str = ""
    missing_cause: str = ""
    missing_command: str = ""
    precomputed: bool = False
    with_codes: bool = False
    stated_kbps: float | None = None

    _id = field_validator("id")(check_file_name)
    _names_no_folder = field_validator("missing", "missing_cause", "missing_command", "settings")(
        hide
    )

    @field_validator("checkpoint")
    @classmethod
    def _checkpoint(cls, checkpoint: Checkpoint | None) -> Checkpoint | None:
        source = shown_path(checkpoint.source) if checkpoint else ""
        return checkpoint and checkpoint.model_copy(update={"source": source})

    @classmethod
    def of(
        cls,
        spec: CodecSpec,
        missing: Unavailable | None,
        *,
        precomputed: bool,
        with_codes: bool = False,
        stated_kbps: float | None = None,
    ) -> Self:
        """Make the record of a codec from its facts."""
        return cls(
            **spec.model_dump(),
            missing=str(missing) if missing else "",
            missing_cause=missing.cause if missing else "",
            missing_command=missing.command if missing else "",
            precomputed=precomputed,
            with_codes=with_codes,
            stated_kbps=stated_kbps,
        )

    @property
    def has_codes(self) -> bool:
        """Whether its codes are in the run folder."""
        return bool(self.codebook_sizes) and (self.with_codes or not self.precomputed)


ORIGINALS = CodecRecord(id=ORIGINAL, label="Original", family="", sample_rate=None)
"""The originals, where they stand in a row with codecs: what no-reference metrics make of them."""


class MetricRecord(Metric):
    """A metric as it was computed.

    Attributes:
        family: The family that computed it.
        version: What computed it, in which version.
        settings: Settings of the family.
        missing: Why it could not be computed here; empty where it could.
    """

    family: str
    version: str
    settings: dict[str, JsonValue] = Field(default_factory=dict)
    missing: str = ""

    _names_no_folder = field_validator("version", "settings", "missing")(hide)

    @classmethod
    def of(
        cls, metric: Metric, family: str, version: str, settings: dict[str, JsonValue], missing: str
    ) -> Self:
        """Make the record of a metric from its facts."""
        facts = metric.model_dump()
        return cls(**facts, family=family, version=version, settings=settings, missing=missing)

    def signature(self, reconstruction: str, scoring_rate: int | None, text: str = "") -> str:
        """Hash all that can change a score by this metric.

        Args:
            reconstruction: Signature of the reconstruction.
            scoring_rate: Scoring rate of the test set in Hz.
            text: Text of the clip; it counts for metrics that read it.
        """
        made = policies.VERSION, reconstruction, self.name, self.version
        return signature(*made, self.settings, scoring_rate, *([text] if self.reads_text else []))


class PoliciesRecord(_Record):
    """The rules of the house when the run was made.

    Attributes:
        version: Their version.
        text: Each in words.
    """

    version: int
    text: dict[str, str]


class SourceRecord(_Record):
    """Where imported scores come from.

    Attributes:
        name: The tool that computed them.
        url: Where it is described.
        files: The files that were read, by name, with their SHA-256.
    """

    name: str
    url: str
    files: dict[str, str]


class Manifest(BaseModel):
    """All facts of a run that are not in its rows.

    Attributes:
        schema_version: Version of this form.
        almbench: Version of almbench.
        commit: Git commit of almbench, where it ran from a checkout.
        finished: When, as ISO 8601 in UTC.
        command: The command line.
        suite: The suite.
        suite_sha256: Hash of `suite.toml`.
        machine: Where.
        packages: Versions of the packages that compute; None for one that is not installed.
        run: How it went.
        testsets: The test sets, in order.
        skipped: What was left out, each with the reason: test sets in which no codec takes part,
            and what the suite calls optional and was not here.
        left_out: What the run folder holds from earlier runs and the tables do not show, such as
            codecs that a run with `--codec` left out.
        codecs: The codecs, in order.
        metrics: The metrics, in order; those of bits and codes last.
        policies: The rules.
        source: Where the scores come from, if they were imported: then there is no sound, and no
            `suite.toml`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[2] = SCHEMA_VERSION
    almbench: str
    commit: str | None
    finished: str
    command: str
    suite: SuiteRecord
    suite_sha256: str
    machine: MachineRecord
    packages: dict[str, str | None]
    run: RunRecord
    testsets: tuple[TestSetRecord, ...]
    skipped: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    codecs: tuple[CodecRecord, ...]
    metrics: tuple[MetricRecord, ...]
    policies: PoliciesRecord
    source: SourceRecord | None = None

    @model_validator(mode="after")
    def _names_what_it_has(self) -> Self:
        codecs, metrics = self.codecs_by_id, self.metrics_by_name
        if len(codecs) < len(self.codecs) or len(self.testsets_by_name) < len(self.testsets):
            raise ValueError("a codec or a test set is listed twice")
        for testset in self.testsets:
            for kind, names, known in (
                ("codec", testset.codecs, codecs),
                ("metric", testset.metrics, metrics),
            ):
                if missing := set(names) - set(known):
                    raise ValueError(f"test set {testset.name}: no facts of {kind} {min(missing)}")
            if len({clip.id for clip in testset.clips}) < len(testset.clips):
                raise ValueError(f"test set {testset.name} lists a clip twice")
        return self

    @field_validator("skipped")
    @classmethod
    def _name_no_folder(cls, skipped: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(without_folders, skipped))

    @cached_property
    def codecs_by_id(self) -> dict[str, CodecRecord]:
        """The codecs by id."""
        return {codec.id: codec for codec in self.codecs}

    @cached_property
    def metrics_by_name(self) -> dict[str, MetricRecord]:
        """The metrics by name."""
        return {metric.name: metric for metric in self.metrics}

    @cached_property
    def testsets_by_name(self) -> dict[str, TestSetRecord]:
        """The test sets by name."""
        return {testset.name: testset for testset in self.testsets}


def write_manifest(manifest: Manifest, folder: RunFolder) -> None:
    """Write `manifest.json` in one step."""
    text = manifest.model_dump_json(indent=2) + "\n"
    write_atomically(folder.manifest, text.encode())


def read_manifest(folder: RunFolder) -> Manifest:
    """Read a run's manifest.

    Raises:
        UserError: The folder is not a finished run, its manifest is damaged, or another version of
            almbench wrote it.
    """
    if not folder.manifest.is_file():
        raise UserError(
            f"{folder.root} is not a finished run: manifest.json is missing. "
            f"Make or finish it with: bench run SUITE -o {folder.root}"
        )
    folder.check(folder.manifest)
    return _parse(folder.manifest, folder.root)


class _Version(BaseModel):
    """The one field that manifests of every version have."""

    schema_version: int


def _parse(path: Path, root: Path) -> Manifest:
    text = path.read_bytes()
    try:
        version = _Version.model_validate_json(text).schema_version
        if version != SCHEMA_VERSION:
            raise UserError(
                f"{root} was made by another version of almbench (schema {version}, this one reads "
                f"{SCHEMA_VERSION}): run its suite again with: "
                f"bench run {root / 'suite.toml'} -o {root}"
            )
        return Manifest.model_validate_json(text)
    except (ValidationError, ValueError, RecursionError) as error:
        damaged = f"{path} is damaged."
        if isinstance(error, ValidationError):
            damaged = explain(error, Manifest, str(path)).splitlines()[0]
        raise UserError(
            f"{damaged} The manifest is damaged: run its suite again with: "
            f"bench run {root / 'suite.toml'} -o {root}"
        ) from error
