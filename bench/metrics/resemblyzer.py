"""The speaker encoder of the package Resemblyzer, by numpy, with the package's own weights.

Wan, Wang, Papir and Moreno, "Generalized end-to-end loss for speaker verification", ICASSP 2018;
code and weights by Resemble AI, Apache License 2.0. The package itself would bring PyTorch along.
"""

from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from almbench.audio import Samples
from almbench.spectra import magnitude_parts, mel_filters

PACKAGE = "resemblyzer 0.1.4"
WEIGHTS = "resemblyzer.npz"  # the package's pretrained.pt without the state of its training
RATE = 16_000
LEAST_RMS = 10 ** (-30 / 20)  # quieter speech is raised to it

VOICE_WINDOW = 480  # samples, of the voice detector
STRICTEST = 3  # mode of the voice detector

SIZE, HOP, BANDS = 400, 160, 40  # of the mel spectrum
PARTIAL = 160  # frames that the network hears at once
STEP = 77  # frames from one partial to the next
LEAST_COVERAGE = 0.75  # of the last partial

LAYERS = 3
AT_ONCE = 64  # partials that the network hears side by side: 50 s of speech

Floats = NDArray[np.float32]


class NoSpeechError(Exception):
    """The voice detector found no speech."""


class Resemblyzer:
    """Embeds speech at 16 kHz in 256 dimensions.

    Quiet speech is raised to -30 dBFS and pauses are cut out by WebRTC's voice detector. A network
    of three LSTM layers embeds partials of 1.6 s, of which the mean is taken.
    """

    shortest = 1600

    def __init__(self) -> None:
        """Load the weights."""
        with (files("almbench.metrics") / WEIGHTS).open("rb") as file, np.load(file) as weights:
            self._weights: dict[str, Floats] = dict(weights)

    def embed(self, samples: Samples) -> NDArray[np.float64]:
        """Embed speech `[T]` at 16 kHz that is not silent; **Shape** `[256]`.

        Raises:
            NoSpeechError: The voice detector leaves nothing.
        """
        samples = np.clip(samples, -1, 1)
        speech = cut_pauses(samples * max(1.0, LEAST_RMS / np.sqrt(np.mean(samples**2))))
        if len(speech) == 0:
            raise NoSpeechError
        partials = _partials(speech)
        parts = range(0, len(partials), AT_ONCE)
        last = np.concatenate([self._network(partials[start : start + AT_ONCE]) for start in parts])
        raw = np.maximum(last @ self._weights["linear.weight"].T + self._weights["linear.bias"], 0)
        return np.asarray(_unit(_unit(raw).mean(0)), np.float64)

    def _network(self, inputs: Floats) -> Floats:
        """Run the LSTM over `[N, T, 40]`; its last output, **Shape** `[N, 256]`."""
        for layer in range(LAYERS):
            of_input, of_state, *biases = (
                self._weights[f"lstm.{kind}_l{layer}"]
                for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            )
            gates = inputs @ of_input.T + sum(biases)
            of_state = np.ascontiguousarray(of_state.T)  # twice as fast below
            outputs = np.empty((*gates.shape[:2], of_state.shape[0]), np.float32)
            output, cell = np.zeros((2, *outputs[:, 0].shape), np.float32)
            for time in range(gates.shape[1]):
                into, keep, new, out = np.split(gates[:, time] + output @ of_state, 4, axis=-1)
                cell = _sigmoid(keep) * cell + _sigmoid(into) * np.tanh(new)
                output = outputs[:, time] = _sigmoid(out) * np.tanh(cell)
            inputs = outputs
        return inputs[:, -1]


def cut_pauses(samples: Samples) -> Samples:
    """Cut out what WebRTC's voice detector takes for longer pauses.

    Args:
        samples: **Shape** `[T]` at 16 kHz; what is left of whole windows of 30 ms is cut off.
    """
    from webrtcvad import Vad

    detector = Vad(STRICTEST)
    windows = samples[: len(samples) // VOICE_WINDOW * VOICE_WINDOW].reshape(-1, VOICE_WINDOW)
    # The detector works on 16-bit integers, which must not wrap.
    integers = np.round(np.clip(windows, -1, 1) * (2**15 - 1)).astype("<i2")
    voiced = [detector.is_speech(window.tobytes(), RATE) for window in integers]
    smooth = _count(voiced, 3, 4) > 4  # more than half of eight
    return windows[_count(smooth, 3, 3) > 0].reshape(-1)


def _count(flags: list[bool] | NDArray[np.bool_], before: int, after: int) -> NDArray[np.int64]:
    """For each flag, how many of it, the `before` before and the `after` after are set."""
    if not len(flags):
        return np.zeros(0, np.int64)
    spread = np.convolve(np.asarray(flags, np.int64), np.ones(before + after + 1, np.int64))
    return spread[after : after + len(flags)]


def _partials(speech: Samples) -> Floats:
    """Mel spectra of overlapping parts of speech `[T]`, **Shape** `[N, 160, 40]`.

    The last part is padded with zeros; if less than 75 % of it is speech, it is left out.
    """
    frames = -(-(len(speech) + 1) // HOP)
    starts = range(0, max(1, frames - PARTIAL + STEP + 1), STEP)
    if len(starts) > 1 and len(speech) - starts[-1] * HOP < LEAST_COVERAGE * PARTIAL * HOP:
        starts = starts[:-1]
    padded = np.pad(speech, (0, max(0, (starts[-1] + PARTIAL) * HOP - len(speech))))
    filters = mel_filters(RATE, SIZE, BANDS).T
    spectra = magnitude_parts(padded, SIZE, HOP, ends="constant")
    mel = np.concatenate([(part**2 @ filters).astype(np.float32) for part in spectra])
    return np.stack([mel[start : start + PARTIAL] for start in starts])


def _sigmoid(values: Floats) -> Floats:
    return np.asarray(np.tanh(values / 2) / 2 + 0.5, np.float32)


def _unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), np.float32)
