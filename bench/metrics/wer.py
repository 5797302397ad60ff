"""Word and character error rates of what a speech recogniser hears in the reconstruction.

Errors are counted by the package `jiwer`: substitutions, deletions and insertions of the shortest
way from one text to the other, divided by the length of the first (Levenshtein 1966). Both texts
are made alike first, by the normalisers of Radford et al., "Robust speech recognition via
large-scale weak supervision", 2022, appendix C, as the package `whisper-normalizer` has them. Of a
silent sound no word is heard. Characters include the spaces between words.
"""

from abc import abstractmethod
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np

from almbench.audio import Samples
from almbench.errors import MetricUndefined, NotApplicable
from almbench.metrics.base import Metric
from almbench.metrics.common import refuse_longer, refuse_shorter
from almbench.metrics.recogniser import (
    FILES,
    HUB_ID,
    MORE_FILES,
    RATE,
    REVISION,
    load_recogniser,
    transcribe,
)
from almbench.metrics.weights import FamilyWithWeights, WeightSettings
from almbench.packages import release

SHORTEST = 1600  # samples: 0.1 s; a word takes longer
NO_TEXT = "the clip has no text; wer_to_original compares with what is heard in the original"
LONGEST_S = 30  # what Whisper hears at once
PACKAGES = ("torch", "torchaudio", "transformers", "huggingface_hub", "jiwer", "whisper_normalizer")


class WerSettings(WeightSettings):
    """Which speech recogniser listens, and how texts are made alike.

    Attributes:
        source: Hub id of a speech recogniser of transformers (Whisper, wav2vec 2.0, ...), or a
            local folder of its files, weights as `model.safetensors`.
        revision: For the hub: the commit.
        language: What is spoken, for recognisers of many languages: a code such as `en` or `de`,
            or empty for one to find out.
        normaliser: `english` (numbers, spellings and contractions, too) or `basic` (case and
            punctuation, of any language).
    """

    source: str = HUB_ID
    revision: str = REVISION
    language: str = "en"
    normaliser: Literal["english", "basic"] = "english"


def _error_rate(name: str, label: str, note: str, caveat: str, *, of_text: bool) -> Metric:
    return Metric(
        name=name,
        label=label,
        unit="%",
        higher_is_better=False,
        low=0.0,
        digits=1,
        rate=RATE,
        domains=("speech",),
        no_reference=of_text,
        reads_text=of_text,
        note=note,
        caveat=caveat,
    )


@dataclass(frozen=True)
class Told:
    """What a reconstruction is held against: the clip's text, or the original itself."""

    text: str
    original: Samples


class _ErrorRates(FamilyWithWeights[WerSettings]):
    settings_type = WerSettings
    packages = PACKAGES
    extra = "asr"
    files = FILES
    more_files = MORE_FILES

    def version(self) -> str:
        """Name the packages, the recogniser and the normaliser."""
        chosen = self.settings
        packages = ", ".join(map(release, ("transformers", "jiwer", "whisper-normalizer")))
        spoken = f"language {chosen.language or 'found out'}, {chosen.normaliser} normaliser"
        return f"{self.weights}, greedy search, {spoken}, {packages}"

    def load(self) -> None:
        """Load the recogniser.

        Raises:
            Unavailable: It cannot be loaded.
        """
        load_recogniser(self.settings.source, self.settings.revision, self.settings.language)

    def prepare(self, reference: Samples, rate: int) -> Told:
        """Keep the reference of a clip without a text."""
        return self.prepare_with_text(reference, rate, "")

    def prepare_with_text(self, reference: Samples, rate: int, text: str) -> Told:
        """Keep the reference and the text."""
        del rate
        return Told(text, reference)

    def score(
        self, prepared: Told, reconstruction: Samples, rate: int, names: Collection[str]
    ) -> dict[str, float]:
        """Compute the rates in per cent; a silent reconstruction has lost every word.

        Raises:
            NotApplicable: The clip has no text.
            MetricUndefined: There is no word to hold it against, or a sound is too short or too
                long.
            Unavailable: The recogniser cannot be loaded.
        """
        del rate
        expected, heard = self._expected(prepared), self._hear(reconstruction)
        return {
            name: error_rate(expected, heard, characters=name.startswith("cer")) for name in names
        }

    @abstractmethod
    def _expected(self, told: Told) -> str:
        """What should be heard, normalised, with at least a word."""

    def _hear(self, samples: Samples) -> str:
        refuse_longer(samples, RATE, LONGEST_S, "the word error rate")
        refuse_shorter(samples, RATE, SHORTEST, "words")
        if samples.min() == samples.max():
            return ""
        chosen = self.settings
        sound = samples.astype(np.float32).tobytes()
        return self._normalised(transcribe(chosen.source, chosen.revision, chosen.language, sound))

    def _normalised(self, text: str) -> str:
        return " ".join(_normaliser(self.settings.normaliser)(text).split())


class Wer(_ErrorRates):
    """Error rates against the text of the clip."""

    name = "wer"
    metrics = (
        _error_rate(
            "wer",
            "WER",
            "How many words of the text a speech recogniser gets wrong; of the original, too.",
            "The recogniser itself errs: read it beside the original's. The mean weighs clips "
            "alike, while papers mostly divide all errors by all words.",
            of_text=True,
        ),
        _error_rate(
            "cer",
            "CER",
            "How many characters of the text a speech recogniser gets wrong, of the original, too.",
            "Kinder than the WER to words that are nearly right; otherwise as that.",
            of_text=True,
        ),
    )

    def _expected(self, told: Told) -> str:
        if not told.text.strip():
            raise NotApplicable(NO_TEXT)
        if text := self._normalised(told.text):
            return text
        raise MetricUndefined("the normaliser leaves no word of the clip's text")


class WerToOriginal(_ErrorRates):
    """Error rates against what the same recogniser hears in the original."""

    name = "wer_to_original"
    metrics = (
        _error_rate(
            "wer_to_original",
            "WER to the original",
            "How many words a speech recogniser hears otherwise than in the original.",
            "For clips without a text. What the recogniser gets wrong in both alike is no error "
            "here, and what it gets right in the reconstruction alone is one.",
            of_text=False,
        ),
        _error_rate(
            "cer_to_original",
            "CER to the original",
            "How many characters a speech recogniser hears otherwise than in the original.",
            "Kinder than the WER to words that are nearly right; otherwise as that.",
            of_text=False,
        ),
    )

    def _expected(self, told: Told) -> str:
        if text := self._hear(told.original):
            return text
        raise MetricUndefined("no word is heard in the original")


def error_rate(expected: str, heard: str, *, characters: bool = False) -> float:
    """Word or character error rate in per cent; above 100 where much is inserted.

    Args:
        expected: What should be heard, with at least a word.
        heard: What is heard.
        characters: Whether to count characters in place of words.

    >>> round(error_rate("a b c", "a x c d"), 1)
    66.7
    """
    import jiwer

    counted: Any = jiwer.process_characters if characters else jiwer.process_words
    found = counted(expected, heard)
    errors = found.substitutions + found.deletions + found.insertions
    return float(100 * errors / (found.hits + found.substitutions + found.deletions))


@cache
def _normaliser(name: str) -> Any:
    from whisper_normalizer.basic import BasicTextNormalizer
    from whisper_normalizer.english import EnglishTextNormalizer

    return EnglishTextNormalizer() if name == "english" else BasicTextNormalizer()
