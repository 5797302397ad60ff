"""Robustness of identity: which codes stay the same when the sound hardly changes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from almbench.audio import Samples, resample
from almbench.codecs.base import Codec
from almbench.errors import AlmbenchError, MetricUndefined
from almbench.metrics.base import Settings
from almbench.metrics.registry import make_family, metric
from almbench.results.probes import ALL_BOOKS, ProbeValue
from almbench.statistics.clusters import Numbers, count_clusters
from almbench.statistics.intervals import t_interval
from almbench.statistics.tokens import Codes, Floats
from almbench.tokens.changes import CHANGES, FOLLOWED, PRECEDED, Scene
from almbench.tokens.measure import Effort, Measure, TokenSet
from almbench.tokens.threads import one_thread
from almbench.tokens.turns import in_turns

PASSES = (1, 2, 5)
SCORES, SCORING_RATE = ("mel_distance", "stoi"), 16_000
WHOLE = 1e-6  # of a sample


class StabilitySettings(Settings):
    """Settings of the robustness of identity.

    Attributes:
        clips: How many clips are changed, spread over the clusters.
        seconds: How much of each, from its beginning.
    """

    clips: int = Field(default=24, ge=1)
    seconds: float = Field(default=5.0, gt=0, allow_inf_nan=False)


@dataclass(frozen=True)
class Found:
    """What was found of a clip.

    Attributes:
        base: Its codes, **Shape** `[K, T]`.
        values: (Measure, input) -> value: one, or of `stability` the share of codes that stayed the
            same by codebook, **Shape** `[K]`.
        reasons: (Measure, input) -> why there is no value.
    """

    base: Codes
    values: dict[tuple[str, str], Floats] = field(default_factory=dict)
    reasons: dict[tuple[str, str], str] = field(default_factory=dict)


class Stability(Measure[StabilitySettings]):
    """The share of codes that stay the same when the sound is changed, and what recoding costs.

    `stability` has one input for each of `almbench.tokens.changes.CHANGES`, and one for each number
    of passes in which the codec codes its own output again. Only frames that are filled with sound
    in both versions are compared. Chance is how often two frames drawn at random agree: constant
    codes are stable, too. `lookback_s` and `lookahead_s` say how long another sound before and
    after changes codes. A codec without codes has its generation loss only.
    """

    name = "stability"
    version = "1"
    settings_type = StabilitySettings
    uses_sound = True
    uses_codec = True
    needs_codes = False

    def compute(self, tokens: TokenSet, target: str, effort: Effort) -> list[ProbeValue]:
        """Change the sounds, encode them, and compare.

        Raises:
            MetricUndefined: The codec cannot be run here, or there is no sound.
        """
        del target
        read = tokens.clipset.read_sound
        if tokens.open_codec is None or read is None:
            raise MetricUndefined(tokens.no_codec or "there is no sound of the clips")
        chosen = in_turns(tokens.clipset.clusters.tolist(), self.settings.clips, effort.seed)
        if not len(chosen):
            raise MetricUndefined("there are no clips")
        with tokens.open_codec() as codec, one_thread():
            sounds = []
            for i in chosen:
                sound = read(tokens.clipset.clips[i].id)
                rate = codec.spec.sample_rate or sound.rate
                cut = sound.samples[: round(self.settings.seconds * sound.rate)]
                sounds.append((resample(cut, sound.rate, rate), rate))
            found: dict[int, Found] = {}
            faults: list[str] = []
            for i, (samples, rate) in enumerate(sounds):
                other = sounds[i - 1][0] if len(sounds) > 1 else None
                try:
                    found[i] = examine(codec, samples, rate, other, (effort.seed, i))
                except Exception as error:  # an adapter's fault costs its values, not the others'
                    faults.append(str(error) or type(error).__name__)
        if not found:
            raise MetricUndefined(faults[0])
        return list(_values(list(found.values()), tokens.clipset.clusters[chosen[list(found)]]))


def examine(
    codec: Codec[Any], samples: Samples, rate: int, other: Samples | None, seed: tuple[int, ...]
) -> Found:
    """Change a sound in every way, and code its own output again.

    Args:
        codec: A codec that is loaded; one without codes has its generation loss only.
        samples: The sound, **Shape** `[N]`, at the codec's rate.
        rate: That rate in Hz.
        other: Another sound to put beside it.
        seed: Seed of noise.
    """
    found = Found(_encode(codec, samples, rate))
    if len(found.base):
        scene = Scene(samples, rate, _hop(codec, rate), other, seed)
        for name in CHANGES:
            try:
                _change(codec, scene, name, found)
            except AlmbenchError as error:
                found.reasons["stability", name] = str(error)
    _recode(codec, samples, rate, found)
    return found


def _change(codec: Codec[Any], scene: Scene, name: str, found: Found) -> None:
    """Compare the codes of a sound with those of a changed one."""
    changed = CHANGES[name](scene)
    codes = _encode(codec, changed.samples, scene.rate)
    whole, whole_base = (int(len(s) / scene.hop) for s in (changed.samples, scene.samples))
    same = _same(
        found.base[:, max(0, -changed.frames) : whole_base],
        codes[:, max(0, changed.frames) : whole],
    )
    found.values["stability", name] = same.mean(axis=1)
    differ = np.flatnonzero(~same.all(axis=0))
    frame_s = float(scene.hop) / scene.rate
    if name == PRECEDED:
        frames = differ[-1] + 1 if len(differ) else 0
        found.values["lookback_s", ""] = np.asarray(frames * frame_s)
    elif name == FOLLOWED:
        frames = same.shape[1] - differ[0] if len(differ) else 0
        found.values["lookahead_s", ""] = np.asarray(frames * frame_s)


def _same(codes: Codes, others: Codes) -> NDArray[np.bool_]:
    """Which codes are the same, **Shape** `[K, T]`, of the frames that both have."""
    count = min(codes.shape[1], others.shape[1])
    if not count:
        raise MetricUndefined("no frame is filled with sound")
    return np.asarray(codes[:, :count] == others[:, :count])


def _recode(codec: Codec[Any], samples: Samples, rate: int, found: Found) -> None:
    """Code the codec's own output again and again."""
    sound = samples
    for number in range(1, max(PASSES) + 1):
        sound = np.clip(codec.decode(codec.encode([sound], rate), rate)[0], -1, 1)
        if number not in PASSES:
            continue
        name = f"own output, {number} pass{'es' if number > 1 else ''}"
        if len(found.base):
            same = _same(found.base, _encode(codec, sound, rate))
            found.values["stability", name] = same.mean(axis=1)
        for measure in SCORES:
            try:
                found.values[measure, name] = np.asarray(_score(measure, samples, sound, rate))
            except MetricUndefined as error:
                found.reasons[measure, name] = str(error)


