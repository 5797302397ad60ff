import re
import subprocess
from collections.abc import Callable
from inspect import getsourcelines
from typing import Any

import numpy as np
import pytest
from pydantic import Field

from almbench.audio import Samples, fit
from almbench.checks.compare import Agreement, code_agreement, peak_difference
from almbench.checks.finding import Finding
from almbench.checks.parity import check_parity
from almbench.checks.run import CHECKS, check_codec
from almbench.checks.subject import Subject
from almbench.codecs.base import Codec, CodecSpec, Encoded, Options, from_codes
from almbench.codecs.builtin import PRESETS
from almbench.codecs.registry import adapter, make_codec
from almbench.errors import CodecError, Unavailable, UserError

Bench = Callable[..., subprocess.CompletedProcess[str]]
Array = np.ndarray[Any, np.dtype[Any]]
RATE = 8_000
STEPS = (1 / 8, 1 / 128, 1 / 2048)  # of the residual quantisers, 16 entries each


class Depth(Options):
    depth: int = Field(default=2, ge=1, le=3)


class Sound(Codec[Depth]):
    """A sound codec: each sample quantised, then what is left of it, in pairs of samples."""

    options_type = Depth
    supports_batching = True
    frame_rate = float(RATE)

    @property
    def encoding_key(self) -> str | None:
        return "sound"

    @property
    def spec(self) -> CodecSpec:
        return CodecSpec(
            id=self.id,
            label=self.label,
            family="sound",
            sample_rate=RATE,
            frame_rate=self.frame_rate,
            codebook_sizes=(16,) * self.options.depth,
        )

    def quantise(self, samples: Samples) -> Array:
        rest, codes = samples, []
        for step in STEPS[: self.options.depth]:
            code = np.clip(np.rint(rest / step), -8, 7)
            codes.append(code + 8)
            rest = rest - code * step
        return np.stack(codes).astype(np.int64)

    def encode(self, batch: list[Samples], rate: int) -> list[Encoded]:
        sizes = self.spec.codebook_sizes
        return [from_codes(self.quantise(clip), sizes, len(clip)) for clip in batch]

    def restore(self, item: Encoded) -> Samples:
        assert item.codes is not None
        out: Samples = sum((c - 8) * s for c, s in zip(item.codes, STEPS, strict=False))
        return out

    def decode(self, batch: list[Encoded], rate: int) -> list[Samples]:
        return [self.restore(item) for item in batch]


