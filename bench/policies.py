"""The rules by which every number is made. One home: the code reads them here, so does the site."""

from math import log10

from almbench.domains import SCORING_RATES

VERSION = 2  # part of every row's signature: raise it when a rule changes a value

LENGTH_NOTE_S = 0.1
LEAST_LENGTH = 0.9
MOST_LENGTH = 1.1
CONFIDENCE = 0.95

TEXT = {
    "Sound": (
        "Sound is mono; the channels of a stereo source are averaged. Rates are changed by soxr at "
        "very high quality. Noted are channels that cancel, an original of a rate below the "
        "scoring rate, and one beyond full scale, which is brought within it by one gain for all "
        "versions of the clip. Other samples beyond full scale are clipped and counted, never "
        "wrapped."
    ),
    "What is scored": (
        "Scores are computed from the stored FLAC files, the same that can be played. Originals "
        "and precomputed files are stored at 16 bit where that holds them exactly, else at 24; a "
        "codec's output at the bit depth of the original."
    ),
    "Length": (
        "Original and reconstruction are cut to the shorter of the two; a difference of more than "
        f"{LENGTH_NOTE_S * 1000:.0f} ms is noted. A reconstruction shorter than "
        f"{LEAST_LENGTH:.0%} of its original fails, and one longer than {MOST_LENGTH:.0%} and by "
        "more than that, unless the suite says that what is beyond the original is to be cut."
    ),
    "Delay and level": (
        "A codec's fixed delay is removed by its adapter. The lag and the level difference that "
        "remain are reported for every clip and not corrected."
    ),
    "Bandwidth": (
        "Each test set has a scoring rate (by default "
        + ", ".join(f"{rate / 1000:g} kHz for {domain}" for domain, rate in SCORING_RATES.items())
        + "). Original and reconstruction pass through it before any metric, so what lies above "
        "half of that rate is not scored."
    ),
    "Bitrate": (
        "The nominal bitrate follows from frame rate and codebook sizes, or is the codec's stated "
        "rate. The measured bitrate counts the payload bits really emitted, over the clip's "
        "duration; containers and framing are not counted."
    ),
    "Failure": (
        "No number stands in for a failure. A mean is over the clips that were scored, with their "
        "count and the count of failures beside it."
    ),
    "Statistics": (
        f"Intervals are {CONFIDENCE:.0%} t-intervals of the mean over clips, and differences are "
        f"tested by paired t-tests at {1 - CONFIDENCE:.0%}. Where clips share a cluster (speaker, "
        "track, recording), error and degrees of freedom are cluster-robust: CR2 with the "
        "Satterthwaite degrees of freedom of Bell and McCaffrey (2002); a single cluster has no "
        "interval. Codecs share a rank group unless they are significantly different, "
        "Holm-adjusted for all pairs of the table. The rule was chosen by simulation: "
        "tests/statistics/coverage.py."
    ),
}


def note_gain(gain: float) -> str:
    """What to say of the gain of a clip; empty for none."""
    if gain == 1:
        return ""
    return (
        f"the original peaks {-20 * log10(gain):.2f} dB above full scale: all versions of the clip "
        "are stored lower by that"
    )


def note_band(rate: int, scoring_rate: int) -> str:
    """What to say of an original of a rate below the scoring rate; empty for no less."""
    if rate >= scoring_rate:
        return ""
    return (
        f"the original has a rate of {rate} Hz: its band of {rate / 2000:g} kHz limits scores that "
        f"are meant for {scoring_rate / 1000:g} kHz"
    )


def check_length(
    reference_s: float, reconstruction_s: float, *, cut_longer: bool = False
) -> tuple[bool, str]:
    """Check a reconstruction's length.

    Args:
        reference_s: Duration of the original in seconds.
        reconstruction_s: Duration of the reconstruction in seconds.
        cut_longer: Whether a reconstruction may be much longer.

    Returns:
        Whether it is long enough to be scored, and what to say of it (empty for nothing).
    """
    if reconstruction_s < LEAST_LENGTH * reference_s:
        return False, (
            f"reconstruction lasts {reconstruction_s:.3f} s of {reference_s:.3f} s, "
            f"less than {LEAST_LENGTH:.0%}"
        )
    difference = reconstruction_s - reference_s
    too_long = reconstruction_s > MOST_LENGTH * reference_s and difference > LENGTH_NOTE_S
    if too_long and not cut_longer:
        return False, (
            f"reconstruction lasts {reconstruction_s:.3f} s of {reference_s:.3f} s, "
            f"more than {MOST_LENGTH:.0%}"
        )
    if abs(difference) <= LENGTH_NOTE_S:
        return True, ""
    word = "longer" if difference > 0 else "shorter"
    return True, f"reconstruction is {abs(difference):.3f} s {word} than the original; cut"
