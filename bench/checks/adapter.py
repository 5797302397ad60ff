"""The health of an adapter: whether what it claims holds, and how it takes odd sounds."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from inspect import getfile
from pathlib import Path
from traceback import extract_tb
from typing import Any, Literal

import numpy as np
from pydantic import ValidationError
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from almbench.audio import Samples, fit, read, resample
from almbench.codecs.base import Codec, CodecSpec, Encoded, from_codes
from almbench.codecs.builtin import PRESETS
from almbench.codecs.registry import adapter, adapter_names, create
from almbench.devices import choose
from almbench.errors import CodecError, MetricUndefined, Unavailable, UserError, unknown
from almbench.metrics.alignment import LagMs
from almbench.metrics.base import Settings
from almbench.samples import folder

ANY_RATE = 48_000  # for codecs that take any
SPEECH_S = 2.0
LONG_S = 60.0
COMPUTED = 0.02  # how far the bitrate may be off where it follows from the codebooks,
STATED = 0.25  # and where it is what an encoder aims at; and by one frame, and the delay
SAME_CODES = 0.99  # ties may fall the other way
SAME_SOUND = 0.01  # of the peak
SAME_ON_CUDA = 1e-4  # likewise, between two runs: its kernels may add in another order each time
LATEST_S = 0.002
CLEAR = 0.5  # correlation of waveforms from which a lag can be trusted

Verdict = Literal["pass", "FAIL", "info"]
COLOURS = {"pass": "green", "FAIL": "red", "info": "yellow"}


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        check: Name of the check.
        measured: What was measured, in words.
        verdict: Whether a claim of the adapter holds; info where it claims nothing.
    """

    check: str
    measured: str
    verdict: Verdict


Result = tuple[str, Verdict]


class _BrokenError(Exception):
    """An adapter gave back what it may not."""


def print_check(name: str, options: Sequence[str], device: str) -> int:
    """Check a codec and print what was found.

    Args:
        name: A built-in preset, or an adapter's name.
        options: Options of the adapter, each KEY=VALUE.
        device: auto, cpu or cuda.

    Returns:
        The exit code: 1 where a claim of the adapter does not hold, else 0.

    Raises:
        UserError: There is no such codec, an option is wrong, or the codec cannot be used here.
    """
    codec = make(name, options)
    kind = choose(device, used=codec.uses_device).kind if codec.uses_device else "cpu"
    try:
        codec.fetch()
    except Unavailable as error:
        raise UserError(f"Codec '{name}' cannot be used here: {error}") from error
    console = Console(highlight=False)
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in ("check", "", "measured"):
        table.add_column(column, no_wrap=column != "measured", overflow="fold")
    failed = 0
    with console.status(f"Checking {escape(name)} on {kind}"):
        for finding in check(codec, kind):
            colour = COLOURS[finding.verdict]
            table.add_row(
                finding.check, f"[{colour}]{finding.verdict}[/]", escape(finding.measured)
            )
            failed += finding.verdict == "FAIL"
    console.print(f"[bold]{escape(name)}[/] on {kind}")
    console.print(table)
    console.print(f"{failed} of its claims do not hold." if failed else "Its claims hold.")
    return 1 if failed else 0


