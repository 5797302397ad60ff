"""What a run would remark upon, measured on a clip of speech: level, clipping, band."""

import numpy as np

from almbench.audio import fit, resample
from almbench.checks.finding import Result
from almbench.checks.subject import Subject
from almbench.domains import SCORING_RATES
from almbench.errors import MetricUndefined
from almbench.metrics.alignment import GainDb
from almbench.metrics.base import Settings
from almbench.results import remark_rules as rules
from almbench.spectra import band_edge, band_powers


def judged(measured: str, found: rules.Found | None) -> Result:
    """Put a remark, where there is one, to what was measured; it is no claim that fails."""
    return (f"{measured}: {rules.sentence(found)}", "info") if found else (measured, "pass")


def check_level(subject: Subject) -> Result:
    """A sound comes back as loud as it was."""
    clip, sound = subject.speech_and_back
    try:
        db = GainDb(Settings()).score(clip, sound, subject.rate, ["gain_db"])["gain_db"]
    except MetricUndefined as error:
        return str(error), "info"
    return judged(f"{db:+.1f} dB on speech", rules.of_gain(db))


def check_clipping(subject: Subject) -> Result:
    """Few samples of a sound within full scale come back beyond it."""
    sound = subject.speech_and_back[1]
    beyond = int((np.abs(sound) > 1).sum())
    return judged(f"{beyond} of {len(sound)} samples", rules.of_clipping(beyond, len(sound)))


def check_band(subject: Subject) -> Result:
    """The codec keeps the band that speech is scored in."""
    rate = SCORING_RATES["speech"]
    made = resample(subject.speech_and_back[1], subject.rate, rate)
    original = fit(subject.speech_at(rate), len(made))
    edge, whole = band_edge(band_powers(original, rate), band_powers(made, rate), rate)
    if not whole:
        return "too short to tell", "info"
    return judged(f"up to {edge / 1000:.3g} kHz of {whole / 1000:.3g}", rules.of_band(edge, whole))
