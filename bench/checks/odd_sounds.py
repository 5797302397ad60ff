"""Checks of sounds that a codec may refuse, but must not garble."""

import time

import numpy as np

from almbench.audio import Samples
from almbench.checks.compare import Agreement, code_agreement, peak_difference
from almbench.checks.finding import Result
from almbench.checks.subject import Subject
from almbench.codecs.base import from_codes
from almbench.errors import CodecError

LONG_S = 60.0
CUT_S = 1.0  # that what comes after may change


def check_one_sample(subject: Subject) -> Result:
    """A clip of one sample."""
    return _check(subject, subject.speech(1, start=1.0))


def check_silence(subject: Subject) -> Result:
    """Digital silence."""
    return _check(subject, np.zeros(min(subject.rate, subject.length)))


def check_square(subject: Subject) -> Result:
    """A square wave at full scale."""
    times = np.arange(min(subject.rate, subject.length)) / subject.rate
    return _check(subject, np.where(np.sin(2 * np.pi * 220 * times) >= 0, 1.0, -1.0))


def check_long(subject: Subject) -> Result:
    """A long clip, unless the codec takes none; in pieces it gives what it gives whole."""
    most = subject.codec.max_duration_s
    if most is not None and most < LONG_S:
        return f"refused: it takes at most {most:g} s", "info"
    clip = subject.speech(int(LONG_S * subject.rate))
    start = time.perf_counter()
    try:
        encoded, sound = subject.round_trip(clip)
    except CodecError as error:
        return f"refused: {error}", "info"
    message, verdict = _judge(clip, sound, time.perf_counter() - start)
    if not subject.codec.whole_s:
        return message, verdict
    share = None
    length = int(subject.codec.whole_s * subject.rate)
    # What hears ahead hears the cut, at the end.
    same = length - int(CUT_S * subject.rate) * (subject.spec.causal is False)
    alone = subject.encode(clip[:length])[0]
    codes, others = encoded.codes, alone.codes
    if codes is not None and others is not None:
        sizes, frames = subject.spec.codebook_sizes, others.shape[1]
        in_pieces, whole = (
            from_codes(some[:, : frames * same // length], sizes, same) for some in (codes, others)
        )
        share = code_agreement(in_pieces, whole)
        # The same codes are decoded, so that a tie is not held against the decoder.
        alone = from_codes(codes[:, :frames], sizes, length)
    whole_sound = subject.decode(alone)[0][:same]
    agreement = Agreement(share, peak_difference(sound[:same], whole_sound))
    message += f"; in pieces, its first {same / subject.rate:g} s against whole: {agreement}"
    return message, verdict if agreement.within() else "FAIL"


def _check(subject: Subject, clip: Samples) -> Result:
    start = time.perf_counter()
    try:
        sound = subject.round_trip(clip)[1]
    except CodecError as error:
        return f"refused: {error}", "info"
    return _judge(clip, sound, time.perf_counter() - start)


def _judge(clip: Samples, sound: Samples, seconds: float) -> Result:
    if len(sound) != len(clip) or not np.isfinite(sound).all():
        bad = np.count_nonzero(~np.isfinite(sound))
        return f"{len(sound)} samples of {len(clip)}, {bad} of them not finite", "FAIL"
    over = np.mean(np.abs(sound) > 1)
    peak = np.abs(sound).max()
    beyond = f", {over:.1%} beyond full scale" if over else ""
    return f"{len(sound)} samples in {seconds:.2f} s, peak {peak:.3g}{beyond}", "pass"
