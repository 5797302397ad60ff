"""How near scoring comes to what its metrics' own code takes: `make perf DATA=PATH`.

PATH holds a folder `gt` of originals of speech and a folder of equally named files for each system.
PESQ-WB, STOI and ESTOI of all pairs are computed by a plain loop and by `bench score`, in turn, as
whole processes; then all default metrics, with nothing compiled yet and again. Nothing is judged:
a table of medians is printed, and each call adds its figures to runs/perf.json.
"""

import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from almbench.devices import cpu_count
from almbench.version import __version__
from tests.perf.processes import keep, timed

ROUNDS = 3
KEPT = Path("runs/perf.json")
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
LOOP = """
import sys, time
from pathlib import Path
import soundfile, soxr
from pesq import pesq
from pystoi import stoi
def read(path):
    samples, rate = soundfile.read(path)
    samples = samples if samples.ndim == 1 else samples.mean(1)
    return soxr.resample(samples, rate, 16_000, "VHQ")
spent = 0.0
for system in map(Path, sys.argv[2:]):
    for path in sorted(Path(sys.argv[1]).iterdir()):
        if (system / path.name).is_file():
            x, y = read(path), read(system / path.name)
            length = min(len(x), len(y))
            x, y = x[:length], y[:length]
            begin = time.process_time()
            pesq(16_000, x, y, "wb"), stoi(x, y, 16_000), stoi(x, y, 16_000, extended=True)
            spent += time.process_time() - begin
print(spent)
"""


def score(folders: list[Path], metrics: list[str], out: Path, **changes: str) -> dict[str, float]:
    """Score the folders anew by the command; what its processes took."""
    bench = Path(sys.executable).with_name("bench")
    wanted = [f"--metric={name}" for name in metrics]
    wall, cpu, _ = timed([bench, "score", *folders, *wanted, "-o", out], changes, may_fail=True)
    run = json.loads((out / "manifest.json").read_text())["run"]
    times = ("scoring_s", "scoring_busy_s", "scoring_loading_s", "scoring_in_metrics_s")
    return {"wall_s": wall, "cpu_s": cpu, **{name: run[name] for name in times}}


def main(data: Path) -> None:
    """Measure, print the ratios and keep the figures."""
    systems = sorted(p for p in data.iterdir() if p.is_dir() and p.name != "gt")
    folders, cores = [data / "gt", *systems], cpu_count()
    figures: dict[str, list[Any]] = {"loop": [], "few": [], "first": [], "later": []}
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        few = ["pesq_wb", "stoi", "estoi"]
        for i in range(ROUNDS):
            wall, cpu, inside = timed([sys.executable, "-c", LOOP, *folders], ONE_THREAD)
            figures["loop"].append({"wall_s": wall, "cpu_s": cpu, "in_metrics_s": float(inside)})
            figures["few"].append(score(folders, few, place / f"few{i}"))
        compiled = {"NUMBA_CACHE_DIR": str(place / "compiled")}
        for case in ("first", "later"):
            figures[case].append(score(folders, [], place / case, **compiled))

    def ratios(what: list[float]) -> str:
        return f"{statistics.median(what):7.2f}   {min(what):.2f} to {max(what):.2f}"

    pairs = list(zip(figures["loop"], figures["few"], strict=True))
    table = {
        "wall over the floor, whole process": [
            b["wall_s"] * cores / a["in_metrics_s"] for a, b in pairs
        ],
        "CPU over the floor's, whole process": [b["cpu_s"] / a["in_metrics_s"] for a, b in pairs],
        "plain loop's wall over ours": [a["wall_s"] / b["wall_s"] for a, b in pairs],
        "busy over in metrics, steady": [
            (b["scoring_busy_s"] - b["scoring_loading_s"]) / b["scoring_in_metrics_s"]
            for _, b in pairs
        ],
        "all default metrics, first over later, wall": [
            a["wall_s"] / b["wall_s"]
            for a, b in zip(figures["first"], figures["later"], strict=True)
        ],
        "... and CPU": [
            a["cpu_s"] / b["cpu_s"] for a, b in zip(figures["first"], figures["later"], strict=True)
        ],
    }
    print(f"almbench {__version__}, {cores} cores, {len(systems)} systems; medians and ranges")
    print("The floor: CPU seconds inside the metrics' code in the plain loop, over the cores.")
    print("With less than some 70 pairs, starting up is most of what whole processes take.")
    for what, values in table.items():
        print(f"{what:<45}{ratios(values)}")
    keep(KEPT, figures)
    print(f"Kept in {KEPT}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Say where the sounds are: make perf DATA=PATH, a folder with gt and the systems")
    main(Path(sys.argv[1]))
