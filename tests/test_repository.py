"""The files around the code: what they repeat of it is true."""

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from almbench import __version__
from almbench.domains import DOMAINS

ROOT = Path(__file__).resolve().parents[1]
FORMS = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"))
PARTS = {"markdown", "input", "textarea", "dropdown", "checkboxes"}


def test_the_citation_names_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert citation["cff-version"] == "1.2.0"
    assert citation["title"] == project["name"]
    assert citation["license"] == project["license"]
    assert str(citation["version"]) == __version__
    assert citation["message"]
    assert citation["authors"]


def test_pre_commit_has_the_linters_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = {what for what in project["optional-dependencies"]["dev"] if "==" in what}
    [repository] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    used = {what for hook in repository["hooks"] for what in hook["additional_dependencies"]}
    assert {what.partition("=")[0] for what in used} == {"ruff", "codespell"}
    assert used <= pinned


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.stem)
def test_an_issue_form_is_one(form: Path) -> None:
    content: dict[str, Any] = yaml.safe_load(form.read_text())
    assert content["name"]
    assert content["description"]
    fields = [part for part in content["body"] if part["type"] != "markdown"]
    ids = [part["id"] for part in fields]
    assert len(ids) == len(set(ids)) > 0
    for part in content["body"]:
        assert part["type"] in PARTS
        assert part["type"] == "markdown" or part["attributes"]["label"]
    [domains] = [part for part in fields if part["id"] == "domains"]
    assert domains["attributes"]["options"] == list(DOMAINS)


def test_the_forms_ask_for_codecs_and_metrics() -> None:
    assert [form.stem for form in FORMS] == ["new-codec", "new-metric"]


def test_the_package_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "almbench", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"almbench {__version__}\n"


def test_the_shell_completes_commands_and_options() -> None:
    bench = Path(sys.executable).with_name("bench")
    for words, at, found in [("bench li", 1, "list\nlisten"), ("bench run --dev", 2, "--device")]:
        env = {"_BENCH_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(at)}
        done = subprocess.run([bench], env=env, capture_output=True, text=True, check=False)
        assert done.stdout.strip() == found, done.stderr
