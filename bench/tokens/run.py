"""Compute token measures of codecs, one unit after the other; what is done already is kept."""

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from almbench.errors import MetricUndefined, Unavailable
from almbench.names import ORIGINAL
from almbench.progress import Stage, note, stage
from almbench.results.manifest import ORIGINALS
from almbench.results.probes import ProbeRecord, ProbeValue, probe_table, read_probes
from almbench.results.records import Status, Writer, signature
from almbench.results.runfolder import RunFolder
from almbench.results.tables import write_probes
from almbench.tokens.measure import ClipSet, Effort, Measure, TokenSet
from almbench.tokens.sources import TokenSource

DONE = {"ok", "skipped"}  # what else there is may go better another time


@dataclass(frozen=True)
class Unit:
    """A measure of one codec, or of the originals, on one test set.

    Attributes:
        measure: The measure.
        target: The column of labels that is looked for; empty for none.
        subject: The codes, or the clips for a baseline.
        label: Name of the codec for readers.
    """

    measure: Measure[Any]
    target: str
    subject: TokenSet | ClipSet
    label: str

    @property
    def codec(self) -> str:
        """Id of the codec; "original" for a baseline."""
        return self.subject.codec if isinstance(self.subject, TokenSet) else ORIGINAL

    @property
    def clipset(self) -> ClipSet:
        """The clips."""
        return self.subject.clipset if isinstance(self.subject, TokenSet) else self.subject

    @property
    def key(self) -> tuple[str, ...]:
        """As of its record."""
        return self.clipset.testset, self.codec, self.measure.name, self.target

    def sign(self, effort: Effort) -> str:
        """Hash all that can change its values."""
        measure, subject = self.measure, self.subject
        clips = [
            (c.id, c.cluster, c.duration_s, c.labels if measure.takes_labels else None)
            for c in self.clipset.clips
        ]
        parts = [measure.name, measure.version, measure.settings.model_dump(mode="json")]
        parts += [self.target, effort.seed, clips]
        if isinstance(subject, TokenSet):
            parts += [_digest(subject.codes), subject.sizes, subject.frame_rate, *subject.strides]
            parts += [subject.codec_hash if measure.uses_codec else ""]
        if measure.uses_sound or not isinstance(subject, TokenSet):
            parts.append(self.clipset.sound_hash)
        return signature(*parts)

    def compute(self, effort: Effort) -> tuple[Status, str, list[ProbeValue]]:
        """Compute its values: status, reason and values."""
        try:
            if missing := self.measure.missing():
                return "unavailable", missing, []
            if isinstance(self.subject, TokenSet):
                values = self.measure.compute(self.subject, self.target, effort)
            else:
                values = self.measure.baseline(self.subject, self.target, effort)
        except MetricUndefined as error:
            return "skipped", str(error), []
        except Unavailable as error:
            return "unavailable", str(error), []
        return "ok", "", values


def _digest(codes: Sequence[Any]) -> str:
    hashed = hashlib.sha256()
    for one in codes:
        hashed.update(str(one.shape).encode())
        hashed.update(np.ascontiguousarray(one, "<i8").tobytes())
    return hashed.hexdigest()


def run_measures(
    folder: RunFolder,
    sources: Sequence[TokenSource],
    measures: Sequence[Measure[Any]],
    targets: Sequence[str],
    effort: Effort,
) -> list[ProbeRecord]:
    """Compute measures of codecs, write the records and the table `probes.csv`.

    Args:
        folder: Where the records are, and those of before.
        sources: The codecs on their test sets.
        measures: The measures.
        targets: Columns of labels; empty for each measure's own choice.
        effort: Seed and device.

    Returns:
        The records of these sources and measures, those of before included.
    """
    known = {record.key: record for record in read_probes(folder)}
    asked: dict[tuple[str, ...], ProbeRecord] = {}
    units = list(_units(sources, measures, targets))
    with (
        stage("Probing", len(units), "measures") as shown,
        Writer(folder.root, ProbeRecord) as rows,
    ):
        for unit in units:
            record = _do(unit, effort, known.get(unit.key), rows, shown)
            asked[record.key] = record
    write_probes(probe_table(read_probes(folder)), folder)
    return list(asked.values())


def _units(
    sources: Sequence[TokenSource], measures: Sequence[Measure[Any]], targets: Sequence[str]
) -> Iterator[Unit]:
    by_set: dict[str, list[TokenSource]] = {}
    for source in sources:
        by_set.setdefault(source.clips.testset, []).append(source)
    for of_set in by_set.values():
        clips = of_set[0].clips
        chosen = [(m, t) for m in measures for t in m.targets(clips, targets)]
        for measure, target in chosen:
            if clips.read_sound and type(measure).baseline is not Measure.baseline:
                yield Unit(measure, target, clips, ORIGINALS.label)
        for source in of_set:
            of_source = [(m, t) for m, t in chosen if source.has_codes or not m.needs_codes]
            if not of_source:
                continue
            tokens, faults = source.read()
            for fault in faults:
                note(f"Left out: {fault}")
            for measure, target in of_source:
                yield Unit(measure, target, tokens, source.label)


def _do(
    unit: Unit, effort: Effort, before: ProbeRecord | None, rows: Writer, shown: Stage
) -> ProbeRecord:
    signed = unit.sign(effort)
    if before is not None and before.status in DONE and before.signature == signed:
        shown.keep()
        return before
    start = time.perf_counter()
    status, reason, values = unit.compute(effort)
    testset, codec, family, target = unit.key
    record = ProbeRecord(
        testset=testset,
        codec=codec,
        label=unit.label,
        family=family,
        target=target,
        status=status,
        reason=reason,
        signature=signed,
        version=unit.measure.version,
        settings=unit.measure.settings.model_dump(mode="json"),
        seed=effort.seed,
        seconds=round(time.perf_counter() - start, 3),
        found=tuple(values),
    )
    rows.write(record)
    shown.advance()
    return record
