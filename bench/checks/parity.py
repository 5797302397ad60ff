"""Check that a codec gives the same on another device, such as on a GPU as on the CPU."""

import time
from dataclasses import dataclass

from almbench.audio import Samples
from almbench.checks.compare import Agreement, code_agreement, peak_difference
from almbench.checks.finding import Result
from almbench.checks.subject import Subject
from almbench.codecs.base import Encoded
from almbench.devices import Device

ROUNDS = 3  # timed; the first call of all is not


@dataclass(frozen=True)
class DeviceRun:
    """A codec on one device.

    Attributes:
        encoded: What it emitted.
        rtf: Real-time factor: seconds of encoding and decoding a second of sound.
        peak_mb: Most memory of the device in MB; None on a CPU.
    """

    encoded: Encoded
    rtf: float
    peak_mb: int | None

    def __str__(self) -> str:
        """Word what it took."""
        memory = "" if self.peak_mb is None else f", {self.peak_mb} MB"
        return f"real-time factor {self.rtf:.4f}{memory}"


def check_parity(subject: Subject, against: str) -> Result:
    """Compare the codec with itself on another device.

    A few codes may differ, by ties, and the sounds decoded from the same codes by a little; from
    the CPU to the CPU, neither may. The codec is on the other device afterwards, so this check
    comes last.

    Args:
        subject: The codec, loaded on its device.
        against: The other device, cpu or cuda.
    """
    if not subject.codec.uses_device:
        return "it runs on the CPU, whatever the device", "info"
    clip = subject.speech(subject.length)
    here = _run(subject, subject.device, clip)
    sound = subject.decode(here.encoded)[0]
    subject.codec.unload()
    subject.codec.load(against)
    there = _run(subject, against, clip)
    # The same codes are decoded, unless an adapter decodes from something else.
    shared = here.encoded if here.encoded.payload is None else there.encoded
    agreement = Agreement(
        code_agreement(here.encoded, there.encoded),
        peak_difference(sound, subject.decode(shared)[0]),
    )
    exact = subject.device == against == "cpu"
    same = agreement.within(1.0, 0.0) if exact else agreement.within()
    message = f"{agreement}; {here} on {subject.device}; {there} on {against}"
    return message, "pass" if same else "FAIL"


def _run(subject: Subject, kind: str, clip: Samples) -> DeviceRun:
    device = Device(kind)
    subject.round_trip(clip)
    device.reset_peak()
    device.synchronise()
    start = time.perf_counter()
    for _ in range(ROUNDS):
        encoded, _ = subject.round_trip(clip)
    device.synchronise()
    seconds = (time.perf_counter() - start) / ROUNDS
    return DeviceRun(encoded, seconds / (len(clip) / subject.rate), device.peak_mb())
