"""How large a codec is, how much arithmetic it does, and how long it must wait for sound."""

from almbench.checks.finding import Result
from almbench.checks.subject import Subject
from almbench.runner.complexity import count_macs


def check_complexity(subject: Subject) -> Result:
    """Parameters, multiply-accumulates a second of sound, and the latency."""
    spec = subject.spec
    found = []
    if spec.parameters:
        found.append(f"{spec.parameters / 1e6:,.1f} million parameters")
    if counted := count_macs(subject.codec, subject.rate):
        encode, decode = (f"{macs / 1e9:,.3g}" for macs in counted)
        found.append(f"{encode} GMAC a second of sound to encode, {decode} to decode")
    else:
        found.append("no arithmetic counted, as it does not run in this process's PyTorch")
    if spec.latency_ms is not None:
        found.append(f"{spec.latency_ms:.1f} ms of latency, a frame and the delay")
    return "; ".join(found), "info"