def make(name: str, options: Sequence[str]) -> Codec[Any]:
    """Make a codec by the name of a built-in preset or of an adapter.

    Args:
        name: The name.
        options: Options, each KEY=VALUE; a value is read as JSON where it is that, else as text.

    Raises:
        UserError: There is no such codec, an option is wrong, or it is no codec that runs.
    """
    chosen: dict[str, Any] = {}
    for pair in options:
        key, equals, value = pair.partition("=")
        if not (key and equals):
            raise UserError(f"--option '{pair}' is not KEY=VALUE, such as bitrate=16000.")
        try:
            chosen[key] = json.loads(value)
        except json.JSONDecodeError:
            chosen[key] = value
    ready = PRESETS.get(name)
    if ready is None and name not in adapter_names():
        raise UserError(unknown("codec", name, [*PRESETS, *adapter_names()]))
    adapter_name = ready.adapter if ready else name
    if not issubclass(adapter(adapter_name), Codec):
        raise UserError(
            f"'{name}' reads ready files, which another program made; there is no codec to check. "
            "Check its files with: bench score REFERENCE_DIR RECONSTRUCTION_DIR"
        )
    label, given = (ready.label, ready.options) if ready else (name, {})
    try:
        made = create(name, label, adapter_name, {**given, **chosen})
    except UserError as error:
        raise UserError(f"{error} Options are given by --option KEY=VALUE.") from error
    assert isinstance(made, Codec)  # noqa: S101 - for the type checker
    return made


def check(codec: Codec[Any], device: str) -> Iterator[Finding]:
    """Check a codec that has been fetched; it is loaded and unloaded.

    Args:
        codec: The codec.
        device: cpu or cuda.

    Raises:
        UserError: It cannot be loaded here.
    """
    start = time.perf_counter()
    try:
        codec.load(device)
        subject = Subject(codec, device)
    except Unavailable as error:
        raise UserError(f"Codec '{codec.id}' cannot be loaded here: {error}") from error
    except Exception as error:
        yield Finding("load", _words(error, codec), "FAIL")
        return
    try:
        yield Finding("load", f"{time.perf_counter() - start:.1f} s", "info")
        for name, look in CHECKS.items():
            try:
                yield Finding(name, *look(subject))
            except Exception as error:  # whatever an adapter does wrong is a finding
                yield Finding(name, _words(error, codec), "FAIL")
    finally:
        codec.unload()


class Subject:
    """A loaded codec, with sounds for it.

    Attributes:
        codec: The codec.
        device: cpu or cuda.
        spec: Its facts.
        rate: Its rate in Hz, or one of ours where it takes any.
    """

    def __init__(self, codec: Codec[Any], device: str) -> None:
        """Ask for the facts once."""
        self.codec = codec
        self.device = device
        self.spec: CodecSpec = codec.spec
        self.rate = self.spec.sample_rate or ANY_RATE

    @cached_property
    def _speech(self) -> Samples:
        sound = read(folder() / "speech" / "en-gb-harbour.flac")
        return resample(sound.samples, sound.rate, self.rate)

    @property
    def usual(self) -> int:
        """Samples of a clip of usual length: 2 s, or what the codec takes at most."""
        return int(min(SPEECH_S, self.codec.max_duration_s or SPEECH_S) * self.rate)

    def speech(self, length: int, start: float = 0.0) -> Samples:
        """Speech of `length` samples from `start` seconds on, repeated if need be."""
        return np.resize(np.roll(self._speech, -int(start * self.rate)), length)

    def encode(self, *clips: Samples) -> list[Encoded]:
        """Encode clips in one call; what comes back must be as many `Encoded`."""
        encoded = self.codec.encode(list(clips), self.rate)
        if len(encoded) != len(clips) or not all(isinstance(e, Encoded) for e in encoded):
            raise _BrokenError(f"encode gave {encoded!r:.80} for {len(clips)} clips")
        return encoded

    def decode(self, *encoded: Encoded) -> list[Samples]:
        """Decode clips in one call; what comes back must be as many sounds."""
        sounds = self.codec.decode(list(encoded), self.rate)
        if len(sounds) != len(encoded):
            raise _BrokenError(f"decode gave {len(sounds)} sounds for {len(encoded)} clips")
        for sound in sounds:
            kind = getattr(sound, "dtype", type(sound))
            if not isinstance(sound, np.ndarray) or sound.ndim != 1 or sound.dtype.kind != "f":
                shape = getattr(sound, "shape", "")
                raise _BrokenError(f"decode gave {kind} {shape}, not floats of shape [T]")
        return sounds

    def through(self, clip: Samples) -> tuple[Encoded, Samples]:
        """Encode and decode one clip."""
        encoded = self.encode(clip)[0]
        return encoded, self.decode(encoded)[0]


