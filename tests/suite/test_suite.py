import shlex
from pathlib import Path

import pytest

from almbench.errors import UserError
from almbench.runner.plan import make_plan, select
from almbench.samples import folder
from almbench.suite.load import builtin_suites, data_names, fill_in, load_suite, use_checkpoints

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
        ("", "[[codec]]\nid = 'CON'", ["id", "CON", "Windows"]),
        ("", "[[codec]]\nid = 'com1.wav'", ["id", "COM1", "Windows"]),
        ("", "[[codec]]\nid = 'opus.'", ["id", "ends in no dot"]),
        ("", "[[codec]]\nid = 'hf:kyutai/mimi@8'\noptions = 3", ["options", "3"]),
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


def test_sounds_in_place_of_a_suite_are_led_to_the_option_for_them(tmp_path: Path) -> None:
    table, sound = tmp_path / "my clips.csv", tmp_path / "a.wav"
    for path in (table, sound):
        path.touch()
    for given, named in ((table, table), (tmp_path, tmp_path), (sound, tmp_path)):
        with pytest.raises(UserError, match="is no suite") as caught:
            load_suite(str(given))
        command = shlex.split(str(caught.value).partition(": bench run ")[2])
        assert command == ["quick", "--testset", "speech", "--data", f"speech={named}"]


def test_relative_paths_are_those_of_the_suite_file(tmp_path: Path) -> None:
    suite = load_suite(write(tmp_path, "path = 'sounds'"))
    assert suite.testset[0].path == str(tmp_path / "sounds")


def test_data_folders_are_filled_in(tmp_path: Path) -> None:
    suite = load_suite("alm-demo")
    fill_in(suite, {"demo": tmp_path})
    assert suite.testset[0].path == str(tmp_path / "speech/gt")
    assert suite.codec[0].options["path"] == str(tmp_path / "{domain}/dac")


def test_data_folders_are_filled_in_wherever_options_hold_text(tmp_path: Path) -> None:
    options = """
adapter = "external"
[codec.options]
command = ["{python}", "{code}/worker.py", "{workers}/x", "-c", "https://a//b"]
sample_rate = 16000
family = ""
settings = { weights = "{weights}/best.pt", levels = 4 }
"""
    suite = load_suite(write(tmp_path, codec=options))
    data = {name: tmp_path / name for name in ("speech", "code", "weights")}
    fill_in(suite, data)
    assert suite.codec[0].options == {
        "command": [
            "{python}",
            str(tmp_path / "code/worker.py"),
            "{workers}/x",
            "-c",
            "https://a//b",
        ],
        "sample_rate": 16000,
        "family": "",
        "settings": {"weights": str(tmp_path / "weights/best.pt"), "levels": 4},
    }
    with pytest.raises(UserError, match=r"codec 'opus-6' needs a folder: .* --data code=PATH"):
        fill_in(load_suite(write(tmp_path, codec=options)), {"speech": tmp_path})


def test_a_test_set_without_path_takes_the_folder_of_its_name(tmp_path: Path) -> None:
    suite = load_suite(write(tmp_path))
    fill_in(suite, {"speech": tmp_path})
    assert suite.testset[0].path == str(tmp_path)


def test_the_title_says_which_clips_are_not_the_suites_own(tmp_path: Path) -> None:
    suite = load_suite("quick")
    fill_in(suite, {"speech": tmp_path / "my-clips", "music": tmp_path / "songs.csv"})
    assert suite.title == (
        "Codecs that need no download: speech from my-clips, music from songs.csv"
    )
    for its_own in ({}, {"path": "path = '{speech}'"}):  # which the suite asks for
        suite = load_suite(write(tmp_path, *its_own.values()))
        fill_in(suite, {"speech": tmp_path})
        assert suite.title == ""


def test_missing_data_folders_are_named() -> None:
    with pytest.raises(UserError, match="--data demo=PATH"):
        fill_in(load_suite("alm-demo"), {})


def test_the_names_of_data_folders_are_those_in_braces_and_of_test_sets(tmp_path: Path) -> None:
    assert data_names(load_suite("quick")) == ["speech", "sound", "music"]
    assert data_names(load_suite("alm-demo")) == ["demo", "speech", "sound", "music"]
    options = """
adapter = "external"
options = { command = ["{python}", "{code}/worker.py"], settings = { weights = "{weights}/w" } }
"""
    assert data_names(load_suite(write(tmp_path, codec=options))) == ["code", "weights", "speech"]


def test_optional_test_sets_that_were_not_given_are_skipped(tmp_path: Path) -> None:
    suite = load_suite(write(tmp_path, "optional = true"))
    fill_in(suite, {})
    with pytest.raises(UserError, match=r"test set speech \(give --data speech=PATH\)"):
        make_plan(suite)
    with pytest.raises(UserError, match="--data demo=PATH"):
        fill_in(load_suite("alm-demo"), {})


