"""A run folder that holds more than its tables show says so."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from almbench.results.results import load_results
from almbench.runner.plan import select
from almbench.runner.run import run_suite
from almbench.suite.load import load_suite

Bench = Callable[..., subprocess.CompletedProcess[str]]


def narrowed(small: Path, root: Path, *choice: list[str]) -> tuple[str, ...]:
    return run_suite(
        select(load_suite(str(small)), *choice), root, "cpu", workers=1
    ).manifest.left_out


def test_what_narrowing_leaves_out_is_named_and_comes_back(small: Path, tmp_path: Path) -> None:
    root = tmp_path / "run"
    assert narrowed(small, root, [], [], ["gain_db", "lag_ms"]) == ()
    assert narrowed(small, root, ["opus-6"], [], ["gain_db"]) == (
        "codec lowpass-3.5 (in talk)",
        "metric lag_ms (in talk)",
    )
    assert set(load_results(root).summary()["codec"]) == {"opus-6"}
    assert narrowed(small, root, [], [], ["gain_db", "lag_ms"]) == ()
    next((tmp_path / "data").iterdir()).unlink()
    assert narrowed(small, root, [], [], ["gain_db", "lag_ms"]) == ("1 clip of talk",)


def test_the_command_and_the_page_say_it(small: Path, tmp_path: Path, bench: Bench) -> None:
    root, page = tmp_path / "run", tmp_path / "public" / "index.html"
    fast = ("--metric", "gain_db", "--workers", "1", "-o", root)
    whole = bench("run", small, *fast)
    assert whole.returncode == 0, whole.stderr
    assert "Left out" not in whole.stdout
    assert "Left out" not in bench("run", small, *fast, "--dry-run").stdout
    narrow = ("--codec", "opus-6", "--metric", "gain_db", "-o", root)
    line = "Left out of the tables to come, and in the folder from earlier runs: codec lowpass-3.5"
    for told in (("run", small, *narrow, "--dry-run"), ("submit", small, *narrow, "--slurm")):
        done = bench(*told)
        assert line in " ".join(done.stdout.split()), done.stderr
        assert ("suite.toml is the suite of these jobs now" in done.stdout) == ("--slurm" in told)
    done = bench("run", small, "--codec", "opus-6", *fast)
    assert "Left out of these tables" in done.stdout
    assert "codec lowpass-3.5 (in talk). A run that asks for them has them again." in done.stdout
    assert bench("site", root, "-o", page.parent).returncode == 0
    assert "before it was narrowed: codec lowpass-3.5 (in talk)." in page.read_text()
