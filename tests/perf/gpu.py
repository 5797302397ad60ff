"""What a GPU makes of a run's codecs: `make gpu`; it needs no network.

Mimi, DAC and Encodec as published, but with weights drawn at random, code speech of the project's
own on the CPU and on the GPU, in batches of several sizes, by the runner; beside it, a plain loop
that loads, codes and saves clip by clip. Nothing is judged: tables are printed as they come.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import soundfile as sf
import torch

from almbench.api.evaluation import evaluate
from almbench.audio import read, resample
from almbench.checks.compare import peak_difference
from almbench.codecs.base import Codec, from_codes
from almbench.codecs.codes_file import read_codes
from almbench.codecs.hub_codecs import Dac, DacOptions, Encodec, EncodecOptions, Mimi, MimiOptions
from almbench.devices import Device, cpu_count
from almbench.results.codec_record import CodecRecord
from almbench.results.run_record import UsageRecord
from almbench.results.runfolder import RunFolder
from almbench.runner.plan import PlannedTestSet
from almbench.runner.planned_codecs import PlannedCodec
from almbench.samples import folder as samples
from almbench.suite.config import TestSetConfig
from almbench.suite.testsets import Clip
from almbench.version import __version__
from tests.codecs.random_checkpoints import build
from tests.stages import reconstruct

RATE, CODED_RATE = 48_000, 24_000
DEPTH = 8
LOOPED = 16  # clips of the plain loop
DTYPES = ("tf32", "bfloat16")
CODECS: dict[str, tuple[str, Any, Any]] = {
    "mimi": ("kyutai/mimi", Mimi, MimiOptions),
    "encodec": ("facebook/encodec_24khz", Encodec, EncodecOptions),
    "dac": ("descript/dac_24khz", Dac, DacOptions),
}
BEGIN = time.perf_counter()


def say(text: str) -> None:
    """Print a line at once, with the seconds since the start."""
    print(f"{time.perf_counter() - BEGIN:6.1f}  {text}", flush=True)


def write_clips(folder: Path, count: int, longest: float, *, even: bool) -> list[Clip]:
    """Write clips of speech, of a fifth of the longest to that, or all of half of it."""
    folder.mkdir()
    read_ = [read(path) for path in sorted((samples() / "speech").glob("*.flac"))]
    voices = [resample(sound.samples, sound.rate, RATE) for sound in read_]
    rng = np.random.default_rng(0)
    clips = []
    for number in range(count):
        voice = voices[number % len(voices)]
        seconds = longest / 2 if even else rng.uniform(longest / 5, longest)
        clip = np.resize(np.roll(voice, int(rng.integers(len(voice)))), int(seconds * RATE))
        path = folder / f"{number:03d}.flac"
        sf.write(path, rng.uniform(0.3, 1.0) * clip, RATE, subtype="PCM_16")
        clips.append(Clip(path.stem, path))
    return clips


def make_codecs(names: list[str], place: Path, clip: Path) -> dict[str, Codec[Any]]:
    """Save checkpoints of the official sizes; their codebooks suit the clip."""
    sound = read(clip)
    heard = resample(sound.samples, sound.rate, CODED_RATE)[: 4 * CODED_RATE]
    made = {}
    for name in names or CODECS:
        id_, adapter, options = CODECS[name]
        build(id_, place / name, heard)
        chosen = options(checkpoint=str(place / name), num_codebooks=DEPTH)
        made[name] = adapter(name, name, chosen)
    return made


@contextmanager
def kernels_seen() -> Iterator[list[int]]:
    """Ask the driver again and again in which share of the time a kernel ran, in percent."""
    seen: list[int] = []
    ended = Event()

    def ask() -> None:
        with suppress(Exception):  # where its library is not installed, nothing is seen
            while not ended.wait(0.1):
                seen.append(torch.cuda.utilization())

    thread = Thread(target=ask, daemon=True)
    thread.start()
    yield seen
    ended.set()
    thread.join()


def run(codec: Codec[Any], clips: list[Clip], device: Device, out: Path) -> UsageRecord:
    """Send clips through a codec by the runner, print how fast it was, and return what it took."""
    config = TestSetConfig(name="t", domain="speech", path="")
    planned = PlannedCodec(codec, CodecRecord.of(codec.spec, None, precomputed=False))
    testset = PlannedTestSet(config, clips, [planned], [], metrics_requested=False)
    failed: set[str] = set()
    sizes: list[int] = []

    def note(row: Any, _: bool) -> None:
        sizes.append(row.batch)
        if row.status != "ok":
            failed.add(row.reason)

    with kernels_seen() as kernels:
        used = reconstruct(RunFolder(out), testset, device, note).usage[codec.id]
    sound_s = sum(sf.info(clip.path).duration for clip in clips)
    busy, coding = used.busy_share or 0, used.coding_s or 0
    inside = [share for share in kernels if share]
    driver = f"{np.mean(inside):3.0f} %" if inside else "-"
    speed = sound_s / coding if coding else 0.0
    say(
        f"{codec.id:<17}{device.kind:<5}{device.batch:>3}  {speed * busy:8.1f}  {speed:8.1f}"
        f"  {busy:6.1%}  {driver:>6}"
        f"  {used.peak_device_mb or used.peak_process_mb or 0:>6} MB  {used.load_s:5.1f} s"
        f"  {np.mean(sizes):5.1f}  {used.batch_that_fits or '':>3} {'; '.join(failed)}"
    )
    return used


def loop(codec: Codec[Any], clips: list[Clip], device: Device, out: Path) -> float:
    """Load, encode, decode and save clip by clip; returns the seconds of sound a second."""
    out.mkdir()
    codec.load(device.kind)
    sound_s = start = 0.0
    for number, clip in enumerate(clips):
        if number == 1:  # the first warms up
            device.synchronise()
            start = time.perf_counter()
        samples_, rate = sf.read(clip.path)
        heard = resample(samples_, rate, CODED_RATE)
        [decoded] = codec.decode(codec.encode([heard], CODED_RATE), CODED_RATE)
        sf.write(out / f"{clip.id}.flac", decoded, CODED_RATE, subtype="PCM_16")
        sound_s += len(samples_) / rate if number else 0.0
    speed = sound_s / (time.perf_counter() - start)
    codec.unload()
    say(f"{codec.id:<8}{device.kind:<5} plain loop: {speed:.1f} times real time")
    return speed


def compare(name: str, one: Path, other: Path, what: str) -> None:
    """Print how alike the codes of two runs are, as far as both have the clips."""
    equal = []
    for path in sorted(one.glob("codes/t/*/*.npz")):
        for match in other.glob(f"codes/t/*/{path.name}"):
            codes = [np.load(found)["codes"] for found in (path, match)]
            equal.append(codes[0] == codes[1])
    together = np.concatenate(equal, axis=1)
    books = together.mean(axis=1)
    say(
        f"{name:<8}{what}: {together.mean():.4%} of the codes equal (first codebook "
        f"{books[0]:.4%}, last {books[-1]:.4%}), all of {sum(e.all() for e in equal)} of "
        f"{len(equal)} clips"
    )


def decode_on_both(codec: Codec[Any], one: Path, device: str) -> None:
    """Decode the codes of a run on the CPU and elsewhere, and print how alike the sounds are."""
    sizes = codec.spec.codebook_sizes
    paths = sorted((one / "codes/t" / codec.id).glob("*.npz"))
    books = [read_codes(path, sizes) for path in paths]
    frames = codec.spec.frame_rate or 1.0
    coded = [from_codes(c, sizes, int(c.shape[1] * CODED_RATE / frames)) for c in books]
    sounds = []
    for kind in ("cpu", device):
        codec.load(kind)
        sounds.append([codec.decode([item], CODED_RATE)[0] for item in coded])
        codec.unload()
    worst = max(map(peak_difference, *sounds))
    say(f"{codec.id:<8}same codes, decoded on both: at most {worst:.2g} of the peak apart")


def limit_memory(codec: Codec[Any], clips: list[Clip], peaks: list[int], out: Path) -> None:
    """Leave less memory than the largest batch took, and see it halved."""
    total = torch.cuda.get_device_properties(0).total_memory
    allowed = (peaks[0] + peaks[-1]) / 2 * 2**20
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(allowed / total)
    try:
        run(codec, clips, Device("cuda", 32), out)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def measure(asked: argparse.Namespace, place: Path, gpu: str) -> None:
    """Do it all in a folder."""
    count, few, longest = asked.clips, asked.few, asked.longest
    batches = [1, 8, 32] if gpu == "cuda" else [1, 4]
    mixed = write_clips(place / "mixed", count, longest, even=False)
    even = write_clips(place / "even", count, longest, even=True)
    half = mixed[: (count + 1) // 2]  # one by one, they take longest
    shortest = sorted(half, key=lambda clip: clip.path.stat().st_size)[:few]
    codecs = make_codecs(asked.codec, place, mixed[0].path)
    say(f"{count} clips of {longest / 5:g} to {longest:g} s, as many of half of that")
    say("codec            on batch  x real  coding x  busy   kernels  memory  load  mean, fits")
    for name, codec in codecs.items():
        run(codec, shortest, Device("cpu"), place / f"{name}-cpu")
        peaks = []
        for batch in batches:
            out = place / f"{name}-{batch}"
            used = run(codec, mixed if batch > 1 else half, Device(gpu, batch), out)
            peaks.append(used.peak_device_mb or 0)
            what = f"{gpu}, {batch} at once, against the CPU, one by one"
            compare(name, place / f"{name}-cpu", out, what)
        what = f"{batches[-1]} at once against one by one, both {gpu}"
        compare(name, place / f"{name}-{batches[0]}", place / f"{name}-{batches[-1]}", what)
        decode_on_both(codec, place / f"{name}-cpu", gpu)
        run(codec, even, Device(gpu, batches[-1]), place / f"{name}-even")
        loop(codec, half[:LOOPED], Device(gpu), place / f"{name}-loop")
        for dtype in DTYPES if gpu == "cuda" else DTYPES[1:]:
            options = codec.options.model_copy(update={"dtype": dtype})
            variant, out = type(codec)(f"{name}-{dtype}", name, options), place / f"{name}-{dtype}"
            run(variant, mixed, Device(gpu, batches[-1]), out)
            what = f"{dtype} against float32, {batches[-1]} at once"
            compare(name, place / f"{name}-{batches[-1]}", out, what)
        if gpu == "cuda":
            say(f"{name:<8}with {(peaks[0] + peaks[-1]) / 2:.0f} MB of memory:")
            limit_memory(codec, mixed, peaks, place / f"{name}-limited")
            compare(name, place / f"{name}-cpu", place / f"{name}-limited", "... against the CPU")
    start = time.perf_counter()
    done = evaluate(
        list(codecs.values()), str(place / "mixed"), ["si_sdr"], device=gpu, batch=batches[-1]
    )
    seconds, rows = time.perf_counter() - start, len(done.clips())
    say(f"a whole run of all three, scores of SI-SDR beside: {seconds:.1f} s for {rows} rows")


def main() -> None:
    """Read what is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cpu", action="store_true", help="try it on the CPU alone")
    parser.add_argument("--codec", action="append", choices=CODECS, help="only this one")
    parser.add_argument("--clips", type=int, default=96, help="clips on the GPU")
    parser.add_argument("--few", type=int, default=4, help="of them on the CPU, the shortest")
    parser.add_argument("--longest", type=float, default=10.0, help="seconds of the longest clip")
    asked = parser.parse_args()
    if not asked.cpu and not torch.cuda.is_available():
        sys.exit(
            "make gpu: PyTorch sees no CUDA device here. To try the script on the CPU: "
            "python -m tests.perf.gpu --cpu --codec mimi --clips 4 --few 2 --longest 2"
        )
    device = Device("cpu" if asked.cpu else "cuda")
    say(f"almbench {__version__}, PyTorch {torch.__version__}, {device.name}, {cpu_count()} cores")
    with tempfile.TemporaryDirectory() as name:
        measure(asked, Path(name), device.kind)


if __name__ == "__main__":
    main()
