"""The semantic prior: what the entries of the first codebook are centres of."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from almbench.codecs.almtokenizer.config import ModelConfig
from almbench.errors import UserError
from almbench.packages import pip_install
from almbench.training.data import Folder
from almbench.training.losses import log_mel
from almbench.training.recipe import PriorConfig

SEMANTIC_RATE = 16_000  # Hz, of wav2vec 2.0 and BEATs
SEMANTIC_WIDTH = 768
LEAST_WAV2VEC2 = 400  # samples of 16 kHz that make a frame
LEAST_BEATS = 400 + 15 * 160  # and a column of patches: 16 windows of 25 ms, 10 ms apart

STAND_IN = 'set prior.kind = "mel" and model.prior_width = 80'
FIX = f"To fix: name {{}}, or {STAND_IN}."

Kind = tuple[Callable[[Folder], bool], nn.Module]


def make_priors(config: PriorConfig, model: ModelConfig) -> list[Kind]:
    """Make the feature extractors of a recipe.

    Returns:
        Each with the folders that it is for: a module of (sound `[B, G * w * hop]`, w) that
        returns features `[B, G, prior_width]`. None where the model takes no prior.

    Raises:
        UserError: A model is not to be had, or its features have another width than the codebook.
    """
    if not model.prior_width:
        return []
    if config.kind == "mel":
        kinds: list[Kind] = [(lambda _: True, MelPrior(model))]
        width = MelPrior.width
    else:
        kinds = [
            (lambda folder: folder.speech, Wav2Vec2Prior(config, model)),
            (lambda folder: not folder.speech, BeatsPrior(config, model)),
        ]
        width = SEMANTIC_WIDTH
    if model.prior_width != width:
        raise UserError(
            f"model.prior_width = {model.prior_width}, but features of the prior '{config.kind}' "
            f"have {width}. Set it to {width}, or to 0 for no prior."
        )
    return kinds


class MelPrior(nn.Module):
    """A stand-in that needs no other model: normalized log-mel patches of a group of frames.

    A patch is the mean log-mel spectrum of each half of the group, less the clip's mean spectrum:
    what is said rather than by whom. Its meaning is acoustic, not semantic.
    """

    BANDS = 40
    width = 2 * BANDS

    def __init__(self, model: ModelConfig) -> None:
        super().__init__()
        self.rate, self.hop = model.sample_rate, model.hop

    def forward(self, sound: Tensor, w: int) -> Tensor:
        """Features `[B, G, width]` of the groups of sound `[B, G * w * hop]`."""
        frames = sound.shape[1] // self.hop
        levels = log_mel(sound, 4 * self.hop, self.hop, self.BANDS, self.rate)[1][..., :frames]
        # A floor that moves with the clip keeps near-silence from ruling the distances.
        levels = levels.clamp(min=levels.amax((1, 2), keepdim=True) - 8)
        levels = levels - levels.mean(2, keepdim=True)
        groups = levels.view(*levels.shape[:2], -1, w)
        half = (w + 1) // 2
        halves = torch.cat((groups[..., :half].mean(-1), groups[..., w - half :].mean(-1)), dim=1)
        return halves.transpose(1, 2)


class _Semantic(nn.Module):
    """Features of a model of 16 kHz, averaged over each group of frames."""

    def __init__(self, model: ModelConfig) -> None:
        super().__init__()
        self.rate, self.hop = model.sample_rate, model.hop

    def forward(self, sound: Tensor, w: int) -> Tensor:
        """Features `[B, G, 768]` of the groups of sound `[B, G * w * hop]`."""
        import soxr

        groups = sound.shape[1] // (w * self.hop)
        low = soxr.resample(sound.T.cpu().numpy(), self.rate, SEMANTIC_RATE, quality="VHQ").T
        features = self.features(torch.from_numpy(np.ascontiguousarray(low)).to(sound.device))
        return F.adaptive_avg_pool1d(features.transpose(1, 2), groups).transpose(1, 2)

    def features(self, sound: Tensor) -> Tensor:
        """Features `[B, T, 768]` of sound `[B, S]` of 16 kHz."""
        raise NotImplementedError


class Wav2Vec2Prior(_Semantic):
    """A hidden layer of wav2vec 2.0 (Baevski et al., 2020), for speech."""

    def __init__(self, config: PriorConfig, model: ModelConfig) -> None:
        super().__init__(model)
        try:
            from almbench.codecs.transformers_codec import import_transformers

            transformers = import_transformers()
        except ImportError as error:
            raise _not_installed("transformers", "neural") from error
        try:
            self.model = transformers.Wav2Vec2Model.from_pretrained(config.wav2vec2).eval()
        except (OSError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise _unfit("wav2vec2", config.wav2vec2, f"cannot be loaded: {reason}") from error
        shape = self.model.config
        if shape.hidden_size != SEMANTIC_WIDTH:
            reason = f"has features of width {shape.hidden_size}, not {SEMANTIC_WIDTH}."
            raise _unfit("wav2vec2", config.wav2vec2, reason)
        if not 0 <= config.layer <= shape.num_hidden_layers:
            raise UserError(
                f"prior.layer = {config.layer}, but '{config.wav2vec2}' has "
                f"{shape.num_hidden_layers} layers. Allowed: 0 to {shape.num_hidden_layers}."
            )
        self.layer = config.layer

    def features(self, sound: Tensor) -> Tensor:
        """Features of 50 Hz; each sound is brought to mean 0 and variance 1 first."""
        centred = sound - sound.mean(1, keepdim=True)
        scaled = centred / (centred.square().mean(1, keepdim=True) + 1e-7).sqrt()
        scaled = F.pad(scaled, (0, max(0, LEAST_WAV2VEC2 - scaled.shape[1])))
        hidden: Tensor = self.model(scaled, output_hidden_states=True).hidden_states[self.layer]
        return hidden


class BeatsPrior(_Semantic):
    """BEATs (Chen et al., 2023), for everything but speech."""

    def __init__(self, config: PriorConfig, model: ModelConfig) -> None:
        super().__init__(model)
        if not config.beats:
            raise UserError(f"prior.beats is empty. {FIX.format('the file of weights of BEATs')}")
        try:
            from almbench.torchaudio_import import import_torchaudio

            import_torchaudio()
            from speechbrain.lobes.models.beats import BEATs
        except ImportError as error:
            raise _not_installed("speechbrain", "ecapa") from error
        try:
            self.model: Any = BEATs(config.beats)
        # What is no checkpoint of BEATs fails in as many ways as there are files.
        except Exception as error:
            reason = (str(error).splitlines() or [""])[0]
            named = f"{type(error).__name__}: {reason}"
            raise _unfit("beats", config.beats, f"cannot be loaded: {named}") from error
        if (width := self.model.cfg.encoder_embed_dim) != SEMANTIC_WIDTH:
            reason = f"has features of width {width}, not {SEMANTIC_WIDTH}."
            raise _unfit("beats", config.beats, reason)

    def features(self, sound: Tensor) -> Tensor:
        """Features of 6.25 Hz, the mean over the eight patches that lie above each other."""
        sound = F.pad(sound, (0, max(0, LEAST_BEATS - sound.shape[1])))
        whole = torch.ones(len(sound), device=sound.device)
        patches: Tensor = self.model(sound, whole)[0]
        batch, _, width = patches.shape
        return patches.view(batch, -1, 8, width).mean(2)


def _not_installed(package: str, extra: str) -> UserError:
    install = pip_install(f"'almbench[{extra}]'")
    return UserError(
        f'prior.kind = "semantic" needs {package}, which is not installed. To fix: {install}, or '
        f"{STAND_IN}."
    )


def _unfit(key: str, value: str, reason: str) -> UserError:
    what = "a folder that holds its files" if key == "wav2vec2" else "its file of weights"
    return UserError(f"prior.{key} = '{value}' {reason} {FIX.format(what)}")


def find_centres(features: Tensor, size: int, seed: int) -> Tensor:
    """Find `size` centres of `[N, P]` features by k-means; returns `[size, P]`.

    Where there are no more features than centres, they are the centres, repeated with a little
    noise.
    """
    from sklearn.cluster import KMeans

    points = features.double().numpy()
    if len(points) <= size:
        rng = np.random.default_rng(seed)
        extra = points[rng.integers(0, len(points), size - len(points))]
        extra = extra + 1e-3 * rng.standard_normal(extra.shape)
        return torch.from_numpy(np.concatenate((points, extra))).float()
    method: Any = KMeans(size, init="random", n_init=1, max_iter=20, random_state=seed)
    return torch.from_numpy(method.fit(points).cluster_centers_).float()
