"""What the measurements of whole processes share: running them, and keeping their figures."""

import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from almbench.devices import cpu_count
from almbench.version import __version__


def timed(
    command: list[Any], changes: Mapping[str, str] | None = None, *, may_fail: bool = False
) -> tuple[float, float, str]:
    """Run a process; its wall and CPU seconds, those of its children included, and its output.

    Args:
        command: What to run.
        changes: Environment variables.
        may_fail: Whether exit code 1 is borne, by which `bench` says that clips failed.
    """
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [*map(str, command)],
        env={**os.environ, **(changes or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in ({0, 1} if may_fail else {0}):
        sys.exit(done.stderr)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, done.stdout


def keep(path: Path, figures: dict[str, Any]) -> None:
    """Add the figures of a call to those of earlier ones."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    made = {"at": now, "version": __version__, "machine": platform.platform(), "cores": cpu_count()}
    before = json.loads(path.read_text()) if path.is_file() else []
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps([*before, made | figures], indent=1))