class WholeFrames(Sound):
    """Forgets to pad."""

    def restore(self, item: Encoded) -> Samples:
        return super().restore(item)[: item.length // 80 * 80]


class Dithered(Sound):
    """Draws anew each time."""

    rng = np.random.default_rng(0)

    def restore(self, item: Encoded) -> Samples:
        return super().restore(item) + self.rng.normal(0, 1e-4, item.length)


class Carries(Sound):
    """Keeps a state from clip to clip."""

    calls = 0

    def quantise(self, samples: Samples) -> Array:
        self.calls += 1
        codes = super().quantise(samples)
        codes[-1] = (codes[-1] + self.calls) % 16
        return codes


class OffByOne(Sound):
    """Counts codes from 1."""

    def quantise(self, samples: Samples) -> Array:
        return super().quantise(samples) + 9


class FloatCodes(Sound):
    """Codes that are no integers."""

    def quantise(self, samples: Samples) -> Array:
        return super().quantise(samples).astype(np.float32)


class FrameFirst(Sound):
    """Codes of shape [T, K]."""

    def encode(self, batch: list[Samples], rate: int) -> list[Encoded]:
        return [Encoded(e.bits, e.length, e.codes.T) for e in super().encode(batch, rate)]  # type: ignore[union-attr]

    def decode(self, batch: list[Encoded], rate: int) -> list[Samples]:
        return super().decode([Encoded(e.bits, e.length, e.codes.T) for e in batch], rate)  # type: ignore[union-attr]


class HalfRate(Sound):
    """Says half of its rate."""

    frame_rate = RATE / 2


class Stated(Sound):
    """No codebooks; says 64 kbps and emits 96."""

    @property
    def encoding_key(self) -> str | None:
        return None

    @property
    def spec(self) -> CodecSpec:
        return CodecSpec(
            id=self.id, label="", family="x", sample_rate=RATE, frame_rate=50, stated_bps=64_000
        )

    def encode(self, batch: list[Samples], rate: int) -> list[Encoded]:
        return [Encoded(12 * len(clip), len(clip), payload=clip) for clip in batch]

    def restore(self, item: Encoded) -> Samples:
        out: Samples = item.payload
        return out


class Uncounted(Stated):
    """Does not count its bits."""

    def encode(self, batch: list[Samples], rate: int) -> list[Encoded]:
        return [Encoded(None, len(clip), payload=clip) for clip in batch]


class Late(Sound):
    """Leaves its delay in: 3 ms."""

    shift = 24

    def restore(self, item: Encoded) -> Samples:
        return fit(np.pad(super().restore(item), (self.shift, 0)), item.length)


class VeryLate(Late):
    """Beyond what the metric of lag looks at."""

    shift = 2000


class Mixing(Sound):
    """Scales by the loudest of the batch."""

    def decode(self, batch: list[Encoded], rate: int) -> list[Samples]:
        sounds = super().decode(batch, rate)
        peak = max(np.abs(sound).max() for sound in sounds)
        return [sound / max(peak, 0.1) for sound in sounds]


class OneByOne(Sound):
    """Takes one clip, and says so."""

    supports_batching = False

    def encode(self, batch: list[Samples], rate: int) -> list[Encoded]:
        assert len(batch) == 1
        return super().encode(batch, rate)


class SaysBatches(OneByOne):
    """Takes one clip, and says otherwise."""

    supports_batching = True


class Padded(Sound):
    """Pads clips to the longest of the batch, and takes the padding away again."""

    supports_padding = True

    def encode(self, batch: list[Samples], rate: int) -> list[Encoded]:
        longest = max(map(len, batch))
        together = super().encode([fit(clip, longest) for clip in batch], rate)
        return [self.cut(e, len(clip)) for e, clip in zip(together, batch, strict=True)]

    def cut(self, item: Encoded, length: int) -> Encoded:
        assert item.codes is not None
        return from_codes(item.codes[:, :length], self.spec.codebook_sizes, length)


class KeepsPadding(Padded):
    """Forgets to take the padding's codes away."""

    def cut(self, item: Encoded, length: int) -> Encoded:
        return item


class OwnBooks(Sound):
    """Each depth has codebooks of its own."""

    def quantise(self, samples: Samples) -> Array:
        return (super().quantise(samples) + self.options.depth) % 16

    def restore(self, item: Encoded) -> Samples:
        assert item.codes is not None
        codes = (item.codes - self.options.depth) % 16
        return super().restore(Encoded(item.bits, item.length, codes))


class Normalising(Sound):
    """Divides by the level, also where there is none."""

    def restore(self, item: Encoded) -> Samples:
        sound = super().restore(item)
        with np.errstate(invalid="ignore"):
            out: Samples = sound / np.abs(sound).max()
        return out


class NeedsTwo(Sound):
    """Falls over a clip of one sample."""

    def quantise(self, samples: Samples) -> Array:
        np.diff(samples)[0]
        return super().quantise(samples)


class Refuses(Sound):
    """Says that it cannot take what it cannot take."""

    max_duration_s = 5.0

    def quantise(self, samples: Samples) -> Array:
        if len(samples) < 2:
            raise CodecError("needs two samples")
        return super().quantise(samples)


class InPieces(Sound):
    """Codes long clips in pieces, as it says."""

    whole_s = 30.0


class GarblesPieces(InPieces):
    """Begins each piece anew, from the middle of the scale."""

    def quantise(self, samples: Samples) -> Array:
        codes = super().quantise(samples)
        if len(samples) > self.whole_s * RATE:
            codes[:, codes.shape[1] // 4 : codes.shape[1] // 2] = 8
        return codes


class Overflowing(Sound):
    """Makes infinities of full scale."""

    def restore(self, item: Encoded) -> Samples:
        sound = super().restore(item)
        return np.where(np.abs(sound) > 0.9, np.inf, sound)


class Lost(Sound):
    """Loses clips of a batch."""

    def decode(self, batch: list[Encoded], rate: int) -> list[Samples]:
        return super().decode(batch[:1], rate)


class Integers(Sound):
    """Gives 16-bit integers."""

    def restore(self, item: Encoded) -> Samples:
        return (super().restore(item) * 2**15).astype(np.int16)


class Unloadable(Sound):
    """Fails to load."""

    def load(self, device: str) -> None:
        raise RuntimeError("shape mismatch")


class Loud(Sound):
    """Twice as loud, three times where the sound is beyond a third of full scale."""

    def restore(self, item: Encoded) -> Samples:
        sound = super().restore(item)
        return np.where(np.abs(sound) > 1 / 3, 3, 2) * sound


def look(class_: type[Sound], depth: int = 2) -> dict[str, Finding]:
    found = check_codec(class_("x", "X", Depth(depth=depth)), "cpu")
    return {finding.check: finding for finding in found}


def failed(found: dict[str, Finding]) -> list[str]:
    return [name for name, finding in found.items() if finding.verdict == "FAIL"]


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_sound_codec_passes_everything(depth: int) -> None:
    found = look(Sound, depth)
    assert list(found) == ["load", *CHECKS]
    assert failed(found) == []
    assert {f.check for f in found.values() if f.verdict == "info"} == {
        "load",
        "complexity",
        "band",  # 4 kHz of 8
        "padded batch",  # which is not claimed
    }
    assert f"[{depth}, 16000]" in found["shapes"].measured
    assert "8000, 8001, 7987" in found["length"].measured
    assert found["delay"].measured.startswith("0 samples")
    expected = {1: "first 1 of 2", 2: "first 1 of 2", 3: "first 1 of 3"}[depth]
    assert expected in found["nested codebooks"].measured
    assert "100.00% of the codes equal" in found["batch"].measured


def test_padding_that_changes_nothing_is_found_sound() -> None:
    found = look(Padded)
    assert failed(found) == []
    assert "100.00% of the codes equal" in found["padded batch"].measured
    assert found["padded batch"].verdict == "pass"


@pytest.mark.parametrize(
    ("class_", "check_", "words", "others"),
    [
        (WholeFrames, "length", "8001 samples gave 8000", ["1 sample"]),
        (Dithered, "determinism", "differ by", []),
        (Carries, "determinism", "of the codes equal", ["batch", "nested codebooks"]),
        (OffByOne, "shapes", "in codebook 1; it has 0 to 15", []),
        (FloatCodes, "shapes", "float32", []),
        (
            FrameFirst,
            "shapes",
            "are [T, K] = (16000, 2); they should be [K, T]: transpose them",
            ["nested codebooks"],
        ),
        (HalfRate, "bitrate", "+100.0%", []),
        (Stated, "bitrate", "+50.0%", []),
        (Uncounted, "bitrate", "no bits are counted", []),
        (Late, "delay", "24 samples (3.00 ms)", []),
        (VeryLate, "delay", "2000 samples", []),
        (Mixing, "batch", "differ by", []),
        (SaysBatches, "batch", "AssertionError", []),
        (Lost, "batch", "1 sounds for 3 clips", []),
        (KeepsPadding, "padded batch", "0.00% of the codes equal", []),
        (OwnBooks, "nested codebooks", "of the codes equal", []),
        (Normalising, "silence", "not finite", []),
        (NeedsTwo, "1 sample", "IndexError", []),
        (Overflowing, "full-scale square", "not finite", []),
        (
            Integers,
            "shapes",
            "int16",
            [n for n in CHECKS if n not in {"shapes", "bitrate", "padded batch", "complexity"}],
        ),
        (Unloadable, "load", "shape mismatch", []),
    ],
)
def test_a_broken_codec_is_caught(
    class_: type[Sound], check_: str, words: str, others: list[str]
) -> None:
    found = look(class_)
    assert words in found[check_].measured
    assert set(failed(found)) == {check_, *others}


def test_what_a_run_would_remark_upon_is_told_and_fails_nothing() -> None:
    found = look(Loud)
    assert failed(found) == []
    for check, words in {
        "level": "louder than the originals by",
        "clipping": "% of its samples lie beyond full scale",
        "band": "nothing above 4 kHz, where the originals have sound up to 7.75 kHz",
    }.items():
        assert found[check].verdict == "info"
        assert words in found[check].measured
    clip, sound = Subject(Loud("x", "X", Depth()), "cpu").speech_and_back
    beyond = int((np.abs(sound) > 1).sum())
    assert found["clipping"].measured.startswith(f"{beyond} of {len(clip)} samples")


def test_what_is_not_claimed_is_not_held_against_it() -> None:
    found = look(OneByOne)
    assert failed(found) == []
    assert found["batch"].verdict == "info"
    found = look(Refuses)
    assert failed(found) == []
    assert (found["1 sample"].verdict, found["60 s"].verdict) == ("info", "info")
    assert "needs two samples" in found["1 sample"].measured
    assert "at most 5 s" in found["60 s"].measured
    assert look(Uncounted)["nested codebooks"].verdict == "info"


def test_what_is_coded_in_pieces_is_held_against_the_whole() -> None:
    good, bad = (look(kind)["60 s"] for kind in (InPieces, GarblesPieces))
    assert good.verdict == "pass"
    assert "its first 30 s against whole: 100.00% of the codes equal" in good.measured
    assert bad.verdict == "FAIL"


def test_an_unexpected_error_is_placed_in_the_adapter() -> None:
    measured = look(NeedsTwo)["1 sample"].measured
    found = re.fullmatch(r"IndexError: .* \(test_checks\.py, line (\d+)\)", measured)
    assert found
    lines, first = getsourcelines(NeedsTwo)
    assert int(found[1]) in range(first, first + len(lines))


def test_a_codec_that_is_not_here_is_no_failed_check() -> None:
    class Absent(Sound):
        def load(self, device: str) -> None:
            raise Unavailable("the weights are gone")

    with pytest.raises(UserError, match="the weights are gone"):
        look(Absent)


WITHOUT_MODEL = [
    id_
    for id_, preset in PRESETS.items()
    if not getattr(adapter(preset.adapter), "uses_device", False)
    and "checkpoint" not in adapter(preset.adapter).options_type.model_fields
]


@pytest.mark.parametrize("id_", WITHOUT_MODEL)
def test_every_codec_without_a_model_keeps_its_claims(id_: str) -> None:
    codec = make_codec(id_)
    if reason := codec.missing():
        pytest.skip(reason)
    found = {finding.check: finding for finding in check_codec(codec, "cpu")}
    assert failed(found) == []
    assert found["length"].verdict == found["60 s"].verdict == "pass"
    if id_.startswith(("opus-12", "opus-24", "opus-32", "opus-64", "mp3", "aac", "amr", "lowpass")):
        assert found["delay"].verdict == "pass"
    if id_ == "opus-6" or id_.startswith("codec2"):  # no waveform is kept that could tell a lag
        assert found["delay"].verdict == "info"
    assert found["bitrate"].verdict == ("info" if id_.startswith("lowpass") else "pass")


class OnDevice(Sound):
    """Says that it runs on a device."""

    uses_device = True


class LoadedAnew(OnDevice):
    """Sounds a little different each time that it is loaded."""

    loads = 0

    def load(self, device: str) -> None:
        self.loads += 1

    def restore(self, item: Encoded) -> Samples:
        return super().restore(item) * (1 + 1e-9 * self.loads)


class CodedAnew(LoadedAnew):
    """One code is another each time that it is loaded."""

    def quantise(self, samples: Samples) -> Array:
        codes = super().quantise(samples)
        codes[0, 0] = self.loads
        return codes

    def restore(self, item: Encoded) -> Samples:
        return Sound.restore(self, item)


def parity(class_: type[Sound]) -> Finding:
    return list(check_codec(class_("x", "X", Depth()), "cpu", against="cpu"))[-1]


def test_from_the_cpu_to_the_cpu_nothing_may_change() -> None:
    found = parity(OnDevice)
    assert (found.check, found.verdict) == ("against cpu", "pass")
    assert found.measured.startswith("100.00% of the codes equal, sounds differ by 0 of the peak")
    assert len(re.findall(r"real-time factor 0\.\d+ on cpu", found.measured)) == 2
    found = parity(LoadedAnew)
    assert found.verdict == "FAIL"
    assert "100.00% of the codes equal, sounds differ by 1e-09 of the peak" in found.measured
    found = parity(CodedAnew)
    assert found.verdict == "FAIL"
    assert "sounds differ by 0 of the peak" in found.measured
    assert parity(Sound).verdict == "info"


def test_the_bundled_tokenizer_is_the_same_loaded_twice() -> None:
    codec = make_codec("almtokenizer")
    codec.load("cpu")
    message, verdict = check_parity(Subject(codec, "cpu"), "cpu")
    assert verdict == "pass", message
    assert "100.00% of the codes equal" in message


@pytest.mark.parametrize(
    ("codes", "difference", "verdict"),
    [(None, 0.0, True), (0.995, 0.005, True), (0.985, 0.0, False), (1.0, 0.02, False)],
)
def test_how_alike_two_devices_must_be(
    codes: float | None, difference: float, verdict: bool
) -> None:
    assert Agreement(codes, difference).within() is verdict


def test_frames_that_only_one_has_do_not_agree() -> None:
    def share(one: list[list[int]], other: list[list[int]]) -> float | None:
        return code_agreement(
            from_codes(np.array(one), [8] * len(one), 10),
            from_codes(np.array(other), [8] * len(other), 10),
        )

    assert share([[1, 2, 3, 4]], [[1, 2, 3, 4]]) == 1.0
    assert share([[1, 2, 3, 4]], [[1, 2]]) == 0.5
    assert share([[1, 0]], [[1, 2, 3, 4]]) == 0.25
    assert share([[1, 2]], [[1, 2], [1, 2]]) == 0.0
    assert code_agreement(Encoded(8.0, 10), Encoded(8.0, 10)) is None


def test_sounds_are_compared_by_their_peak() -> None:
    one = np.array([0.0, -0.5, 0.25])
    assert peak_difference(one, one + np.array([0, 0, 0.05])) == pytest.approx(0.1)
    assert peak_difference(one, one[:2]) == np.inf
    assert peak_difference(np.zeros(3), np.zeros(3)) == 0
    assert peak_difference(np.zeros(0), np.zeros(0)) == 0


def test_the_command(bench: Bench) -> None:
    done = bench("check", "mp3-16", "lowpass-7", "--against", "cpu")
    assert done.returncode == 0, done.stderr
    firsts = [line.strip().partition("  ")[0] for line in done.stdout.splitlines()]
    for name in ["load", *CHECKS, "against cpu"]:
        assert firsts.count(name) == 2
    assert "mp3-16 on cpu" in done.stdout
    assert done.stdout.count("Its claims hold.") == 2


def test_a_claim_that_does_not_hold_is_exit_code_1(bench: Bench) -> None:
    options = [
        'command=["{python}", "{workers}/example.py"]',
        "sample_rate=8000",
        "frame_rate=4000",  # mu-law has a code for each sample
        "codebook_sizes=[256]",
    ]
    done = bench("check", "external", *(word for o in options for word in ("--option", o)))
    assert done.returncode == 1, done.stderr
    assert "1 of its claims do not hold." in done.stdout
    assert "64.000 kbps measured, 32.000 nominal: +100.0%" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["opsu-6"], "Did you mean 'opus-6'"),
        (["opus"], "The key 'bitrate' is missing. Options are given by --option KEY=VALUE."),
        (["opus"], "With its options set: opus-6, opus-12,"),
        (["opus", "--option", "bitrate"], "is not KEY=VALUE"),
        (["opus", "--option", "bitrate=5"], "bitrate = 5"),
        (["reconstructions", "--option", "path=/tmp"], "no codec to run"),
        (
            ["external", "--option", 'command=["/no/such"]', "--option", "sample_rate=8000"],
            "To fix",
        ),
        (["mp3-16", "--device", "tpu"], "tpu"),
        (["mp3-16", "almtokenizer", "--against", "cuda"], "PyTorch sees no CUDA device"),
    ],
)
def test_a_users_mistake_is_one_clear_message(
    refused: Callable[..., str], args: list[str], words: str
) -> None:
    assert words in refused("check", *args)
