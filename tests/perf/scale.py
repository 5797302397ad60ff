"""How time and memory grow with the rows of a run: `make scale ROWS="10000 100000"`.

Makes a small run of the sample set, and of it finished runs with so many rows of scores: each clip
is there many times, under other names, with values that differ a little; its sounds are links. What
commands take of such a run is measured, each as a process of its own: going on with it where
nothing is left to do, exports, comparisons, pages. Nothing is judged: a table is printed, beside
that of the last time, and each call adds its figures to FOLDER/scale.json.

    python tests/perf/scale.py runs/scale --rows 10000 100000 1000000
"""

import argparse
import json
import os
import platform
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from math import log
from pathlib import Path
from statistics import linear_regression

BENCH = str(Path(sys.executable).with_name("bench"))
CODECS = (
    "almtokenizer", "opus-6", "opus-12", "opus-24", "mp3-16", "aac-16", "amr-nb-4.75",
    "codec2-1600", "codec2-3200", "lowpass-7",
)  # fmt: skip
SPEAKERS = 100
SHOWN = 40  # clips whose sounds are on the site
KINDS = ("originals", "reconstructions", "scores")  # files of rows
COMMANDS = {
    "no-op resume": ["run", "{run}/suite.toml", "-o", "{run}"],
    "export summary.csv": ["export", "{run}", "-o", "{out}.csv"],
    "export metrics.csv": ["export", "{run}", "--table", "metrics", "-o", "{out}.csv"],
    "export metrics.json": ["export", "{run}", "--table", "metrics", "-o", "{out}.json"],
    "export latex": ["export", "{run}", "-o", "{out}.tex"],
    "export of two codecs": [
        "export", "{run}", "--codec", "opus-6", "--codec", "opus-12", "-o", "{out}.csv",
    ],
    "verify": ["verify", "{run}", "--sample", "2"],
    "compare": ["compare", "{run}", "--baseline", "opus-6"],
    "site": ["site", "{run}", "-o", "{out}", "--max-clips", str(SHOWN)],
}  # fmt: skip


