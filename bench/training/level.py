"""How loud the model is: measured at the end of training, and put right in its last layer."""

from collections.abc import Iterable
from math import log

import torch
from torch import Tensor

from almbench.codecs.almtokenizer.model import QUIET, ALMTokenizer
from almbench.codecs.almtokenizer.patchify import LEVEL_SCALE, SpectralUnPatchify


@torch.no_grad()
def correct_level(model: ALMTokenizer, batches: Iterable[Tensor], w: int) -> float:
    """Make a spectral model as loud, in the mean, as what it codes.

    Magnitudes learned as logarithms tend to their median, which is lower than their mean, and
    phases that do not fit cost more. The mean difference is added to the bias of the layer of
    magnitudes: it costs no bits, and leaves everything else as it was.

    Args:
        model: The model, ready for use.
        batches: Sound to measure with, **Shape** `[B, S]`.
        w: Frames per query.

    Returns:
        By how many dB the model was too loud (too quiet where negative); 0 where it is no
        spectral model, which is left alone, or nothing is loud enough.
    """
    if not isinstance(model.unpatchify, SpectralUnPatchify):
        return 0.0
    gaps = []
    for sound in batches:
        cut = sound[:, : sound.shape[1] // (w * model.config.hop) * w * model.config.hop]
        made = model.decode(model.encode(cut, w, match_level=False), w)
        levels, wanted = (s.square().mean(1) for s in (made, cut))
        heard = wanted > QUIET**2
        gaps.append(10 * torch.log10(levels[heard].clamp(min=1e-12) / wanted[heard]))
    found = torch.cat(gaps)
    gap_db = float(found.mean()) if len(found) else 0.0
    model.unpatchify.levels.bias.sub_(gap_db * log(10) / 20 / LEVEL_SCALE)
    return gap_db
