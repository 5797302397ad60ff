"""Opus, MP3, AAC and AMR-NB: length, step, bitrate, and the same sound as through a container."""

import io
import pickle
import sys
from typing import Any

import av
import numpy as np
import pytest
import soundfile as sf
from scipy.signal import chirp, correlate

from almbench.audio import Samples, Sound, resample
from almbench.codecs.aac import AacOptions
from almbench.codecs.base import Codec
from almbench.codecs.mp3 import Mp3Options
from almbench.codecs.opus import Opus, OpusOptions
from almbench.codecs.pyav import PyavCodec, Stream, decode, encode, whole
from almbench.codecs.registry import create
from almbench.errors import CodecError, UserError

# Adapter, options, and how many samples the output may be out of step. In the speech mode of Opus
# the internal resampling leaves a fraction of a sample of its internal rate (8 kHz at 6 kbps).
CASES: list[tuple[str, dict[str, Any], int]] = [
    ("opus", {"bitrate": 6000}, 2),
    ("opus", {"bitrate": 6000, "sample_rate": 8000, "application": "voip"}, 1),
    ("opus", {"bitrate": 9000, "sample_rate": 12000}, 1),
    ("opus", {"bitrate": 16000, "sample_rate": 16000, "vbr": True}, 1),
    ("opus", {"bitrate": 24000}, 1),
    ("opus", {"bitrate": 64000, "sample_rate": 48000}, 1),
    ("opus", {"bitrate": 32000, "sample_rate": 48000, "application": "lowdelay"}, 1),
    ("opus", {"bitrate": 24000, "application": "lowdelay", "frame_duration": 2.5}, 1),
    ("mp3", {"bitrate": 8000, "sample_rate": 8000}, 1),
    ("mp3", {"bitrate": 8000, "sample_rate": 16000}, 1),
    ("mp3", {"bitrate": 16000}, 1),
    ("mp3", {"bitrate": 48000, "sample_rate": 44100}, 1),
    ("mp3", {"bitrate": 32000, "sample_rate": 48000}, 1),
    ("aac", {"bitrate": 8000, "sample_rate": 8000}, 1),
    ("aac", {"bitrate": 16000}, 1),
    ("aac", {"bitrate": 64000, "sample_rate": 48000}, 1),
    ("amr-nb", {"mode": 4750}, 1),
    ("amr-nb", {"mode": 12200}, 1),
]
NAMES = ["-".join([name, *map(str, options.values())]) for name, options, _ in CASES]
every_case = pytest.mark.parametrize(("adapter", "options", "tolerance"), CASES, ids=NAMES)


def make(adapter: str, options: dict[str, Any]) -> Codec[Any]:
    codec = create("test", "Test", adapter, options)
    assert isinstance(codec, Codec)
    return codec


def rate_of(codec: Codec[Any]) -> int:
    assert codec.spec.sample_rate
    return codec.spec.sample_rate


def through(codec: Codec[Any], samples: Samples) -> Samples:
    rate = rate_of(codec)
    return codec.decode(codec.encode([samples], rate), rate)[0]


def lag(reference: Samples, decoded: Samples, most: int = 2000) -> int:
    products = correlate(decoded, reference)
    middle = len(reference) - 1
    near = products[middle - most : middle + most + 1]
    return int(np.argmax(near)) - most


@every_case
def test_a_chirp_comes_back_aligned(adapter: str, options: dict[str, Any], tolerance: int) -> None:
    codec = make(adapter, options)
    rate = rate_of(codec)
    # Slow, because in the speech mode of Opus a fast chirp correlates best a few samples away.
    time = np.arange(4 * rate) / rate
    sweep = 0.5 * chirp(time, 100, 4, min(3300, 0.4 * rate))
    assert abs(lag(sweep, through(codec, sweep))) <= tolerance


@every_case
def test_speech_comes_back_aligned(
    adapter: str, options: dict[str, Any], tolerance: int, speech: Sound
) -> None:
    codec = make(adapter, options)
    samples = resample(speech.samples, speech.rate, rate_of(codec))
    assert abs(lag(samples, through(codec, samples))) <= tolerance


@every_case
def test_every_length_comes_back(adapter: str, options: dict[str, Any], tolerance: int) -> None:
    codec = make(adapter, options)
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, 5000)
    for length in (1, 10, 119, 121, 159, 160, 161, 1023, 1025, 4999):
        assert len(through(codec, noise[:length])) == length