def small_run(root: Path) -> None:
    """Run the sample set's speech once."""
    if not (root / "summary.csv").is_file():
        codecs = [f"--codec={codec}" for codec in CODECS]
        command = [BENCH, "run", "quick", "--testset", "speech", *codecs, "-o", str(root)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def grow(small: Path, grown: Path, rows: int) -> int:
    """Write a finished run with about so many rows of scores, its tables excepted; its clips."""
    shutil.rmtree(grown, ignore_errors=True)
    (grown / "rows").mkdir(parents=True)
    lines = {kind: (small / "rows" / f"{kind}.jsonl").read_text().splitlines() for kind in KINDS}
    held = {kind: [json.loads(line) for line in of_kind] for kind, of_kind in lines.items()}
    originals = [row["clip"] for row in held["originals"]]
    clips = max(1, rows * len(originals) // len(held["scores"]))
    names = [(originals[n % len(originals)], f"{n:07}") for n in range(clips)]
    lot = random.Random(0)  # noqa: S311
    for kind, of_kind in held.items():
        of_clip = {one: [row for row in of_kind if row["clip"] == one] for one in originals}
        with (grown / "rows" / f"{kind}.jsonl").open("w") as file:
            for old, new in names:
                for row in of_clip[old]:
                    changed = row | {"clip": new}
                    if row.get("value") is not None:
                        changed["value"] = row["value"] * lot.uniform(0.99, 1.01)
                    file.write(json.dumps(changed, separators=(",", ":")) + "\n")
    for folder in (*small.glob("reconstructions/*/*"), *small.glob("codes/*/*")):
        target = grown / folder.relative_to(small)
        target.mkdir(parents=True)
        for old, new in names:
            for path in folder.glob(f"{old}.*"):
                os.link(path, target / path.name.replace(old, new, 1))
    _write_suite(small, grown, names)
    return clips


def _write_suite(small: Path, grown: Path, names: list[tuple[str, str]]) -> None:
    import almbench.samples

    samples = Path(next(iter(almbench.samples.__path__))) / "speech"
    table = grown.with_name(f"{grown.name}.csv")
    with table.open("w") as file:
        file.write("id,path,speaker\n")
        for n, (old, new) in enumerate(names):
            file.write(f"{new},{samples / old}.flac,speaker {n % SPEAKERS}\n")
    lines = (small / "suite.toml").read_text().splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("path = "))
    lines[at] = f'path = "{table.resolve()}"'
    (grown / "suite.toml").write_text("\n".join(lines) + "\n")


def measured(command: list[str]) -> dict[str, float]:
    """Run a command; what it took: seconds, those of processors, the largest process's memory.

    A process counts this script's own memory at least, which therefore is kept small.
    """
    quiet = [(os.POSIX_SPAWN_OPEN, one, "/dev/null", os.O_WRONLY, 0) for one in (1, 2)]
    begun = time.perf_counter()
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=quiet)
    _, status, usage = os.wait4(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code not in {0, 1}:
        sys.exit(f"{' '.join(command)} ended with {code}")
    return {
        "seconds": round(time.perf_counter() - begun, 2),
        "cpu": round(usage.ru_utime + usage.ru_stime, 2),
        "MB": round(usage.ru_maxrss / 1024),
    }


def measure(run: Path, out: Path, wanted: list[str]) -> dict[str, dict[str, float]]:
    """Measure the commands on a run, whose tables are made first."""
    subprocess.run(
        [BENCH, "run", str(run / "suite.toml"), "-o", str(run)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    found = {}
    for what, command in COMMANDS.items():
        if not wanted or what in wanted:
            shutil.rmtree(out, ignore_errors=True)
            found[what] = measured([BENCH, *(part.format(run=run, out=out) for part in command)])
            print(f"{run.name} {what}: {told(found[what])}", flush=True)
    return found


def told(figures: dict[str, float]) -> str:
    """What a command took, in words."""
    return f"{figures['seconds']:.1f} s, {figures['cpu']:.1f} s of CPU, {figures['MB']:.0f} MB"


def main() -> None:
    """Grow, measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where the runs go, and the figures")
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--only", action="append", default=[], choices=COMMANDS, metavar="WHAT")
    parser.add_argument("--keep", action="store_true", help="keep the runs")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    small_run(asked.folder / "small")
    figures = []
    for rows in sorted(asked.rows):
        run = asked.folder / f"run-{rows}"
        clips = grow(asked.folder / "small", run, rows)
        for what, took in measure(run, asked.folder / "out", asked.only).items():
            figures.append({"what": what, "rows": rows, "clips": clips, **took})
        if not asked.keep:
            shutil.rmtree(run)
    kept = asked.folder / "scale.json"
    before = json.loads(kept.read_text()) if kept.is_file() else []
    print_table(figures, before[-1]["figures"] if before else [])
    made = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": platform.platform()}
    kept.write_text(json.dumps([*before, made | {"figures": figures}], indent=1) + "\n")
    print(f"Kept in {kept}")


def print_table(figures: list[dict], before: list[dict]) -> None:  # type: ignore[type-arg]
    """Print figures, how they changed, and the power of the rows that time and memory grow by."""
    old = {(one["what"], one["rows"]): one for one in before}
    print(f"{'what':<22}{'rows':>10}{'seconds':>10}{'CPU':>8}{'MB':>8}   then")
    for one in sorted(figures, key=lambda one: (list(COMMANDS).index(one["what"]), one["rows"])):
        then = old.get((one["what"], one["rows"]))
        was = f"   {told(then)}" if then else ""
        print(
            f"{one['what']:<22}{one['rows']:>10,}{one['seconds']:>10.1f}{one['cpu']:>8.1f}"
            f"{one['MB']:>8}{was}"
        )
    for what, count in Counter(one["what"] for one in figures).items():
        if count > 1:
            of = [one for one in figures if one["what"] == what]
            sizes = [log(one["rows"]) for one in of]
            time_, memory = (
                linear_regression(sizes, [log(one[unit]) for one in of]).slope
                for unit in ("cpu", "MB")
            )
            print(f"{what}: CPU grows as rows to the power {time_:.2f}, memory {memory:.2f}")


if __name__ == "__main__":
    main()
