"""The language model's view: bits that it takes to predict the codes of clips never seen."""

from dataclasses import dataclass
from math import log2
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, JsonValue

from almbench.errors import MetricUndefined
from almbench.metrics.base import Settings
from almbench.packages import missing_packages
from almbench.results.probes import ALL_BOOKS, ProbeValue
from almbench.statistics.clusters import Numbers, count_clusters
from almbench.statistics.intervals import t_interval
from almbench.statistics.ngram import held_out
from almbench.statistics.tokens import Codes, Floats
from almbench.tokens.measure import Effort, Measure, TokenSet
from almbench.tokens.parts import Parts, split

if TYPE_CHECKING:
    from almbench.tokens.training import Look
    from almbench.tokens.transformer import TokenTransformer

NO_TIME = "no duration and no frame rate is known of its codes"
ONE_CLUSTER = "no interval: all clips tested are of one cluster, such as a speaker"


class LanguageSettings(Settings):
    """Settings of the language model's view: how much a model is trained, the same for every codec.

    Attributes:
        steps: Steps of the optimizer, at most.
        windows: Windows of sound a step.
        window_s: Seconds of sound a window; also what a token is predicted from, at most.
        every: Steps between two looks at the validation clips.
        patience: So many looks without a better one end the training.
    """

    steps: int = Field(default=240, ge=1)
    windows: int = Field(default=16, ge=1)
    window_s: float = Field(default=4.0, gt=0, allow_inf_nan=False)
    every: int = Field(default=20, ge=1)
    patience: int = Field(default=4, ge=1)


@dataclass(frozen=True)
class Data:
    """The clips that have codes, in three parts.

    Attributes:
        codes: Their codes, each **Shape** `[K, T]`, `T >= 1`.
        seconds: Their durations, NaN where unknown. **Shape** `[N]`.
        clusters: Their clusters, **Shape** `[N]`.
        sizes: Entries of each codebook.
        parts: Which clip is in which part.
        rate: Frames per second, by the clips where it is not stated; None where unknown.
    """

    codes: list[Codes]
    seconds: Floats
    clusters: Numbers
    sizes: tuple[int, ...]
    parts: Parts
    rate: float | None

    def of(self, part: NDArray[np.bool_]) -> list[Codes]:
        """The codes of the clips of a part."""
        return [codes for codes, inside in zip(self.codes, part, strict=True) if inside]


class Language(Measure[LanguageSettings]):
    """Bits a second, bits a token and share of the nominal rate under two models of the codes.

    `ngram` is the interpolated bigram model of the token statistics; `transformer` a small causal
    one of fixed layers (see `almbench.tokens.transformer`). Both learn from the same clips, choose
    weights or the step to stop at on others, and are tested on a quarter of the clusters, that
    neither has seen. What they need is an upper bound of the entropy rate of the codes.
    """

    name = "language"
    version = "1"
    settings_type = LanguageSettings

    def missing(self) -> str | None:
        """Say whether torch is missing."""
        return missing_packages(["torch"], "'almbench[neural]'")

    def compute(self, tokens: TokenSet, target: str, effort: Effort) -> list[ProbeValue]:
        """Train both models, and test them.

        Raises:
            MetricUndefined: No clip has codes, or there are too few clusters.
        """
        del target
        data = split_codes(tokens, effort.seed)
        values = _values(data, "ngram", _ngram_bits(data), _amounts(data))
        if data.rate is None:
            return values + [
                ProbeValue(measure=name, input="transformer", reason=NO_TIME)
                for name in ("lm_bits_per_second", "lm_bits_per_token", "lm_share")
            ]
        fitted = fit(data, data.rate, self.settings, effort)
        return values + _values(data, "transformer", fitted.bits(data), _report(data, fitted))


@dataclass(frozen=True)
class Fitted:
    """A Transformer that was trained.

    Attributes:
        model: The model, as it predicted the validation clips best.
        curve: Its learning curve.
        frames: Frames of a window.
        heard_s: Seconds of sound that it heard, those heard twice counted twice.
    """

    model: "TokenTransformer"
    curve: "list[Look]"
    frames: int
    heard_s: float

    @property
    def best_step(self) -> int:
        """After how many steps it was best."""
        return min(self.curve, key=lambda look: look.validation_bits).step

    def bits(self, data: Data) -> Floats:
        """Bits of each clip tested by book, **Shape** `[N, K]`."""
        from almbench.tokens.training import clip_bits

        return np.stack(clip_bits(self.model, data.of(data.parts.test), self.frames))


def fit(data: Data, rate: float, settings: LanguageSettings, effort: Effort) -> Fitted:
    """Train the Transformer on the codes of a codec.

    Args:
        data: The codes.
        rate: Frames per second in Hz.
        settings: How much it is trained.
        effort: Seed and device.
    """
    from almbench.tokens.training import Budget, train

    frames = max(1, round(settings.window_s * rate))
    budget = Budget(settings.steps, settings.windows, frames, settings.every, settings.patience)
    learnt, known = data.of(data.parts.train), data.seconds[data.parts.train]
    lengths = np.array([codes.shape[1] for codes in learnt], np.float64)
    model, curve = train(
        learnt,
        data.of(data.parts.validation),
        data.sizes,
        lengths if np.isnan(known).any() else known,
        budget,
        effort.seed,
        effort.device,
    )
    return Fitted(model, curve, frames, curve[-1].step * settings.windows * frames / rate)