def _score(measure: str, original: Samples, sound: Samples, rate: int) -> float:
    """A metric of a sound, at 16 kHz."""
    family = make_family(measure, {})
    both = [resample(one, rate, SCORING_RATE) for one in (original, sound)]
    prepared = family.prepare(both[0], SCORING_RATE)
    return family.score(prepared, both[1], SCORING_RATE, [measure])[measure]


def _encode(codec: Codec[Any], samples: Samples, rate: int) -> Codes:
    """The codes of a sound, **Shape** `[K, T]`; without codebooks, none."""
    codes = codec.encode([samples], rate)[0].codes
    return np.empty((0, 0), np.int64) if codes is None else codes


def _hop(codec: Codec[Any], rate: int) -> Fraction:
    frame_rate = codec.spec.frame_rate
    if not frame_rate:
        raise MetricUndefined("the codec does not say how many frames a second has")
    hop = rate / frame_rate
    whole = round(hop)
    return Fraction(whole) if abs(hop - whole) < WHOLE else Fraction(hop).limit_denominator(1000)


def _values(found: list[Found], clusters: Numbers) -> Iterator[ProbeValue]:
    """Means over the clips, of each measure and input in the order of their appearance."""
    books = len(found[0].base)
    chance = _chance([each.base for each in found])
    for key in {key: None for each in found for key in (*each.values, *each.reasons)}:
        rows = [each.values[key] for each in found if key in each.values]
        there = clusters[[key in each.values for each in found]]
        reason = next((each.reasons[key] for each in found if key in each.reasons), "")
        if key[0] != "stability":
            yield _value(key, ALL_BOOKS, np.array(rows), there, None, reason)
            continue
        shares = np.array(rows).reshape(-1, books)
        yield _value(key, ALL_BOOKS, shares.mean(axis=1), there, float(chance.mean()), reason)
        for k in range(books if books > 1 else 0):
            yield _value(key, str(k + 1), shares[:, k], there, float(chance[k]), reason)


def _value(
    key: tuple[str, str],
    book: str,
    column: Floats,
    clusters: Numbers,
    chance: float | None,
    reason: str,
) -> ProbeValue:
    """The mean of the values of some clips."""
    measure, input_ = key
    estimate = t_interval(column, clusters)
    if measure in SCORES:
        estimate = estimate.within(metric(measure).low, metric(measure).high)
    else:
        estimate = estimate.within(0.0, 1.0 if measure == "stability" else None)
    return ProbeValue.of(
        estimate,
        len(column),
        count_clusters(clusters, len(column)),
        reason=reason,
        measure=measure,
        input=input_,
        book=book,
        unit="s" if measure.endswith("_s") else "",
        chance=chance,
    )


def _chance(codes: list[Codes]) -> Floats:
    """How often two frames of the clips agree by codebook: the sum of the squared shares."""
    shares = [
        np.unique(np.concatenate([one[k] for one in codes]), return_counts=True)[1]
        for k in range(len(codes[0]))
    ]
    return np.array([((count / count.sum()) ** 2).sum() for count in shares])
