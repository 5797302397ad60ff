"""The cases of `bench conformance`: what is computed, and what it should give."""

import math
from contextlib import redirect_stdout
from functools import partial
from io import StringIO

import numpy as np

from almbench.audio import Samples, resample
from almbench.checks.case import Case, Pair, Sounds, score
from almbench.errors import Unavailable
from almbench.loudness import loudness
from almbench.metrics.dnsmos import RESULTS
from almbench.metrics.wer import error_rate
from almbench.packages import missing_packages
from almbench.statistics.entropy import entropy, rarefied
from almbench.statistics.tokens import token_statistics


def _need(*modules: str) -> None:
    if missing := missing_packages(modules, " ".join(modules)):
        raise Unavailable(missing)


def _pesq_of_a_copy(metric: str, slope: float, offset: float, sounds: Sounds) -> Pair:
    """The mappings of P.862.1 and P.862.2 at the raw score of a copy, 4.5."""
    expected = 0.999 + 4 / (1 + math.exp(-slope * 4.5 + offset))
    return expected, score(metric, sounds.speech, sounds.speech, 16_000)


def _of_files(
    metric: str, reference: str, degraded: str, rate: int, value: float, sounds: Sounds
) -> Pair:
    return value, score(metric, sounds.file(reference, rate), sounds.file(degraded, rate), rate)


def _stoi(metric: str, sounds: Sounds) -> Pair:
    _need("pystoi")
    from pystoi import stoi

    expected = stoi(sounds.speech, sounds.noisy, 16_000, extended=metric == "estoi")
    return float(expected), score(metric, sounds.speech, sounds.noisy, 16_000)


def _visqol_of_a_copy(sounds: Sounds) -> Pair:
    samples = resample(sounds.speech, 16_000, 48_000)
    return 4.732101, score("visqol_audio", samples, samples, 48_000)


def _speaker_of_a_copy(sounds: Sounds) -> Pair:
    return 1.0, score("speaker_similarity", sounds.speech, sounds.speech, 16_000)


def _speaker_swapped(sounds: Sounds) -> Pair:
    x, y = sounds.speech, sounds.noisy
    return (
        score("speaker_similarity", y, x, 16_000),
        score("speaker_similarity", x, y, 16_000),
    )


def _mel_louder(_: Sounds) -> Pair:
    """A tenfold amplitude is a distance of 1 where no band is below the floor."""
    noise = 0.1 * np.random.default_rng(0).standard_normal(16_000)
    return 1.0, score("mel_distance", noise, 10 * noise, 16_000)


def _mel_by_librosa(sounds: Sounds) -> Pair:
    _need("librosa")
    from librosa import stft
    from librosa.filters import mel

    def log_mel(samples: Samples) -> Samples:
        spectrum = np.abs(stft(samples, n_fft=1024, hop_length=256, pad_mode="reflect"))
        bands = mel(sr=16_000, n_fft=1024, n_mels=80, dtype=np.float64) @ spectrum
        return np.asarray(np.log10(np.maximum(bands, 1e-5)))

    expected = np.abs(log_mel(sounds.noisy) - log_mel(sounds.speech)).mean()
    return float(expected), score("mel_distance", sounds.speech, sounds.noisy, 16_000)


def _mrstft_by_auraloss(sounds: Sounds) -> Pair:
    _need("auraloss", "torch")
    import torch
    from auraloss.freq import MultiResolutionSTFTLoss

    x, y = (torch.from_numpy(s.copy())[None, None] for s in (sounds.speech, sounds.noisy))
    expected = float(MultiResolutionSTFTLoss()(y, x))
    return expected, score("mrstft_distance", sounds.speech, sounds.noisy, 16_000)


def _mrstft_halved(_: Sounds) -> Pair:
    """Half the amplitude: a spectral convergence of 1/2 and a log magnitude distance of ln 2."""
    noise = np.random.default_rng(0).standard_normal(16_000)
    return 0.5 + math.log(2), score("mrstft_distance", noise, noise / 2, 16_000)


