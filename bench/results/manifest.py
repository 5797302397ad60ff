"""The manifest of a run: what it was made with and from, written and read back as typed records."""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from almbench.atomic import write_atomically
from almbench.errors import UserError
from almbench.privacy import without_folders
from almbench.record import Record
from almbench.results.codec_record import CodecRecord
from almbench.results.metric_record import MetricRecord
from almbench.results.run_record import MachineRecord, RunRecord
from almbench.results.runfolder import RunFolder
from almbench.results.testset_record import TestSetRecord
from almbench.suite.config import About
from almbench.validation import explain

SCHEMA_VERSION: Literal[2] = 2


class SuiteRecord(About):
    """The suite that was run, as far as pages tell of it.

    Attributes:
        name: Its name.
        seed: Its seed.
    """

    name: str
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)]


class PoliciesRecord(Record):
    """The rules of the house when the run was made.

    Attributes:
        version: Their version.
        text: Each in words.
    """

    version: int
    text: dict[str, str]


class SourceRecord(Record):
    """Where imported scores come from.

    Attributes:
        name: The tool that computed them.
        url: Where it is described.
        files: The files that were read, by name, with their SHA-256.
    """

    name: str
    url: str
    files: dict[str, str]


class Manifest(Record):
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
        if (probes := folder.table("probes")).is_file():
            raise UserError(
                f"{folder.root} holds what `bench probe` found of token files alone, in {probes}, "
                "and no run. For a page or exports of it, there must be sounds of these clips: "
                "bench score ORIGINALS NAME=FOLDER --codes TOKENS --labels FILE -o RUN"
            )
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
