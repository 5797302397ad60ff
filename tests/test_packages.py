from pathlib import Path

import pytest

from almbench.packages import missing_packages, pip_install, release


def test_release_names_package_and_version() -> None:
    assert release("pystoi") == "pystoi 0.4.1"
    assert release("no-such-package") == "no-such-package (not installed)"


def test_what_is_missing_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert missing_packages(["numpy"], "numpy") is None
    assert missing_packages(["numpy", "nowhere", "nothing"], "'almbench[no]'") == (
        "nowhere and nothing are not installed. To fix: pip install 'almbench[no]'"
    )
    assert missing_packages(["nowhere"], "it") == "nowhere is not installed. To fix: pip install it"


def test_in_a_clone_and_nowhere_else_the_tested_versions_are_kept_to(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(Path(__file__).parents[1])
    assert pip_install("'almbench[neural]'") == (
        "pip install -c constraints.txt 'almbench[neural]'"
    )
    monkeypatch.chdir(tmp_path)
    (tmp_path / "constraints.txt").touch()  # of another project
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "other"\n')
    assert pip_install("av") == "pip install av"
