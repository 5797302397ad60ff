"""Continuations: what the small Transformer makes of the beginning of a clip, to be heard."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import lcm
from pathlib import Path
from shutil import rmtree

import numpy as np
import torch

from almbench.audio import Samples, write_flac
from almbench.errors import AlmbenchError, MetricUndefined
from almbench.progress import stage
from almbench.results.runfolder import SAMPLED, RunFolder
from almbench.statistics.tokens import Codes
from almbench.tokens.language import NO_TIME, Fitted, LanguageSettings, fit
from almbench.tokens.measure import Effort, TokenSet
from almbench.tokens.parts import ABSENT, held, split_codes
from almbench.tokens.sources import TokenSource
from almbench.tokens.training import repeatable
from almbench.tokens.transformer import delay

MOST_TOKENS = 250  # a second: of more, so small a model learns next to nothing to be heard
TOP = 250  # of the entries, the likeliest that are drawn from, as in MusicGen


@dataclass(frozen=True)
class Continuation:
    """A clip that was continued. Its sound after the prompt was never spoken or played.

    Attributes:
        clip: Id of the clip.
        prompt_s: Seconds of the clip itself, coded.
        codes: Codes of prompt and continuation, **Shape** `[K, T]`.
        samples: Their sound, **Shape** `[N]`.
        rate: Its rate in Hz.
    """

    clip: str
    prompt_s: float
    codes: Codes
    samples: Samples
    rate: int

    def write(self, folder: Path) -> Path:
        """Write the sound as `CLIP.sampled.flac`."""
        path = folder / f"{self.clip}{SAMPLED}"
        write_flac(path, self.samples, self.rate)
        return path


def continue_codes(
    fitted: Fitted,
    prompt: Codes,
    frames: int,
    seed: int,
    top: int = TOP,
    strides: Sequence[int] = (),
) -> Codes:
    """Sample codes that follow others.

    Args:
        fitted: The model.
        prompt: **Shape** `[K, T]`, `T >= 0`; `ABSENT` where a slower codebook holds its token.
        frames: How many frames to add.
        seed: Seed of the draw.
        top: How many of the likeliest entries to draw from.
        strides: Frames that a token of each codebook lasts; 1 by default.

    Returns:
        Prompt and continuation, **Shape** `[K, T + frames]`.
    """
    model, (books, begin) = fitted.model, prompt.shape
    end, lasts = begin + frames, list(strides) or [1] * books
    period = lcm(*lasts)
    codes = torch.from_numpy(np.pad(prompt, ((0, 0), (0, frames)), constant_values=ABSENT))
    codes = codes.to(model.head.weight.device)
    with repeatable(seed), torch.inference_mode():
        for step in range(begin, end + books - 1 if frames else begin):
            first = max(0, step + 2 - fitted.frames - books)
            first += -first % period
            steps = delay(codes[None, :, first : step + 1])[:, :, : step + 1 - first]
            for k, logits in enumerate(model(steps)):
                if begin <= step - k < end and (step - k) % lasts[k] == 0:
                    likeliest = logits[0, -1].topk(min(top, logits.shape[-1]))
                    drawn = torch.multinomial(likeliest.values.softmax(0), 1)
                    codes[k, step - k] = likeliest.indices[drawn[0]]
    made = codes.cpu().numpy()
    return np.stack([held(row, lasting) for row, lasting in zip(made, lasts, strict=True)])


def continuations(
    tokens: TokenSet,
    settings: LanguageSettings,
    effort: Effort,
    clips: int = 4,
    prompt_s: float = 2.0,
    new_s: float = 4.0,
) -> Iterator[Continuation]:
    """Continue clips that the model has not seen, and decode them by the codec.

    Args:
        tokens: The codes; their codec must be one that can be opened here.
        settings: How much the model is trained.
        effort: Seed and device.
        clips: How many clips, at most.
        prompt_s: Seconds of each clip that are given, but no more than half of it.
        new_s: Seconds that are sampled.

    Raises:
        MetricUndefined: The codec cannot be run here, or the model cannot be trained.
    """
    if tokens.open_codec is None:
        raise MetricUndefined(tokens.no_codec)
    data = split_codes(tokens, effort.seed)
    if data.rate is None:
        raise MetricUndefined(NO_TIME)
    fitted = fit(data, data.rate, settings, effort)
    ids = [c.id for c, codes in zip(tokens.clipset.clips, tokens.codes, strict=True) if codes.size]
    tested = np.flatnonzero(data.parts.test)[:clips]
    with tokens.open_codec() as codec:
        for i in tested:
            frames = min(round(prompt_s * data.rate), data.codes[i].shape[1] // 2)
            prompt = data.codes[i][:, :frames]
            codes = continue_codes(
                fitted, prompt, round(new_s * data.rate), effort.seed, strides=data.strides
            )
            prompted_s = prompt.shape[1] / data.rate
            sound = tokens.decode(codec, codes, data.rate)
            yield Continuation(ids[i], prompted_s, codes, sound.samples, sound.rate)


def write_continuations(
    folder: RunFolder,
    sources: Sequence[TokenSource],
    settings: LanguageSettings,
    effort: Effort,
    clips: int,
) -> list[str]:
    """Continue clips of each codec that has few tokens a second, and write their sounds.

    Args:
        folder: Where to; what was there of these codecs is replaced.
        sources: The codecs on their test sets.
        settings: How much the model is trained.
        effort: Seed and device.
        clips: How many clips of each, at most.

    Returns:
        Why a codec has none.
    """
    reasons = []
    with stage("Continuing", len(sources), "codecs") as shown:
        for source in sources:
            tokens, _ = source.read()
            rate = (tokens.frame_rate or 0) * tokens.books
            place = folder.continuations(source.clips.testset, source.codec)
            rmtree(place, ignore_errors=True)
            try:
                if rate > MOST_TOKENS:
                    raise MetricUndefined(f"{rate:.4g} tokens a second are over {MOST_TOKENS}")
                for one in continuations(tokens, settings, effort, clips):
                    place.mkdir(parents=True, exist_ok=True)
                    one.write(place)
            except AlmbenchError as error:
                reasons.append(f"{source.clips.testset}, {source.codec}: {error}")
            shown.advance()
    return reasons
