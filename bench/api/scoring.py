"""Metrics of one reconstruction against its original."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import soundfile as sf

from almbench import policies
from almbench.arrays import SoundLike, to_sound
from almbench.audio import Sound
from almbench.domains import SCORING_RATES, Domain, check_domain
from almbench.errors import Unavailable
from almbench.metrics.registry import default_metrics, family_of, make_family, unusable
from almbench.runner.worker import MetricRequest, ScoringJob, score_pair


class Scores(dict[str, float | None]):
    """Metric name -> value; None where there is none, with the reason in `reasons`.

    Attributes:
        reasons: Why each metric without a value has none.
    """

    def __init__(self, values: dict[str, float | None], reasons: dict[str, str]) -> None:
        """Keep values and reasons."""
        super().__init__(values)
        self.reasons = reasons


def score(
    reference: SoundLike,
    reconstruction: SoundLike,
    sample_rate: int | None = None,
    metrics: str | Sequence[str] | None = None,
    domain: Domain = "speech",
    *,
    settings: dict[str, dict[str, Any]] | None = None,
    text: str = "",
) -> Scores:
    """Score a reconstruction against its original, by the rules of `bench run`.

    Both pass through the domain's scoring rate and are cut to the shorter. Samples are scored as
    they are given, while a run first stores them as FLAC of 16 or 24 bit: the two can differ
    in the last digits. Metrics are computed in this process.

    Args:
        reference: The original: samples, **Shape** `[T]` or `[C, T]`, or a file.
        reconstruction: What came out of the codec, likewise.
        sample_rate: Sample rate of samples in Hz; files have their own.
        metrics: One or more names of metrics (`bench list metrics`); by default the domain's.
        domain: speech, sound or music: which metrics, and which scoring rate.
        settings: Settings of metric families, as in a suite: family -> key -> value.
        text: What is said, for metrics that read it (`wer`).

    Returns:
        The value of each metric. None where a metric is not defined for this pair, or, of the
        default metrics, cannot be computed here; `reasons` says why.

    Raises:
        AudioError: A file cannot be read.
        UserError: A metric, a domain or a setting does not exist, or samples are not sound.
        Unavailable: A metric that was asked for by name cannot be computed here; the message says
            what is missing and how to get it.

    Example:
        >>> import numpy as np
        >>> import almbench
        >>> tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
        >>> scores = almbench.score(tone, tone / 2, 16_000, metrics=["gain_db", "si_sdr"])
        >>> round(scores["gain_db"], 2)
        -6.02
        >>> print(scores["si_sdr"], scores.reasons["si_sdr"])
        None SI-SDR is infinite: the reconstruction is a copy of the reference
    """
    check_domain(domain)
    first = to_sound(reference, sample_rate, "the reference")
    second = to_sound(reconstruction, sample_rate, "the reconstruction")
    chosen = [metrics] if isinstance(metrics, str) else metrics
    names = list(dict.fromkeys(default_metrics(domain) if chosen is None else chosen))
    requests, values, reasons = _requests(names, settings or {}, explicit=metrics is not None)
    fits, note = policies.check_length(first.seconds, second.seconds)
    if not fits:
        return Scores(dict.fromkeys(names), dict.fromkeys(names, note))
    for result in _compute(first, second, SCORING_RATES[domain], requests, text):
        values[result.metric] = result.value
        if result.value is None:
            reasons[result.metric] = result.reason
    return Scores({name: values.get(name) for name in names}, reasons)


def _requests(
    names: list[str], settings: dict[str, dict[str, Any]], *, explicit: bool
) -> tuple[list[MetricRequest], dict[str, float | None], dict[str, str]]:
    """What to compute; and what cannot be, with the reasons."""
    wanted: dict[str, list[str]] = {}
    for name in names:
        wanted.setdefault(family_of(name), []).append(name)
    requests: list[MetricRequest] = []
    reasons: dict[str, str] = {}
    for family_name, of_family in wanted.items():
        family = make_family(family_name, settings.get(family_name, {}))
        if missing := unusable(family):
            if explicit:
                raise Unavailable(f"{', '.join(of_family)}: {missing}")
            reasons |= dict.fromkeys(of_family, missing)
            continue
        chosen = json.dumps(family.settings.model_dump(mode="json"), sort_keys=True)
        requests.append(MetricRequest(family_name, chosen, tuple(of_family)))
    return requests, dict.fromkeys(reasons), reasons


def _compute(
    reference: Sound, reconstruction: Sound, rate: int, requests: list[MetricRequest], text: str
) -> Any:
    """Score as a scoring process does, from files that are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="almbench-") as folder:
        paths = []
        for name, sound in (("reference", reference), ("reconstruction", reconstruction)):
            paths.append(Path(folder) / f"{name}.wav")
            sf.write(paths[-1], sound.samples, sound.rate, subtype="DOUBLE")
        first, second = map(str, paths)
        job = ScoringJob("", "", "", first, second, rate, tuple(requests), text=text)
        return score_pair(job).results