def _report(data: Data, fitted: Fitted) -> dict[str, JsonValue]:
    """How the Transformer's bits were come by."""
    last, (layers, everything) = fitted.curve[-1].step, fitted.model.weights
    report: dict[str, JsonValue] = {
        **_amounts(data),
        "weights_of_layers": layers,
        "weights": everything,
        "steps": last,
        "best_step": fitted.best_step,
        "heard_s": fitted.heard_s,
        "curve": [[look.step, look.train_bits, look.validation_bits] for look in fitted.curve],
    }
    if fitted.best_step < last:
        report["remark"] = (
            f"it predicted the validation clips best after {fitted.best_step} steps; from then on "
            "it learnt its own clips by heart: with more clips it would take fewer bits"
        )
    return report


def split_codes(tokens: TokenSet, seed: int) -> Data:
    """Split all clips, then leave out those without a frame, so that all codecs are split alike.

    Raises:
        MetricUndefined: There are too few clusters, or a part is without codes.
    """
    parts = split(tokens.clipset.clusters, seed)
    kept = np.array([codes.shape[1] > 0 for codes in tokens.codes], bool)
    parts = Parts(parts.train[kept], parts.validation[kept], parts.test[kept])
    if not (parts.train.any() and parts.validation.any() and parts.test.any()):
        raise MetricUndefined("too few clips have codes to learn from some and be tested on others")
    held = [codes for codes in tokens.codes if codes.shape[1]]
    seconds = np.array(
        [tokens.seconds(i) or np.nan for i in np.flatnonzero(kept).tolist()], np.float64
    )
    rates = [codes.shape[1] / s for codes, s in zip(held, seconds, strict=True) if s > 0]
    return Data(
        held,
        seconds,
        tokens.clipset.clusters[kept],
        tokens.sizes,
        parts,
        tokens.frame_rate or (median(rates) if rates else None),
    )


def _amounts(data: Data) -> dict[str, JsonValue]:
    """Clips and frames of each part."""
    return {
        name: {"clips": len(held), "frames": sum(codes.shape[1] for codes in held)}
        for name in ("train", "validation", "test")
        for held in [data.of(getattr(data.parts, name))]
    }


def _ngram_bits(data: Data) -> Floats:
    """Bits of each clip tested by book under the n-gram model, **Shape** `[N, K]`."""
    lengths = [codes.shape[1] for codes in data.codes]
    owners = np.repeat(np.arange(len(lengths)), lengths)
    tokens = np.concatenate(data.codes, axis=1)
    bits = np.empty((len(lengths), len(data.sizes)))
    for k, size in enumerate(data.sizes):
        below = tokens[k - 1] if k else None
        p = held_out(tokens[k], below, owners, size, data.parts.train, data.parts.validation)
        bits[:, k] = np.bincount(owners, -np.log2(p))
    return bits[data.parts.test]


def _values(
    data: Data, input_: str, bits: Floats, detail: dict[str, JsonValue]
) -> list[ProbeValue]:
    """The three values of all books, and bits a token of each.

    Args:
        data: The clips.
        input_: The model.
        bits: Bits of each clip tested by book, **Shape** `[N, K]`.
        detail: How they were come by.
    """
    frames = np.array([codes.shape[1] for codes in data.of(data.parts.test)])
    seconds, clusters = data.seconds[data.parts.test], data.clusters[data.parts.test]
    sizes = [log2(size) for size in data.sizes]

    def value(measure: str, of_clips: Floats, unit: str = "", book: str = ALL_BOOKS) -> ProbeValue:
        if np.isnan(of_clips).any():
            return ProbeValue(measure=measure, input=input_, book=book, unit=unit, reason=NO_TIME)
        estimate = t_interval(of_clips, clusters).within(0.0, None)
        return ProbeValue(
            measure=measure,
            input=input_,
            book=book,
            value=estimate.mean,
            unit=unit,
            ci95_low=estimate.low,
            ci95_high=estimate.high,
            n=len(of_clips),
            clusters=count_clusters(clusters, len(of_clips)),
            reason="" if estimate.low is not None else ONE_CLUSTER,
            detail=detail if book == ALL_BOOKS else {},
        )

    spent = bits.sum(axis=1)
    values = [
        value("lm_bits_per_second", spent / seconds, "bit/s"),
        value("lm_bits_per_token", spent / frames / len(sizes), "bit"),
    ]
    if sum(sizes):
        values.append(value("lm_share", spent / frames / sum(sizes)))
    if len(sizes) > 1:
        values += [
            value("lm_bits_per_token", bits[:, k] / frames, "bit", str(k + 1))
            for k in range(len(sizes))
        ]
    return values
