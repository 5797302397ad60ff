"""The rules by which a codec's figures are remarked upon: each threshold with its reason.

A run's rows are judged by them, and a single codec by `bench check`.
"""

RATE_OFF = 0.1  # of the label: a tenth more is another operating point; a frame a clip comes on top
LATE_MS = 5.0  # STOI falls by a tenth where a sound comes 10 ms late, and SI-SDR to nothing
GAIN_DB = 3.0  # half or twice the power; published codecs stay within 2 dB on speech
CUT_SHARE = 0.1  # of the clips that may come back longer or shorter than policies call usual
CLIPPED = 1e-3  # of the samples: above, clipping is heard and enters every score
BAND = 0.75  # of the originals' band: less is heard as dull, and full-band scores tell little else

SHAPES = {
    "rate": "measured {measured} kbps, its label says {nominal} kbps",
    "no rate": "its label says {nominal} kbps, and no bits were seen to measure it by",
    "late": "late by {ms} ms against the originals, by the median of the clips",
    "early": "early by {ms} ms against the originals, by the median of the clips",
    "louder": "louder than the originals by {db} dB, by the median of the clips",
    "quieter": "quieter than the originals by {db} dB, by the median of the clips",
    "length": "{count} of {all} clips came back longer or shorter than they were",
    "clipped": "{share} % of its samples lie beyond full scale",
    "band": "nothing above {khz} kHz, where the originals have sound up to {original} kHz",
    "codec2": "no better than {other} at a tenth of its bitrate, by {metrics}",
    "contradiction": "{one} of {high} and {other} of {low} do not go together",
}
"""What remarks say, by kind; in braces are numbers and names."""

Found = tuple[str, dict[str, str]]  # a key of SHAPES, and what fills its braces


def sentence(found: Found) -> str:
    """The remark in English.

    >>> sentence(("louder", {"db": "4"}))
    'louder than the originals by 4 dB, by the median of the clips'
    """
    kind, values = found
    return SHAPES[kind].format(**values)


def of_rate(measured: float, label: float, spare: float = 0.0) -> Found | None:
    """Judge a measured bitrate by the one of the label, both in kbps.

    Args:
        measured: The mean over clips.
        label: What the label says.
        spare: Share of the label that a frame begun makes more.
    """
    if abs(measured / label - 1) <= RATE_OFF + spare:
        return None
    return "rate", {"measured": f"{measured:.3g}", "nominal": f"{label:.3g}"}


def of_lag(ms: float) -> Found | None:
    """Judge by how many ms a codec's sounds are late."""
    if abs(ms) <= LATE_MS:
        return None
    return "late" if ms > 0 else "early", {"ms": f"{abs(ms):.3g}"}


def of_gain(db: float) -> Found | None:
    """Judge by how many dB a codec's sounds are louder."""
    if abs(db) <= GAIN_DB:
        return None
    return "louder" if db > 0 else "quieter", {"db": f"{abs(db):.3g}"}


def of_length(cut: int, clips: int) -> Found | None:
    """Judge how many clips came back longer or shorter than is usual."""
    return ("length", {"count": str(cut), "all": str(clips)}) if cut > CUT_SHARE * clips else None


def of_clipping(clipped: float, samples: float) -> Found | None:
    """Judge how many samples lie beyond full scale."""
    if not samples or clipped / samples <= CLIPPED:
        return None
    return "clipped", {"share": f"{100 * clipped / samples:.2g}"}


def of_band(edge: float, original: float) -> Found | None:
    """Judge up to which frequency in Hz the sounds follow the originals, which reach another."""
    if edge >= BAND * original:
        return None
    return "band", {"khz": f"{edge / 1000:.2g}", "original": f"{original / 1000:.3g}"}
