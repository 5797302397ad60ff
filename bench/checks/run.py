"""The health of an adapter: whether what it claims holds, and how it takes odd sounds."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from almbench.checks.complexity import check_complexity
from almbench.checks.delay import check_delay
from almbench.checks.describe import describe_error
from almbench.checks.finding import Finding, Result
from almbench.checks.odd_sounds import check_long, check_one_sample, check_silence, check_square
from almbench.checks.output import check_bitrate, check_length, check_shapes
from almbench.checks.parity import check_parity
from almbench.checks.remarks import check_band, check_clipping, check_level
from almbench.checks.repetition import (
    check_batch,
    check_determinism,
    check_nested,
    check_padding,
)
from almbench.checks.subject import Subject
from almbench.codecs.base import Codec
from almbench.errors import Unavailable, UserError

CHECKS: dict[str, Callable[[Subject], Result]] = {
    "shapes": check_shapes,
    "length": check_length,
    "bitrate": check_bitrate,
    "determinism": check_determinism,
    "batch": check_batch,
    "padded batch": check_padding,
    "complexity": check_complexity,
    "delay": check_delay,
    "level": check_level,
    "clipping": check_clipping,
    "band": check_band,
    "nested codebooks": check_nested,
    "1 sample": check_one_sample,
    "silence": check_silence,
    "full-scale square": check_square,
    "60 s": check_long,
}


def check_codec(codec: Codec[Any], device: str, against: str | None = None) -> Iterator[Finding]:
    """Check a codec that has been fetched; it is loaded and unloaded.

    Args:
        codec: The codec.
        device: cpu or cuda.
        against: Another device to compare with, or the same for a second load; None for none.

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
        yield Finding("load", describe_error(error, codec), "FAIL")
        return
    checks = dict(CHECKS)
    if against:
        checks[f"against {against}"] = partial(check_parity, against=against)
    try:
        yield Finding("load", f"{time.perf_counter() - start:.1f} s", "info")
        for name, check in checks.items():
            try:
                yield Finding(name, *check(subject))
            except Exception as error:  # whatever an adapter does wrong is a finding
                yield Finding(name, describe_error(error, codec), "FAIL")
    finally:
        codec.unload()
