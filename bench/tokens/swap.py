"""Which codebook carries the voice: a codebook of a clip is exchanged for another speaker's."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from pydantic import Field

from almbench.audio import Samples, resample
from almbench.codecs.base import Codec
from almbench.errors import MetricUndefined
from almbench.metrics.base import Settings
from almbench.metrics.speaker import SpeakerSettings, SpeakerSimilarity
from almbench.results.probes import ProbeValue
from almbench.statistics.clusters import count_clusters, number_clusters
from almbench.statistics.intervals import t_interval
from almbench.statistics.tokens import Codes
from almbench.tokens.measure import Effort, Floats, Measure, TokenSet

SPEAKER = "speaker"
LEAST_S = 1.0  # of both clips of a pair


class SwapSettings(Settings):
    """Settings of the exchange.

    Attributes:
        pairs: Pairs of clips, at most.
        books: The first books, each of which is exchanged alone.
    """

    pairs: int = Field(default=20, ge=2)
    books: int = Field(default=3, ge=1)


class Likeness(NamedTuple):
    """Speaker similarities of a sound with one book exchanged.

    Attributes:
        to_giver: To the speaker whose book it is.
        to_other: To the speaker of all other books.
    """

    to_giver: float
    to_other: float


class Swap(Measure[SwapSettings]):
    """What a sound whose book k is another speaker's sounds like, by speaker similarity.

    The codes of two clips of different speakers are cut to the shorter; those of the one with book
    k of the other are decoded. Speaker similarity is that to both clips, decoded as they are.
    `swap_giver_nearer` is the share of such sounds that are nearer to the giver of book k than to
    the giver of all others: near 1 where that book carries the voice, near 0 where the others do.
    `swap_giver_similarity` and `swap_other_similarity` are the mean similarities.
    """

    name = "swap"
    version = f"1, {SpeakerSimilarity(SpeakerSettings()).version()}"
    settings_type = SwapSettings
    uses_codec = True
    takes_labels = True

    def missing(self) -> str | None:
        """Say what the speaker encoder lacks."""
        return SpeakerSimilarity(SpeakerSettings()).missing()

    def targets(self, clips: Any, asked: Sequence[str]) -> list[str]:
        """The speakers."""
        wanted = not asked or SPEAKER in asked
        return [SPEAKER] if wanted and any(clips.labels(SPEAKER)) else []

    def compute(self, tokens: TokenSet, target: str, effort: Effort) -> list[ProbeValue]:
        """Exchange each of the first books.

        Raises:
            MetricUndefined: There is one book, there are no two speakers, or the codec cannot be
                run.
        """
        if tokens.books < 2:
            raise MetricUndefined("there is one codebook, and nothing to exchange it against")
        if tokens.open_codec is None:
            raise MetricUndefined(tokens.no_codec)
        speakers = tokens.clipset.labels(target)
        long = [i for i, held in enumerate(speakers) if held and _seconds(tokens, i) >= LEAST_S]
        pairs = pair_up(long, speakers, self.settings.pairs, effort.seed)
        if not pairs:
            raise MetricUndefined(
                f"there are no clips of two speakers, {LEAST_S:g} s long at least"
            )
        found: dict[int, list[Likeness]] = {}
        givers: dict[int, list[str]] = {}
        encoder = SpeakerSimilarity(SpeakerSettings())
        with tokens.open_codec() as codec:
            for i, j in pairs:
                for k, likeness in _exchange(codec, encoder, tokens, (i, j), self.settings.books):
                    found.setdefault(k, []).append(likeness)
                    givers.setdefault(k, []).append(speakers[i])
        if not found:
            raise MetricUndefined("no speech is detected in the decoded clips")
        return [
            value
            for k, of_book in sorted(found.items())
            for value in _values(k, np.array(of_book), givers[k])
        ]


def pair_up(
    places: Sequence[int], speakers: Sequence[str], most: int, seed: int
) -> list[tuple[int, int]]:
    """Draw ordered pairs of clips of different speakers.

    Args:
        places: Numbers of the clips to draw from.
        speakers: The speaker of each clip.
        most: How many pairs, at most.
        seed: Seed of the draw.
    """
    rng = np.random.default_rng(seed)
    order = [places[i] for i in rng.permutation(len(places))]
    found: list[tuple[int, int]] = []
    for step in range(1, len(order)):
        for first, second in zip(order, order[step:] + order[:step], strict=True):
            if len(found) == most:
                return found
            if speakers[first] != speakers[second]:
                found.append((first, second))
    return found


def _seconds(tokens: TokenSet, i: int) -> float:
    return tokens.codes[i].shape[1] / tokens.frame_rate if tokens.frame_rate else 0.0


def _exchange(
    codec: Codec[Any],
    encoder: SpeakerSimilarity,
    tokens: TokenSet,
    pair: tuple[int, int],
    books: int,
) -> Iterator[tuple[int, Likeness]]:
    """Put each of the first books of the second clip into the first: its number, the outcome."""
    own, other = (tokens.codes[i] for i in pair)
    frames = min(own.shape[1], other.shape[1])
    own, other = own[:, :frames], other[:, :frames]
    try:
        to_own, to_other = (_embed(encoder, _decode(codec, tokens, c)) for c in (own, other))
        for k in range(min(books, tokens.books)):
            mixed = own.copy()
            mixed[k] = other[k]
            voice = _embed(encoder, _decode(codec, tokens, mixed))
            yield k + 1, Likeness(float(voice @ to_other), float(voice @ to_own))
    except MetricUndefined:  # a sound without speech tells nothing of a voice
        return


def _decode(codec: Codec[Any], tokens: TokenSet, codes: Codes) -> Samples:
    sound = tokens.decode(codec, codes, tokens.frame_rate or 1)
    return resample(sound.samples, sound.rate, SpeakerSimilarity.metrics[0].rate or sound.rate)


def _embed(encoder: SpeakerSimilarity, sound: Samples) -> Floats:
    return encoder.prepare(sound, SpeakerSimilarity.metrics[0].rate or 0)


def _values(k: int, likeness: Floats, speakers: Sequence[str]) -> Iterator[ProbeValue]:
    clusters = number_clusters(speakers)
    nearer = (likeness[:, 0] > likeness[:, 1]) + 0.5 * (likeness[:, 0] == likeness[:, 1])
    for name, values, chance, low in (
        ("swap_giver_nearer", nearer, 0.5, 0.0),
        ("swap_giver_similarity", likeness[:, 0], None, -1.0),
        ("swap_other_similarity", likeness[:, 1], None, -1.0),
    ):
        estimate = t_interval(values, clusters).within(low, 1.0)
        count = count_clusters(clusters, len(values))
        yield ProbeValue.of(estimate, len(values), count, measure=name, book=str(k), chance=chance)