def _lsd_halved(_: Sounds) -> Pair:
    noise = np.random.default_rng(0).standard_normal(16_000)
    return 20 * math.log10(2), score("log_spectral_distance", noise, noise / 2, 16_000)


def _dnsmos(metric: str, result: str, sounds: Sounds) -> Pair:
    _need("speechmos", "onnxruntime", "librosa", "requests")
    from speechmos import dnsmos

    expected = dnsmos.run(sounds.speech, 16_000)[result]
    return float(expected), score(metric, sounds.speech, sounds.speech, 16_000)


def _distillmos(sounds: Sounds) -> Pair:
    _need("torch", "torchaudio", "distillmos")
    import torch

    from almbench.torchaudio_import import import_torchaudio

    import_torchaudio()
    from distillmos import ConvTransformerSQAModel

    with torch.inference_mode(), redirect_stdout(StringIO()):
        sound = torch.from_numpy(sounds.speech.astype(np.float32))[None]
        expected = float(ConvTransformerSQAModel().eval()(sound))
    return expected, score("distillmos", sounds.speech, sounds.speech, 16_000)


def _warpq(expected: float, made: str, sounds: Sounds) -> Pair:
    return expected, score("warpq", sounds.speech, getattr(sounds, made), 16_000)


def _words(expected: float, characters: bool, _: Sounds) -> Pair:
    """Of four words one is changed and one inserted; what is heard is given."""
    if missing := missing_packages(["jiwer"], "'almbench[asr]'"):
        raise Unavailable(missing)
    return expected, error_rate("a bc d e", "a bd d x e", characters=characters)


def _glide(first: float, last: float) -> Samples:
    """Two seconds of ten harmonics whose F0 moves along a line, in Hz."""
    phase = 2 * np.pi * np.cumsum(np.linspace(first, last, 32_000)) / 16_000
    return np.asarray(0.05 * sum(np.sin(k * phase) for k in range(1, 11)))


def _f0(last: float, expected: float, _: Sounds) -> Pair:
    return expected, score("f0_correlation", _glide(120, 200), _glide(150, last), 16_000)


def _voicing(_: Sounds) -> Pair:
    """Silence takes the place of the last half."""
    voiced = _glide(120, 200)
    return 50.0, score("vuv_error", voiced, np.r_[voiced[:16_000], np.zeros(16_000)], 16_000)


def _mcd_louder(sounds: Sounds) -> Pair:
    """Level is in the coefficient that is left out."""
    return 0.0, score("mcd", 0.1 * sounds.noisy, 0.5 * sounds.noisy, 16_000)


def _si_sdr(decibels: float, sounds: Sounds) -> Pair:
    """A target and a distortion at right angles, both of zero mean."""
    x = sounds.speech - sounds.speech.mean()
    noise = np.random.default_rng(0).standard_normal(len(x))
    noise -= noise.mean()
    noise -= (noise @ x) / (x @ x) * x
    noise *= np.linalg.norm(x) / np.linalg.norm(noise) * 10 ** (-decibels / 20)
    return decibels, score("si_sdr", x, 0.3 * (x + noise), 16_000)


def _lag(steps: float, sounds: Sounds) -> Pair:
    """A delay by any part of a sample, made by the phases of the spectrum."""
    x = resample(sounds.speech, 16_000, 24_000)
    phases = np.exp(-2j * np.pi * np.fft.rfftfreq(len(x)) * steps)
    late = np.fft.irfft(np.fft.rfft(x) * phases, n=len(x))
    return steps / 24, score("lag_ms", x, late, 24_000)


def _gain(sounds: Sounds) -> Pair:
    return 20 * math.log10(0.5), score("gain_db", sounds.speech, 0.5 * sounds.speech, 24_000)


def _tone(rate: int, seconds: float, decibels: float, hertz: float = 997) -> Samples:
    times = np.arange(round(rate * seconds)) / rate
    return np.asarray(10 ** (decibels / 20) * np.sin(2 * np.pi * hertz * times))


def _loudness(rate: int, _: Sounds) -> Pair:
    """BS.1770: a sine of 0 dBFS at 997 Hz in one channel reads -3.01."""
    return -3.01, loudness(_tone(rate, 5, 0), rate) or math.nan


