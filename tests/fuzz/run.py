"""Fuzzers: `make fuzz CASES=10000`, or `python -m tests.fuzz.run --cases 10000 --kind audio`.

A case is a good input of which a few things are changed. Each kind runs in a process of its own,
which is begun anew behind a case that it dies of. The first case of each fault is kept in a
folder; `--kind KIND --replay FILE...` tries files again, each as what the good input has that its
name ends with.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz.bounds import FAULTS
from tests.fuzz.cases import Case, Ground, Kind, Report, fuzz
from tests.fuzz.registry import KINDS

SEED = 1
MOST_DEATHS = 20
MOST_DATA = 6 * 2**30  # bytes that a process may have at all, whatever a case asks for


def _one(kind: Kind, count: int, seed: int, root: Path, keep: Path) -> Report:
    """Try cases of a kind in processes of their own."""
    total = Report()
    for begun in range(MOST_DEATHS):
        place = root / f"{begun}"
        place.mkdir()
        left = count - total.cases
        command = [sys.executable, "-m", "tests.fuzz.run", "--inside", str(place), "--kind",
                   kind.name, "--cases", str(left), "--seed", str(seed + begun),
                   "--keep", str(keep / str(begun))]  # fmt: skip
        home = {"HOME": str(place), "TMPDIR": str(place), "ALMBENCH_HOME": str(place / "tmp")}
        done = subprocess.run(
            command,
            env={**os.environ, **home, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        total += Report.load(place / "report.json")
        if done.returncode == 0:
            break
        if not (place / "case.name").is_file():
            raise SystemExit(f"{kind.name}: {done.stderr}")
        case = Case((place / "case.name").read_text(), (place / "case").read_bytes())
        fault = "hang" if "Timeout" in done.stderr else "traceback"
        total.add(fault, f"died with {done.returncode}", done.stderr[-6000:], keep / "died", case)
        if total.cases >= count:
            break
    return total


def _table(reports: dict[str, Report]) -> str:
    """The reports as a table, and where each fault was."""
    lines = [["kind", "cases", "accepted", *FAULTS.values(), "seconds"]]
    for name, report in reports.items():
        counts = [report.cases, report.accepted, *(report.faults[fault] for fault in FAULTS)]
        lines.append([name, *(f"{count:,}" for count in counts), f"{report.seconds:.0f}"])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rows = [[cell.rjust(width) for cell, width in zip(line, widths, strict=True)] for line in lines]
    text = "\n".join(
        "  ".join([line[0].ljust(widths[0]), *row[1:]])
        for line, row in zip(lines, rows, strict=True)
    )
    for name, report in reports.items():
        for place, (file, count) in report.places.items():
            text += f"\n{name}: {place} ({count} times), such as {file}"
    return text


def _replay(kind: Kind, files: list[Path]) -> int:
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="almbench-fuzz-") as folder:
        ground = Ground(kind, Path(folder))
        for file in files:
            name = next(n for n in ground.changed if file.name.endswith(Path(n).name))
            outcome = ground.try_(Case(name, file.read_bytes()))
            print(f"{file}: {outcome.fault or 'well'} {outcome.told}")
            wrong += bool(outcome.fault)
    return wrong


def main() -> int:
    """Run the fuzzers; the exit status is 1 where one found something."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100, help="of each kind; fewer of slow ones")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--kind", action="append", choices=[kind.name for kind in KINDS])
    parser.add_argument("--keep", type=Path, default=Path("fuzz-cases"), help="for what fails")
    parser.add_argument("--replay", type=Path, nargs="+", help="files to try again")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    chosen = [kind for kind in KINDS if not given.kind or kind.name in given.kind]
    if given.replay:
        return int(_replay(chosen[0], given.replay) > 0)
    if given.inside:
        resource.setrlimit(resource.RLIMIT_DATA, (MOST_DATA, MOST_DATA))
        tempfile.tempdir = str(given.inside / "tmp")
        os.chdir(given.inside)
        fuzz(chosen[0], given.cases, given.seed, given.inside, given.keep, alone=True)
        return 0
    reports: dict[str, Report] = {}
    for kind in chosen:
        root = Path(tempfile.mkdtemp(prefix="almbench-fuzz-"))
        keep = given.keep.absolute() / kind.name.replace(" ", "-").replace("'", "")
        reports[kind.name] = _one(kind, -(-given.cases // kind.cost), given.seed, root, keep)
        shutil.rmtree(root, ignore_errors=True)
        print(_table({kind.name: reports[kind.name]}), flush=True)
    print(f"\nSeed {given.seed}\n{_table(reports)}")
    return int(any(report.faults for report in reports.values()))


if __name__ == "__main__":
    sys.exit(main())
