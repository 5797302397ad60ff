"""Long clips in pieces against the whole, in double precision, where rounding hides nothing."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from almbench.checks.odd_sounds import check_long
from almbench.checks.subject import Subject
from almbench.codecs import pieces
from almbench.codecs.neural import NeuralCodec
from tests.codecs.small_checkpoints import load

torch: Any = pytest.importorskip("torch", reason="pip install 'almbench[neural]'")

HOPS = {"encodec": 320, "dac": 320, "dac of 44.1 kHz": 512}
FRAMES, PIECE = 61, 20  # three pieces and a frame


@pytest.fixture(scope="module", params=HOPS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("checkpoint")


@pytest.fixture(scope="module")
def codec(name: str, folder: Path) -> NeuralCodec[Any]:
    codec = load(name, folder)
    codec._model.double()
    return codec


@pytest.fixture(scope="module")
def heard(name: str) -> Any:
    length = FRAMES * HOPS[name] - (77 if name == "encodec" else 0)  # the others pad by themselves
    return torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (1, 1, length)))


def both(codec: NeuralCodec[Any], heard: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, ...]:
    """Codes and sound of the whole, then in pieces of the whole's codes."""
    with torch.inference_mode():
        codes = codec._encode(heard)
        sound = codec._decode(codes)
        monkeypatch.setattr(type(codec._kind), "whole_s", 0.1)  # type: ignore[attr-defined]
        rate = codec._loaded.frame_rate
        monkeypatch.setattr(pieces, "SECONDS", PIECE / rate)
        return codes, sound, codec._encode(heard), codec._decode(codes)


def test_pieces_join_as_the_whole(
    codec: NeuralCodec[Any], heard: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes, sound, codes_of_pieces, joined = both(codec, heard, monkeypatch)
    assert codes.shape[-1] == FRAMES
    torch.testing.assert_close(codes_of_pieces, codes, rtol=0, atol=0)
    torch.testing.assert_close(joined, sound, rtol=1e-9, atol=1e-12)


def test_seeing_a_frame_would_not_do(
    codec: NeuralCodec[Any], heard: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "reach", lambda _: 1)
    _, sound, _, joined = both(codec, heard, monkeypatch)
    assert (joined - sound).abs().max() > 1e-3 * sound.abs().max()


def test_encodec_that_forgets_would_not_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Forgetful(pieces._Remembered):
        def __call__(self, values: Any) -> Any:
            self._state = None
            return super().__call__(values)

    codec = load("encodec", tmp_path)
    codec._model.double()
    heard = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (1, 1, FRAMES * 320)))
    monkeypatch.setattr(pieces, "_Remembered", Forgetful)
    _, sound, _, joined = both(codec, heard, monkeypatch)
    assert (joined - sound).abs().max() > 1e-5 * sound.abs().max()


@pytest.mark.parametrize(
    "name", ["encodec, not causal", "encodec of norms", "encodec that trims both ends"]
)
def test_what_pieces_would_change_is_coded_whole(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codec = load(name, tmp_path)
    assert (codec.whole_s, codec.max_duration_s) == (None, 30.0)
    codec._model.double()
    heard = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (1, 1, FRAMES * 320)))
    codes, sound, codes_again, sound_again = both(codec, heard, monkeypatch)
    assert torch.equal(codes, codes_again)
    assert torch.equal(sound, sound_again)


def test_thirty_seconds_are_whole_though_their_last_frame_ends_later(tmp_path: Path) -> None:
    codec = load("dac of 44.1 kHz", tmp_path)
    clips = [np.random.default_rng(n).uniform(-1, 1, n * 44_100) for n in (30, 27)]
    together = codec.encode(clips, 44_100)
    assert together[0].codes is not None
    assert together[0].codes.shape[1] == 2584  # 30.0002 s
    for item, sound in zip(together, codec.decode(together, 44_100), strict=True):
        [alone] = codec.decode([item], 44_100)
        np.testing.assert_allclose(sound, alone, atol=1e-5)


@pytest.mark.slow
def test_the_adapter_takes_a_minute_alone_and_in_a_batch(name: str, tmp_path: Path) -> None:
    codec = load(name, tmp_path)
    assert (codec.whole_s, codec.max_duration_s) == (30.0, None)
    codec.check_duration(3600.0)
    measured, verdict = check_long(Subject(codec, "cpu"))
    same = {"encodec": 30}.get(name, 29)  # the end of the half is another to what hears ahead
    assert f"in pieces, its first {same} s against whole: " in measured
    assert verdict == "pass", measured
    rate = codec._loaded.sample_rate
    clips = [np.random.default_rng(n).uniform(-1, 1, n * rate) for n in (31, 1)]
    for item, clip in zip(codec.encode(clips, rate), clips, strict=True):
        [alone] = codec.encode([clip], rate)
        assert item.codes is not None
        assert alone.codes is not None
        np.testing.assert_array_equal(item.codes, alone.codes)
