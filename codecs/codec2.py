"""Codec2 (Rowe), by libcodec2 through pycodec2: speech at 0.7 to 3.2 kbps."""

import os
import struct
import subprocess
import sys
import weakref
from contextlib import suppress
from typing import Literal

import numpy as np

from almbench.audio import Samples, fit, to_integers
from almbench.codecs.base import Codec, CodecSpec, Encoded, Options, trim_delay
from almbench.codecs.codec2_decoder import ANSWER, LENGTH
from almbench.errors import CodecError
from almbench.packages import installed_version, missing_packages

RATE = 8_000
# Delay in samples by mode. The codec keeps no phase, so it was measured on log-energy envelopes of
# 20 ms: over 40 clips of LibriSpeech the medians were 157, 155, 156, 156, 161, 158 and 238 in the
# order below, single clips about +-20. That is half of the analysis window of 40 ms; 700C looks
# one inner frame of 10 ms further.
DELAYS = {3200: 160, 2400: 160, 1600: 160, 1400: 160, 1300: 160, 1200: 160, 700: 240}
FRAME_RATES = {3200: 50, 2400: 50, 1600: 25, 1400: 25, 1300: 25, 1200: 25, 700: 25}


class Codec2Options(Options):
    """Options of Codec2.

    Attributes:
        mode: Bit/s of the mode; 700 is 700C.
    """

    mode: Literal[3200, 2400, 1600, 1400, 1300, 1200, 700]


class Codec2(Codec[Codec2Options]):
    """Codec2; each clip is decoded in a process of its own (`codec2_decoder` says why)."""

    options_type = Codec2Options
    _decoder: "subprocess.Popen[bytes] | None" = None

    @classmethod
    def missing(cls) -> str | None:
        """Say whether pycodec2 is missing, or what the decoder's program needs."""
        if not hasattr(os, "fork"):
            return "the decoder starts anew for each clip by fork, which this system does not have"
        return missing_packages(["pycodec2"], "'almbench[codec2]'")

    @property
    def spec(self) -> CodecSpec:
        """Facts of Codec2 as configured."""
        mode = self.options.mode
        return CodecSpec(
            id=self.id,
            label=self.label,
            family="codec2",
            sample_rate=RATE,
            frame_rate=FRAME_RATES[mode],
            stated_bps=mode,
            causal=False,
            delay=DELAYS[mode],
            license="LGPL-2.1-only (libcodec2), BSD-3-Clause (pycodec2)",
            settings={"mode": mode, "pycodec2": installed_version("pycodec2")},
        )

    def encode(self, batch: list[Samples], rate: int) -> list[Encoded]:
        """Encode clips at 8 kHz, one after the other."""
        del rate
        return [self._encode(samples) for samples in batch]

    def decode(self, batch: list[Encoded], rate: int) -> list[Samples]:
        """Decode clips to 8 kHz, one after the other."""
        del rate
        return [self._decode(item) for item in batch]

    def _encode(self, samples: Samples) -> Encoded:
        """Encode one clip; the frames that the delay adds at its end are counted, as emitted."""
        import pycodec2

        if not len(samples):
            raise CodecError(f"the clip is shorter than one sample at {RATE} Hz")
        codec = pycodec2.Codec2(self.options.mode)
        size = codec.samples_per_frame()
        count = -(-(len(samples) + DELAYS[self.options.mode]) // size)
        integers = to_integers(fit(samples, count * size), 16)[0].astype(np.int16)
        frames = b"".join(codec.encode(frame) for frame in integers.reshape(count, size))
        # A frame is padded to whole bytes here, so bytes would overstate what is sent.
        return Encoded(count * codec.bits_per_frame(), len(samples), payload=frames)

    def load(self, device: str) -> None:
        """Start the program that decodes."""
        del device
        self.unload()
        # -P: the working directory must not stand in for installed modules.
        program = [sys.executable, "-P", "-m", "almbench.codecs.codec2_decoder"]
        self._decoder = subprocess.Popen(
            [*program, str(self.options.mode)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        weakref.finalize(self, _end, self._decoder)

    def unload(self) -> None:
        """End it."""
        if self._decoder is not None:
            _end(self._decoder)
            self._decoder = None

    def _decode(self, item: Encoded) -> Samples:
        if self._decoder is None:
            self.load("cpu")
        try:
            sound = self._ask(item.payload)
        except (OSError, struct.error) as error:
            self.unload()
            raise CodecError(f"Codec2's decoder has ended: {error}") from error
        samples = np.frombuffer(sound, np.int16) / 2**15
        return trim_delay(samples, DELAYS[self.options.mode], item.length)

    def _ask(self, frames: bytes) -> bytes:
        decoder = self._decoder
        assert decoder is not None  # noqa: S101 - for the type checker
        assert decoder.stdin is not None  # noqa: S101 - likewise
        assert decoder.stdout is not None  # noqa: S101 - likewise
        decoder.stdin.write(LENGTH.pack(len(frames)) + frames)
        decoder.stdin.flush()
        well, size = ANSWER.unpack(decoder.stdout.read(ANSWER.size))
        content = decoder.stdout.read(size)
        if not well:
            raise CodecError(f"Codec2 cannot decode this clip: {content.decode()}")
        return content


def _end(decoder: "subprocess.Popen[bytes]") -> None:
    """End a decoder, which stops when its input ends."""
    for stream in (decoder.stdin, decoder.stdout):
        if stream is not None:
            with suppress(OSError):
                stream.close()
    decoder.wait()