def _shapes(subject: Subject) -> Result:
    encoded, sound = subject.through(subject.speech(subject.usual))
    words = f"{sound.dtype} sound of {len(sound)} samples"
    sizes, codes = subject.spec.codebook_sizes, encoded.codes
    if not np.isfinite(sound).all():
        return f"{words}, not all finite", "FAIL"
    if not sizes:
        return (words, "pass") if codes is None else (f"codes, but no codebooks; {words}", "FAIL")
    if codes is None:
        return f"no codes, but {len(sizes)} codebooks; {words}", "FAIL"
    words = f"codes {codes.dtype} {list(codes.shape)}, {words}"
    if codes.dtype.kind not in "iu" or codes.ndim != 2 or len(codes) != len(sizes):
        return f"{words}; integers of shape [{len(sizes)}, T] were due", "FAIL"
    outside = (codes < 0) | (codes >= np.asarray(sizes)[:, None])
    if outside.any():
        return f"{words}; {outside.sum()} codes outside of their codebooks", "FAIL"
    return words, "pass"


def _length(subject: Subject) -> Result:
    wrong, lengths = [], []
    second = min(subject.rate, subject.usual - 1)
    for length in (second, second + 1, second - 13):
        encoded, sound = subject.through(subject.speech(length))
        lengths.append(str(length))
        if len(sound) != length or encoded.length != length:
            wrong.append(f"{length} samples gave {len(sound)} (noted as {encoded.length})")
    return ("; ".join(wrong), "FAIL") if wrong else (f"kept for {', '.join(lengths)}", "pass")


