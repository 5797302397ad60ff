"""Words that a recogniser of a closed vocabulary hears in decoded sound, and gets wrong."""

import re
from collections.abc import Callable, Mapping, Sequence
from math import log10
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from pydantic import Field, JsonValue

from almbench.audio import Sound, resample
from almbench.errors import AlmbenchError, MetricUndefined
from almbench.metrics.base import Settings
from almbench.packages import missing_packages, release
from almbench.results.probes import ProbeValue
from almbench.statistics.clusters import Numbers, count_clusters
from almbench.statistics.intervals import t_interval
from almbench.statistics.word_errors import word_errors
from almbench.tokens.measure import ClipSet, Effort, Measure, TokenSet
from almbench.tokens.threads import one_thread
from almbench.tokens.turns import in_turns

RATE = 16_000  # Hz, of the acoustic model
COLUMNS = "text", "word", "digit"
MOST_WORDS = 2000  # of a vocabulary: more are no closed one
NAME = "closed_vocabulary_wer"
VERSION = f"2, {release('pocketsphinx')}, en-us"


class RecognitionSettings(Settings):
    """Settings of the recognition of words.

    Attributes:
        clips: How many clips are decoded, texts alike.
    """

    clips: int = Field(default=100, ge=1)


class Recognition(Measure[RecognitionSettings]):
    """The word error rate of PocketSphinx that may answer with words of the test set alone.

    Its US English acoustic model (of the package) listens for words of the texts alone, all alike
    likely: any number of them in any order, or one where each text is one. That makes words far
    easier to tell than in free speech, so the rate is no WER of an open recogniser and is to be
    read beside that of the originals, its baseline. Words that its dictionary lacks leave their
    clips out.
    """

    name = "recognition"
    version = VERSION
    settings_type = RecognitionSettings
    uses_codec = True
    takes_labels = True

    def missing(self) -> str | None:
        """Say whether PocketSphinx is missing."""
        return _missing()

    def targets(self, clips: ClipSet, asked: Sequence[str]) -> list[str]:
        """The columns that were asked for among those of words, else the first of them."""
        there = _columns(clips)
        return [name for name in there if name in asked] if asked else there[:1]

    def compute(self, tokens: TokenSet, target: str, effort: Effort) -> list[ProbeValue]:
        """Decode codes and recognise their words.

        Raises:
            MetricUndefined: The codec cannot be run here, or no text is of words that are known.
        """
        if tokens.open_codec is None:
            raise MetricUndefined(tokens.no_codec)
        rate = tokens.frame_rate
        if rate is None:
            raise MetricUndefined("the codec has no frame rate")
        there = [i for i, codes in enumerate(tokens.codes) if codes.shape[1]]
        with tokens.open_codec() as codec, one_thread():
            return self._heard(
                tokens.clipset,
                target,
                effort,
                there,
                lambda i: tokens.decode(codec, tokens.codes[i], rate),
            )

    def baseline(self, clips: ClipSet, target: str, effort: Effort) -> list[ProbeValue]:
        """Recognise the words of the originals.

        Raises:
            MetricUndefined: There is no sound, or no text is of words that are known.
        """
        read = clips.read_sound
        if read is None:
            raise MetricUndefined("there is no sound of the clips")
        there = list(range(len(clips.clips)))
        return self._heard(clips, target, effort, there, lambda i: read(clips.clips[i].id))

    def _heard(
        self,
        clips: ClipSet,
        target: str,
        effort: Effort,
        there: Sequence[int],
        sound: Callable[[int], Sound],
    ) -> list[ProbeValue]:
        texts = [words_of(text) for text in clips.labels(target)]
        recogniser = Recogniser(texts)
        able = [i for i in there if texts[i] and recogniser.knows(texts[i])]
        if not able:
            raise MetricUndefined(f"no {target} is of words that the recogniser's dictionary has")
        turns = in_turns([tuple(texts[i]) for i in able], self.settings.clips, effort.seed)
        chosen = [able[turn] for turn in turns]
        errors, faults, kept = [], [], []
        for i in chosen:
            try:
                heard = recogniser.hear(sound(i))
            except AlmbenchError as error:
                faults.append(str(error))
                continue
            kept.append(i)
            errors.append(word_errors(texts[i], heard))
        if not kept:
            raise MetricUndefined(faults[0])
        value = error_rate(
            errors,
            [len(texts[i]) for i in kept],
            clips.clusters[kept],
            measure=NAME,
            reason="; ".join(dict.fromkeys(faults)),
            detail={"vocabulary": len(recogniser.vocabulary)},
        )
        return [value]


