"""What each preset costs on a CPU: `python -m tests.perf.codecs`, into `docs/codec_costs.json`.

Neural codecs run at their official configurations with random weights, as published ones cannot be
had everywhere; that changes neither time nor memory. Every checkpoint has a process of its own,
with one thread, which codes two seconds of speech once more after a first time of half a second.
Seconds are those of the processor, which other work on the machine hardly changes.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from almbench.audio import Samples, read, resample
from almbench.codecs.base import Codec
from almbench.codecs.builtin import PRESETS
from almbench.codecs.registry import make_codec
from almbench.devices import process_peak_mb
from almbench.errors import Unavailable
from almbench.packages import release
from almbench.samples import folder as samples

OUT = Path(__file__).resolve().parents[2] / "docs" / "codec_costs.json"
SECONDS = 2


def clip(rate: int, seconds: float = SECONDS) -> Samples:
    """Speech of the project's own."""
    sound = read(min((samples() / "speech").glob("*.flac")))
    return resample(sound.samples, sound.rate, rate)[: round(seconds * rate)]


def _transformers(source: str, place: Path) -> None:
    from tests.codecs.random_checkpoints import build

    build(source, place, clip(24_000, 0.7))


def _snac(source: str, place: Path) -> None:
    from tests.codecs.test_snac import CONFIGS, save

    config = CONFIGS[source.rpartition("_")[2][:2]]
    save(place, config, clip(config["sampling_rate"], 1))


def _bigcodec(_: str, place: Path) -> None:
    from tests.codecs.test_bigcodec import save

    save(place, clip(16_000, 1))


def _speechtokenizer(_: str, place: Path) -> None:
    from tests.codecs.test_speechtokenizer import CONFIG, random_model, write

    write(place, CONFIG, random_model(CONFIG).state_dict())


def _wavtokenizer(source: str, place: Path) -> None:
    from tests.codecs.test_wavtokenizer import official, random_state, write

    kind = "40" if "40token" in source else "75"
    write(place, kind, random_state(official(kind)))


MAKERS: dict[str, Callable[[str, Path], None]] = {
    "transformers": _transformers,
    "encodec": _transformers,
    "dac": _transformers,
    "mimi": _transformers,
    "bigcodec": _bigcodec,
    "snac": _snac,
    "speechtokenizer": _speechtokenizer,
    "wavtokenizer": _wavtokenizer,
}


def source_of(id_: str) -> str:
    """The checkpoint of a preset; nothing for a codec without one, or with its own."""
    options: Any = make_codec(id_).options
    return str(getattr(options, "checkpoint", ""))


def measure(ids: list[str], checkpoint: str) -> dict[str, Any]:
    """Time and memory of presets that share a checkpoint, in this process."""
    if "torch" in release("torch") and any(PRESETS[id_].adapter in MAKERS for id_ in ids):
        import torch

        torch.set_num_threads(1)
    found: dict[str, Any] = {}
    for id_ in ids:
        options = dict(PRESETS[id_].options)
        if checkpoint:
            options["checkpoint"] = checkpoint
        codec = make_codec(PRESETS[id_].adapter, options)
        if not isinstance(codec, Codec):
            raise TypeError(id_)
        try:
            codec.fetch(network=False)
            codec.load("cpu")
        except Unavailable as error:
            found[id_] = {"missing": error.cause}
            continue
        rate = codec.spec.sample_rate or 24_000
        codec.decode(codec.encode([clip(rate, 0.5)], rate), rate)
        begin = _processor_seconds()
        codec.decode(codec.encode([clip(rate)], rate), rate)
        spent = _processor_seconds() - begin
        codec.unload()
        peak = process_peak_mb() or 0
        found[id_] = {
            "seconds": float(f"{spent / SECONDS:.2g}"),
            "peak_mib": peak,
        }
    return found


def _processor_seconds() -> float:
    """Of this process, and of those that it has waited for."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def machine() -> str:
    """The processor, in words."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    ]
    return names[0] if names else platform.machine()


def main() -> None:
    """Measure all presets, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("presets", nargs="*")
    parser.add_argument("--lyra", default="", help="folder of Lyra's models")
    parser.add_argument("--inside", help="checkpoint; measure here and print (used by itself)")
    parser.add_argument("--out", type=Path, default=OUT, help="(default: docs/codec_costs.json)")
    given = parser.parse_args()
    out = given.out
    if given.inside is not None:
        print(json.dumps(measure(given.presets, given.inside)))
        return
    known = json.loads(out.read_text(encoding="utf-8")) if out.exists() else {"presets": {}}
    groups: dict[tuple[str, str], list[str]] = {}
    for id_ in given.presets or PRESETS:
        groups.setdefault((PRESETS[id_].adapter, source_of(id_)), []).append(id_)
    for (adapter, source), ids in groups.items():
        place = Path(tempfile.mkdtemp(prefix="almbench-costs-"))
        checkpoint = given.lyra if adapter == "lyra" else ""
        if adapter in MAKERS:
            MAKERS[adapter](source, place)
            checkpoint = str(next(iter(place.glob("*.ckpt")), place))
        command = [sys.executable, "-m", "tests.perf.codecs", *ids, "--inside", checkpoint]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        shutil.rmtree(place)
        if done.returncode:
            print(ids, done.stderr[-2000:], file=sys.stderr)
            continue
        made = json.loads(done.stdout.splitlines()[-1])
        known["presets"] |= made
        print(made, flush=True)
        known |= {
            "machine": machine(),
            "python": platform.python_version(),
            "packages": [release("torch").partition("+")[0], release("transformers")],
        }
        in_order = {id_: known["presets"][id_] for id_ in PRESETS if id_ in known["presets"]}
        out.write_text(json.dumps(known | {"presets": in_order}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    np.seterr(all="ignore")
    main()