def _bitrate(subject: Subject) -> Result:
    spec, rate = subject.spec, subject.rate
    hop = rate / spec.frame_rate if spec.frame_rate else 1.0
    length = round(max(1, subject.usual // hop) * hop)
    bits = subject.encode(subject.speech(length))[0].bits
    nominal = spec.nominal_kbps
    if bits is None:
        words = f"no bits are counted, {nominal or 0:.2f} kbit/s are stated"
        return ("a filter, no bits", "info") if spec.anchor else (words, "FAIL")
    measured = bits / length * rate / 1000
    if nominal is None:
        return f"{measured:.3f} kbit/s; none is stated", "info"
    frames = 1 / spec.frame_rate if spec.frame_rate else 0.0
    spare = (frames + spec.delay / rate) / (length / rate)
    share = (COMPUTED if spec.codebook_sizes else STATED) + spare
    off = measured / nominal - 1
    words = (
        f"{measured:.3f} kbit/s measured, {nominal:.3f} nominal: {off:+.1%}, allowed {share:.1%}"
    )
    return words, "pass" if abs(off) <= share else "FAIL"


def _determinism(subject: Subject) -> Result:
    clip = subject.speech(subject.usual)
    first, sound = subject.through(clip)
    subject.through(subject.speech(subject.usual // 2, start=1.0))
    again, sound_again = subject.through(clip)
    codes, apart = _agreement(first, again), _difference(sound, sound_again)
    exact = subject.device == "cpu"
    least, most = (1.0, 0.0) if exact else (SAME_CODES, SAME_ON_CUDA)
    same = (codes is None or codes >= least) and first.bits == again.bits and apart <= most
    return f"twice, another clip between: {_compared(codes, apart)}", "pass" if same else "FAIL"


def _batch(subject: Subject) -> Result:
    clips = [level * subject.speech(subject.usual, 1 / level) for level in (1.0, 0.5, 0.25)]
    claims = subject.codec.supports_batching
    try:
        together = subject.encode(*clips)
        sounds = subject.decode(*together)
    except Exception as error:
        words = _words(error, subject.codec)
        return f"{words} (batches: {claims})", "FAIL" if claims else "info"
    pairs = [
        _agreement(many, subject.encode(clip)[0])
        for many, clip in zip(together, clips, strict=True)
    ]
    agreements = [share for share in pairs if share is not None]
    codes = min(agreements) if agreements else None
    # The same codes are decoded, so that a tie in the codes is not held against the decoder.
    apart = max(_difference(subject.decode(e)[0], s) for e, s in zip(together, sounds, strict=True))
    words = f"3 clips at once against one by one: {_compared(codes, apart)}"
    if not claims:
        return f"{words}; batches are not claimed", "info"
    good = (codes is None or codes >= SAME_CODES) and apart <= SAME_SOUND
    return words, "pass" if good else "FAIL"


def _delay(subject: Subject) -> Result:
    from scipy.signal import correlate

    probe = _probe(subject.rate)[: subject.usual]
    sound = subject.through(probe)[1]
    norm = np.sqrt((probe @ probe) * (sound @ sound))
    if not norm:
        return "silence came back for a chirp and noise", "info"
    correlation = correlate(sound, probe, method="fft") / norm
    at = int(np.argmax(np.abs(correlation)))
    lag, height = at - len(probe) + 1, float(correlation[at])
    if abs(height) >= CLEAR:
        words = f"{lag} samples ({1000 * lag / subject.rate:.2f} ms), correlation {height:.2f}"
        return words, "pass" if abs(lag) <= LATEST_S * subject.rate else "FAIL"
    try:
        clip = subject.speech(subject.usual)
        sound = fit(subject.through(clip)[1], len(clip))
        lag_ms = LagMs(Settings()).score(clip, sound, subject.rate, ["lag_ms"])["lag_ms"]
        words = f"about {lag_ms:.1f} ms on speech"
    except MetricUndefined as error:
        words = str(error)
    return f"{words}; waveforms are not kept (correlation {height:.2f})", "info"


def _nested(subject: Subject) -> Result:
    if subject.codec.encoding_key is None:
        return "not claimed", "info"
    other = _sibling(subject)
    if other is None:
        return "no setting of another depth was found", "info"
    shallow, deep = sorted((subject, other), key=lambda s: len(s.spec.codebook_sizes))
    clip = subject.speech(subject.usual)
    other.codec.load(subject.device)
    try:
        wide, narrow = deep.encode(clip)[0], shallow.encode(clip)[0]
        if wide.codes is None or narrow.codes is None:
            return "no codes", "FAIL"
        sizes = shallow.spec.codebook_sizes
        kept = from_codes(wide.codes, sizes, wide.length)
        codes = _agreement(kept, narrow)
        apart = _difference(deep.decode(narrow)[0], shallow.decode(narrow)[0])
    finally:
        other.codec.unload()
    words = f"first {len(sizes)} of {len(deep.spec.codebook_sizes)} codebooks against "
    good = codes is not None and codes >= SAME_CODES and apart <= SAME_SOUND
    return f"{words}{len(sizes)} alone: {_compared(codes, apart)}", "pass" if good else "FAIL"


def _sibling(subject: Subject) -> Subject | None:
    """The same codec with another depth: the option that equals its depth is changed."""
    codec, depth = subject.codec, len(subject.spec.codebook_sizes)
    options = codec.options.model_dump()
    names = [n for n, value in options.items() if value == depth and not isinstance(value, bool)]
    for name in names:
        for wanted in (depth // 2, *range(depth - 1, 0, -1), 2 * depth):
            try:
                changed = codec.options_type.model_validate({**options, name: wanted})
                made = type(codec)(codec.id, codec.label, changed)
                made.fetch(network=False)
                other = Subject(made, subject.device)
            except (ValidationError, CodecError, UserError, Unavailable):
                continue
            if made.encoding_key == codec.encoding_key and len(other.spec.codebook_sizes) == wanted:
                return other
    return None


def _odd(sound_of: Callable[[Subject], Samples]) -> Callable[[Subject], Result]:
    """A check of a sound that a codec may refuse, but must not garble."""

    def look(subject: Subject) -> Result:
        clip = sound_of(subject)
        start = time.perf_counter()
        try:
            sound = subject.through(clip)[1]
        except CodecError as error:
            return f"refused: {error}", "info"
        seconds = time.perf_counter() - start
        if len(sound) != len(clip) or not np.isfinite(sound).all():
            bad = np.count_nonzero(~np.isfinite(sound))
            return f"{len(sound)} samples of {len(clip)}, {bad} of them not finite", "FAIL"
        over = np.mean(np.abs(sound) > 1)
        peak = np.abs(sound).max()
        beyond = f", {over:.1%} beyond full scale" if over else ""
        return f"{len(sound)} samples in {seconds:.2f} s, peak {peak:.3g}{beyond}", "pass"

    return look


def _long(subject: Subject) -> Result:
    longest = subject.codec.max_duration_s
    if longest is not None and longest < LONG_S:
        return f"refused: it takes at most {longest:g} s", "info"
    return _odd(lambda s: s.speech(int(LONG_S * s.rate)))(subject)


def _square(subject: Subject) -> Samples:
    times = np.arange(min(subject.rate, subject.usual)) / subject.rate
    return np.where(np.sin(2 * np.pi * 220 * times) >= 0, 1.0, -1.0)


def _silence(subject: Subject) -> Samples:
    return np.zeros(min(subject.rate, subject.usual))


def _probe(rate: int) -> Samples:
    """A chirp and a burst of noise with silence about them, which have no period to mislead."""
    from scipy.signal import chirp

    times = np.arange(int(0.3 * rate)) / rate
    sweep = chirp(times, 200, times[-1], min(0.45 * rate, 7000)) * np.hanning(len(times))
    noise = np.random.default_rng(0).normal(0, 0.15, int(0.2 * rate)).clip(-0.5, 0.5)
    gap = np.zeros(int(0.25 * rate))
    return np.concatenate([gap, 0.5 * sweep, gap, noise, gap])


def _agreement(one: Encoded, other: Encoded) -> float | None:
    """Share of the codes that are equal; None without codes."""
    if one.codes is None or other.codes is None:
        return None
    return float(np.mean(one.codes == other.codes)) if one.codes.shape == other.codes.shape else 0.0


def _difference(one: Samples, other: Samples) -> float:
    """Largest difference of two sounds, as a part of the peak; infinite for unequal lengths."""
    if len(one) != len(other):
        return np.inf
    apart = float(np.abs(one - other).max())
    return apart / float(np.abs(one).max()) if apart else 0.0


def _compared(codes: float | None, apart: float) -> str:
    words = "" if codes is None else f"{codes:.2%} of the codes equal, "
    return f"{words}sounds differ by {apart:.2g} of the peak"


def _words(error: Exception, codec: Codec[Any]) -> str:
    """What went wrong and, where an adapter did not mean it, at which line of it."""
    if isinstance(error, _BrokenError | CodecError | Unavailable | UserError):
        return str(error)
    places = extract_tb(error.__traceback__)
    own = [place for place in places if place.filename == getfile(type(codec))]
    place = (own or places)[-1]
    return f"{type(error).__name__}: {error} ({Path(place.filename).name}, line {place.lineno})"


CHECKS: dict[str, Callable[[Subject], Result]] = {
    "shapes": _shapes,
    "length": _length,
    "bitrate": _bitrate,
    "determinism": _determinism,
    "batch": _batch,
    "delay": _delay,
    "nested codebooks": _nested,
    "1 sample": _odd(lambda subject: subject.speech(1, start=1.0)),
    "silence": _odd(_silence),
    "full-scale square": _odd(_square),
    "60 s": _long,
}
