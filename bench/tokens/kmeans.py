"""The simplest tokenizer, to compare codecs with: k-means of log-mel spectra, one codebook."""

from functools import partial

import numpy as np

from almbench.errors import UserError
from almbench.results.failures import Fault
from almbench.tokens.logmel import HOP, RATE, log_mels
from almbench.tokens.measure import ClipSet, Floats, TokenSet
from almbench.tokens.quiet import quiet
from almbench.tokens.sources import TokenSource

ID = "kmeans"
MOST_FRAMES = 50_000  # that the codebook is learnt from
NO_SOUND = "k-means of log-mel spectra is no codec: its tokens are not decoded to sound"


def kmeans_source(clips: ClipSet, entries: int, seed: int) -> TokenSource:
    """Tokens of the nearest of so many log-mel spectra, at 50 frames a second.

    The codebook is learnt from the clips themselves, of which labels are not used: each band less
    its mean over all frames, k-means by mini-batches.

    Args:
        clips: The clips.
        entries: Entries of the codebook; no more than there are frames.
        seed: Seed of the frames drawn and of the first entries.

    Raises:
        UserError: There is no sound of the clips.
    """
    if clips.read_sound is None:
        raise UserError(
            f"--kmeans needs the sound of the clips of {clips.testset}. To fix: a column 'path' in "
            "the table of labels."
        )
    label = f"Log-mel k-means, {entries}"
    return TokenSource(clips, ID, label, True, partial(_read, clips, entries, seed))


def _read(clips: ClipSet, entries: int, seed: int) -> tuple[TokenSet, list[Fault]]:
    from sklearn.cluster import MiniBatchKMeans

    spectra = [spectrum.T for spectrum in log_mels(clips)]
    frames = np.concatenate(spectra)
    mean = frames.mean(axis=0)
    rng = np.random.default_rng(seed)
    drawn = frames[rng.permutation(len(frames))[:MOST_FRAMES]] - mean
    size = min(entries, len(np.unique(drawn, axis=0)))
    model = MiniBatchKMeans(size, random_state=seed, n_init=1, batch_size=4096)
    with quiet():
        model.fit(drawn)
        codes = tuple(model.predict(one - mean)[None].astype(np.int64) for one in spectra)

    def vectors() -> list[Floats]:
        centres = np.asarray(model.cluster_centers_, np.float64)
        return [(centres[one[0]] + mean).T for one in codes]

    tokens = TokenSet(
        clipset=clips,
        codec=ID,
        codes=codes,
        sizes=(size,),
        frame_rate=RATE / HOP,
        no_codec=NO_SOUND,
        dequantize=vectors,
    )
    return tokens, []
