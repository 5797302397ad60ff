"""What the command line promises: its commands and their defaults, its exit codes."""

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from almbench.cli.main import INTERRUPTED, app

Bench = Callable[..., subprocess.CompletedProcess[str]]
# The contract, written out here so that no default changes unnoticed.
DEFAULTS: dict[str, dict[str, Any]] = {
    "run": {
        "suite": None, "repeated": None, "output": None, "codec": None, "testset": None,
        "metric": None, "data": None, "checkpoint": None, "setting": None, "keep": None,
        "device": "auto", "batch": None, "engine": "local", "ray_address": None, "gpus": None,
        "workers": None, "dry_run": False,
    },
    "score": {
        "reference": None, "reconstruction": None, "domain": "speech", "match": "{clip}",
        "cut_longer": False, "output": None, "codes": None, "labels": None, "metric": None,
        "setting": None, "keep": None, "workers": None,
    },
    "submit": {
        "suite": None, "output": None, "slurm": False, "codec": None, "testset": None,
        "metric": None, "data": None, "checkpoint": None, "setting": None, "keep": None,
        "batch": None, "units_per_task": 16, "at_once": None, "cpus": None, "gpus": None,
        "memory": None, "time": None, "partition": None, "sbatch": None, "now": False,
    },
    "work": {
        "run": None, "units": None, "codec": None, "device": "auto", "batch": None, "workers": None,
    },
    "site": {
        "runs": None, "output": Path("public"), "max_clips": None, "post_url": None,
        "listening": None, "theme": None, "css": None, "language": None, "compare": None,
        "add": False,
    },
    "serve": {"folder": Path("public"), "port": 8000},
    "publish": {
        "site": Path("public"), "remote": "origin", "branch": "gh-pages", "repository": Path(),
        "message": None, "dry_run": False,
    },
    "export": {
        "run": None, "format_": None, "table": "summary", "codec": None, "output": None,
        "testset": None, "metric": None, "clips": "all", "ci": False, "width": "3.3in",
    },
    "import": {
        "scores": None, "output": None, "domain": "speech", "testset": None, "rate": None,
    },
    "compare": {
        "run": None, "other": None, "baseline": None, "metric": None,
        "fail_on_regression": False, "form": "table", "output": None,
    },
    "rate-distortion": {
        "run": None, "family": None, "baseline": None, "metric": None, "form": "table",
        "output": None,
    },
    "probe": {
        "run": None, "measure": None, "testset": None, "codec": None, "label": None, "codes": None,
        "labels": None, "kmeans": 0, "continuations": 0, "output": None, "seed": 0, "setting": None,
        "device": "auto", "workers": None,
    },
    "check": {
        "codecs": None, "checkpoint": None, "option": None, "device": "auto", "against": None,
    },
    "encode": {
        "files": None, "codec": None, "output": None, "checkpoint": None, "option": None,
        "device": "auto", "force": False,
    },
    "decode": {
        "files": None, "codec": None, "output": None, "checkpoint": None, "option": None,
        "device": "auto", "force": False,
    },
    "fetch": {"names": None},
    "conformance": {"metrics": None, "files": None},
    "verify": {"run": None, "sample": 20, "seed": None},
    "list": {"what": None},
    "codec install": {"name": None, "python": None, "force": False},
    "listen analyse": {"results": None, "output": Path("listening"), "screening": True},
    "listen export-webmushra": {
        "run": None, "output": Path("webmushra"), "codec": None, "max_clips": 8,
    },
    "train almtokenizer": {
        "stage": None, "data": None, "config": "small", "output": None, "validation": None,
        "setting": None, "device": "auto", "workers": 1, "until": None,
    },
    "train recipe": {"name": None},
    "train ablate": {
        "validation": None, "data": None, "config": "small", "setting": None,
        "output": Path("runs/almtokenizer-ablation"), "seeds": 1, "variant": None,
    },
    "train measure": {
        "checkpoint": None, "speech": None, "sound": None, "demo": None, "training": None,
        "output": Path("runs/almtokenizer-card"),
    },
}  # fmt: skip


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """All commands below one, by what one types."""
    if not hasattr(command, "commands"):
        yield " ".join(path), command
        return
    for name, inner in command.commands.items():
        yield from commands(inner, (*path, name))


def test_every_command_is_here() -> None:
    assert {name for name, _ in commands(typer.main.get_command(app))} == set(DEFAULTS)


@pytest.mark.parametrize("name", DEFAULTS)
def test_options_and_defaults(name: str) -> None:
    command = dict(commands(typer.main.get_command(app)))[name]
    found = {p.name: p.default for p in command.params if p.name != "help"}
    assert found == DEFAULTS[name]
    assert command.help


def test_exit_codes_are_in_the_help(bench: Bench) -> None:
    assert INTERRUPTED == 130  # 128 + SIGINT, as shells have it
    words = " ".join(bench("--help").stdout.replace("│", " ").split())
    assert (
        "Exit codes: 0 done; 1 done, but some clips or codecs failed; 2 the input is wrong" in words
    )
    assert "130 interrupted" in words


def test_a_run_without_a_suite_is_the_quick_one(bench: Bench) -> None:
    done = bench("run", "--testset", "x")
    assert done.returncode == 2
    assert "Allowed: music, sound, speech." in done.stderr  # those of the suite `quick`


def test_a_run_without_options_goes_to_the_folder_of_its_suite(
    bench: Bench, small: Path, tmp_path: Path
) -> None:
    done = bench("run", small, "--metric", "gain_db", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs" / "small" / "summary.csv").is_file()


@pytest.mark.parametrize("name", ["", "codec", "listen", "train", *DEFAULTS])
def test_help_names_what_to_give_and_no_types(name: str) -> None:
    done = CliRunner().invoke(app, [*name.split(), "--help"], env={"COLUMNS": "80"})
    assert done.exit_code == 0
    assert not re.findall(r"<(?:bool|str|path|Path|dir|file|int|float)\b.*?>|list\[", done.output)
    assert not re.findall(r"TEXT|INTEGER|FLOAT|BOOLEAN", done.output)  # as Typer had them before
    usage = done.output.split("Usage:")[1].split("\n")[0]
    assert usage.split()[:2] == ["bench", *(name.split() or ["[OPTIONS]"])][:2]
    assert "{" not in usage
    assert max(map(len, done.output.splitlines())) <= 80
