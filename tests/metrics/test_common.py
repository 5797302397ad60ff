import numpy as np
import pytest

from almbench.errors import MetricUndefined
from almbench.metrics.common import refuse_silence


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
