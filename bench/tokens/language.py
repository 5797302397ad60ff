"""The language model's view: bits that it takes to predict the codes of clips never seen."""

from dataclasses import dataclass
from math import lcm
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field, JsonValue

from almbench.metrics.base import Settings
from almbench.packages import missing_packages
from almbench.results.probes import ALL_BOOKS, ProbeValue
from almbench.statistics.clusters import count_clusters
from almbench.statistics.intervals import t_interval
from almbench.statistics.ngram import held_out
from almbench.statistics.tokens import Codes, Floats
from almbench.tokens.measure import Effort, Measure, TokenSet
from almbench.tokens.parts import ABSENT, Data, held, split_codes

if TYPE_CHECKING:
    from almbench.tokens.training import Look
    from almbench.tokens.transformer import TokenTransformer

VALIDATION_S = 300.0  # seconds of sound that are enough to choose a step by
NO_TIME = "no duration and no frame rate is known of its codes"


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

    period = lcm(*data.strides)
    half = settings.window_s * rate / 2
    frames = max(1, round(2 * half)) if period == 1 else 2 * period * max(1, round(half / period))
    budget = Budget(
        settings.steps, settings.windows, frames, settings.every, settings.patience, period
    )
    learnt, known = data.of(data.parts.train), data.seconds[data.parts.train]
    lengths = np.array([codes.shape[1] for codes in learnt], np.float64)
    model, curve = train(
        learnt,
        _some(data.of(data.parts.validation), VALIDATION_S * rate, effort.seed),
        data.sizes,
        lengths if np.isnan(known).any() else known,
        budget,
        effort.seed,
        effort.device,
    )
    return Fitted(model, curve, frames, curve[-1].step * settings.windows * frames / rate)


def _some(clips: list[Codes], frames: float, seed: int) -> list[Codes]:
    """Draw clips until they have so many frames, or all of them."""
    order = np.random.default_rng(seed).permutation(len(clips))
    before = np.cumsum([0] + [clips[i].shape[1] for i in order[:-1]])
    return [clips[i] for i in order[before < frames]]


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


def _amounts(data: Data) -> dict[str, JsonValue]:
    """Clips and frames of each part."""
    return {
        name: {"clips": len(inside), "frames": sum(codes.shape[1] for codes in inside)}
        for name in ("train", "validation", "test")
        for inside in [data.of(getattr(data.parts, name))]
    }


def _ngram_bits(data: Data) -> Floats:
    """Bits of each clip tested by book under the n-gram model, **Shape** `[N, K]`."""
    bits = np.empty((len(data.codes), len(data.sizes)))
    for k, (size, stride) in enumerate(zip(data.sizes, data.strides, strict=True)):
        of_book = [codes[k, ::stride] for codes in data.codes]
        owners = np.repeat(np.arange(len(of_book)), [len(tokens) for tokens in of_book])
        below = None
        if k:
            faster = data.strides[k - 1]
            below = np.concatenate([held(c[k - 1], faster)[::stride] for c in data.codes])
        parts = data.parts.train, data.parts.validation
        p = held_out(np.concatenate(of_book), below, owners, size, *parts)
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
    tested = data.of(data.parts.test)
    tokens = np.array([(codes != ABSENT).sum(axis=1) for codes in tested], np.float64)
    nominal = tokens @ np.log2(data.sizes)
    seconds, clusters = data.seconds[data.parts.test], data.clusters[data.parts.test]

    def value(measure: str, of_clips: Floats, unit: str = "", book: str = ALL_BOOKS) -> ProbeValue:
        if np.isnan(of_clips).any():
            return ProbeValue(measure=measure, input=input_, book=book, unit=unit, reason=NO_TIME)
        estimate = t_interval(of_clips, clusters).within(0.0, None)
        return ProbeValue.of(
            estimate,
            len(of_clips),
            count_clusters(clusters, len(of_clips)),
            measure=measure,
            input=input_,
            book=book,
            unit=unit,
            detail=detail if book == ALL_BOOKS else {},
        )

    spent = bits.sum(axis=1)
    values = [
        value("lm_bits_per_second", spent / seconds, "bit/s"),
        value("lm_bits_per_token", spent / tokens.sum(axis=1), "bit"),
    ]
    if nominal.all():
        values.append(value("lm_share", spent / nominal))
    if len(data.sizes) > 1:
        values += [
            value("lm_bits_per_token", bits[:, k] / tokens[:, k], "bit", str(k + 1))
            for k in range(len(data.sizes))
        ]
    return values
