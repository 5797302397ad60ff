"""The manifest of a run: what it was made with and from."""

import json
import os
import platform
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import tomli_w

from almbench import __version__, policies
from almbench.audio import sha256
from almbench.results.records import SCHEMA_VERSION, OriginalRow, read_rows, signature
from almbench.results.runfolder import RunFolder
from almbench.runner.plan import Plan, TestSet
from almbench.suite.config import About

PACKAGES = [
    "av", "numba", "numpy", "pandas", "pesq", "pycodec2", "pystoi",
    "resemblyzer", "scipy", "soundfile", "soxr", "speechbrain", "speechtokenizer", "torch",
    "transformers", "visqol-python",
]  # fmt: skip


def write_suite(plan: Plan, folder: RunFolder) -> None:
    """Write the suite as resolved; `bench run RUN/suite.toml` runs it again."""
    resolved = plan.suite.model_dump(exclude_none=True)
    _replace(folder.suite, tomli_w.dumps(resolved, multiline_strings=True))


def write_manifest(plan: Plan, folder: RunFolder, facts: dict[str, Any]) -> None:
    """Write `manifest.json`.

    Args:
        plan: The plan.
        folder: The run folder.
        facts: What only the runner knows: device, workers, seconds, memory.
    """
    originals = read_rows(folder.root, OriginalRow)
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "almbench": __version__,
        "commit": _commit(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join(["bench", *sys.argv[1:]]),
        "suite": plan.suite.model_dump(include={"name", "seed", *About.model_fields}),
        "suite_sha256": sha256(folder.suite),
        "machine": {
            "python": platform.python_version(),
            "system": platform.platform(),
            "processor": _processor(),
            "cores": os.cpu_count(),
        },
        "packages": {name: _version(name) for name in PACKAGES},
        "run": facts,
        "testsets": [_testset(t, originals) for t in plan.testsets],
        "skipped": plan.skipped,
        "codecs": _codecs(plan),
        "metrics": _metrics(plan),
        "policies": {"version": policies.VERSION, **policies.TEXT},
    }
    _replace(folder.manifest, json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")


def _replace(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _testset(testset: TestSet, originals: dict[tuple[str, ...], OriginalRow]) -> dict[str, Any]:
    rows = [
        originals[testset.name, c.id] for c in testset.clips if (testset.name, c.id) in originals
    ]
    return {
        "name": testset.name,
        "domain": testset.config.domain,
        "path": testset.config.path,
        "scoring_rate": testset.scoring_rate,
        "clips": len(testset.clips),
        "seconds": sum(row.duration_s or 0.0 for row in rows),
        "averaged_channels": sum((row.channels or 1) > 1 for row in rows),
        "data_hash": signature([(row.clip, row.samples_sha256) for row in rows]),
    }


def _codecs(plan: Plan) -> list[dict[str, Any]]:
    specs = {e.spec.id: e for t in plan.testsets for e in t.entries}
    return [
        {**e.spec.model_dump(), "nominal_kbps": e.spec.nominal_kbps, "missing": e.missing or ""}
        for e in specs.values()
    ]


def _metrics(plan: Plan) -> list[dict[str, Any]]:
    seen: dict[str, dict[str, Any]] = {}
    for testset in plan.testsets:
        for judge in testset.judges:
            for metric in judge.metrics:
                seen[metric.name] = {
                    "name": metric.name,
                    "label": metric.label,
                    "unit": metric.unit,
                    "higher_is_better": metric.higher_is_better,
                    "digits": metric.digits,
                    "family": judge.family.name,
                    "version": judge.family.version(),
                    "rate": judge.family.rate,
                    "settings": judge.family.settings.model_dump(),
                    "missing": judge.missing or "",
                }
    return list(seen.values())


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor()


def _commit() -> str | None:
    """The git commit of almbench itself, where it runs from a checkout."""
    here = Path(__file__).resolve().parent
    try:
        done = subprocess.run(
            ["git", "-C", str(here), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
