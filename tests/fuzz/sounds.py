"""Kinds that hold samples or codes: sound files, and `.npz` of codes."""

import io
import struct
import zipfile
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile as sf
from hypothesis import strategies as st

from almbench.audio import flac_bytes, headroom_gain, read, resample
from almbench.codecs.codes_file import read_codes, read_facts
from tests.fuzz.cases import Kind
from tests.fuzz.edits import as_bytes

RATE = 16_000
U16, U32 = st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1)
SIZES = st.sampled_from([0, 1, 2**16 - 1, 2**31 - 1, 2**32 - 1]) | U32


def _make_sounds(folder: Path) -> None:
    noise = np.random.default_rng(5).uniform(-0.3, 0.3, (RATE // 4, 2))
    for name, kind in {
        "a.wav": "PCM_16", "b.wav": "FLOAT", "c.flac": "PCM_24", "d.ogg": "VORBIS", "e.aiff": "",
        "f.caf": "", "g.au": "", "h.w64": "",
    }.items():  # fmt: skip
        sf.write(folder / name, noise, RATE, subtype=kind or "PCM_16")
    sf.write(folder / "i.mp3", noise, RATE)
    for name, codec in {"j.m4a": "aac", "k.webm": "libopus", "l.mka": "flac"}.items():
        _encode(folder / name, codec, noise)


def _encode(path: Path, codec: str, noise: np.ndarray) -> None:
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=48_000, layout="stereo")
        samples = np.ascontiguousarray(noise.T, np.float32)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
        frame.sample_rate = 48_000
        resampler = av.AudioResampler(stream.format, stream.layout, 48_000, stream.frame_size)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))


def _use_sounds(folder: Path, out: Path, name: str) -> None:
    """As a run does with an original, or a metric at its rate."""
    sound = read(folder / name)
    samples = sound.samples * headroom_gain(sound.samples)
    flac_bytes(samples, sound.rate)
    resample(samples, sound.rate, 24_000)


@st.composite
def _wav(draw: st.DrawFn) -> bytes:
    """A WAV file whose header says anything."""
    form = struct.pack(
        "<HHIIHH",
        draw(st.sampled_from([1, 3, 6, 7, 0x11, 0x31, 0x55, 0xFFFE]) | U16),
        draw(st.sampled_from([0, 1, 2, 64, 1024, 65535]) | U16),
        draw(st.sampled_from([0, 1, 7, 16_000, 768_000, 2**31]) | U32),
        draw(SIZES),
        draw(U16),
        draw(st.sampled_from([0, 1, 8, 16, 24, 32, 64]) | U16),
    )
    data = draw(st.binary(max_size=64)) * draw(st.sampled_from([1, 100, 1000]))
    return b"".join(
        [
            draw(st.sampled_from([b"RIFF", b"RF64"])), struct.pack("<I", draw(SIZES)), b"WAVE",
            b"fmt ", struct.pack("<I", draw(st.sampled_from([16, 18, 40]) | U32)), form,
            b"data", struct.pack("<I", draw(st.just(len(data)) | SIZES)), data,
        ]
    )  # fmt: skip


@st.composite
def _flac(draw: st.DrawFn) -> bytes:
    """A FLAC file whose STREAMINFO says anything."""
    rate, channels = draw(st.integers(0, 2**20 - 1)), draw(st.integers(0, 7))
    bits, total = draw(st.integers(0, 31)), draw(st.integers(0, 2**36 - 1))
    packed = rate << 44 | channels << 41 | bits << 36 | total
    good = io.BytesIO()
    sf.write(good, np.zeros(1000), RATE, format="FLAC")
    frames = good.getvalue()[42:]
    begin = struct.pack(">HH", draw(U16), draw(U16)) + draw(st.binary(min_size=6, max_size=6))
    last = draw(st.sampled_from([b"\x80\0\0\x22", b"\0\0\0\x22", b"\x84\xff\xff\xff"]))
    return b"fLaC" + last + begin + packed.to_bytes(8, "big") + bytes(16) + frames


def _make_codes(folder: Path) -> None:
    codes = np.arange(400).reshape(2, 200) % 16
    facts: dict[str, Any] = {
        "codebook_sizes": [16, 16],
        "frame_rate": 50.0,
        "sample_rate": RATE,
        "codec": "x",
    }
    np.savez_compressed(folder / "deflated.npz", codes=codes, **facts)
    np.savez(folder / "stored.npz", codes=codes, **facts)


def _use_codes(folder: Path, out: Path, name: str) -> None:
    try:
        read_codes(folder / name, [16, 16])
    finally:
        read_facts(folder / name)


@st.composite
def _npz(draw: st.DrawFn) -> bytes:
    """An archive whose array's header says anything, with as many zeros as compress well."""
    shape = draw(st.lists(st.integers(-1, 2**40), max_size=4))
    kind = draw(
        st.sampled_from(["<i8", "|O", "<f4", "<U9999999", "|V2147483647", "<i9", "[('a','<i4')]"])
    )
    header = draw(
        st.just(f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': {tuple(shape)!r}}}")
        | st.sampled_from(["", "{", "(" * 5000, "[]", "{'descr': 1}", "9" * 9000, "'" * 100])
    )  # fmt: skip
    text = header.encode() + b"\n"
    length = draw(st.just(len(text)) | U16)
    version = draw(st.sampled_from([b"\x01\x00", b"\x02\x00", b"\x03\x00", b"\xff\x00"]))
    size = struct.pack("<H" if version == b"\x01\x00" else "<I", length)
    content = b"\x93NUMPY" + version + size + text + bytes(draw(st.sampled_from([0, 64, 2**20])))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", draw(st.sampled_from([0, 8, 12, 14]))) as archive:
        for name in draw(st.sampled_from([["codes"], ["codes", "codes"], ["frame_rate"], ["x"]])):
            archive.writestr(f"{name}.npy", content)
    return out.getvalue()


KINDS = [
    Kind("audio", _make_sounds, _use_sounds, {"*.*": as_bytes},
         {"a.wav": [_wav()], "c.flac": [_flac()]}, each=True),
    Kind("codes .npz", _make_codes, _use_codes, {"*.npz": as_bytes}, {"deflated.npz": [_npz()]},
         each=True),
]  # fmt: skip
