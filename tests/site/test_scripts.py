"""Runs the tests of the scripts in tests/js with node's own test runner."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1] / "js"


@pytest.mark.skipif(
    shutil.which("node") is None, reason="node is missing: install Node.js 18 or newer"
)
def test_the_scripts_pass_their_own_tests(site: Path) -> None:
    if shutil.which("node") is None:
        pytest.skip("node is missing: install Node.js 18 or newer, with npm")
    if not (TESTS / "node_modules").is_dir():
        pytest.skip("the packages of tests/js are missing: run `npm ci` there")
    done = subprocess.run(
        ["node", "--test", *sorted(path.name for path in TESTS.glob("*.test.js"))],
        cwd=TESTS,
        env={**os.environ, "ALMBENCH_SITE": str(site)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    passed, skipped = (
        int(match[1]) if (match := re.search(rf"^\S+ {word} (\d+)$", done.stdout, re.M)) else None
        for word in ("pass", "skipped")
    )
    assert passed is not None
    assert passed > 30
    assert skipped == 0
