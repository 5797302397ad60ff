"""Sounds and their pictures as the site publishes them: of one rate and length a clip."""

import hashlib
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from almbench.audio import Samples, exact_bits, fit, flac_bytes, read, resample
from almbench.codecs.codes_file import read_codes
from almbench.devices import cpu_count
from almbench.errors import CodecError
from almbench.loudness import loudness, matching_gains
from almbench.names import ORIGINAL
from almbench.progress import stage
from almbench.results.codec_record import CodecRecord
from almbench.results.runfolder import SAMPLED
from almbench.site.codes_view import draw_codes
from almbench.site.language import ntr, tr
from almbench.site.output import Output
from almbench.site.source import Run
from almbench.site.token_use import draw_token_use, token_use
from almbench.site.views import Scale, draw_view
from almbench.site.words import time_span


@dataclass(frozen=True)
class Sound:
    """A published sound.

    Attributes:
        address: Where it is; the name tells nothing but the content's hash.
        seconds: Duration.
        rate: Sample rate in Hz.
        lufs: Integrated loudness following ITU-R BS.1770; None for silence, and below 0.4 s.
        gain_db: What brings it to the quietest version of its clip, never above 0.
        view: Address of its picture, waveform above spectrogram; empty for none.
        codes: Address of the picture of its codes; empty for none.
        change: In what it differs from the stored file that was scored; empty for not at all.
        matched: Whether `gain_db` was found from its loudness.
    """

    address: str
    seconds: float
    rate: int
    lufs: float | None
    gain_db: float = 0.0
    view: str = ""
    change: str = ""
    matched: bool = False
    codes: str = ""


Sounds = dict[tuple[str, str, str], Sound]
"""The sounds of a run, by (test set, codec or "original", clip)."""


@dataclass(frozen=True)
class _Version:
    """A sound ready to be published; the address of `sound` is still empty."""

    codec: str
    sound: Sound
    content: bytes
    view: bytes


def publish_sounds(runs: list[Run], out: Output) -> dict[str, Sounds]:
    """Publish all that there is to hear of runs.

    All versions of a clip get the highest sample rate among them and the duration of the original,
    so that a page can play them in step. What has both already is published byte for byte.

    Args:
        runs: The runs.
        out: The site's folder.

    Returns:
        The sounds of each run, by its slug.

    Raises:
        AudioError: A sound of a run is damaged.
    """
    found = [
        (run, testset, clip, versions)
        for run in runs
        for testset, clips in run.published_clips.items()
        for clip in clips
        if (versions := _stored(run, testset, clip))
    ]
    sounds: dict[str, Sounds] = {run.slug: {} for run in runs}
    total = sum(len(versions) for *_, versions in found)
    with stage("Publishing", total, "sounds") as bar, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice")  # loudness of silence
        threads = ThreadPoolExecutor(cpu_count())
        try:
            made = threads.map(_versions, [versions for *_, versions in found])
            for (run, testset, clip, _), of_clip in zip(found, made, strict=True):
                for version in of_clip:
                    sounds[run.slug][testset, version.codec, clip] = replace(
                        version.sound,
                        address=_write(out, "audio", "flac", version.content),
                        view=_write(out, "views", "webp", version.view),
                        codes=_codes(run, testset, version.codec, clip, version.sound, out),
                    )
                bar.advance(len(of_clip))
        finally:
            threads.shutdown(cancel_futures=True)
    return sounds


def _codes(run: Run, testset: str, codec: str, clip: str, sound: Sound, out: Output) -> str:
    """Publish the picture of the codes of a sound; empty where there are none to be read."""
    facts = run.manifest.codecs_by_id.get(codec)
    path = run.folder.codes(testset, codec, clip)
    if facts is None or not facts.has_codes or not path.is_file():
        return ""
    run.folder.check(path)
    try:
        codes = read_codes(path, facts.codebook_sizes)
    except CodecError:
        return ""  # the tables say so
    if not codes.size:
        return ""
    return _write(out, "codes", "webp", draw_codes(codes, facts.frame_rate, sound.seconds))


