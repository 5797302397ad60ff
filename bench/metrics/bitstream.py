"""Metrics of what a codec emits: its bits, and the statistics of its codes.

They are computed when tables are built, from the rows and the stored codes of a run.
"""

from almbench.domains import DOMAINS
from almbench.metrics.base import Metric

FAMILY = "bitstream"
BITSTREAM_METRICS = (
    Metric(
        name="measured_kbps",
        label="Measured",
        unit="kbit/s",
        higher_is_better=None,
        low=0.0,
        digits=2,
        computed_from="bits",
        default=DOMAINS,
        note="What a codec really sends.",
        caveat="Payload alone: a container or a network adds to it.",
    ),
    Metric(
        name="entropy_kbps",
        label="Entropy",
        unit="kbit/s",
        higher_is_better=None,
        low=0.0,
        digits=2,
        computed_from="codes",
        default=DOMAINS,
        note="What the codes would take if an entropy coder knew how often each occurs.",
        caveat="Too low on little sound, where the frequencies are learnt from the very codes.",
    ),
    Metric(
        name="ngram_bits_per_token",
        label="N-gram",
        unit="bits/token",
        higher_is_better=None,
        low=0.0,
        digits=2,
        computed_from="codes",
        default=DOMAINS,
        note="How predictable the next token is, which a language model has to learn.",
        caveat="A weak predictor on little sound: compare codecs on the same clips alone.",
    ),
    Metric(
        name="codebook_use",
        label="Use",
        higher_is_better=None,
        low=0.0,
        high=1.0,
        computed_from="codes",
        default=DOMAINS,
        compared=False,
        note="Shows a codebook that is mostly dead.",
        caveat="Grows with the amount of sound.",
    ),
    Metric(
        name="codebook_perplexity",
        label="Perplexity",
        higher_is_better=None,
        low=1.0,
        digits=1,
        computed_from="codes",
        default=DOMAINS,
        compared=False,
        note="So many entries, equally often, would be as hard to guess.",
        caveat="Grows with the amount of sound too, though less than the use.",
    ),
)
VERSIONS = {
    "measured_kbps": "payload bits",
    "entropy_kbps": "cross-entropy under each codebook's distribution over the test set",
    "ngram_bits_per_token": (
        "a bigram a codebook, interpolated Witten-Bell down to unigram and uniform, trained on "
        "the other clips"
    ),
    "codebook_use": "share of a codebook's entries that occur in the clip, mean over codebooks",
    "codebook_perplexity": "2^H of a codebook's distribution in the clip, mean over codebooks",
}