@every_case
def test_the_end_is_not_lost(adapter: str, options: dict[str, Any], tolerance: int) -> None:
    codec = make(adapter, options)
    rate = rate_of(codec)
    tone = 0.3 * np.sin(2 * np.pi * 400 * np.arange(rate + 7) / rate)
    end = through(codec, tone)[-rate // 100 :]
    assert np.std(end) > 0.5 * np.std(tone)


@every_case
def test_extreme_sounds_survive(adapter: str, options: dict[str, Any], tolerance: int) -> None:
    codec = make(adapter, options)
    rate = rate_of(codec)
    silence = through(codec, np.zeros(rate))
    assert np.abs(silence).max() < 1e-3
    square = np.where(np.arange(rate) // (rate // 200) % 2 == 0, 1.0, -1.0)
    decoded = through(codec, square)
    assert np.isfinite(decoded).all()
    assert 0.3 < np.std(decoded) < 1.5


@every_case
def test_twenty_seconds(adapter: str, options: dict[str, Any], tolerance: int) -> None:
    codec = make(adapter, options)
    rate = rate_of(codec)
    noise = np.random.default_rng(1).normal(0, 0.1, 20 * rate)
    encoded = codec.encode([noise], rate)[0]
    assert encoded.length == 20 * rate == len(codec.decode([encoded], rate)[0])


@pytest.mark.parametrize(
    ("adapter", "options", "low", "high"),
    [
        ("opus", {"bitrate": 6000, "frame_duration": 20}, 6000, 6030),
        ("opus", {"bitrate": 12000}, 12000, 12060),
        ("opus", {"bitrate": 12000, "vbr": True}, 9000, 14000),
        ("mp3", {"bitrate": 8000, "sample_rate": 16000}, 8000, 8250),
        ("mp3", {"bitrate": 8000, "sample_rate": 24000}, 8000, 8250),
        ("mp3", {"bitrate": 32000, "sample_rate": 48000}, 32000, 32700),
        ("aac", {"bitrate": 8000, "sample_rate": 16000}, 8000, 11500),
        ("aac", {"bitrate": 16000, "sample_rate": 24000}, 15000, 18000),
        ("amr-nb", {"mode": 4750}, 4750, 4800),
        ("amr-nb", {"mode": 12200}, 12200, 12300),
    ],
)
def test_measured_bitrates(
    adapter: str, options: dict[str, Any], low: int, high: int, speech: Sound
) -> None:
    codec = make(adapter, options)
    rate = rate_of(codec)
    samples = resample(speech.samples, speech.rate, rate)
    bits = codec.encode([samples], rate)[0].bits
    assert bits
    assert low <= bits / speech.seconds <= high


def test_constant_opus_has_the_bits_that_arithmetic_gives(speech: Sound) -> None:
    codec = make("opus", {"bitrate": 6000})
    samples = resample(speech.samples, speech.rate, 24000)
    packets = -(-(len(samples) + 156) // 1440)  # pre-skip of 6.5 ms, packets of 60 ms
    assert codec.encode([samples], 24000)[0].bits == packets * 6000 * 0.060


@pytest.mark.parametrize(
    ("mode", "bits"),
    [
        (4750, 95),
        (5150, 103),
        (5900, 118),
        (6700, 134),
        (7400, 148),
        (7950, 159),
        (10200, 204),
        (12200, 244),
    ],
)
def test_amr_counts_speech_bits_only(mode: int, bits: int) -> None:
    codec = make("amr-nb", {"mode": mode})
    noise = np.random.default_rng(2).normal(0, 0.1, 8000)
    encoded = codec.encode([noise], 8000)[0]
    packets = encoded.payload.packets
    assert encoded.bits == bits * len(packets)
    assert all(len(packet) == 1 + -(-bits // 8) for packet in packets)
    assert len(packets) == 51  # 50 frames per second, and the look-ahead of 40 samples


def in_container(
    name: str,
    encoder: str,
    samples: Samples,
    rate: int,
    bitrate: int,
    sample_format: str,
    options: dict[str, str],
) -> io.BytesIO:
    """The usual way of writing such a file, by PyAV's muxers."""
    file = io.BytesIO()
    with av.open(file, "w", format=name) as container:
        stream: Any = container.add_stream(encoder, rate=rate, options=options)
        stream.layout = "mono"
        stream.bit_rate = bitrate
        stream.format = sample_format
        data = samples.astype(np.float32)[np.newaxis]
        frame = av.AudioFrame.from_ndarray(data, format=sample_format, layout="mono")
        frame.sample_rate = rate
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    file.seek(0)
    return file


@pytest.mark.parametrize(
    ("adapter", "options", "container", "encoder", "left"),
    [
        # The MP3 reader drops the delay that LAME's tag names; that of MP4 leaves AAC's in.
        ("mp3", {"bitrate": 16000}, "mp3", "libmp3lame", 0),
        ("mp3", {"bitrate": 32000, "sample_rate": 48000}, "mp3", "libmp3lame", 0),
        ("aac", {"bitrate": 16000}, "mp4", "aac", 1024),
    ],
)
def test_the_sound_is_that_of_a_file(
    adapter: str, options: dict[str, Any], container: str, encoder: str, left: int, speech: Sound
) -> None:
    codec = make(adapter, options)
    rate = rate_of(codec)
    samples = resample(speech.samples, speech.rate, rate)
    file = in_container(container, encoder, samples, rate, options["bitrate"], "fltp", {})
    with av.open(file, "r") as opened:
        frames = [frame.to_ndarray()[0] for frame in opened.decode(audio=0)]
    expected = np.concatenate(frames)[left : left + len(samples)]
    np.testing.assert_array_equal(through(codec, samples), expected)


def test_opus_sounds_as_through_ogg_and_libsndfile(speech: Sound) -> None:
    options = {"application": "audio", "frame_duration": "20", "vbr": "off"}
    samples = resample(speech.samples, speech.rate, 24000)
    file = in_container("ogg", "libopus", samples, 24000, 24000, "flt", options)
    expected, rate = sf.read(file)  # another copy of libopus, and another reader of the pre-skip
    assert rate in {24000, 48000}
    ours = through(make("opus", {"bitrate": 24000}), samples)
    theirs = resample(expected, rate, 24000)[: len(ours)]
    assert np.corrcoef(ours[: len(theirs)], theirs)[0, 1] > 0.9999


@pytest.mark.parametrize("application", ["voip", "audio", "lowdelay"])
@pytest.mark.parametrize("rate", [8000, 12000, 16000, 24000, 48000])
def test_the_delay_of_opus_is_the_pre_skip_of_its_header(application: str, rate: int) -> None:
    codec = make("opus", {"bitrate": 12000, "sample_rate": rate, "application": application})
    header = codec.encode([np.zeros(rate)], rate)[0].payload.header
    assert header.startswith(b"OpusHead")
    pre_skip = int.from_bytes(header[10:12], "little")
    assert codec.spec.delay == pre_skip * rate / 48000


@pytest.mark.parametrize(
    ("bitrate", "sample_rate"), [(8000, 24000), (64000, 8000), (320000, 44100)]
)
def test_lame_gives_the_bitrate_asked_for(bitrate: int, sample_rate: int) -> None:
    noise = np.random.default_rng(3).normal(0, 0.1, 10 * sample_rate)
    codec = make("mp3", {"bitrate": bitrate, "sample_rate": sample_rate})
    bits = codec.encode([noise], sample_rate)[0].bits
    assert bits
    assert bits / 10 == pytest.approx(bitrate, rel=0.02)


@pytest.mark.parametrize(
    ("adapter", "options", "words"),
    [
        ("opus", {}, ["bitrate", "missing"]),
        ("opus", {"bitrate": 5999}, ["bitrate = 5999", "6000"]),
        ("opus", {"bitrate": 256001}, ["bitrate = 256001", "256000"]),
        ("opus", {"bitrate": 6000, "sample_rate": 44100}, ["sample_rate", "44100", "48000"]),
        ("opus", {"bitrate": 6000, "application": "voice"}, ["Did you mean 'voip'", "lowdelay"]),
        ("opus", {"bitrate": 6000, "frame_duration": 30}, ["frame_duration = 30", "2.5, 5, 10"]),
        ("opus", {"bitrate": 6000, "frame_duration": 5}, ["at least 8000", "6000"]),
        ("mp3", {"bitrate": 8000, "sample_rate": 48000}, ["8000", "allowed: 32000", "320000"]),
        ("mp3", {"bitrate": 80000, "sample_rate": 8000}, ["80000", "64000"]),
        ("mp3", {"bitrate": 8000, "sample_rate": 96000}, ["96000", "48000"]),
        ("aac", {"bitrate": 145000}, ["145000", "8000 to 144000"]),
        ("aac", {"bitrate": 7999}, ["7999", "8000"]),
        ("amr-nb", {"mode": 6000}, ["mode = 6000", "4750", "12200"]),
    ],
)
def test_a_wrong_option_names_the_allowed_values(
    adapter: str, options: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(UserError) as caught:
        make(adapter, options)
    for word in ["Codec 'test'", *words]:
        assert word in str(caught.value)


def test_the_ends_of_the_ranges_work() -> None:
    noise = np.random.default_rng(4).normal(0, 0.1, 48000)
    for adapter, options in [
        ("opus", OpusOptions(bitrate=256000, sample_rate=48000)),
        ("opus", OpusOptions(bitrate=16000, frame_duration=2.5)),
        ("aac", AacOptions(bitrate=144000)),
        ("aac", AacOptions(bitrate=8000, sample_rate=48000)),
        ("mp3", Mp3Options(bitrate=160000)),
    ]:
        assert len(through(make(adapter, options.model_dump()), noise)) == len(noise)


def test_a_batch_is_its_clips_one_by_one() -> None:
    codec = make("opus", {"bitrate": 12000})
    clips = [np.random.default_rng(seed).normal(0, 0.1, 3000 + seed) for seed in range(3)]
    batch = codec.decode(codec.encode(clips, 24000), 24000)
    for clip, decoded in zip(clips, batch, strict=True):
        np.testing.assert_array_equal(through(codec, clip), decoded)


def test_what_is_encoded_can_be_sent_to_another_process() -> None:
    codec = make("mp3", {"bitrate": 16000})
    noise = np.random.default_rng(5).normal(0, 0.1, 3000)
    encoded = codec.encode([noise], 24000)
    sent = pickle.loads(pickle.dumps(encoded))  # noqa: S301
    np.testing.assert_array_equal(codec.decode(encoded, 24000)[0], codec.decode(sent, 24000)[0])


def test_an_empty_clip_is_a_codec_error() -> None:
    with pytest.raises(CodecError, match="shorter than one sample at 8000 Hz"):
        make("amr-nb", {"mode": 4750}).encode([np.zeros(0)], 8000)


def test_broken_packets_are_codec_errors() -> None:
    with pytest.raises(CodecError, match="cannot decode"):
        decode("aac", Stream((b"nonsense",), None))
    with pytest.raises(CodecError, match="gave no sound"):
        decode("mp3float", Stream((), None))
    with pytest.raises(CodecError, match="10 samples instead of 5 of delay and 6"):
        whole(np.zeros(10), 5, 6)


def test_an_encoder_that_refuses_is_a_codec_error() -> None:
    with pytest.raises(CodecError, match="libopus cannot encode"):
        encode("libopus", np.zeros(480), 44100, 6000, "flt")


def test_the_spec_names_all_that_changes_the_sound() -> None:
    spec = make("opus", {"bitrate": 6000}).spec
    assert spec.settings == {
        "bitrate": 6000,
        "vbr": False,
        "sample_rate": 24000,
        "application": "audio",
        "frame_duration": 60,
        "av": av.__version__,
        "libavcodec": ".".join(map(str, av.library_versions["libavcodec"])),
    }
    assert make("opus", {"bitrate": 6000, "frame_duration": 60}).spec == spec
    assert spec.nominal_kbps == 6


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Opus.missing() is None

    class Exotic(PyavCodec[OpusOptions]):
        encoder, decoder = "libopus", "no_such_decoder"

    missing = Exotic.missing()
    assert missing
    assert "missing in this build of PyAV: no_such_decoder" in missing
    monkeypatch.setitem(sys.modules, "av", None)
    monkeypatch.setitem(sys.modules, "av.codec.codec", None)
    missing = Opus.missing()
    assert missing
    assert "pip install av" in missing
    assert make("opus", {"bitrate": 6000}).spec.settings["av"] is None
