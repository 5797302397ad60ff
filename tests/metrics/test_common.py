import numpy as np
import pytest

from almbench.errors import MetricUndefined
from almbench.metrics.common import absent, refuse_silence, release


def test_release_names_package_and_version() -> None:
    assert release("pystoi") == "pystoi 0.4.1"
    assert release("no-such-package") == "no-such-package (not installed)"


def test_absent_names_what_is_missing_and_the_cure() -> None:
    assert absent(["numpy"], "pip install numpy") is None
    assert absent(["numpy", "nowhere", "nothing"], "pip install nowhere") == (
        "nowhere and nothing are not installed: pip install nowhere"
    )
    assert absent(["nowhere"], "pip install it") == "nowhere is not installed: pip install it"


@pytest.mark.parametrize("samples", [np.zeros(0), np.zeros(100), np.full(100, 0.2)])
def test_silence_is_no_samples_or_no_change(
    samples: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> None:
    with pytest.raises(MetricUndefined, match="the reference is silent"):
        refuse_silence(samples, "reference")


def test_the_smallest_step_of_16_bits_is_not_silence() -> None:
    samples = np.zeros(100)
    samples[50] = 2**-15
    refuse_silence(samples, "reference")
