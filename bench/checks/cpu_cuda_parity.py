"""Compares every neural codec on the CPU with itself on CUDA, on a machine that has both.

    python -m almbench.checks.cpu_cuda_parity [CODEC[=CHECKPOINT]]...

prints, for each codec, the share of equal codes, the largest difference of the audio decoded from
the CPU's codes, the real-time factors, and the peak memory on the device.
"""

import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from almbench.audio import read, resample
from almbench.codecs.base import Codec, Encoded
from almbench.codecs.builtin import PRESETS
from almbench.codecs.registry import adapter, create_preset
from almbench.devices import Device, choose
from almbench.errors import Unavailable, UserError
from almbench.samples import folder

ROUNDS = 3  # timed; the first call of all is not


@dataclass(frozen=True)
class Figures:
    """A codec on one device: what came out, seconds a second of sound, and MB on the device."""

    encoded: Encoded
    rtf: float
    peak_mb: int | None


def main(arguments: list[str]) -> None:
    """Print the table."""
    cuda = choose("cuda", used=True)
    table = Table("codec", "codes equal", "audio differs by", "RTF cpu", "RTF cuda", "peak MB")
    for word in arguments or _neural():
        id_, _, checkpoint = word.partition("=")
        try:
            table.add_row(id_, *_compare(_make(id_, checkpoint), cuda))
        except Unavailable as error:
            table.add_row(id_, str(error))
    Console().print(cuda.name, table)


def _neural() -> list[str]:
    """The built-in presets that use a device."""
    return [
        id_ for id_, made in PRESETS.items() if getattr(adapter(made.adapter), "uses_device", 0)
    ]


def _make(id_: str, checkpoint: str) -> Codec[Any]:
    codec = create_preset(id_, {"checkpoint": checkpoint} if checkpoint else {})
    codec.fetch()
    return codec


def _compare(codec: Codec[Any], cuda: Device) -> list[str]:
    path = sorted((folder() / "speech").glob("*.flac"))[0]
    sound = read(path)
    rate = codec.spec.sample_rate or sound.rate
    samples = resample(sound.samples, sound.rate, rate)
    on_cpu = _measure(codec, Device("cpu"), samples, rate)
    audio_cpu = codec.decode([on_cpu.encoded], rate)[0]
    codec.unload()
    on_cuda = _measure(codec, cuda, samples, rate)
    audio_cuda = codec.decode([on_cpu.encoded], rate)[0]
    codec.unload()
    equal = np.mean(_codes(on_cpu.encoded) == _codes(on_cuda.encoded))
    difference = np.abs(audio_cpu - audio_cuda).max()
    rtfs = f"{on_cpu.rtf:.4f}", f"{on_cuda.rtf:.4f}"
    return [f"{equal:.2%}", f"{difference:.1e}", *rtfs, str(on_cuda.peak_mb)]


def _codes(encoded: Encoded) -> np.ndarray[Any, np.dtype[np.int64]]:
    if encoded.codes is None:
        raise UserError("This codec has no codes to compare.")
    return encoded.codes


def _measure(codec: Codec[Any], device: Device, samples: Any, rate: int) -> Figures:
    device.reset_peak()
    codec.load(device.kind)
    codec.decode(codec.encode([samples], rate), rate)
    device.synchronise()
    start = time.perf_counter()
    for _ in range(ROUNDS):
        encoded = codec.encode([samples], rate)
        codec.decode(encoded, rate)
    device.synchronise()
    seconds = (time.perf_counter() - start) / ROUNDS
    return Figures(encoded[0], seconds / (len(samples) / rate), device.peak_mb())


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except UserError as problem:
        sys.exit(f"Error: {problem}")
