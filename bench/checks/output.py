"""Checks of what comes out: kinds and shapes, lengths, the bitrate."""

import numpy as np

from almbench.checks.finding import Result
from almbench.checks.subject import Subject
from almbench.codecs.code_faults import codes_fault

COMPUTED = 0.02  # how far the bitrate may be off where it follows from the codebooks,
STATED = 0.25  # and where it is what an encoder aims at; and by one frame, and the delay


def check_shapes(subject: Subject) -> Result:
    """Codes are integers of shape [K, T] within their codebooks, sounds finite floats."""
    encoded, sound = subject.round_trip(subject.speech(subject.length))
    message = f"{sound.dtype} sound of {len(sound)} samples"
    if not np.isfinite(sound).all():
        return f"{message}, not all finite", "FAIL"
    sizes, codes = subject.spec.codebook_sizes, encoded.codes
    if (codes is None) != (not sizes):
        return (
            f"{'no ' if codes is None else ''}codes, but {len(sizes)} codebooks; {message}",
            "FAIL",
        )
    if codes is None:
        return message, "pass"
    message = f"codes {codes.dtype} {list(codes.shape)}, {message}"
    fault = codes_fault(codes, sizes)
    return (f"{message}; codes {fault}", "FAIL") if fault else (message, "pass")


def check_length(subject: Subject) -> Result:
    """A clip comes back as long as it went in, whole frames or not."""
    wrong, lengths = [], []
    second = min(subject.rate, subject.length - 1)
    for length in (second, second + 1, second - 13):
        encoded, sound = subject.round_trip(subject.speech(length))
        lengths.append(str(length))
        if len(sound) != length or encoded.length != length:
            wrong.append(f"{length} samples gave {len(sound)} (noted as {encoded.length})")
    return ("; ".join(wrong), "FAIL") if wrong else (f"kept for {', '.join(lengths)}", "pass")


def check_bitrate(subject: Subject) -> Result:
    """The bits that are counted are those of the nominal bitrate."""
    spec, rate = subject.spec, subject.rate
    hop = rate / spec.frame_rate if spec.frame_rate else 1.0
    length = round(max(1, subject.length // hop) * hop)
    bits = subject.encode(subject.speech(length))[0].bits
    nominal = spec.nominal_kbps
    if bits is None and nominal is None:
        return "no bits are counted, and none are stated", "info"
    if bits is None:
        return f"no bits are counted, {nominal:.2f} kbps are stated", "FAIL"
    measured = bits / length * rate / 1000
    if nominal is None:
        return f"{measured:.3f} kbps; none is stated", "info"
    frames = 1 / spec.frame_rate if spec.frame_rate else 0.0
    spare = (frames + spec.delay / rate) / (length / rate)
    share = (COMPUTED if spec.codebook_sizes else STATED) + spare
    off = measured / nominal - 1
    message = (
        f"{measured:.3f} kbps measured, {nominal:.3f} nominal: {off:+.1%}, allowed {share:.1%}"
    )
    return message, "pass" if abs(off) <= share else "FAIL"
