"""Sound files decoded, in bounded memory: by soundfile, and by PyAV what soundfile cannot read."""

import os
from dataclasses import dataclass, field
from math import log10
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

from almbench.errors import AudioError
from almbench.names import readable

Samples = NDArray[np.float64]
LONGEST_S = 5400  # seconds of a sound
MOST_SAMPLES = 2**28  # of a sound, which is 93 minutes at 48 kHz and 2 GiB as float64
BLOCK = 2**18  # values decoded at a time
CANCEL_DB = 3.0  # below what independent channels would give, from where on channels cancel
UNKNOWN = 2**62  # libsndfile's count of frames, or more, where a file written in a stream has none

# How a container begins: offset, bytes, FFmpeg's name of its reader. Only these are tried, and by
# what the file holds: FFmpeg's own guess may take a playlist, which leads to other files.
SIGNATURES = (
    (0, b"RIFF", "wav"), (0, b"RF64", "wav"), (0, b"riff", "w64"), (0, b"fLaC", "flac"),
    (0, b"OggS", "ogg"), (4, b"ftyp", "mov"), (0, b"\x1a\x45\xdf\xa3", "matroska"),
    (0, b"caff", "caf"), (0, b"FORM", "aiff"), (0, b".snd", "au"), (0, b"#!AMR", "amr"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"), (0, b"ID3", "mp3"),
    (0, b"\xff\xfb", "mp3"), (0, b"\xff\xf3", "mp3"),
    (0, b"\xff\xf1", "aac"), (0, b"\xff\xf9", "aac"), (0, b"\x0b\x77", "ac3"),
)  # fmt: skip


@dataclass
class Decoded:
    """A sound being decoded.

    Attributes:
        rate: Sample rate in Hz.
        channels: Channels of the file.
        blocks: The channels' average, piece by piece.
        energy: Sum of the squares of the samples, averaged over the channels.
        note: What to know of it; empty for nothing.
    """

    rate: int
    channels: int
    note: str = ""
    energy: float = 0.0
    blocks: list[Samples] = field(default_factory=list)
    length: int = 0

    def add(self, frames: Samples) -> None:
        """Add frames, **Shape** `[T, C]`.

        Raises:
            AudioError: They hold NaN or infinite samples, or the sound becomes too long.
        """
        if not np.isfinite(frames).all():
            raise AudioError("holds NaN or infinite samples")
        self.length += len(frames)
        check_length(self.length, self.rate)
        self.energy += float(np.square(frames).mean(axis=1).sum())
        self.blocks.append(frames.mean(axis=1))

    @property
    def cancelled(self) -> str:
        """What to say where channels cancel each other; empty where they do not."""
        if self.channels == 1:
            return ""
        average = sum(float(np.square(block).sum()) for block in self.blocks)
        if not self.energy or average > self.energy / self.channels * 10 ** (-CANCEL_DB / 10):
            return ""
        loss = f"{10 * log10(self.energy / average):.1f} dB" if average else "silent,"
        where = "below its channels" if average else "which its channels are not"
        return f"channels cancel: the averaged sound is {loss} {where}"

    @property
    def samples(self) -> Samples:
        """The channels' average. **Shape** `[T]`."""
        return np.concatenate(self.blocks) if self.blocks else np.zeros(0)


def check_length(length: int, rate: int) -> None:
    """Refuse what is longer than can be held.

    Raises:
        AudioError: It has more samples, or lasts longer, than is read.
    """
    if length > min(MOST_SAMPLES, LONGEST_S * rate):
        raise AudioError(
            f"has {length:,} samples or more at {rate:,} Hz; at most {LONGEST_S // 60} minutes and "
            f"{MOST_SAMPLES:,} samples are read"
        )


def decode(path: Path) -> Decoded:
    """Decode a sound file.

    Raises:
        AudioError: It is no readable sound. It is named without its folder.
    """
    name = readable(path.name)
    try:
        if path.is_symlink() and not path.exists():
            raise AudioError("is a link to a file that is not there")
        if path.is_dir():
            raise AudioError("is a folder, not a file")
        if path.exists() and not path.is_file():
            raise AudioError("is not a file")
        with path.open("rb") as file:
            before = os.fstat(file.fileno())
            if not before.st_size:
                raise AudioError("is empty (0 bytes)")
            decoded = _decode(path, file)
            after = path.stat()
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise AudioError("was written to while it was read")
        if not decoded.length:
            raise AudioError("holds no samples")
    except FileNotFoundError as error:
        raise AudioError(f"{name} does not exist.") from error
    except OSError as error:
        raise AudioError(f"{name} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:  # a name with a null character, as in a damaged table
        raise AudioError(f"{name!r} is a name that no file can have.") from error
    except MemoryError as error:
        raise AudioError(f"{name} does not fit into memory.") from error
    except AudioError as error:
        raise AudioError(f"{name} {error}.") from error
    return decoded


def _decode(path: Path, file: BinaryIO) -> Decoded:
    head = file.read(16)
    file.seek(0)
    format_ = next((f for at, begin, f in SIGNATURES if head[at:].startswith(begin)), "")
    # As bytes: a name need not be UTF-8. Windows has names of UTF-16, which soundfile knows.
    name = str(path) if os.name == "nt" else os.fsencode(path)
    try:
        with sf.SoundFile(name) as sound:
            if sound.frames < UNKNOWN:
                return _by_soundfile(sound)
    except sf.LibsndfileError as error:
        if not format_:
            raise AudioError(f"cannot be read as audio: {_told(error)}") from error
    return _by_pyav(file, format_)


def _by_soundfile(sound: sf.SoundFile) -> Decoded:
    declared = sound.frames
    decoded = Decoded(int(sound.samplerate), sound.channels)
    check_length(declared, decoded.rate)
    size = max(1, BLOCK // sound.channels)
    try:
        while len(frames := sound.read(size, dtype="float64", always_2d=True)):
            decoded.add(frames)
    except (sf.LibsndfileError, RuntimeError) as error:
        done = f"after {decoded.length:,} of {declared:,} samples"
        raise AudioError(f"cannot be read as audio {done}: {_told(error)}") from error
    if sound.format == "FLAC" and decoded.length < declared:
        raise AudioError(f"ends after {decoded.length:,} of {declared:,} samples")
    return decoded


def _by_pyav(file: BinaryIO, format_: str) -> Decoded:
    import av

    try:
        opened = av.open(file, "r", format=format_, metadata_errors="ignore")
        with opened as container:
            streams = container.streams.audio
            if not streams:
                raise AudioError("holds no sound")
            note = f"the first of {len(streams)} audio streams" if len(streams) > 1 else ""
            as_float = av.AudioResampler(format="dblp")
            decoded: Decoded | None = None
            for frame in container.decode(streams[0]):
                for part in as_float.resample(frame):
                    frames = np.asarray(part.to_ndarray(), np.float64).T
                    decoded = decoded or Decoded(part.sample_rate, frames.shape[1], note)
                    decoded.add(frames)
    except (av.FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise AudioError(f"cannot be read as audio: {reason}") from error
    if decoded is None:
        raise AudioError("holds no samples")
    return decoded


def _told(error: Exception) -> str:
    """What soundfile says, without the path that it puts before."""
    return str(getattr(error, "error_string", error)).strip().rstrip(".")