def _loudness_gated(_: Sounds) -> Pair:
    """A sine at -23 dBFS between two at -36 dBFS, which the relative gate leaves out."""
    quiet, loud = _tone(48_000, 10, -36), _tone(48_000, 20, -23)
    return -26.01, loudness(np.concatenate([quiet, loud, quiet]), 48_000) or math.nan


def _uniform(tokens: int) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.random.default_rng(0).integers(0, 2048, tokens)


def _entropy(_: Sounds) -> Pair:
    return 11.0, entropy(np.unique(_uniform(3_000), return_counts=True)[1])


def _ngram(_: Sounds) -> Pair:
    clips = [part[None] for part in np.array_split(_uniform(3_000), 10)]
    return 11.0, token_statistics(clips, [2048]).codebooks[0].ngram_bits or math.nan


def _use(_: Sounds) -> Pair:
    """Two of the tokens 0 0 1: they differ in two of the three draws, so 5/3 entries of 4."""
    return 5 / 12, token_statistics([np.array([[0, 0, 1]])], [4], [2]).clips[0].use


def _perplexity(_: Sounds) -> Pair:
    return 2.0, 2 ** rarefied(np.array([3, 3]), 6).entropy_bits


GOOGLE = "google/visqol 3.3.3, conformance.h"
PESQ = "README of the package pesq"


def _visqol_file(stem: str, suffix: str, value: float, tolerance: float = 1e-4) -> Case:
    reference, degraded = f"{stem}48_stereo.wav", f"{stem}48_stereo{suffix}.wav"
    return Case(
        "visqol_audio", degraded.removesuffix(".wav"), GOOGLE, tolerance,
        partial(_of_files, "visqol_audio", reference, degraded, 48_000, value),
    )  # fmt: skip


def _file(
    metric: str,
    files: tuple[str, str],
    source: str,
    value: float,
    off: float,
    rate: int = 16_000,
) -> Case:
    at = f", at {rate // 1000} kHz" if metric == "visqol_speech" else ""
    name = files[1].removesuffix(".wav") + at
    compute = partial(_of_files, metric, *files, rate, value)
    return Case(metric, name, source, off, compute)


