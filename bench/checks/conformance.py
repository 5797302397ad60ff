"""Each metric against values published by its source, or computed by an independent definition."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from almbench.checks.case import Case, Sounds
from almbench.checks.conformance_cases import CASES
from almbench.errors import AudioError, MetricUndefined, Unavailable, UserError, unknown
from almbench.metrics.bitstream import VERSIONS
from almbench.metrics.registry import family_of, make_family
from almbench.packages import release

LOUDNESS = "loudness"  # no metric, but what pages match versions by


@dataclass(frozen=True)
class Conformance:
    """What a case found.

    Attributes:
        case: The case.
        version: What computed the value.
        expected: The expected value; None where nothing could be computed.
        got: The value, likewise.
        reason: Why nothing could be computed.
        skipped: Whether that is for something missing here, and no fault.
    """

    case: Case
    version: str
    expected: float | None = None
    got: float | None = None
    reason: str = ""
    skipped: bool = False

    @property
    def difference(self) -> float | None:
        """The value less the expected one."""
        return None if self.got is None or self.expected is None else self.got - self.expected

    @property
    def failed(self) -> bool:
        """Whether the metric does not conform."""
        if self.difference is None:
            return not self.skipped
        return not abs(self.difference) <= self.case.tolerance  # NaN fails


def conformance(metrics: Sequence[str], files: Path | None) -> Iterator[Conformance]:
    """Try the cases of some metrics.

    Args:
        metrics: Their names; none for all.
        files: Folder of the sounds that sources publish their values of; None for none.

    Raises:
        UserError: A metric has no case.
    """
    names = list(dict.fromkeys(case.metric for case in CASES))
    for metric in metrics:
        if metric not in names:
            raise UserError(unknown("metric", metric, names, "among the conformance cases"))
    sounds = Sounds(files)
    for case in CASES:
        if not metrics or case.metric in metrics:
            yield _try(case, sounds)


def _try(case: Case, sounds: Sounds) -> Conformance:
    version = _version(case.metric)
    try:
        expected, got = case.compute(sounds)
    except Unavailable as error:
        return Conformance(case, version, reason=str(error), skipped=True)
    except (AudioError, MetricUndefined) as error:
        return Conformance(case, version, reason=str(error))
    return Conformance(case, version, expected, got)


def _version(metric: str) -> str:
    if metric == LOUDNESS:
        return release("pyloudnorm")
    return VERSIONS.get(metric) or make_family(family_of(metric), {}).version()
