"""Runs made of scores that another tool computed: compared and shown like any other, but silent."""

import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from almbench.audio import sha256
from almbench.domains import DOMAINS, Domain
from almbench.errors import UserError
from almbench.metrics import bitstream
from almbench.metrics.base import Metric
from almbench.metrics.registry import metric as own_metric
from almbench.privacy import command_line
from almbench.results.checksums import write_checksums
from almbench.results.codec_record import CodecRecord
from almbench.results.manifest import (
    Manifest,
    PoliciesRecord,
    SourceRecord,
    SuiteRecord,
    write_manifest,
)
from almbench.results.metric_record import MetricRecord
from almbench.results.records import (
    OriginalRow,
    ReconstructionRow,
    Row,
    ScoreRow,
    Status,
    signature,
)
from almbench.results.row_files import Writer
from almbench.results.run_record import MachineRecord, RunRecord
from almbench.results.runfolder import RunFolder
from almbench.results.table_files import write_tables
from almbench.results.tables import build_tables
from almbench.results.testset_record import ClipRecord, TestSetRecord
from almbench.version import __version__


@dataclass(frozen=True, kw_only=True)
class Source:
    """A tool whose scores are read.

    Attributes:
        name: Its name for readers.
        url: Where it is described.
        slug: What the names of its metrics begin with.
        rules: What to know of its numbers.
    """

    name: str
    url: str
    slug: str
    rules: str


@dataclass(frozen=True, kw_only=True)
class ForeignMetric:
    """A metric as a source has it.

    Attributes:
        key: Its name there.
        same_as: The metric here whose definition is the same; empty for none.
        higher_is_better: Which way is better; None where unknown.
        compared: Whether tables that compare codecs have a column of it.
        caveat: What to know of its values.
    """

    key: str
    same_as: str = ""
    higher_is_better: bool | None = None
    compared: bool = True
    caveat: str = ""

    def name(self, source: Source) -> str:
        """Its name here."""
        return self.same_as or f"{source.slug}_{self.key.replace('-', '_')}"

    def record(self, source: Source, domains: Collection[Domain]) -> MetricRecord:
        """Its record: the facts of the metric here, or what is known of its own."""
        version = f"{self.key} by {source.name}"
        if self.same_as:
            facts = own_metric(self.same_as)
            return MetricRecord.of(facts, source.slug, version, {}, "")
        facts = Metric(
            name=self.name(source),
            label=f"{self.key} ({source.name})",
            higher_is_better=self.higher_is_better,
            domains=tuple(d for d in DOMAINS if d in domains),
            compared=self.compared,
            note=f"As {source.name} computes it.",
            caveat=self.caveat,
        )
        return MetricRecord.of(facts, source.slug, version, {}, "")


@dataclass(frozen=True, kw_only=True)
class ForeignScore:
    """A value of a clip through a codec, or why there is none."""

    testset: str
    clip: str
    codec: str
    key: str
    value: float | None
    status: Status = "ok"
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Foreign:
    """All that is read from files of a source.

    Attributes:
        source: The source.
        files: The files.
        domains: The domain of each test set.
        codecs: Ids of the codecs, each with the reason why the source has no scores of it.
        metrics: The metrics by their keys.
        scores: The scores.
        means: Whether the one clip of a test set stands for the means over all its clips.
        left_out: What is in the files and not in the run, each with the reason.
    """

    source: Source
    files: Sequence[Path]
    domains: dict[str, Domain]
    codecs: dict[str, str]
    metrics: dict[str, ForeignMetric]
    scores: list[ForeignScore]
    means: bool = False
    left_out: tuple[str, ...] = ()


def write_imported(foreign: Foreign, root: Path, rate: int | None) -> None:
    """Make a finished run of another tool's scores.

    Args:
        foreign: What was read.
        root: The run folder; new, or empty.
        rate: Sample rate in Hz of the sounds that were scored; None where unknown.

    Raises:
        UserError: The folder holds something, or there are no scores.
    """
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise UserError(f"-o {root} holds something already. Choose a new folder.")
    if not foreign.scores:
        raise UserError(f"{', '.join(map(str, foreign.files))}: there are no scores in it.")
    folder = RunFolder(root)
    manifest = _manifest(foreign, rate)
    _write_rows(foreign, folder, manifest)
    write_tables(build_tables(folder, manifest), folder)
    write_manifest(manifest, folder)
    write_checksums(folder)


