"""The quantisers of StableCodec, against values that its own package computed."""

import json
from pathlib import Path

import numpy as np
import pytest

from almbench.codecs import fsq

DATA = Path(__file__).resolve().parents[1] / "fixtures/stablecodec-fsq"
every_preset = pytest.mark.parametrize("name", list(fsq.STABLECODEC))


@pytest.fixture(scope="module")
def presets() -> dict[str, dict[str, list[dict[str, object]]]]:
    loaded: dict[str, dict[str, list[dict[str, object]]]]
    loaded = json.loads((DATA / "presets.json").read_text())["presets"]
    return loaded


@every_preset
@pytest.mark.parametrize("rows", ["", "edge_"])
def test_codes_and_values_are_the_packages(
    name: str, rows: str, presets: dict[str, object]
) -> None:
    want = np.load(DATA / f"expected_{name}.npz")
    stages = fsq.STABLECODEC[name]
    codes = fsq.encode(want[f"{rows}latents"], stages)
    np.testing.assert_array_equal(codes, want[f"{rows}indices"].T)
    np.testing.assert_allclose(fsq.decode(codes, stages), want[f"{rows}decoded"], atol=1e-6)
    for k, stage in enumerate(stages):
        alone = fsq.decode(codes[k : k + 1], [stage])
        np.testing.assert_allclose(alone, want[f"{rows}stage_values"][:, k], atol=1e-6)


@every_preset
def test_the_stages_are_the_packages(
    name: str, presets: dict[str, dict[str, list[dict[str, object]]]]
) -> None:
    stages = fsq.STABLECODEC[name]
    for stage, want in zip(stages, presets[name]["stages"], strict=True):
        assert list(stage.levels) == want["levels"]
        assert stage.scale == want["scale"]
        assert stage.codebook_size == want["codebook_size"]
        assert stage.basis.tolist() == want["basis"]
        np.testing.assert_allclose(stage.steps, float(str(want["step"])), rtol=1e-7)


@every_preset
def test_every_index_comes_back(name: str) -> None:
    stage = fsq.STABLECODEC[name][0]
    codes = np.arange(stage.codebook_size)[None]
    values = fsq.decode(codes, [stage])
    assert len(np.unique(values, axis=0)) == stage.codebook_size
    # atanh undoes the tanh of encode; the outermost levels lie at infinity.
    latents = np.arctanh(np.clip(values, -1 + 1e-12, 1 - 1e-12))
    np.testing.assert_array_equal(fsq.encode(latents, [stage]), codes)


def test_saturated_latents_stay_in_range() -> None:
    for stages in fsq.STABLECODEC.values():
        codes = fsq.encode(np.array([[np.inf] * 6, [-np.inf] * 6, [1e9] * 6]), stages)
        assert codes.min() >= 0
        assert all((row < s.codebook_size).all() for row, s in zip(codes, stages, strict=True))
