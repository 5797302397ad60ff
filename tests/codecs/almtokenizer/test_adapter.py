"""The checkpoint that comes with the program, through the adapter that a suite uses."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import torch
from typer.testing import CliRunner

from almbench.audio import Samples, read, resample
from almbench.cli.main import app
from almbench.codecs.almtokenizer.adapter import BUNDLED, ALMTokenizerCodec
from almbench.codecs.almtokenizer.checkpoint import load_checkpoint, save_checkpoint
from almbench.codecs.almtokenizer.model import ALMTokenizer
from almbench.codecs.builtin import PRESETS
from almbench.codecs.registry import create
from almbench.errors import UserError
from almbench.samples import folder as samples

RATE, HOP = 24_000, 320
WINDOWS = range(2, 11)
LENGTH = 2 * RATE + 77  # whole frames in no window


def make(**options: object) -> ALMTokenizerCodec:
    codec = create("alm", "ALM", "almtokenizer", options)
    assert isinstance(codec, ALMTokenizerCodec)
    return codec


@cache
def loaded(**options: int) -> ALMTokenizerCodec:
    codec = make(**options)
    codec.fetch(network=False)
    codec.load("cpu")
    return codec


@pytest.fixture(scope="module")
def model() -> ALMTokenizer:
    """The model without the adapter."""
    return load_checkpoint(make().files(network=False)).eval()


@pytest.fixture(scope="module")
def talk(clips: Path) -> Samples:
    samples, rate = sf.read(sorted(clips.glob("*.flac"))[0])
    assert rate == RATE
    return np.asarray(samples[RATE : RATE + LENGTH])


def test_it_needs_no_network_and_is_named() -> None:
    spec = make().spec
    assert spec.checkpoint is not None
    assert spec.checkpoint.source == BUNDLED
    assert len(spec.checkpoint.sha256) == 64
    assert spec.weights_license == "CC BY 4.0"
    assert spec.parameters == pytest.approx(5.9e6, rel=0.01)  # as its card says
    assert "CC BY 4.0" in (make().files(network=False).weights.parent / "README.md").read_text()


def test_a_checkpoint_of_ones_own_is_called_by_its_folder(
    model: ALMTokenizer, tmp_path: Path
) -> None:
    preset = PRESETS["almtokenizer"]
    save_checkpoint(model, tmp_path / "mine" / "checkpoint", "a card")
    own = {**preset.options, "checkpoint": str(tmp_path / "mine" / "checkpoint")}
    labels = [
        create("a", label, preset.adapter, options).spec.label
        for label, options in [
            (preset.label, preset.options),
            (preset.label, own),
            (preset.label, {**own, "dtype": "bfloat16"}),
            ("Ours (large)", own),
        ]
    ]
    called = "ALMTokenizer (mine)"
    assert labels == [preset.label, called, f"{called} (bfloat16)", "Ours (large)"]


@pytest.mark.parametrize("window", WINDOWS)
def test_the_nominal_rate_is_what_is_measured(window: int, talk: Samples) -> None:
    codec = loaded(window=window)
    nominal = 75 / window * 3 * 11
    assert codec.spec.nominal_kbps == pytest.approx(nominal / 1000)
    [encoded] = codec.encode([talk], RATE)
    assert encoded.codes is not None
    assert encoded.codes.shape == (3, -(-LENGTH // (window * HOP)))
    assert encoded.codes.min() >= 0
    assert encoded.codes.max() < 2048
    assert encoded.bits == encoded.codes.size * 11
    # What is paid beyond the nominal rate is the padding of the last group.
    measured = encoded.bits / (LENGTH / RATE)
    assert nominal <= measured < nominal + 3 * 11 / (LENGTH / RATE)
    whole = talk[: LENGTH // (window * HOP) * window * HOP]
    [encoded] = codec.encode([whole], RATE)
    assert encoded.bits is not None
    assert encoded.bits / (len(whole) / RATE) == pytest.approx(nominal)


def test_window_6_is_the_published_point() -> None:
    spec = make().spec
    assert spec.settings["window"] == 6
    assert spec.settings["contrast"] == 1.05
    assert spec.nominal_kbps == 0.4125
    assert spec.frame_rate == 12.5
    assert spec.codebook_sizes == (2048,) * 3


@pytest.mark.parametrize("window", [2, 6, 9])
@pytest.mark.parametrize("length", [1, 2, HOP - 1, 1919, 1920, 1921, 7777])
@pytest.mark.parametrize("kind", ["silence", "speech"])
def test_the_length_stays(talk: Samples, window: int, length: int, kind: str) -> None:
    codec = loaded(window=window)
    samples = np.zeros(length) if kind == "silence" else talk[:length]
    [encoded] = codec.encode([samples], RATE)
    [decoded] = codec.decode([encoded], RATE)
    assert decoded.shape == (length,)
    assert decoded.dtype == np.float64
    assert np.isfinite(decoded).all()


def test_silence_comes_out_quieter_than_speech(talk: Samples) -> None:
    codec = loaded()
    [silent] = codec.decode(codec.encode([np.zeros(LENGTH)], RATE), RATE)
    [spoken] = codec.decode(codec.encode([talk], RATE), RATE)
    assert np.sqrt(np.mean(silent**2)) < 0.1 * np.sqrt(np.mean(spoken**2))


@pytest.mark.parametrize("window", [2, 6, 10])
def test_codes_and_sound_are_those_of_the_model(
    model: ALMTokenizer, talk: Samples, window: int
) -> None:
    codec = loaded(window=window)
    [encoded] = codec.encode([talk], RATE)
    with torch.inference_mode():
        codes = model.encode(torch.tensor(talk[None], dtype=torch.float32), window)
        sound = model.decode(codes, window)[0]
    np.testing.assert_array_equal(encoded.codes, codes[0])
    [decoded] = codec.decode([encoded], RATE)
    np.testing.assert_allclose(decoded, sound[:LENGTH], atol=1e-6)
    assert encoded.codes is not None
    vectors = codec.dequantize(encoded.codes)
    assert vectors is not None
    shown = torch.tensor(vectors.T[None], dtype=torch.float32)
    with torch.inference_mode():  # what the decoder makes its sound of
        again = model.unpatchify(model.query_decoder(shown, window))[0]
    np.testing.assert_allclose(again[:LENGTH], decoded, atol=1e-5)


def test_more_beams_find_other_codes_at_the_same_rate(model: ALMTokenizer, talk: Samples) -> None:
    plain, codec = loaded(match_level=False), make(beams=8, match_level=False)
    codec.load("cpu")
    assert codec.encoding_key != plain.encoding_key
    assert codec.spec.settings.items() - plain.spec.settings.items() == {("beams", 8)}
    [one], [more] = (c.encode([talk], RATE) for c in (plain, codec))
    assert one.bits == more.bits
    assert one.codes is not None
    assert more.codes is not None
    assert not np.array_equal(one.codes, more.codes)
    with torch.inference_mode():
        sound = torch.tensor(talk[None], dtype=torch.float32)
        whole = torch.nn.functional.pad(sound, (0, -sound.shape[1] % (6 * HOP)))
        vectors = model.query_encoder(model.patchify(whole), 6)
        left = []
        for codes in (one.codes, more.codes):
            decoded = model.quantizer.decode(torch.tensor(codes[None]).long())
            left.append((vectors - decoded).square().sum())
    assert left[1] < 0.95 * left[0]


def test_the_level_is_matched_by_default_and_without_bits() -> None:
    codec, plain = loaded(), loaded(match_level=False)
    assert codec.encoding_key != plain.encoding_key
    assert codec.encoding_key == make(match_level=True).encoding_key
    assert codec.spec.settings.items() - plain.spec.settings.items() == {("match_level", True)}
    missed: dict[bool, list[float]] = {False: [], True: []}
    for path in sorted((samples() / "sound").glob("*.flac")):
        sound = read(path)
        clip = resample(sound.samples, sound.rate, RATE)[: 4 * RATE]
        for matched, one in ((False, plain), (True, codec)):
            [encoded] = one.encode([clip], RATE)
            [decoded] = one.decode([encoded], RATE)
            assert encoded.bits == len(clip) // (6 * HOP) * 33 + 33 * bool(len(clip) % (6 * HOP))
            missed[matched].append(10 * np.log10(np.mean(decoded**2) / np.mean(clip**2)))
    before, after = (np.abs(missed[matched]) for matched in (False, True))
    assert after.mean() < 0.5 * before.mean()
    assert (after < before + 0.1).all()


def test_silence_has_no_level_to_match(talk: Samples) -> None:
    codec, plain = loaded(), loaded(match_level=False)
    quiet = 1e-4 * talk
    together = codec.encode([talk, quiet], RATE)
    np.testing.assert_array_equal(together[1].codes, plain.encode([quiet], RATE)[0].codes)
    np.testing.assert_array_equal(together[0].codes, codec.encode([talk], RATE)[0].codes)


def test_coding_twice_gives_the_same_to_the_last_bit(talk: Samples) -> None:
    other = make(window=6)
    other.load("cpu")
    [first], [second] = (codec.encode([talk], RATE) for codec in (loaded(), other))
    np.testing.assert_array_equal(first.codes, second.codes)
    one, two = (codec.decode([first], RATE)[0] for codec in (loaded(), other))
    np.testing.assert_array_equal(one, two)


def test_other_speech_has_other_codes(talk: Samples) -> None:
    [one], [other] = (loaded().encode([sound], RATE) for sound in (talk, talk[::-1].copy()))
    assert one.codes is not None
    assert other.codes is not None
    assert np.mean(one.codes != other.codes) > 0.5
    assert len(np.unique(one.codes[1])) > 10


def test_what_is_decoded_follows_what_was_encoded(talk: Samples) -> None:
    """The loudness of 40-ms stretches, which noise or a constant would not follow."""

    def loudness(samples: Samples) -> Samples:
        frames = samples[: len(samples) // 960 * 960].reshape(-1, 960)
        return np.asarray(np.log(np.sqrt(np.mean(frames**2, 1)) + 1e-3))

    alike = {}
    for window in (2, 6):
        [decoded] = loaded(window=window).decode(loaded(window=window).encode([talk], RATE), RATE)
        alike[window] = np.corrcoef(loudness(talk), loudness(decoded))[0, 1]
    assert alike[2] > 0.85
    assert alike[6] > 0.8


def test_a_finer_window_makes_more_codes_and_another_encoding(talk: Samples) -> None:
    [fine], [coarse] = (loaded(window=window).encode([talk], RATE) for window in (2, 6))
    assert fine.bits is not None
    assert coarse.bits is not None
    assert fine.bits / coarse.bits == pytest.approx(3, rel=0.05)
    assert loaded(window=2).encoding_key != loaded(window=6).encoding_key


@pytest.mark.parametrize("window", [1, 11, 75])
def test_windows_that_it_was_not_trained_for_are_refused(window: int) -> None:
    with pytest.raises(UserError, match=rf"window = {window}, .*'{BUNDLED}'.*windows of 2 to 10"):
        make(window=window).fetch(network=False)


def test_the_command_refuses_such_a_window() -> None:
    done = CliRunner().invoke(app, ["check", "almtokenizer", "--option", "window=11"])
    assert done.exit_code != 0
    assert isinstance(done.exception, UserError)
    assert "windows of 2 to 10" in str(done.exception)


def test_a_folder_with_the_same_model_gives_the_same_codes(
    model: ALMTokenizer, talk: Samples, tmp_path: Path
) -> None:
    save_checkpoint(model, tmp_path, "# A card")
    codec = make(checkpoint=str(tmp_path))
    codec.fetch(network=False)
    codec.load("cpu")
    [mine], [shipped] = (c.encode([talk], RATE) for c in (codec, loaded()))
    np.testing.assert_array_equal(mine.codes, shipped.codes)
    np.testing.assert_array_equal(codec.decode([mine], RATE)[0], loaded().decode([mine], RATE)[0])
    assert codec.spec.weights_license != "CC BY 4.0"  # whose a folder is, nobody can tell
    assert (tmp_path / "model.safetensors").stat().st_size == pytest.approx(
        loaded().files(network=False).weights.stat().st_size, rel=1e-3
    )