def _manifest(foreign: Foreign, rate: int | None) -> Manifest:
    source = foreign.source
    record = SourceRecord(
        name=source.name,
        url=source.url,
        files={path.name: sha256(path) for path in foreign.files},
    )
    about = f"Scores that {source.name} computed, from {', '.join(record.files)}. {source.rules}"
    if foreign.left_out:
        about += f"\n\nLeft out: {'; '.join(foreign.left_out)}."
    emitted = [
        MetricRecord.of(metric, bitstream.FAMILY, bitstream.VERSIONS[metric.name], {}, "")
        for metric in bitstream.BITSTREAM_METRICS
    ]
    metrics = {m.name(source): m for m in foreign.metrics.values()}
    domains = set(foreign.domains.values())
    return Manifest(
        almbench=__version__,
        commit=None,
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command_line(sys.argv[1:]),
        suite=SuiteRecord(
            name=source.slug.replace("_", "-"),
            seed=0,
            title=f"Scores by {source.name}",
            description=about,
        ),
        suite_sha256="",
        machine=MachineRecord(python="", system="", processor="", cores=None),
        packages={},
        run=RunRecord(
            device="",
            workers=0,
            seconds=0.0,
            scored_pairs=0,
            scoring_s=0.0,
            scoring_busy_s=0.0,
            scoring_in_metrics_s=0.0,
            codecs={},
            peak_memory_mb=None,
        ),
        testsets=tuple(_testset(foreign, name, rate) for name in foreign.domains),
        skipped=(),
        codecs=tuple(
            CodecRecord(
                id=id_, label=id_, family=id_, sample_rate=None, precomputed=True, missing=missing
            )
            for id_, missing in foreign.codecs.items()
        ),
        metrics=(*(m.record(source, domains) for m in metrics.values()), *emitted),
        policies=PoliciesRecord(version=0, text={"Scores": source.rules}),
        source=record,
    )


def _testset(foreign: Foreign, name: str, rate: int | None) -> TestSetRecord:
    scores = [score for score in foreign.scores if score.testset == name]
    keys = {score.key for score in scores}
    clips = tuple(ClipRecord(id=id_) for id_ in dict.fromkeys(score.clip for score in scores))
    return TestSetRecord(
        name=name,
        domain=foreign.domains[name],
        path="",
        scoring_rate=rate,
        clips=clips,
        codecs=tuple(foreign.codecs),
        metrics=tuple(m.name(foreign.source) for key, m in foreign.metrics.items() if key in keys),
        metrics_requested=False,
        data_hash=signature([(clip.id, "") for clip in clips]),
        means=foreign.means,
    )


def _write_rows(foreign: Foreign, folder: RunFolder, manifest: Manifest) -> None:
    rows = list(_rows(foreign, manifest))
    for kind in (OriginalRow, ReconstructionRow, ScoreRow):
        with Writer(folder.root, kind) as writer:
            for row in rows:
                if isinstance(row, kind):
                    writer.write(row)


def _rows(foreign: Foreign, manifest: Manifest) -> Iterator[Row]:
    """The rows of every clip through every codec, and of every metric of each."""
    made = signature(manifest.source)
    names = {key: metric.name(foreign.source) for key, metric in foreign.metrics.items()}
    given = {(s.testset, s.clip, s.codec, names[s.key]): s for s in foreign.scores}
    for testset, clip in ((t, c.id) for t in manifest.testsets for c in t.clips):
        yield OriginalRow(testset=testset.name, clip=clip, status="ok", signature=made)
        for codec, missing in foreign.codecs.items():
            yield ReconstructionRow(
                testset=testset.name,
                clip=clip,
                codec=codec,
                status="unavailable" if missing else "ok",
                reason=missing,
                signature=made,
            )
            for name in () if missing else testset.metrics:
                score = given.get((testset.name, clip, codec, name))
                none = f"{foreign.source.name} gives no value"
                yield ScoreRow(
                    testset=testset.name,
                    clip=clip,
                    codec=codec,
                    metric=name,
                    value=score.value if score else None,
                    status=score.status if score else "skipped",
                    reason=score.reason if score else none,
                    signature=manifest.metrics_by_name[name].signature(made, testset.scoring_rate),
                )
