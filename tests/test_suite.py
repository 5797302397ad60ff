from pathlib import Path

import pytest

from almbench.errors import UserError
from almbench.plan import make_plan
from almbench.suite import builtin_suites, fill_in, load_suite

MINIMAL = """
name = "mine"
[[testset]]
name = "speech"
domain = "speech"
{testset}
[[codec]]
id = "opus-6"
{codec}
"""


def write(folder: Path, testset: str = "", codec: str = "") -> str:
    path = folder / "suite.toml"
    path.write_text(MINIMAL.format(testset=testset, codec=codec))
    return str(path)


def test_builtin_suites_load() -> None:
    for name in builtin_suites():
        assert load_suite(name).name == name


@pytest.mark.parametrize(
    ("testset", "codec", "words"),
    [
        ("pth = 'x'", "", ["pth", "path"]),
        ("layout = 'vctc'", "", ["layout", "vctc", "vctk"]),
        ("limit = 0", "", ["limit", "0"]),
        ("limit = 'many'", "", ["limit", "many"]),
        ("metrics = 3", "", ["metrics"]),
        ("", "optons = {}", ["optons", "options"]),
        ("", "domains = ['sppech']", ["domains", "sppech", "speech"]),
        ("", "[[codec]]\nid = 'OPUS-6'", ["opus-6", "twice"]),
        ("", "[[codec]]\nid = 'a/b'", ["id", "a/b"]),
        ("", "[[codec]]\nid = 'original'", ["original", "reserved"]),
        ("", "[[codec]]\nid =", ["TOML"]),
    ],
)
def test_a_mistake_names_the_key_and_the_cure(
    tmp_path: Path, testset: str, codec: str, words: list[str]
) -> None:
    with pytest.raises(UserError) as caught:
        load_suite(write(tmp_path, testset, codec))
    for word in words:
        assert word in str(caught.value)


def test_an_unknown_suite_suggests_the_nearest() -> None:
    with pytest.raises(UserError, match="Did you mean 'quick'"):
        load_suite("quik")
    with pytest.raises(UserError, match=r"no/such\.toml does not exist"):
        load_suite("no/such.toml")


def test_relative_paths_are_those_of_the_suite_file(tmp_path: Path) -> None:
    suite = load_suite(write(tmp_path, "path = 'sounds'"))
    assert suite.testset[0].path == str(tmp_path / "sounds")


def test_data_folders_are_filled_in(tmp_path: Path) -> None:
    suite = load_suite("alm-demo")
    fill_in(suite, {"demo": tmp_path})
    assert suite.testset[0].path == str(tmp_path / "speech/gt")
    assert suite.codec[0].options["path"] == str(tmp_path / "{domain}/dac")


def test_a_test_set_without_path_takes_the_folder_of_its_name(tmp_path: Path) -> None:
    suite = load_suite(write(tmp_path))
    fill_in(suite, {"speech": tmp_path})
    assert suite.testset[0].path == str(tmp_path)


def test_missing_and_unused_data_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--data demo=PATH"):
        fill_in(load_suite("alm-demo"), {})
    with pytest.raises(UserError, match="Did you mean 'demo'"):
        fill_in(load_suite("alm-demo"), {"demo": tmp_path, "demos": tmp_path})


def test_optional_test_sets_that_were_not_given_are_skipped(tmp_path: Path) -> None:
    suite = load_suite(write(tmp_path, "optional = true"))
    fill_in(suite, {})
    with pytest.raises(UserError, match=r"speech \(give --data speech=PATH\)"):
        make_plan(suite)
    with pytest.raises(UserError, match="--data demo=PATH"):
        fill_in(load_suite("alm-demo"), {})
