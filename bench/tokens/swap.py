"""Which codebook carries voice and words: one of a clip is exchanged for another speaker's."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from pydantic import Field

from almbench.audio import Sound, resample
from almbench.codecs.base import Codec
from almbench.errors import MetricUndefined
from almbench.metrics.base import Settings
from almbench.metrics.speaker import SpeakerSettings, SpeakerSimilarity
from almbench.results.probes import ProbeValue
from almbench.statistics.clusters import count_clusters, number_clusters
from almbench.statistics.intervals import t_interval
from almbench.statistics.tokens import Codes
from almbench.statistics.word_errors import word_errors
from almbench.tokens.measure import Effort, Floats, Measure, TokenSet
from almbench.tokens.recognition import VERSION as RECOGNISER
from almbench.tokens.recognition import Recogniser, error_rate, make_recogniser

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


class Outcome(NamedTuple):
    """What a sound with one book exchanged is like.

    Attributes:
        giver: The speaker whose book it is.
        likeness: Speaker similarities to the giver and to the speaker of all other books; None
            where no speech is detected in one of the sounds.
        errors: Word errors against what is heard in the giver's sound, and in the other's; None
            where nothing is heard in one of them, or the same in both.
        words: How many words are heard in each of these.
    """

    giver: str
    likeness: tuple[float, float] | None
    errors: tuple[int, int] | None
    words: tuple[int, int]


class Swap(Measure[SwapSettings]):
    """What a sound whose book k is another speaker's sounds like, and what is heard in it.

    The codes of two clips of different speakers are cut to the shorter; those of the one with book
    k of the other are decoded. Speaker similarity is that to both clips, decoded as they are.
    `swap_giver_nearer` is the share of such sounds that are nearer to the giver of book k than to
    the giver of all others: near 1 where that book carries the voice, near 0 where the others do.
    `swap_giver_similarity` and `swap_other_similarity` are the mean similarities.
    `swap_giver_wer` and `swap_other_wer` are the word error rates of the recogniser of a closed
    vocabulary against what it hears in both clips, cut and decoded as they are, over pairs in which
    that differs: the one is low where book k carries the words, the other where the others do.
    """

    name = "swap"
    version = f"2, {SpeakerSimilarity(SpeakerSettings()).version()}, {RECOGNISER}"
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
        """Exchange each of the first books, and listen.

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
        recogniser, unheard = make_recogniser(tokens.clipset)
        found: dict[int, list[Outcome]] = {}
        with tokens.open_codec() as codec:
            listener = _Listener(codec, tokens, recogniser)
            for pair in pairs:
                for k, outcome in listener.exchange(pair, speakers[pair[1]], self.settings.books):
                    found.setdefault(k, []).append(outcome)
        return [
            value
            for k, of_book in sorted(found.items())
            for value in [*_voice(k, of_book), *_words(k, of_book, unheard)]
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


class _Listener:
    """Decodes codes, and says whose voice and which words are heard."""

    def __init__(self, codec: Codec[Any], tokens: TokenSet, recogniser: Recogniser | None) -> None:
        self._codec, self._tokens, self._recogniser = codec, tokens, recogniser
        self._encoder = SpeakerSimilarity(SpeakerSettings())
        self._rate = SpeakerSimilarity.metrics[0].rate or 0

    def exchange(
        self, pair: tuple[int, int], giver: str, books: int
    ) -> Iterator[tuple[int, Outcome]]:
        """Put each of the first books of the second clip into the first: its number, the outcome.

        Args:
            pair: Places of both clips.
            giver: The speaker of the second.
            books: How many books, at most.
        """
        own, other = (self._tokens.codes[i] for i in pair)
        frames = min(own.shape[1], other.shape[1])
        own, other = own[:, :frames], other[:, :frames]
        sounds = [self._decoded(codes) for codes in (other, own)]
        voices, said = [self._voice(s) for s in sounds], [self._words(s) for s in sounds]
        for k in range(min(books, self._tokens.books)):
            mixed = own.copy()
            mixed[k] = other[k]
            sound = self._decoded(mixed)
            voice = self._voice(sound)
            likeness = None
            if voice is not None and voices[0] is not None and voices[1] is not None:
                likeness = float(voice @ voices[0]), float(voice @ voices[1])
            errors = None
            if all(said) and said[0] != said[1]:
                heard = self._words(sound)
                errors = word_errors(said[0], heard), word_errors(said[1], heard)
            yield k + 1, Outcome(giver, likeness, errors, (len(said[0]), len(said[1])))

    def _decoded(self, codes: Codes) -> Sound:
        sound = self._tokens.decode(self._codec, codes, self._tokens.frame_rate or 1)
        return Sound(resample(sound.samples, sound.rate, self._rate), self._rate)

    def _voice(self, sound: Sound) -> Floats | None:
        try:
            return self._encoder.prepare(sound.samples, sound.rate)
        except MetricUndefined:  # a sound without speech tells nothing of a voice
            return None

    def _words(self, sound: Sound) -> list[str]:
        return self._recogniser.hear(sound) if self._recogniser else []


def _voice(k: int, outcomes: Sequence[Outcome]) -> Iterator[ProbeValue]:
    """Whose voice it is: how often the giver's, and the mean similarities."""
    there = [(one.giver, one.likeness) for one in outcomes if one.likeness]
    if not there:
        yield ProbeValue(
            measure="swap_giver_nearer",
            book=str(k),
            reason="no speech is detected in the decoded clips",
        )
        return
    clusters = number_clusters([giver for giver, _ in there])
    likeness = np.array([pair for _, pair in there])
    nearer = (likeness[:, 0] > likeness[:, 1]) + 0.5 * (likeness[:, 0] == likeness[:, 1])
    for name, values, chance, low in (
        ("swap_giver_nearer", nearer, 0.5, 0.0),
        ("swap_giver_similarity", likeness[:, 0], None, -1.0),
        ("swap_other_similarity", likeness[:, 1], None, -1.0),
    ):
        estimate = t_interval(values, clusters).within(low, 1.0)
        count = count_clusters(clusters, len(values))
        yield ProbeValue.of(estimate, len(values), count, measure=name, book=str(k), chance=chance)


def _words(k: int, outcomes: Sequence[Outcome], unheard: str) -> Iterator[ProbeValue]:
    """Whose words they are: word error rates against both."""
    there = [(one.giver, one.errors, one.words) for one in outcomes if one.errors]
    for place, name in enumerate(("swap_giver_wer", "swap_other_wer")):
        if not there:
            reason = unheard or "no pair of decoded clips has words that differ"
            yield ProbeValue(measure=name, book=str(k), reason=reason)
            continue
        yield error_rate(
            [errors[place] for _, errors, _ in there],
            [words[place] for *_, words in there],
            number_clusters([giver for giver, *_ in there]),
            measure=name,
            book=str(k),
        )
