"""How time and memory grow with the clips of a run: tables, exports and sites of grown copies.

    python tests/perf/scale.py RUN FOLDER --clips 100 1000 10000

Grows a finished run: each clip of its first test set is there many times, under other names and
with values that differ a little; its sounds are links. Prints a table, and keeps it as
FOLDER/scale.json. The peaks of memory are those of whole processes, this script's own at least.
"""

import argparse
import json
import math
import os
import platform
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

TABLES = "clips.csv", "metrics.csv"
BENCH = str(Path(sys.executable).with_name("bench"))


def grow(run: Path, grown: Path, clips: int) -> int:
    """Write a copy of a run with so many clips; returns its rows."""
    shutil.rmtree(grown, ignore_errors=True)
    (grown / "reconstructions").mkdir(parents=True)
    facts = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    testset = facts["testsets"][0]
    facts["testsets"] = [testset]
    name, originals = testset["name"], testset["clips"]
    copies = math.ceil(clips / len(originals))
    names = [(one["id"], f"{one['id']}-{n:05}") for n in range(copies) for one in originals]
    names = names[:clips]
    known = {one["id"]: one for one in originals}
    testset["clips"] = [{**known[old], "id": new, "cluster": new} for old, new in names]
    testset["seconds"] *= clips / len(originals)
    (grown / "manifest.json").write_text(json.dumps(facts), encoding="utf-8")
    for table in ("summary.csv", "suite.toml"):
        shutil.copy(run / table, grown / table)
    rng = np.random.default_rng(0)
    rows = 0
    order = pd.DataFrame(names, columns=["clip", "new"])
    for table in TABLES:
        old = pd.read_csv(run / table, dtype=str, keep_default_na=False)
        old = old[old["testset"] == name]
        new = order.merge(old, on="clip")
        new["clip"] = new.pop("new")
        if table == "metrics.csv":
            values = pd.to_numeric(new["value"]) * rng.uniform(0.99, 1.01, len(new))
            new["value"] = values.map(lambda value: "" if math.isnan(value) else repr(value))
            rows = len(new)
        new[old.columns].to_csv(grown / table, index=False)
    for codec in sorted((run / "reconstructions" / name).iterdir()):
        target = grown / "reconstructions" / name / codec.name
        target.mkdir(parents=True)
        for old_id, new_id in names:
            for path in codec.glob(f"{old_id}.*"):
                os.link(path, target / path.name.replace(old_id, new_id, 1))
    return rows


def measured(command: list[str]) -> tuple[float, float]:
    """Run a command; returns its seconds and its peak of memory in MB."""
    begun = time.perf_counter()
    pid = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(pid, 0)
    if status:
        sys.exit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - begun, usage.ru_maxrss / 1024


def main() -> None:
    """Grow, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", type=Path, help="a finished run")
    parser.add_argument("folder", type=Path, help="where the grown ones go")
    parser.add_argument("--clips", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--max-clips", type=int, default=40, help="clips on the site")
    asked = parser.parse_args()
    lines: list[dict[str, Any]] = []
    for clips in asked.clips:
        grown, site = asked.folder / f"run-{clips}", asked.folder / f"site-{clips}"
        rows = grow(asked.run, grown, clips)
        shutil.rmtree(site, ignore_errors=True)
        for what, arguments in {
            "export json": ["export", grown, "--format", "json", "-o", asked.folder / "all.json"],
            "export latex": ["export", grown, "--format", "latex", "-o", asked.folder / "all.tex"],
            "site": ["site", grown, "-o", site, "--max-clips", asked.max_clips],
        }.items():
            seconds, megabytes = measured([BENCH, *map(str, arguments)])
            lines.append(
                {"what": what, "clips": clips, "rows": rows, "seconds": seconds, "MB": megabytes}
            )
        pages = sorted(site.glob("*.html"), key=lambda path: path.stat().st_size)
        lines[-1]["largest page"] = f"{pages[-1].name}, {pages[-1].stat().st_size:,} bytes"
    table = pd.DataFrame(lines).sort_values(["what", "clips"])
    print(table.to_string(index=False, na_rep=""))
    for command, of in table.groupby("what"):
        if len(of) > 1:
            power = np.polyfit(np.log(of["rows"]), np.log(of["seconds"]), 1)[0]
            print(f"{command}: time grows as rows to the power {power:.2f}")
    report = {"processor": platform.processor() or platform.machine(), "lines": lines}
    (asked.folder / "scale.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
