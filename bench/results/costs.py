"""What codecs cost: size, arithmetic, latency, speed and memory, a row for each codec of a run."""

from collections.abc import Callable, Sequence

import pandas as pd

from almbench.results.codec_record import CodecRecord
from almbench.results.frames import to_frame
from almbench.results.manifest import Manifest
from almbench.results.table_rows import TABLES, ClipRow, CodecRow


def codec_table(manifest: Manifest, clips: Sequence[ClipRow]) -> pd.DataFrame:
    """The table of `codec_rows`."""
    return to_frame(codec_rows(manifest, clips), TABLES["codecs"])


def codec_rows(manifest: Manifest, clips: Sequence[ClipRow]) -> list[CodecRow]:
    """A row for each codec, in the manifest's order.

    Args:
        manifest: What was run.
        clips: Its clips, for their speeds.
    """
    return [
        _row(manifest, codec, [row for row in clips if row.codec == codec.id])
        for codec in manifest.codecs
    ]


def _row(manifest: Manifest, codec: CodecRecord, clips: Sequence[ClipRow]) -> CodecRow:
    encode, decode = (
        real_time_factor(clips, lambda row: row.encode_rtf),
        real_time_factor(clips, lambda row: row.decode_rtf),
    )
    # A codec that took another's codes was not loaded by itself.
    by = next((row.encoded_with for row in clips if row.encoded_with), codec.id)
    usage = manifest.run.codecs.get(by)
    memory = None
    if usage:
        memory = usage.peak_process_mb if usage.peak_device_mb is None else usage.peak_device_mb
    timed = encode is not None or decode is not None
    return CodecRow(
        codec=codec.id,
        label=codec.label,
        family=codec.family,
        nominal_kbps=codec.nominal_kbps,
        sample_rate_hz=codec.sample_rate,
        frame_rate_hz=codec.frame_rate,
        parameters=codec.parameters,
        encode_gmacs=usage.encode_macs / 1e9 if usage and usage.encode_macs is not None else None,
        decode_gmacs=usage.decode_macs / 1e9 if usage and usage.decode_macs is not None else None,
        latency_ms=codec.latency_ms,
        encode_rtf=encode,
        decode_rtf=decode,
        device=(usage.device if usage else manifest.run.device) if timed else "",
        peak_memory_mb=memory,
        missing=codec.missing,
    )


def real_time_factor(
    clips: Sequence[ClipRow], factor: Callable[[ClipRow], float | None]
) -> float | None:
    """Seconds of computing a second of sound over all clips; None where none was timed.

    Args:
        clips: The clips of a codec.
        factor: A clip's own factor.
    """
    timed = [
        (rtf, row.duration_s)
        for row in clips
        if (rtf := factor(row)) is not None and row.duration_s
    ]
    total = sum(seconds for _, seconds in timed)
    return sum(rtf * seconds for rtf, seconds in timed) / total if total else None
