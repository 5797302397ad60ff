"""How a run's reconstruction compares with a plain loop: `make reconstruction`; needs no network.

Encodec, DAC, Mimi and WavTokenizer as published, but with weights drawn at random, code speech of
the project's own, of 2 to 10 s: by a script that loads, encodes, decodes and saves one clip after
the other, and by `bench run`, in turn, as whole processes. On a GPU several sizes of batches,
variants of lower precision and too little memory are tried as well. Nothing is judged: a table is
printed, and each call adds its figures to runs/reconstruction.json. Scores are those of the
cheapest metric, as a run has at least one.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import mean, median
from threading import Event, Thread
from typing import Any, NamedTuple

import numpy as np
import soundfile as sf

from almbench.audio import Samples, read, resample
from almbench.devices import Device, choose, cpu_count, share_cores
from almbench.samples import folder as samples
from almbench.version import __version__
from tests.codecs.random_checkpoints import build
from tests.perf.processes import keep, timed

RATE, CODED_RATE = 48_000, 24_000
DTYPES = ("tf32", "bfloat16")
HEAD = (
    "codec        run           loop   bench  warm whole   CPU   busy kernels  memory fits  "
    "codes alike, clips"
)
KEPT = Path("runs/reconstruction.json")
LOOP = """
import json, pathlib, sys, time
import numpy, soundfile, soxr, torch
from almbench.codecs.transformers_codec import import_transformers
checkpoint, device, hop, clips, out = sys.argv[1:]
model = import_transformers().AutoModel.from_pretrained(checkpoint).eval().to(device)
torch.backends.cudnn.allow_tf32 = False
def code(path):
    heard, rate = soundfile.read(path)
    heard = soxr.resample(heard, rate, 24_000, "VHQ")
    sound = torch.zeros(1, 1, -(-len(heard) // int(hop)) * int(hop))
    sound[0, 0, :len(heard)] = torch.from_numpy(heard)
    with torch.inference_mode():
        sound = sound.to(device)
        codes = ENCODE
        decoded = (DECODE).flatten()[:len(heard)].cpu().numpy()
    soundfile.write(f"{out}/{path.stem}.flac", decoded, 24_000)
    numpy.save(f"{out}/{path.stem}.npy", codes.reshape(-1, codes.shape[-1]).cpu().numpy())
    return len(heard) / 24_000
paths = sorted(pathlib.Path(clips).iterdir())
code(paths[0])  # the first call sets things up
begin = time.perf_counter()
heard_s = sum(map(code, paths))
print(json.dumps(heard_s / (time.perf_counter() - begin)))
"""


class Known(NamedTuple):
    """A checkpoint, how many codebooks are used, and what a plain loop writes to code with it."""

    checkpoint: str
    books: int
    hop: int  # that the sound is padded to by whoever calls the model
    encode: str
    decode: str


CODECS = {
    "encodec": Known(
        "facebook/encodec_24khz",
        8,
        1,
        "model.encode(sound, bandwidth=6.0).audio_codes",
        "model.decode(codes, [None]).audio_values",
    ),
    "dac": Known(
        "descript/dac_24khz",
        8,
        320,
        "model.encode(sound, n_quantizers=8).audio_codes",
        "model.decode(audio_codes=codes).audio_values",
    ),
    "mimi": Known(
        "kyutai/mimi",
        8,
        1920,
        "model.encode(sound, num_quantizers=8).audio_codes",
        "model.decode(codes).audio_values",
    ),
    "wavtokenizer": Known(
        "swiss-ai/wavtokenizer-large-unify-40token",
        1,
        1,
        "model.encode(sound).audio_codes",
        "model.decode(codes).audio_values",
    ),
}


def write_clips(folder: Path, count: int) -> float:
    """Write clips of speech of 2 to 10 s, and return the seconds of all."""
    folder.mkdir()
    read_ = [read(path) for path in sorted((samples() / "speech").glob("*.flac"))]
    voices = [resample(sound.samples, sound.rate, RATE) for sound in read_]
    rng = np.random.default_rng(0)
    heard = 0.0
    for number in range(count):
        voice = voices[number % len(voices)]
        length = int(rng.uniform(2, 10) * RATE)
        clip = np.resize(np.roll(voice, int(rng.integers(len(voice)))), length)
        path = folder / f"{number:04d}.flac"
        sf.write(path, rng.uniform(0.3, 1.0) * clip, RATE, subtype="PCM_16")
        heard += length / RATE
    return heard


def speech() -> Samples:
    """Speech that codebooks are made to suit."""
    sound = read(min((samples() / "speech").glob("*.flac")))
    return resample(sound.samples, sound.rate, CODED_RATE)[: 4 * CODED_RATE]


class Bench:
    """Runs both ways on one codec.

    Args:
        name: The codec.
        place: Folder for what is made.
        device: cpu or cuda.
        heard_s: Seconds of the clips, which lie in `clips` of the folder.
    """

    def __init__(self, name: str, place: Path, device: str, heard_s: float) -> None:
        """Save the checkpoint."""
        self.name, self.known = name, CODECS[name]
        self._place, self._device, self._heard_s = place, device, heard_s
        self._number = 0
        build(self.known.checkpoint, place / name, speech())

    def _folder(self, kind: str) -> Path:
        self._number += 1
        return self._place / f"{self.name}-{kind}{self._number}"

    def loop(self) -> dict[str, Any]:
        """Code all clips by the plain loop."""
        out = self._folder("loop")
        out.mkdir()
        script = LOOP.replace("ENCODE", self.known.encode).replace("DECODE", self.known.decode)
        given = [self._place / self.name, self._device, self.known.hop, self._place / "clips", out]
        wall, cpu, said = timed([sys.executable, "-c", script, *given], _threads())
        speed = json.loads(said.splitlines()[-1])
        return {"wall_s": wall, "cpu_s": cpu, "speed": speed, "codes": out}

    def run(self, batch: int, dtype: str = "float32", **changes: str) -> dict[str, Any]:
        """Code all clips by `bench run`."""
        out = self._folder("run")
        options = {
            "checkpoint": str(self._place / self.name),
            "num_codebooks": self.known.books,
            "dtype": dtype,
        }
        suite = out.with_suffix(".toml")
        suite.write_text(
            f'name = "perf"\n[[testset]]\nname = "t"\ndomain = "speech"\nmetrics = ["gain_db"]\n'
            f'path = "{self._place / "clips"}"\n[[codec]]\nid = "{self.name}"\n'
            f'adapter = "transformers"\n[codec.options]\n'
            + "".join(f"{key} = {json.dumps(value)}\n" for key, value in options.items()),
            encoding="utf-8",
        )
        command = [Path(sys.executable).with_name("bench"), "run", suite, "-o", out]
        asked = ["--device", self._device, "--batch", batch]
        with kernels_seen(self._device) as kernels:
            wall, cpu, _ = timed([*command, *asked], changes)
        used = json.loads((out / "manifest.json").read_text())["run"]["codecs"][self.name]
        steady_s = used["coding_s"] / used["busy_share"]
        return {
            "wall_s": wall,
            "cpu_s": cpu,
            "speed": self._heard_s / steady_s,
            "codes": out / "codes" / "t" / self.name,
            "busy": used["busy_share"],
            "kernels": mean(kernels) / 100 if kernels else None,
            "load_s": used["load_s"],
            "peak_mb": used["peak_device_mb"] or used["peak_process_mb"],
            "fits": used["batch_that_fits"] or batch,
        }

    def compare(self, rounds: int, batches: list[int], *, variants: bool) -> dict[str, Any]:
        """Run both ways in turn, and print and return what they took."""
        made: dict[str, list[Any]] = {"loop": []}
        for _ in range(rounds):
            made["loop"].append(self.loop())
            for batch in batches:
                made.setdefault(f"batch {batch}", []).append(self.run(batch))
        if variants:
            for dtype in DTYPES:
                made[dtype] = [self.run(batches[-1], dtype)]
            made["less memory"] = [self._with_less_memory(made, batches)]
        for what in list(made)[1:]:
            self._print(what, made["loop"], made[what])
        for one in (one for several in made.values() for one in several):
            one["codes"] = str(one["codes"].name)
        return made

    def _with_less_memory(self, made: dict[str, list[Any]], batches: list[int]) -> dict[str, Any]:
        """Leave less memory than the largest batch took, so that it is halved."""
        import torch

        total = torch.cuda.get_device_properties(0).total_memory / 2**20
        peaks = [made[f"batch {batch}"][0]["peak_mb"] for batch in (batches[0], batches[-1])]
        share = f"per_process_memory_fraction:{mean(peaks) / total:.4f}"
        return self.run(batches[-1], PYTORCH_CUDA_ALLOC_CONF=share)

    def _print(self, what: str, loops: list[Any], runs: list[Any]) -> None:
        def over(key: str, *, inverse: bool = False) -> str:
            pairs = zip(loops, runs, strict=False)
            ratios = [a[key] / b[key] for a, b in pairs]
            return f"{median(1 / r if inverse else r for r in ratios):6.2f}"

        one = runs[-1]
        kernels = f"{one['kernels']:5.0%}" if one["kernels"] else "    -"
        print(
            f"{self.name:<13}{what:<12}{median(a['speed'] for a in loops):7.1f}"
            f"{median(b['speed'] for b in runs):8.1f}{over('speed', inverse=True)}"
            f"{over('wall_s')}{over('cpu_s')}  {median(b['busy'] for b in runs):5.1%} {kernels}"
            f"{one['peak_mb']:7} MB{one['fits']:5}  {alike(loops[-1]['codes'], one['codes'])}",
            flush=True,
        )


def alike(loop: Path, run: Path) -> str:
    """How many of a run's codes are those of the loop, and in how many clips all are."""
    equal = []
    for path in sorted(loop.glob("*.npy")):
        kept = np.load(run / f"{path.stem}.npz")["codes"]
        equal.append(np.load(path) == kept)
    share = np.concatenate([one.ravel() for one in equal]).mean()
    return f"{share:.3%}, {sum(one.all() for one in equal)} of {len(equal)}"


@contextmanager
def kernels_seen(device: str) -> Iterator[list[int]]:
    """Ask the driver again and again in which share of the time a kernel ran, in percent."""
    seen: list[int] = []
    ended = Event()

    def ask() -> None:
        import torch

        with suppress(Exception):  # where its library is not installed, nothing is seen
            while not ended.wait(0.1):
                if share := torch.cuda.utilization():
                    seen.append(share)

    thread = Thread(target=ask, daemon=True)
    if device == "cuda":
        thread.start()
    yield seen
    ended.set()
    if device == "cuda":
        thread.join()


def _threads() -> dict[str, str]:
    """How threads wait in `bench`, for the loop: else other programs slow it down more."""
    environment = dict(os.environ)
    share_cores(environment)
    return environment


def main() -> None:
    """Read what is asked for, and do it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--codec", action="append", choices=CODECS, help="only this one")
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=1, help="how often both ways are gone")
    parser.add_argument("--batch", type=int, action="append", help="(default: 1; 1, 8, 32 on CUDA)")
    parser.add_argument(
        "--variants",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="on CUDA, try lower precision and too little memory too",
    )
    asked = parser.parse_args()
    device: Device = choose(asked.device, used=True)
    batches = sorted(asked.batch or ([1, 8, 32] if device.kind == "cuda" else [1]))
    begin = time.perf_counter()
    figures = {}
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        heard_s = write_clips(place / "clips", asked.clips)
        print(
            f"almbench {__version__}, {device.name}, {cpu_count()} cores; {asked.clips} clips, "
            f"{heard_s:.0f} s; times real time by the loop and by bench run, once warm, and how "
            "many times faster it is: once warm, as a whole process, in seconds of the processor"
        )
        print(HEAD)
        for codec in asked.codec or CODECS:
            made = Bench(codec, place, device.kind, heard_s)
            variants = asked.variants and device.kind == "cuda"
            figures[codec] = made.compare(asked.rounds, batches, variants=variants)
    keep(KEPT, {"device": device.name, "clips": asked.clips, "heard_s": heard_s, **figures})
    print(f"{time.perf_counter() - begin:.0f} s. Kept in {KEPT}")


if __name__ == "__main__":
    main()
