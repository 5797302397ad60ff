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