WARPQ = "package warpq 1.5.2, computed apart"
CASES = (
    Case("pesq_wb", "a copy", "P.862.2, the mapping at 4.5", 1e-4,
         partial(_pesq_of_a_copy, "pesq_wb", 1.3669, 3.8224)),
    Case("pesq_nb", "a copy", "P.862.1, the mapping at 4.5", 1e-4,
         partial(_pesq_of_a_copy, "pesq_nb", 1.4945, 4.6607)),
    _file("pesq_wb", ("speech.wav", "speech_bab_0dB.wav"), PESQ, 1.0832337141036987, 1e-4),
    _file("pesq_nb", ("speech.wav", "speech_bab_0dB.wav"), PESQ, 1.6072081327438354, 1e-4),
    Case("stoi", "speech in noise", "package pystoi", 1e-9, partial(_stoi, "stoi")),
    Case("estoi", "speech in noise", "package pystoi", 1e-6, partial(_stoi, "estoi")),
    # Google's values are of 48 kHz sound in speech mode too; a run scores at 16 kHz by default.
    _file("visqol_speech", ("CA01_01.wav", "transcoded_CA01_01.wav"), GOOGLE, 3.312923, 0.02),
    _file("visqol_speech", ("guitar48_stereo.wav", "CA01_01.wav"), GOOGLE, 1.498207, 0.15),
    _file("visqol_speech", ("CA01_01.wav", "transcoded_CA01_01.wav"), GOOGLE, 3.312923, 0.003,
          48_000),
    _file("visqol_speech", ("guitar48_stereo.wav", "CA01_01.wav"), GOOGLE, 1.498207, 0.007,
          48_000),
    Case("visqol_audio", "a copy", GOOGLE, 1e-4, _visqol_of_a_copy),
    _visqol_file("strauss", "_lp35", 1.388879),
    _visqol_file("steely", "_lp7", 2.250168),
    _visqol_file("sopr", "_256kbps_aac", 4.682290),
    _visqol_file("ravel", "_128kbps_opus", 4.465142),
    _visqol_file("moonlight", "_128kbps_aac", 4.684293),
    _visqol_file("harpsichord", "_96kbps_mp3", 4.223745),
    _visqol_file("guitar", "_64kbps_aac", 4.349722),
    _visqol_file("glock", "_48kbps_aac", 4.332453),
    _visqol_file("contrabassoon", "_24kbps_aac", 2.346868, 2e-4),
    _visqol_file("castanets", "", 4.732101),
    Case("speaker_similarity", "a copy", "cosine of a vector with itself", 1e-6,
         _speaker_of_a_copy),
    Case("speaker_similarity", "both sounds swapped", "a cosine is symmetric", 1e-6,
         _speaker_swapped),
    Case("mel_distance", "ten times the amplitude", "by hand", 1e-6, _mel_louder),
    Case("mel_distance", "speech in noise", "package librosa", 1e-6, _mel_by_librosa),
    Case("mrstft_distance", "half the amplitude", "by hand", 1e-3, _mrstft_halved),
    Case("mrstft_distance", "speech in noise", "package auraloss", 1e-6, _mrstft_by_auraloss),
    Case("log_spectral_distance", "half the amplitude", "by hand", 1e-6, _lsd_halved),
    *(
        Case(metric, "speech", "package speechmos", 1e-3, partial(_dnsmos, metric, result))
        for metric, result in RESULTS.items()
    ),
    Case("distillmos", "speech", "package distillmos", 1e-3, _distillmos),
    Case("warpq", "a copy", WARPQ, 6e-4, partial(_warpq, 0.505, "speech")),
    Case("warpq", "speech in noise", WARPQ, 6e-4, partial(_warpq, 2.203, "noisy")),
    *(
        Case(f"{rate}{against}", "a bc d e, heard as a bd d x e", "by hand", 1e-9,
             partial(_words, expected, rate == "cer"))
        for rate, expected in (("wer", 50.0), ("cer", 37.5))  # of 4 words 2, of 8 characters 3
        for against in ("", "_to_original")
    ),
    Case("f0_correlation", "two rising glides", "by hand", 0.01, partial(_f0, 250, 1.0)),
    Case("f0_correlation", "one rises, one falls", "by hand", 0.02, partial(_f0, 100, -1.0)),
    Case("vuv_error", "half of it silent", "by hand", 2, _voicing),
    Case("mcd", "five times the amplitude", "by hand", 1e-3, _mcd_louder),
    Case("si_sdr", "distortion at 12 dB", "by hand", 1e-6, partial(_si_sdr, 12.0)),
    Case("si_sdr", "distortion at -7 dB", "by hand", 1e-6, partial(_si_sdr, -7.0)),
    Case("lag_ms", "7.3 samples", "by hand", 0.2 / 24, partial(_lag, 7.3)),
    Case("lag_ms", "-1200 samples", "by hand", 0.2 / 24, partial(_lag, -1200.0)),
    Case("gain_db", "half the amplitude", "by hand", 1e-9, _gain),
    Case("entropy_kbps", "bits of 3,000 uniform tokens of 2,048", "log2 2,048", 0.1, _entropy),
    Case("ngram_bits_per_token", "3,000 uniform tokens of 2,048", "log2 2,048", 0.05, _ngram),
    Case("codebook_use", "two of the tokens 0 0 1", "by hand", 1e-12, _use),
    Case("codebook_perplexity", "two equally frequent entries", "by hand", 1e-12, _perplexity),
    Case("loudness", "997 Hz at 0 dBFS, 48 kHz", "ITU-R BS.1770", 0.1, partial(_loudness, 48_000)),
    Case("loudness", "997 Hz at 0 dBFS, 24 kHz", "ITU-R BS.1770", 0.1, partial(_loudness, 24_000)),
    Case("loudness", "relative gate", "EBU Tech 3341, case 3, one channel", 0.1, _loudness_gated),
)  # fmt: skip
