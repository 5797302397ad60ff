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
        unit="kbps",
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
        unit="kbps",
        higher_is_better=None,
        low=0.0,
        digits=2,
        computed_from="codes",
        default=DOMAINS,
        note="What the codes would take if an entropy coder knew how often each occurs.",
        caveat=(
            "An estimate, good to about 0.1 bit a token; none where the tokens are too few to tell."
        ),
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
        caveat=(
            "What the model has learnt, so an upper bound that falls as there is more sound: "
            "compare codecs on the same clips alone."
        ),
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
        caveat=(
            "Of as many tokens as the codec with the fewest has, so that codecs compare; more "
            "sound uses more."
        ),
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
        caveat="Of as many tokens as the codec with the fewest has; it grows with them.",
    ),
)
ESTIMATOR = "entropy by Chao, Wang and Jost 2013"
VERSIONS = {
    "measured_kbps": "payload bits",
    "entropy_kbps": (
        f"{ESTIMATOR}, summed over the codebooks; a clip's share by its tokens' frequencies in the "
        "test set"
    ),
    "ngram_bits_per_token": (
        "Jelinek-Mercer: uniform, unigram, the token before, the codebook below; learnt from the "
        "other clips, weights by EM"
    ),
    "codebook_use": (
        "share of a codebook's entries expected in as many tokens of the clip as every codec has, "
        "mean over codebooks"
    ),
    "codebook_perplexity": (
        "2^H of a codebook's distribution expected in as many tokens of the clip as every codec "
        "has, mean over codebooks"
    ),
}
