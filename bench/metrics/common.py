"""What several metric families share."""

from almbench.audio import Samples
from almbench.errors import MetricUndefined


def refuse_silence(samples: Samples, whose: str) -> None:
    """Refuse a sound without any signal: empty, or the same value throughout.

    Args:
        samples: **Shape** `[T]`.
        whose: What it is, for the message, such as "reference".

    Raises:
        MetricUndefined: The sound is silent.
    """
    if len(samples) == 0 or samples.min() == samples.max():
        raise MetricUndefined(f"the {whose} is silent")


def refuse_shorter(samples: Samples, rate: int, least: int, what: str) -> None:
    """Refuse a sound that is too short for a metric.

    Args:
        samples: **Shape** `[T]`.
        rate: Sample rate in Hz.
        least: Samples that it takes.
        what: The metric, for the message.

    Raises:
        MetricUndefined: The sound is shorter.
    """
    if len(samples) < least:
        raise MetricUndefined(
            f"{len(samples) / rate:.3f} s is too short for {what} ({least / rate:g} s)"
        )


def refuse_longer(samples: Samples, rate: int, most_s: int, what: str) -> None:
    """Refuse a sound that a metric was not made for, and that costs it memory or its process.

    Args:
        samples: **Shape** `[T]`.
        rate: Sample rate in Hz.
        most_s: Seconds that it takes.
        what: The metric, for the message.

    Raises:
        MetricUndefined: The sound is longer.
    """
    if len(samples) > most_s * rate:
        raise MetricUndefined(
            f"{len(samples) / rate:.0f} s is too long: {what} is computed of up to {most_s} s "
            "here; score the clip in parts"
        )