def test_optional_codecs_that_cannot_be_used_are_skipped_unless_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALMBENCH_HOME", str(tmp_path))  # holds no environment of StableCodec
    more = '[[codec]]\nid = "stablecodec-0.4"\noptional = true'
    suite = load_suite(write(tmp_path, f'path = "{folder() / "speech"}"', codec=f"\n{more}"))
    plan = make_plan(suite)
    assert [c.record.id for c in plan.testsets[0].codecs] == ["opus-6"]
    assert len(plan.skipped) == 1
    assert plan.skipped[0].startswith("stablecodec-0.4 (")
    named = make_plan(select(suite, ["stablecodec-0.4"], [], []))
    assert named.testsets[0].codecs[0].record.missing
    assert named.skipped == []
    alone = suite.model_copy(update={"codec": suite.codec[1:]})
    with pytest.raises(UserError, match=r"No codec .* Cannot be used: stablecodec-0\.4"):
        make_plan(alone)


ABOUT = """
url = 'https://example.org/work/'
authors = ['A', 'B']
citation = '@misc{x}'
highlight = 'opus-6'
"""
FIGURE = """
[[published]]
codec = "opus-6"
domain = "speech"
metric = "pesq_wb"
value = 1.5
source = "Nobody, 2020"
"""


def write_about(folder: Path, about: str = "", figure: str = "") -> str:
    path = folder / "suite.toml"
    path.write_text(about + MINIMAL.format(testset="path = 'x'", codec="") + figure)
    return str(path)


def test_what_a_suite_tells_of_itself(tmp_path: Path) -> None:
    suite = load_suite(write_about(tmp_path, ABOUT, FIGURE))
    assert (suite.url, suite.authors) == ("https://example.org/work/", ["A", "B"])
    assert suite.highlight == "opus-6"
    (figure,) = suite.published
    assert (figure.codec, figure.domain, figure.value) == ("opus-6", "speech", 1.5)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("https:", "javascript:", ["url", "https://"]),
        ("https://example.org", "https://", ["url", "https://"]),
        ("example.org", "example.org/a b", ["url", "spaces"]),
        ("example.org", "a;b", ["url"]),
        ("example.org", "user@example.org", ["url"]),
        ("'A', 'B'", "1", ["authors"]),
        ("'opus-6'", "'opus-7'", ["opus-7", "opus-6", "highlight"]),
        ('codec = "opus-6"', 'codec = "opus-7"', ["opus-7", "opus-6", "[[published]]"]),
        ('domain = "speech"', 'testset = "speec"', ["speec", "speech"]),
        ('domain = "speech"', "", ["'domain'", "'testset'"]),
        ("value = 1.5", "value = nan", ["published[0].value"]),
        ("value = 1.5", "", ["value", "missing"]),
        ('"Nobody, 2020"', '""', ["published[0].source"]),
    ],
)
def test_mistakes_in_what_a_suite_tells(
    old: str, new: str, words: list[str], tmp_path: Path
) -> None:
    figure = FIGURE.replace(old, new)
    about = ABOUT.replace(old, new)
    with pytest.raises(UserError) as caught:
        load_suite(write_about(tmp_path, about, figure))
    assert all(word in str(caught.value) for word in words)


def test_a_narrowed_suite_keeps_what_it_tells_of_its_codecs(tmp_path: Path) -> None:
    suite = load_suite(write_about(tmp_path, ABOUT, FIGURE))
    assert select(suite, ["opus-24"], [], []).published == []
    assert select(suite, ["opus-24"], [], []).highlight == ""
    assert select(suite, ["opus-6"], [], []).highlight == "opus-6"
    assert len(select(suite, [], ["speech"], []).published) == 1


def test_published_figures_of_built_in_suites_name_their_source() -> None:
    figures = load_suite("alm-demo").published
    metrics = {"pesq_wb", "pesq_nb", "stoi", "utmos", "dnsmos", "mushra"}
    assert {f.metric for f in figures} == metrics
    assert all("2504.10344" in f.source or f.codec == "almtokenizer2" for f in figures)
    assert "2504.10344" in load_suite("alm-baselines").citation


def test_checkpoints_of_codecs_that_were_left_out_are_no_mistake() -> None:
    chosen = select(load_suite("alm-baselines"), ["mimi-1.1"], [], [])
    use_checkpoints(chosen, {"mimi-1.1": Path("/a"), "mimi-0.41": Path("/b")})
    assert [(c.id, c.options["checkpoint"]) for c in chosen.codec] == [("mimi-1.1", "/a")]
