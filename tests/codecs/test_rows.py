"""Rows of a batch against each clip alone, in double precision, where rounding hides nothing."""

from typing import Any

import numpy as np
import pytest

from tests.codecs.small_checkpoints import SMALL, load

torch: Any = pytest.importorskip("torch", reason="pip install 'almbench[neural]'")
transformers: Any = pytest.importorskip("transformers", reason="pip install 'almbench[neural]'")

LENGTHS = {
    "as they come": [12_000, 11_999, 9_999, 7_001],
    "too short to be reflected": [1_500, 321, 320, 1],
    "none full": [9_600, 9_600, 8_001],
}


@pytest.fixture(scope="module", params=SMALL)
def codec(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    codec = load(request.param, tmp_path_factory.mktemp("checkpoint"))
    codec._model.double()
    return codec


@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
@pytest.mark.parametrize("filled", [0, 5], ids=["", "wider than the longest"])
def test_rows_are_coded_as_if_alone(codec: Any, lengths: list[int], filled: int) -> None:
    rng = np.random.default_rng(0)
    clips = [torch.from_numpy(rng.uniform(-1, 1, length)) for length in lengths]
    own = [codec.batch_length(length) for length in lengths]
    hop = codec._loaded.hop
    width = max(own) + filled * hop
    sounds = torch.stack([torch.nn.functional.pad(clip, (0, width - len(clip))) for clip in clips])
    frames = [-(-length // hop) for length in lengths]
    with torch.inference_mode():
        with codec._apart(own, width):
            codes = codec._encode(sounds[:, None].clone())
        codes = torch.nn.functional.pad(codes, (0, max(frames) + filled - codes.shape[-1]))
        for row, count in zip(codes, frames, strict=True):
            row[:, count:] = 7  # whatever stands there
        with codec._apart(frames, codes.shape[-1]) as rows:
            made = codec._decode(codes)
        ends = rows.at(made.shape[-1]) if rows else [made.shape[-1]] * len(clips)
        for index, (length, count) in enumerate(zip(own, frames, strict=True)):
            alone = codec._encode(sounds[index : index + 1, None, :length].clone())[0]
            torch.testing.assert_close(codes[index, :, :count], alone, rtol=0, atol=0)
            sound = codec._decode(alone[None])[0]
            assert ends[index] == len(sound)
            torch.testing.assert_close(made[index, : len(sound)], sound, rtol=1e-9, atol=1e-12)


def test_the_model_is_as_before(codec: Any) -> None:
    hooked = [part for part in codec._model.modules() if part._forward_hooks]
    with codec._apart([9_600, 320], 9_600):
        assert [part for part in codec._model.modules() if part._forward_hooks] != hooked
    assert [part for part in codec._model.modules() if part._forward_hooks] == hooked
    assert not any({"_pad1d", "forward"} & set(vars(part)) for part in codec._model.modules())


def test_full_rows_are_left_to_the_model(codec: Any) -> None:
    with codec._apart([960, 960], 960) as rows:
        assert rows is None
