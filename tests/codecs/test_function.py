import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from almbench.audio import Samples
from almbench.codecs.function import FunctionCodec, fingerprint
from almbench.errors import CodecError

GAIN = 0.5
CLIPS: list[Samples] = [np.linspace(-1, 1, 101), np.zeros(7)]


def quieter(samples: Samples, sample_rate: int) -> Samples:
    assert sample_rate == 8000
    samples *= GAIN  # in place: the runner's own clip must not change
    return samples


def through(function: Callable[[Samples, int], Any]) -> list[Samples]:
    codec = FunctionCodec(function)
    return codec.decode(codec.encode(CLIPS, 8000), 8000)


def test_clips_go_through_the_function_and_stay_as_they_were() -> None:
    before = [clip.copy() for clip in CLIPS]
    decoded = through(quieter)
    for clip, kept, sound in zip(CLIPS, before, decoded, strict=True):
        np.testing.assert_array_equal(clip, kept)
        np.testing.assert_array_equal(sound, kept * 0.5)
        assert sound.dtype == np.float64


def test_the_facts_claim_nothing_that_is_not_known() -> None:
    spec = FunctionCodec(quieter).spec
    assert (spec.id, spec.label, spec.family) == ("quieter", "quieter", "function")
    assert spec.sample_rate is spec.nominal_kbps is spec.tokens_per_second is None
    assert str(spec.settings["function"]).endswith("test_function.quieter")
    assert FunctionCodec(quieter).encode(CLIPS, 8000)[0].bits is None
    named = FunctionCodec(quieter, "q", "Quieter by 6 dB").spec
    assert (named.id, named.label) == ("q", "Quieter by 6 dB")
    assert FunctionCodec(lambda x, _: x).id == "lambda"
    assert FunctionCodec(partial(quieter)).id == "partial"


@pytest.mark.parametrize(
    "convert", [list, torch.from_numpy, np.float32, lambda x: x.astype(np.float16)]
)
def test_what_numpy_can_read_is_a_sound(convert: Callable[[Samples], Any]) -> None:
    for clip, sound in zip(CLIPS, through(lambda x, _: convert(x)), strict=True):
        np.testing.assert_allclose(sound, clip, atol=1e-3)
        assert sound.dtype == np.float64


@pytest.mark.parametrize("length", [-5, 0, 5, 1000])
def test_a_small_difference_of_length_is_cut_or_padded(length: int) -> None:
    codec = FunctionCodec(lambda x, _: x[:length] if length < 0 else np.pad(x, (0, length)))
    sound = codec.decode(codec.encode(CLIPS[:1], 8000), 8000)[0]
    assert len(sound) == 101
    kept = min(101, 101 + length)
    np.testing.assert_array_equal(sound[:kept], CLIPS[0][:kept])
    assert not sound[kept:].any()


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x, _: x[:80], "80 samples of 101"),
        (lambda x, _: x[:0], "holds no samples"),
        (lambda x, _: x[None, None], r"shape \[1, 1, 101\]"),
        (lambda x, _: x.sum(), r"shape \[\] and type float64"),
        (lambda _x, _: None, "shape"),
        (lambda _x, _: "sound", "allowed: numbers"),
        (lambda x, _: [x, x[:3]], "no array of samples"),
    ],
)
def test_what_is_no_sound_is_an_error_of_the_clip(
    function: Callable[[Samples, int], Any], words: str
) -> None:
    with pytest.raises(CodecError, match=words):
        through(function)


SOURCE = """
import numpy as np
TAPS = np.array([0.5, 0.25])
STEPS = {"coarse", "fine", "finer"}
def helper(x):
    return x * 2
def codec(x, rate, level=1.0):
    if "fine" in {"coarse", "fine", "finer"}:
        return np.convolve(helper(x), TAPS) * level
    return [helper(y) for y in x]
class Model:
    def __init__(self):
        self.scale = 3
    def forward(self, x):
        return x * self.scale
    def __call__(self, x, rate):
        return self.forward(x)
"""


