"""A metric as it was computed: its facts, version and settings."""

from typing import Self

from pydantic import Field, JsonValue, field_validator

from almbench import policies
from almbench.metrics.base import Metric
from almbench.privacy import hide
from almbench.results.records import signature


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
