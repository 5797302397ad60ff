"""What several metric families share: package versions, missing packages, silence."""

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from almbench.audio import Samples
from almbench.errors import MetricUndefined


def release(package: str) -> str:
    """Name an installed package and its version, such as "pesq 0.0.4", without importing it."""
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package} (not installed)"


def absent(modules: Iterable[str], cure: str) -> str | None:
    """Say which of the top-level modules cannot be found, and the command that installs them."""
    gone = [module for module in modules if find_spec(module) is None]
    if not gone:
        return None
    return f"{' and '.join(gone)} {'is' if len(gone) == 1 else 'are'} not installed: {cure}"


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