def of_source(tmp_path: Path, source: str, expression: str = "codec", seed: int = 0) -> str:
    """The fingerprint in a process of its own, with its own order of sets."""
    (tmp_path / "mine.py").write_text(source)
    code = (
        "import mine\n"
        "from almbench.codecs.function import fingerprint\n"
        f"print(fingerprint(mine.{expression}))"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PYTHONHASHSEED": str(seed)},
    )
    return done.stdout.strip()


def test_the_fingerprint_is_that_of_what_runs(tmp_path: Path) -> None:
    first = of_source(tmp_path, SOURCE)
    assert len(first) == 64
    assert of_source(tmp_path, SOURCE, seed=1) == first
    assert of_source(tmp_path, "# a comment\n\n" + SOURCE.replace("(x)", "( x )")) == first
    for old, new in [
        ("* level", "/ level"),
        ("level=1.0", "level=1.5"),
        ("return x * 2", "return x * 3"),  # what it calls
        ("0.25]", "0.26]"),  # what it reads
        ('"finer"}:', '"finest"}:'),
        ("convolve", "correlate"),
    ]:
        assert SOURCE.count(old) == 1
        assert of_source(tmp_path, SOURCE.replace(old, new)) != first, new


def test_the_fingerprint_of_an_object_covers_its_class_and_attributes(tmp_path: Path) -> None:
    first = of_source(tmp_path, SOURCE, "Model()")
    assert of_source(tmp_path, SOURCE, "Model()", seed=1) == first
    assert of_source(tmp_path, SOURCE.replace("= 3", "= 4"), "Model()") != first
    assert of_source(tmp_path, SOURCE.replace("x * self", "x / self"), "Model()") != first
    bound = of_source(tmp_path, SOURCE, "Model().forward")
    assert of_source(tmp_path, SOURCE.replace("= 3", "= 4"), "Model().forward") != bound


def test_captured_values_and_partials_count() -> None:
    def scaled(gain: float | NDArray[np.float64]) -> Callable[[Samples, int], Samples]:
        return lambda x, _: x * gain

    assert fingerprint(scaled(2)) == fingerprint(scaled(2))
    assert fingerprint(scaled(2)) != fingerprint(scaled(3))
    taps = np.ones(4)
    assert fingerprint(scaled(taps)) != fingerprint(scaled(2 * taps))
    assert fingerprint(partial(scaled, 1)) != fingerprint(partial(scaled, 2))
    assert fingerprint(np.sin) != fingerprint(np.cos)


def test_a_variable_may_be_set_later_and_a_model_may_be_called() -> None:
    def early(x: Samples, rate: int) -> Samples:
        return late(x, rate)

    first = fingerprint(early)

    def late(x: Samples, rate: int) -> Samples:
        return x * rate

    assert fingerprint(early) != first
    small, large = (torch.nn.Sequential(torch.nn.Linear(8, n), torch.nn.ReLU()) for n in (4, 5))
    assert fingerprint(small) == fingerprint(torch.nn.Sequential(*small))
    assert fingerprint(small) != fingerprint(large)  # by its sizes; weights are not seen


def test_functions_that_call_each_other_have_an_end() -> None:
    def loop(x: Samples, rate: int) -> Samples:
        return x if rate else loop(x, 1)

    class Own:
        def __init__(self) -> None:
            self.me = self

        def __call__(self, x: Samples, rate: int) -> Samples:
            return x

    assert fingerprint(loop) != fingerprint(Own())


def test_the_identity_stays_while_what_is_captured_changes() -> None:
    calls = [0]

    def counting(x: Samples, _: int) -> Samples:
        calls[0] += 1
        return x

    codec = FunctionCodec(counting)
    before = codec.spec
    codec.encode(CLIPS, 8000)
    assert calls == [2]
    assert codec.spec == before
