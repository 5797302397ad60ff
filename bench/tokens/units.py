"""A token measure of a codec on a test set: what one process computes at a time."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from almbench.errors import MetricUndefined, Unavailable
from almbench.names import ORIGINAL
from almbench.results.failures import Fault, together
from almbench.results.probes import ProbeRecord, ProbeValue
from almbench.results.records import Status, signature
from almbench.tokens.measure import ClipSet, Effort, Measure, TokenSet
from almbench.tokens.sources import TokenSource
from almbench.tokens.threads import one_thread

DONE = {"ok", "skipped"}  # what else there is may go better another time
_read: dict[tuple[str, ...], tuple[TokenSet, list[Fault]]] = {}  # the codes read last


@dataclass(frozen=True)
class Unit:
    """A measure of one codec, or of the originals, on one test set; it can be sent to a process.

    Attributes:
        measure: The measure.
        target: The column of labels that is looked for; empty for none.
        source: The codec's codes, or the clips for a baseline.
        label: Name of the codec for readers.
        effort: Seed and device.
        call: Id of the call that it belongs to.
    """

    measure: Measure[Any]
    target: str
    source: TokenSource | ClipSet
    label: str
    effort: Effort
    call: str

    @property
    def key(self) -> tuple[str, ...]:
        """As of its record."""
        if isinstance(self.source, TokenSource):
            testset, codec = self.source.clips.testset, self.source.codec
        else:
            testset, codec = self.source.testset, ORIGINAL
        return testset, codec, self.measure.name, self.target

    @property
    def told(self) -> str:
        """What it is, for readers."""
        testset, codec, measure, target = self.key
        return f"{' '.join(filter(None, (measure, target)))} of {codec} on {testset}"

    def read(self) -> tuple[TokenSet | ClipSet, list[Fault]]:
        """The codes, or the clips; and what is wrong with clips that were left out."""
        if isinstance(self.source, ClipSet):
            return self.source, []
        key = self.call, *self.key[:2]
        if key not in _read:  # all measures of a codec come one after the other
            _read.clear()
            _read[key] = self.source.read()
        return _read[key]


@dataclass(frozen=True)
class Outcome:
    """What became of a unit.

    Attributes:
        record: Its record; None where that of before stands.
        faults: What is wrong with clips that were left out.
    """

    record: ProbeRecord | None
    faults: list[Fault]


def compute(unit: Unit, before: str) -> Outcome:
    """Compute a unit, on one thread.

    Args:
        unit: The unit.
        before: Signature of its record of before; where it is the same, nothing is computed.
    """
    subject, faults = unit.read()
    signed = _sign(unit, subject)
    if signed == before:
        return Outcome(None, faults)
    start = time.perf_counter()
    with one_thread():
        status, reason, values = _values(unit, subject, faults)
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
        seed=unit.effort.seed,
        seconds=round(time.perf_counter() - start, 3),
        found=tuple(values),
    )
    return Outcome(record, faults)


def _values(
    unit: Unit, subject: TokenSet | ClipSet, faults: Sequence[Fault]
) -> tuple[Status, str, list[ProbeValue]]:
    """Compute the values: status, reason and values."""
    measure, target, effort = unit.measure, unit.target, unit.effort
    if isinstance(subject, TokenSet) and faults and not subject.clipset.clips:
        [first] = together(faults[:1])
        return "unavailable", f"none of its codes can be used; the first: {first}", []
    try:
        if missing := measure.missing():
            return "unavailable", missing, []
        if isinstance(subject, TokenSet):
            values = measure.compute(subject, target, effort)
        else:
            values = measure.baseline(subject, target, effort)
    except MetricUndefined as error:
        return "skipped", str(error), []
    except Unavailable as error:
        return "unavailable", str(error), []
    return "ok", "", values


def _sign(unit: Unit, subject: TokenSet | ClipSet) -> str:
    """Hash all that can change the values."""
    measure = unit.measure
    clipset = subject.clipset if isinstance(subject, TokenSet) else subject
    clips = [
        (c.id, c.cluster, c.duration_s, c.labels if measure.takes_labels else None)
        for c in clipset.clips
    ]
    parts = [measure.name, measure.version, measure.settings.model_dump(mode="json")]
    parts += [unit.target, unit.effort.seed, clips]
    if isinstance(subject, TokenSet):
        parts += [_digest(subject.codes), subject.sizes, subject.frame_rate, *subject.strides]
        parts += [subject.codec_hash if measure.uses_codec else ""]
    if measure.uses_sound or not isinstance(subject, TokenSet):
        parts.append(clipset.sound_hash)
    return signature(*parts)


def _digest(codes: Sequence[Any]) -> str:
    hashed = hashlib.sha256()
    for one in codes:
        hashed.update(str(one.shape).encode())
        hashed.update(np.ascontiguousarray(one, "<i8").tobytes())
    return hashed.hexdigest()
