"""Every kind of page, judged by html-validate."""

import shutil
import subprocess
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1] / "js"


@pytest.mark.parametrize("name", ["site", "nasty_site", "joint_site"])
def test_pages_are_valid(name: str, request: pytest.FixtureRequest) -> None:
    if shutil.which("npx") is None:
        pytest.skip("npx is missing: install Node.js 18 or newer, with npm")
    if not (TESTS / "node_modules" / "html-validate").is_dir():
        pytest.skip("the packages of tests/js are missing: run `npm ci` there")
    pages = [str(page) for page in sorted(request.getfixturevalue(name).glob("*.html"))]
    done = subprocess.run(
        ["npx", "--no-install", "html-validate", "--config=.htmlvalidate.json", *pages],
        cwd=TESTS,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
