"""The losses of training, each a function of tensors."""

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from almbench import spectra

SCALES = (64, 128, 256, 512, 1024, 2048)


def time_loss(sound: Tensor, decoded: Tensor) -> Tensor:
    """Mean absolute difference of waveforms `[B, S]`: mean |x - y|."""
    return F.l1_loss(decoded, sound)


def spectral_loss(sound: Tensor, decoded: Tensor, rate: int) -> Tensor:
    """Distance of mel spectrograms at six scales, `[B, S]`.

    Mean over the scales of mean |X - Y| + sqrt(mean (X - Y)^2), X and Y being log-mel
    spectrograms of windows of 64 to 2048 samples; after the reconstruction loss of Défossez et
    al., "High Fidelity Neural Audio Compression", 2022, section 3.4.
    """
    terms = []
    for size in SCALES:
        bands = min(64, size // 8)
        first, second = (log_mel(s, size, size // 4, bands, rate)[1] for s in (sound, decoded))
        gap = second - first
        # The norm, unlike the root of a mean of squares, has a gradient where there is no gap.
        root = torch.linalg.vector_norm(gap) / gap.numel() ** 0.5
        terms.append(gap.abs().mean() + root)
    return torch.stack(terms).mean()


def magnitude_loss(true: Tensor, made: Tensor, rate: int) -> Tensor:
    """Distance of magnitudes `[B, F, T]`: of each bin, of mel bands, and of how loud those are.

    Mean |log X - log Y| of the magnitudes, plus twice the same of 80 bands' energies (halved, so
    that both count amplitudes), plus twice sum |X^0.3 - Y^0.3| / sum X^0.3 of these energies:
    loudness grows as that power of intensity (Stevens, "The Measurement of Loudness", 1955).
    The bands keep the level that a median of bins would lose; loudness makes what is heard count
    for more than the noise between words, which logarithms take for as great.
    """
    floor = 1e-4
    bins = F.l1_loss(torch.log(made + floor), torch.log(true + floor))
    filters = mel_filters(2 * (true.shape[1] - 1), 80, rate, true.device)
    first, second = (_bands(filters, m**2) + floor**2 for m in (true, made))
    bands = F.l1_loss(torch.log(second) / 2, torch.log(first) / 2)
    wanted = first**0.3
    loudness = (second**0.3 - wanted).abs().sum() / wanted.sum()
    return bins + 2 * bands + 2 * loudness


def level_loss(true: Tensor, made: Tensor, rate: int) -> Tensor:
    """Distance of the levels of 80 mel bands over longer times, of magnitudes `[B, F, T]`.

    Mean over three resolutions (4 frames, 16 frames, all) of mean |log E - log E'| / 2, E the mean
    energy of a band. The distance of single magnitudes is least at their median, which is lower
    than their mean: this holds the mean, and with it how loud the sound is.
    """
    filters = mel_filters(2 * (true.shape[1] - 1), 80, rate, true.device)
    first, second = (_bands(filters, m**2) for m in (true, made))
    terms = []
    for frames in (4, 16, true.shape[2]):
        size = min(frames, true.shape[2])
        wanted, found = (torch.log(F.avg_pool1d(e, size) + 1e-8) / 2 for e in (first, second))
        terms.append(F.l1_loss(found, wanted))
    return torch.stack(terms).mean()


def envelope_loss(true: Tensor, made: Tensor, rate: int, hop: int) -> Tensor:
    """How little the envelopes of third-octave bands correlate, of magnitudes `[B, F, T]`.

    1 - the mean correlation of short spectrograms of 15 third-octave bands from 150 Hz on and
    384 ms, whose rows and then columns have mean 0 and norm 1: what ESTOI measures (Jensen and
    Taal, "An Algorithm for Predicting the Intelligibility of Speech Masked by Modulated Noise
    Maskers", 2016), on the model's own frames. Stretches 40 dB below the loudest of the batch do
    not count.
    """
    filters = third_octaves(2 * (true.shape[1] - 1), rate, true.device)
    length = min(true.shape[2], max(2, round(0.384 * rate / hop)))
    first, second = (
        (_bands(filters, m**2) + 1e-10).sqrt().unfold(2, length, max(1, length // 4))
        for m in (true, made)
    )  # [B, 15, N, length]
    levels = first.square().sum((1, 3))
    counts = (levels > 1e-4 * levels.amax()).float()
    products = (_standard(first) * _standard(second)).sum(1).mean(-1)
    return 1 - (products * counts).sum() / counts.sum().clamp(min=1)


def _standard(segments: Tensor) -> Tensor:
    """Bring rows (time), then columns (bands) of `[B, J, N, L]` to mean 0 and norm 1."""
    for axis in (3, 1):
        segments = segments - segments.mean(axis, keepdim=True)
        segments = segments / (segments.square().sum(axis, keepdim=True) + 1e-12).sqrt()
    return segments


def discriminator_loss(real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
    """Hinge loss of the discriminators: mean of max(0, 1 - D(x)) + max(0, 1 + D(y)).

    Lim and Ye, "Geometric GAN", 2017.
    """
    terms = [F.relu(1 - r).mean() + F.relu(1 + f).mean() for r, f in zip(real, fake, strict=True)]
    return torch.stack(terms).mean()


def adversarial_loss(fake: Sequence[Tensor]) -> Tensor:
    """What the model gains by being taken for real: mean of max(0, 1 - D(y)).

    The generator's side of the hinge as in Défossez et al., 2022, section 3.4.
    """
    return torch.stack([F.relu(1 - f).mean() for f in fake]).mean()


def feature_loss(real: Sequence[Sequence[Tensor]], fake: Sequence[Sequence[Tensor]]) -> Tensor:
    """Relative distance of the discriminators' features: mean of mean |r - f| / mean |r|.

    Défossez et al., 2022, section 3.4.
    """
    terms = [
        F.l1_loss(f, r.detach()) / r.detach().abs().mean().clamp(min=1e-6)
        for rs, fs in zip(real, fake, strict=True)
        for r, f in zip(rs, fs, strict=True)
    ]
    return torch.stack(terms).mean()


def masked_loss(frames: Tensor, predicted: Tensor, masked: Tensor) -> Tensor:
    """Mean squared difference over masked frames, each frame normalized to mean 0 and variance 1.

    He et al., "Masked Autoencoders Are Scalable Vision Learners", 2022.

    Args:
        frames: What was masked, **Shape** `[B, T, D]`; taken as a constant.
        predicted: What was made of the others, **Shape** `[B, T, D]`.
        masked: True where a frame was masked, **Shape** `[B, T]`, at least once.
    """
    target = F.layer_norm(frames.detach(), frames.shape[-1:])
    return ((predicted - target) ** 2)[masked].mean()


def depth_prediction_loss(parts: Sequence[Tensor], predicted: Sequence[Tensor]) -> Tensor:
    """Squared distance of unit vectors, |p/|p| - f/|f||^2, meant over batch, groups and books.

    Args:
        parts: Each later codebook's part of the quantized vectors, **Shape** `[B, G, D]`; taken
            as constants.
        predicted: What was predicted of it from the earlier ones, **Shape** `[B, G, D]`.
    """
    terms = [
        (F.normalize(f, dim=-1) - F.normalize(p.detach(), dim=-1)).square().sum(-1).mean()
        for p, f in zip(parts, predicted, strict=True)
    ]
    return torch.stack(terms).mean()


def log_mel(sound: Tensor, size: int, hop: int, bands: int, rate: int) -> tuple[Tensor, Tensor]:
    """Mel spectrogram of magnitudes and its natural logarithm, floor 1e-5, `[B, bands, T]`."""
    window = torch.hann_window(size, device=sound.device)
    spectrum = torch.stft(
        sound.float(), size, hop, window=window, pad_mode="constant", return_complex=True
    )
    mel = _bands(mel_filters(size, bands, rate, sound.device), spectrum.abs() / (size / 4))
    return mel, torch.log(mel + 1e-5)


def _bands(filters: Tensor, levels: Tensor) -> Tensor:
    """Sum bins to bands in float32 also under autocast, whose rounding logarithms would show."""
    with torch.autocast(levels.device.type, enabled=False):
        return filters @ levels.float()


@cache
def third_octaves(size: int, rate: int, device: torch.device) -> Tensor:
    """Fifteen bands a third of an octave wide, centres from 150 Hz on, `[15, size / 2 + 1]`."""
    frequencies = torch.arange(size // 2 + 1, device=device) * rate / size
    centres = 150 * 2 ** (torch.arange(15, device=device) / 3)
    low, high = centres[:, None] * 2 ** (-1 / 6), centres[:, None] * 2 ** (1 / 6)
    return ((frequencies >= low) & (frequencies < high)).float()


@cache
def mel_filters(size: int, bands: int, rate: int, device: torch.device) -> Tensor:
    """Triangular filters of Slaney's mel scale with peaks of 1, `[bands, size / 2 + 1]`."""
    filters = torch.tensor(spectra.mel_filters(rate, size, bands, "peak"), dtype=torch.float32)
    return filters.to(device)
