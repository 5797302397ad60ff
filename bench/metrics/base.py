"""What a metric is: its facts, and how it is called."""

from abc import ABC, abstractmethod
from collections.abc import Collection
from importlib import import_module
from typing import Any, ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from almbench.audio import Samples
from almbench.domains import DOMAINS, Domain


class Settings(BaseModel):
    """Settings of a metric family that a suite may change; part of a row's identity."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Metric(BaseModel):
    """Facts of one metric, that is of one column: the one home of each.

    Attributes:
        name: Column name.
        label: Name for readers.
        unit: Unit of the value; empty for none.
        higher_is_better: True, False, or None where neither is (a level difference).
        low: The least value it can take, if there is one.
        high: The greatest value it can take, if there is one.
        digits: Decimals worth printing.
        rate: Sample rate in Hz that it works at; None for the test set's scoring rate.
        computed_from: `sound`: original and reconstruction. `bits`: what the codec emitted.
            `codes`: its codes over the whole test set.
        no_reference: Whether it looks at the reconstruction alone; the originals are scored, too.
        reads_text: Whether it is computed from the clip's text, too.
        domains: The domains it is meant for.
        default: The domains where it is computed unless a suite names its metrics.
        headline: The domains where it is plotted, and shown first.
        compared: Whether tables that compare codecs have a column of it.
        note: What it is good for, in a sentence for readers.
        caveat: What it does not say, likewise.
        footnote: What must stand below every table of it, likewise.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    label: str
    unit: str = ""
    higher_is_better: bool | None
    low: float | None = None
    high: float | None = None
    digits: int = 3
    rate: int | None = None
    computed_from: Literal["sound", "bits", "codes"] = "sound"
    no_reference: bool = False
    reads_text: bool = False
    domains: tuple[Domain, ...] = DOMAINS
    default: tuple[Domain, ...] = ()
    headline: tuple[Domain, ...] = ()
    compared: bool = True
    note: str = ""
    caveat: str = ""
    footnote: str = ""


S = TypeVar("S", bound=Settings)


class Family(ABC, Generic[S]):
    """Metrics that are computed together.

    A family is made once a worker process and then called for many pairs.

    Attributes:
        name: The family's name, also the key of its settings in a suite.
        metrics: The metrics it computes, all at one sample rate.
        settings_type: The pydantic model of its settings.
        imports: Modules that scoring imports and that start no thread when they are imported.
        compiled_by: The package whose functions are compiled on first use and kept for later
            processes; empty for none.
    """

    name: ClassVar[str]
    metrics: ClassVar[tuple[Metric, ...]]
    settings_type: ClassVar[type[Settings]] = Settings
    imports: ClassVar[tuple[str, ...]] = ()
    compiled_by: ClassVar[str] = ""

    def __init__(self, settings: S) -> None:
        """Keep the settings; load nothing heavy yet."""
        self.settings = settings

    @property
    def rate(self) -> int | None:
        """Sample rate in Hz that it works at; None for the test set's scoring rate."""
        return self.metrics[0].rate

    @abstractmethod
    def version(self) -> str:
        """Name what computes the value and its version, such as "pesq 0.0.4, wide band".

        Called in the main process for every plan, so it imports nothing heavy.
        """

    def missing(self) -> str | None:
        """Say what is missing to compute this here, and the command that cures it."""
        return None

    def advice(self) -> str | None:
        """Say what to install to compute the same values faster, if there is something."""
        return None

    def fetch(self) -> None:
        """Fetch what it needs from the hub, once, before the processes that score look for it.

        Raises:
            Unavailable: It cannot be fetched; the message says how to get it.
        """

    def load(self) -> None:
        """Import and load what scoring needs, once in a process, apart from what is timed.

        Raises:
            Unavailable: Something that it needs is not here.
        """
        for name in self.imports:
            import_module(name)

    def prepare(self, reference: Samples, rate: int) -> Any:
        """Do the work that depends on the reference alone; its result is cached for all codecs.

        By default that is the reference, or None where no metric hears it.

        Args:
            reference: **Shape** `[T]`, already cut to the length of the pair.
            rate: Sample rate in Hz.

        Raises:
            MetricUndefined: The metric is not defined for this reference.
            Unavailable: Something that it needs is not here.
        """
        del rate
        return None if all(metric.no_reference for metric in self.metrics) else reference

    def prepare_with_text(self, reference: Samples, rate: int, text: str) -> Any:
        """Do the same for a clip whose text may be known; this is what scoring calls.

        Metrics that `reads_text` do their work here.

        Args:
            reference: As for `prepare`.
            rate: Sample rate in Hz.
            text: What is said in the clip; empty where that is not known.

        Raises:
            MetricUndefined: The metric is not defined for this reference.
            Unavailable: Something that it needs is not here.
        """
        del text
        return self.prepare(reference, rate)

    @abstractmethod
    def score(
        self,
        prepared: Any,
        reconstruction: Samples,
        rate: int,
        names: Collection[str],
    ) -> dict[str, float]:
        """Compute the metrics in `names`.

        Args:
            prepared: What `prepare` returned.
            reconstruction: **Shape** `[T]`, as long as the reference.
            rate: Sample rate of both in Hz.
            names: Which of the family's metrics are wanted.

        Returns:
            A finite value for each name.

        Raises:
            MetricUndefined: The metric is not defined for this pair, with the reason.
        """