def error_rate(
    errors: Sequence[int],
    words: Sequence[int],
    clusters: Numbers,
    *,
    detail: Mapping[str, JsonValue] | None = None,
    **facts: Any,
) -> ProbeValue:
    """A word error rate over sounds: all errors by all words, with its interval by clusters.

    Args:
        errors: The errors in each sound.
        words: The words of each.
        clusters: The cluster of each.
        detail: What else belongs to it.
        facts: Other fields of the value, such as its name.
    """
    wrong, counts = np.array(errors, np.float64), np.array(words, np.float64)
    share = float(wrong.sum() / counts.sum())
    # The mean of these is the ratio, and their spread that of its linearisation.
    parts = share + (wrong - share * counts) / counts.mean()
    return ProbeValue.of(
        t_interval(parts, clusters).within(0.0, None),
        len(wrong),
        count_clusters(clusters, len(wrong)),
        detail={"errors": int(wrong.sum()), "words": int(counts.sum()), **(detail or {})},
        **facts,
    )


def make_recogniser(clips: ClipSet) -> tuple["Recogniser | None", str]:
    """A recogniser of the words of some clips' texts, or None and why there is none."""
    columns = _columns(clips)
    if not columns:
        return None, f"the clips have no texts: no column {' or '.join(COLUMNS)}"
    if missing := _missing():
        return None, missing
    try:
        return Recogniser([words_of(text) for text in clips.labels(columns[0])]), ""
    except MetricUndefined as error:
        return None, str(error)


def _columns(clips: ClipSet) -> list[str]:
    return [name for name in COLUMNS if any(clips.labels(name))]


def _missing() -> str | None:
    return missing_packages(["pocketsphinx"], "'almbench[probe]'")


class Recogniser:
    """PocketSphinx that may answer with words of some texts alone."""

    def __init__(self, texts: Sequence[Sequence[str]]) -> None:
        """Load the acoustic model, and say which words there are.

        Where each text is one word, they are a grammar; else a unigram model in which all are as
        likely, for a grammar that repeats is searched some fifty times as slowly.

        Args:
            texts: The words of each text.

        Raises:
            MetricUndefined: There are too many words, or the dictionary has none of them.
        """
        from pocketsphinx import Decoder

        words = sorted({word for text in texts for word in text})
        if len(words) > MOST_WORDS:
            raise MetricUndefined(
                f"the texts have {len(words)} words, and a closed vocabulary {MOST_WORDS} at most"
            )
        self._decoder = Decoder(lm=None, samprate=RATE, loglevel="FATAL")
        self.vocabulary = [word for word in words if self._decoder.lookup_word(word)]
        if not self.vocabulary:
            raise MetricUndefined("the recogniser's dictionary has none of the words")
        if max(map(len, texts), default=1) > 1:
            with TemporaryDirectory() as folder:
                path = Path(folder) / "words.arpa"
                path.write_text(unigrams(self.vocabulary), encoding="utf-8")
                self._decoder.add_lm_file("words", str(path))
        else:
            rule = f"public <text> = {' | '.join(self.vocabulary)};"
            self._decoder.add_jsgf_string("words", f"#JSGF V1.0; grammar words; {rule}")
        self._decoder.activate_search("words")

    def knows(self, text: Sequence[str]) -> bool:
        """Whether all words of a text are in the vocabulary."""
        return set(text) <= set(self.vocabulary)

    def hear(self, sound: Sound) -> list[str]:
        """The words that are heard; none where nothing is."""
        samples = resample(sound.samples, sound.rate, RATE)
        whole: Any = np.rint(np.clip(samples, -1, 1) * 32767).astype("<i2")
        if not len(whole):
            return []
        self._decoder.start_utt()
        self._decoder.process_raw(whole.tobytes(), full_utt=True)
        self._decoder.end_utt()
        found = self._decoder.hyp()
        return re.sub(r"\(\d+\)", "", found.hypstr).split() if found else []


def unigrams(words: Sequence[str]) -> str:
    """A model in ARPA format by which each word, and the end, is as likely as any other."""
    share = f"{-log10(len(words) + 1):.4f}"
    entries = [f"{share} </s>", "-99 <s>", *(f"{share} {word}" for word in words)]
    head = f"\\data\\\nngram 1={len(entries)}\n\n\\1-grams:\n"
    return head + "\n".join(entries) + "\n\n\\end\\\n"


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, without punctuation.

    >>> words_of("It's ONE, two-three!")
    ["it's", 'one', 'two', 'three']
    """
    return re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)*", text.lower().replace("\u2019", "'"))
