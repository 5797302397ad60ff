"""What runs tell in English, in the language of the pages: reasons, notes, rules, facts of metrics.

Tables and manifests are written in English whatever the language of a site. What they say comes in
known shapes, which are translated here; anything else stays as it is.
"""

import re
from functools import cache

from almbench import policies
from almbench.metrics.bitstream import BITSTREAM_METRICS
from almbench.metrics.registry import all_families
from almbench.metrics.wer import NO_TEXT
from almbench.results.probes import ONE_CLUSTER
from almbench.results.tables import NO_BITS, NO_CODES, NOT_RUN
from almbench.site.language import spoken, tr
from almbench.tokens.abx import FEW
from almbench.tokens.folds import MAY_BE_THE_RECORDING
from almbench.tokens.measure import NO_CODEC, NO_VECTORS

SHAPES = (
    "its rate is {rate} Hz, the original's {original} Hz",
    "its polarity is inverted against the original",
    "reconstruction is {time} s longer than the original; cut",
    "reconstruction is {time} s shorter than the original; cut",
    "reconstruction lasts {time} s of {whole} s, less than {share}",
    "reconstruction lasts {time} s of {whole} s, more than {share}",
    "the original peaks {level} dB above full scale: all versions of the clip are stored lower by "
    "that",
    "the original has a rate of {rate} Hz: its band of {band} kHz limits scores that are meant for "
    "{meant} kHz",
    NO_BITS,
    NO_CODES,
    NOT_RUN,
    NO_CODEC,
    NO_TEXT,
    "no word is heard in the original",
    NO_VECTORS,
    MAY_BE_THE_RECORDING,
    ONE_CLUSTER,
    *FEW.values(),
    "{count} of {total} classes have clips in two recordings, without which the label cannot be "
    "told from the recording; it takes two classes",
    "no clear correlation of waveforms or envelopes within {time} ms",
    "the correlation has rivals, as of a steady tone: {one} ms and {other} ms fit alike",
    "{clips} clips of {count} speakers do not separate these two",
    "{clips} clips of {count} clusters do not separate these two",
    "{clips} clips do not separate these two",
    ", among so many comparisons",
    "equal on all {clips} clips of {count} speakers",
    "equal on all {clips} clips of {count} clusters",
    "equal on all {clips} clips",
    "no test, as all differences are alike",
    "no test, as it takes two clips of different clusters",
    "not stated by the authors",
    "not stated",
)
"""Shapes of reasons and notes; what is in braces is a number."""
NUMBER = r"[-−+]?\d[\d.,]*%?"


def told(text: str) -> str:
    """A reason or a note of a run in the language of the pages.

    >>> told("its rate is 16000 Hz, the original's 24000 Hz")
    "its rate is 16000 Hz, the original's 24000 Hz"
    """
    if not text or not spoken():
        return text
    if (whole := tr(text)) != text:
        return whole
    for shape in SHAPES:
        text = _pattern(shape).sub(lambda found, s=shape: tr(s, **found.groupdict()), text)  # type: ignore[misc]
    return text


@cache
def _pattern(shape: str) -> re.Pattern[str]:
    """What finds a shape with any numbers in it."""
    parts = re.split(r"\{(\w+)\}", shape)
    kept = [re.escape(part) for part in parts[::2]]
    numbers = [f"(?P<{name}>{NUMBER})" for name in parts[1::2]]
    found = "".join(text + number for text, number in zip(kept, [*numbers, ""], strict=True))
    return re.compile(rf"(?<!\w){found}(?!\w)" if shape[0] != "," else found)


def sentences() -> list[str]:
    """All that is said in whole sentences: the rules, and the facts of metrics."""
    facts = [
        text
        for metrics in (*(family.metrics for family in all_families().values()), BITSTREAM_METRICS)
        for metric in metrics
        for text in (metric.note, metric.caveat, metric.footnote)
        if text
    ]
    return [*policies.TEXT, *policies.TEXT.values(), *dict.fromkeys(facts)]
