"""What each metric is good for, and what it does not say: a line each for readers of a site."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Note:
    """A metric in two sentences: `good` for what, and its `trap`."""

    good: str
    trap: str


ELSEWHERE = {"dnsmos": "DNSMOS", "mushra": "MUSHRA", "utmos": "UTMOS", "wer": "WER"}
"""Names of metrics that only others measured."""

NOTES = {
    "pesq_wb": Note(
        "Speech codecs at telephone to wide band; the figure that most papers give.",
        "Made for telephone codecs: it marks down codecs that change the waveform but not the "
        "sound. Without Corrigendum 2 it reads about 0.9 lower than with it.",
    ),
    "pesq_nb": Note(
        "Speech up to 3.4 kHz.",
        "Deaf above the telephone band. Of sound at 16 kHz, which differs from values at 8 kHz.",
    ),
    "stoi": Note(
        "How much of the words is left, above all at very low bitrates.",
        "Near 1 for every good codec, so it does not tell those apart; a shift of 10 ms costs a "
        "tenth.",
    ),
    "estoi": Note(
        "As STOI, and more severe on speech whose loudness was changed over time.",
        "Says nothing of how pleasant speech is, or whose voice it is.",
    ),
    "visqol_speech": Note(
        "Speech from codecs that keep its spectrum but not its waveform.",
        "Even the original against itself does not always get the highest mark; single clips "
        "scatter by some tenths.",
    ),
    "visqol_audio": Note(
        "Sound and music, at full band.",
        "Measures bandwidth first: against a reference with more of it, nothing else counts.",
    ),
    "speaker_similarity": Note(
        "Whether it is still the same voice.",
        "A cosine between embeddings, not a share: two clips of one speaker reach about 0.8, and "
        "two speakers 0.5. Values of different encoders do not compare.",
    ),
    "mel_distance": Note(
        "The coarse shape of the spectrum, for any sound.",
        "Quiet bands count as much as loud ones, so a low-pass costs more than it is heard.",
    ),
    "mrstft_distance": Note(
        "The spectrum at three resolutions, for any sound.",
        "Many codecs are trained on just this, and so look better than they sound.",
    ),
    "si_sdr": Note(
        "Codecs that code the waveform.",
        "Means little for codecs that make a new waveform: a shift that nobody hears ruins it.",
    ),
    "lag_ms": Note(
        "Shows a delay that was not removed.",
        "A property, not a quality; undefined where two waveforms have little in common.",
    ),
    "gain_db": Note(
        "Shows a codec that makes sound louder or quieter.",
        "A property, not a quality; the louder of two often seems better to the ear.",
    ),
    "measured_kbps": Note(
        "What a codec really sends.",
        "Payload alone: a container or a network adds to it.",
    ),
    "entropy_kbps": Note(
        "What the codes would take if an entropy coder knew how often each occurs.",
        "Too low on little sound, where the frequencies are learnt from the very codes.",
    ),
    "ngram_bits_per_token": Note(
        "How predictable the next token is, which a language model has to learn.",
        "A weak predictor on little sound: compare codecs on the same clips alone.",
    ),
    "codebook_use": Note(
        "Shows a codebook that is mostly dead.",
        "Grows with the amount of sound.",
    ),
    "codebook_perplexity": Note(
        "So many entries, equally often, would be as hard to guess.",
        "Grows with the amount of sound too, though less than the use.",
    ),
}
