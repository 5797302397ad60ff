"""WARP-Q: how far warped patches of speech lie from the original, made for generative codecs.

Jassim, Skoglund, Chinen and Hines, "Speech quality assessment with WARP-Q: From similarity to
subsequence dynamic time warp cost", IET Signal Processing 16(9), 2022, with the settings of the
authors' package `warpq` 1.5.2. That package needs older releases of NumPy and of a voice detector,
so it is computed here.
"""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from almbench.audio import Samples
from almbench.errors import MetricUndefined
from almbench.metrics.base import Family, Metric, Settings
from almbench.metrics.common import refuse_longer, refuse_silence
from almbench.packages import release
from almbench.spectra import magnitudes, mel_filters

RATE = 16_000
SIZE, WINDOW, HOP = 1024, 512, 64  # samples
BANDS, TOP_HZ, COEFFICIENTS, LIFTER = 128, 5000.0, 13, 3
POWER_FLOOR, RANGE_DB = 1e-10, 80.0
NORM_FRAMES = 201  # over which mean and variance of the coefficients are brought to 0 and 1
PATCH, STEP = 92, 42  # frames
LEAST_S = 0.4
LONGEST_S = 60  # time grows with the square of the length
VOICE = 480  # samples: 30 ms
BLOCK = 32  # patches warped at once, so that long sounds need little memory

Floats = NDArray[np.float64]


class WarpQ(Family[Settings]):
    """Median cost of warping patches of the reconstruction onto the reference.

    Both lose what WebRTC's voice detector (mode 0) takes for pauses. Of 13 mel-frequency cepstral
    coefficients every 4 ms, normalised over a sliding window, each patch of 0.4 s is laid on the
    part of the reference that it fits best, by subsequence dynamic time warping.
    """

    name = "warpq"
    metrics = (
        Metric(
            name="warpq",
            label="WARP-Q",
            higher_is_better=False,
            low=0.0,
            digits=2,
            rate=RATE,
            domains=("speech",),
            note="Whether the sounds of speech are kept, whatever became of their timing.",
            caveat=(
                "Blind to level, to what lies above 5 kHz and to pauses. An original has about 0.5 "
                "against itself, as the warping may not go straight on."
            ),
        ),
    )

    imports = ("scipy.fft", "scipy.ndimage", "scipy.spatial.distance", "webrtcvad")

    def version(self) -> str:
        """Name the settings and the voice detector."""
        return f"as warpq 1.5.2, raw score, median, {release('webrtcvad-wheels')}"

    def prepare(self, reference: Samples, rate: int) -> Floats:
        """Compute the coefficients of the reference, **Shape** `[F, 13]`.

        Raises:
            MetricUndefined: The reference is silent, too long, or has too little voice.
        """
        refuse_longer(reference, rate, LONGEST_S, "WARP-Q")
        return _coefficients(reference, "reference")

    def score(
        self, prepared: Floats, reconstruction: Samples, rate: int, names: Collection[str]
    ) -> dict[str, float]:
        """Compute the median cost.

        Raises:
            MetricUndefined: The reconstruction is silent, or has too little voice.
        """
        del rate, names
        made = _coefficients(reconstruction, "reconstruction")
        return {self.name: float(np.median(patch_costs(made, prepared)))}


def _coefficients(samples: Samples, whose: str) -> Floats:
    refuse_silence(samples, whose)
    voiced = samples[voice(samples)]
    if len(voiced) < LEAST_S * RATE:
        raise MetricUndefined(
            f"the {whose} has {len(voiced) / RATE:.2f} s of voice, WARP-Q needs {LEAST_S} s"
        )
    return normalise(mfcc(voiced))


def voice(samples: Samples) -> NDArray[np.bool_]:
    """Where there is voice, in windows of 30 ms and their neighbours; **Shape** `[T]`."""
    from webrtcvad import Vad

    detector = Vad(0)
    integers = (np.clip(samples, -1, 1 - 2**-15) * 2**15).astype("<i2")
    windows = np.pad(integers, (0, VOICE - len(integers) % VOICE)).reshape(-1, VOICE)
    found = [detector.is_speech(window.tobytes(), RATE) for window in windows]
    wider = np.convolve(found, np.ones(3), mode="same") > 0
    return np.repeat(wider, VOICE)[: len(samples)]


def mfcc(samples: Samples) -> Floats:
    """Mel-frequency cepstral coefficients, sine-liftered, **Shape** `[F, 13]`."""
    from scipy.fft import dct

    power = magnitudes(samples, SIZE, HOP, WINDOW, ends="constant") ** 2
    mel = power @ mel_filters(RATE, SIZE, BANDS, top=TOP_HZ).T
    decibels = 10 * np.log10(np.maximum(mel, POWER_FLOOR))
    decibels = np.maximum(decibels, decibels.max() - RANGE_DB)
    cepstrum = dct(decibels, norm="ortho")[:, :COEFFICIENTS]
    lifter = 1 + LIFTER / 2 * np.sin(np.pi * np.arange(1, 1 + COEFFICIENTS) / LIFTER)
    return np.asarray(cepstrum * lifter, np.float64)


def normalise(values: Floats) -> Floats:
    """Take off the mean of a sliding window of frames, then divide by its standard deviation."""
    from scipy.ndimage import uniform_filter1d

    def mean(of: Floats) -> Floats:
        return np.asarray(uniform_filter1d(of, NORM_FRAMES, axis=0, mode="reflect"))

    centred = values - mean(values)
    variance = mean(centred**2) - mean(centred) ** 2
    return np.asarray(centred / (np.sqrt(np.maximum(variance, 0)) + 2**-30))


def patch_costs(made: Floats, reference: Floats) -> Floats:
    """The cost of the best place in the reference for each patch of what was made.

    Args:
        made: **Shape** `[F, 13]`.
        reference: **Shape** `[F', 13]`.

    Returns:
        **Shape** `[P]`: the cost of the cheapest path through a patch by its frames. A step goes
        on by a frame of the patch, by three of the reference, or by both.
    """
    starts = np.arange(0, len(made) - PATCH + 1, STEP)
    blocks = [starts[i : i + BLOCK] for i in range(0, len(starts), BLOCK)]
    return np.concatenate([_cheapest(made, reference, block) for block in blocks]) / PATCH


def _cheapest(made: Floats, reference: Floats, starts: NDArray[np.int64]) -> Floats:
    """Costs of the cheapest paths, by rows: within one, every third place follows the other."""
    from scipy.spatial.distance import cdist

    spare = -len(reference) % 3

    def costs(row: int) -> Floats:
        far = np.pad(cdist(made[starts + row], reference), ((0, 0), (0, spare)))
        return np.asarray(far.reshape(len(starts), -1, 3), np.float64)

    paths = costs(0)  # a patch may begin anywhere
    for row in range(1, PATCH):
        cost = costs(row)
        before = np.minimum(paths[:, 1:], paths[:, :-1])
        entered = np.concatenate([paths[:, :1], before], axis=1)
        summed = np.cumsum(cost, axis=1)
        paths = summed + np.minimum.accumulate(entered - (summed - cost), axis=1)
    whole = paths.reshape(len(starts), -1)
    return np.asarray(whole[:, : len(reference)].min(axis=1))