def publish_token_use(run: Run, testset: str, codec: CodecRecord, out: Output) -> str:
    """Publish the picture of which entries a codec uses; empty where there are no codes.

    Args:
        run: The run.
        testset: The test set.
        codec: The codec.
        out: The site's folder.
    """
    counts = token_use(run, testset, codec)
    return _write(out, "codes", "webp", draw_token_use(counts)) if counts else ""


def publish_sampled(run: Run, testset: str, codec: str, out: Output) -> list[tuple[str, str]]:
    """Publish what a language model made of beginnings of clips: ids of clips, and addresses.

    Args:
        run: The run.
        testset: The test set.
        codec: Id of the codec whose codes were sampled.
        out: The site's folder.
    """
    made = []
    for path in sorted(run.folder.continuations(testset, codec).glob(f"*{SAMPLED}")):
        run.folder.check(path)
        address = _write(out, "audio", "flac", path.read_bytes())
        made.append((path.name.removesuffix(SAMPLED), address))
    return made


def publish(samples: Samples, rate: int, out: Output, bits: int = 16) -> Sound:
    """Publish a sound made for the site, without a picture.

    Args:
        samples: **Shape** `[T]`.
        rate: Sample rate in Hz.
        out: The site's folder.
        bits: 16 or 24.
    """
    address = _write(out, "audio", "flac", flac_bytes(samples, rate, bits)[0])
    return Sound(address, len(samples) / rate, rate, loudness(samples, rate))


def _stored(run: Run, testset: str, clip: str) -> dict[str, Path]:
    """The stored versions of a clip, the original first; none without the original."""
    codecs = next(table.codecs for table in run.tables if table.testset == testset)
    paths = {
        codec: run.folder.audio(testset, codec, clip)
        for codec in [ORIGINAL, *(codec.id for codec in codecs)]
    }
    if not paths[ORIGINAL].is_file():
        return {}
    held = {codec: path for codec, path in paths.items() if path.is_file()}
    for path in held.values():
        run.folder.check(path)
    return held


def _versions(paths: dict[str, Path]) -> list[_Version]:
    """Make the versions of a clip alike in rate and length, and draw them on one scale."""
    stored = {codec: read(path) for codec, path in paths.items()}
    rate = max(sound.rate for sound in stored.values())
    heard = {codec: resample(sound.samples, sound.rate, rate) for codec, sound in stored.items()}
    length = len(heard[ORIGINAL])
    alike = {codec: fit(samples, length) for codec, samples in heard.items()}
    lufs = {codec: loudness(samples, rate) for codec, samples in alike.items()}
    gains = matching_gains(lufs)
    scale = Scale.of(list(alike.values()), rate)
    made = []
    for codec, samples in alike.items():
        old = stored[codec]
        content, clipped = paths[codec].read_bytes(), 0
        if (old.rate, len(heard[codec])) != (rate, length):
            content, clipped = flac_bytes(samples, rate, exact_bits(old.samples))
        change = _change(old.rate, rate, len(heard[codec]) - length, clipped)
        sound = Sound(
            "", length / rate, rate, lufs[codec], gains.get(codec, 0.0), "", change, codec in gains
        )
        made.append(_Version(codec, sound, content, draw_view(samples, scale)))
    return made


def _change(stored: int, rate: int, surplus: int, clipped: int) -> str:
    """Say what was done to a stored sound so that it plays in step."""
    resampled = stored != rate
    seconds = surplus / rate
    if resampled and abs(seconds) < 1e-3:  # rounding, which needs no words
        seconds = 0.0
    rates = {"stored": f"{stored / 1000:g}", "rate": f"{rate / 1000:g}"}
    samples = ntr("{count} sample clipped by that", "{count} samples clipped by that", clipped)
    done = [
        (resampled, tr("resampled from {stored} to {rate} kHz", **rates)),
        (clipped, samples),
        (seconds > 0, tr("{time} cut off at the end", time=time_span(seconds))),
        (seconds < 0, tr("{time} of silence added at the end", time=time_span(-seconds))),
    ]
    return ", ".join(words for was_done, words in done if was_done)


def _write(out: Output, folder: str, suffix: str, content: bytes) -> str:
    name = f"{hashlib.sha256(content).hexdigest()[:16]}.{suffix}"
    return out.write((folder, name), content)
