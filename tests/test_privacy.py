"""No folder of the machine is named in what is published."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile as sf
from pydantic import JsonValue

from almbench.privacy import command_line, hide, shown_path, without_folders
from almbench.results.records import ReconstructionRow
from almbench.site.output import FOLDERS

Bench = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Error opening '/data/my corpus/x.wav': Format", "Error opening 'x.wav': Format"),
        ("[Errno 2] No such file: '/a/b c/d.npz'", "[Errno 2] No such file: 'd.npz'"),
        ("/data/vctk/a.wav is empty", "a.wav is empty"),
        ("see /nowhere/x/y.txt, and /nowhere/z/: gone", "see y.txt, and z: gone"),
        ("(/models/mimi) or ~/models/dac/weights.pt.", "(mimi) or weights.pt."),
        (r"C:\Users\me\data\x.wav is gone", "x.wav is gone"),
        (r"\\server\share\x.wav is gone", "x.wav is gone"),
        ("path=/home/me/x.wav", "path=x.wav"),
        ("cannot read:/data/x/y.wav", "cannot read:y.wav"),
        ("file:///home/me/x.wav", "x.wav"),
        ("at https://example.org/a/b.html", "at https://example.org/a/b.html"),
        ("1.5 kbit/s of 24/16 kHz, and/or a / b", "1.5 kbit/s of 24/16 kHz, and/or a / b"),
        ("no file for a/b in cod", "no file for a/b in cod"),
        ("facebook/encodec_24khz is not here", "facebook/encodec_24khz is not here"),
        ("", ""),
    ],
)  # fmt: skip
def test_of_a_path_the_last_part_is_left(text: str, shown: str) -> None:
    assert without_folders(text) == shown


def test_a_path_that_is_there_may_have_spaces(tmp_path: Path) -> None:
    path = tmp_path / "two words (and more)" / "a b.wav"
    path.parent.mkdir()
    path.touch()
    assert without_folders(f"{path} holds NaN") == "a b.wav holds NaN"
    assert without_folders(f"in {path.parent}: {path}.") == "in two words (and more): a b.wav."
    assert without_folders("in /tmp: full") == "in tmp: full"


def test_settings_are_searched_whole() -> None:
    given: JsonValue = {"command": ["/opt/bin/python", "w.py"], "n": 3, "at": {"source": "/m/e"}}
    assert hide(given) == {"command": ["python", "w.py"], "n": 3, "at": {"source": "e"}}


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/data/vctk", "vctk"), ("/data/test/*/mixture.wav", "test/*/mixture.wav"),
        ("/*.wav", "*.wav"), ("runs/x", "runs/x"), ("kyutai/mimi", "kyutai/mimi"), ("", ""),
        ("~/models/mimi", "mimi"),
    ],
)  # fmt: skip
def test_paths_as_they_are_shown(path: str, shown: str) -> None:
    assert shown_path(path) == shown


def test_a_command_line_has_the_names_of_its_folders() -> None:
    given = ["run", "/home/me/s.toml", "--data", "demo=/data/x", "--data=y=/data/y", "-o", "/tmp/r"]
    given += ["--checkpoint", "mimi-1.1=~/m", "--set", "a.source=/m/ecapa", "--codec", "opus-6"]
    assert command_line(given) == (
        "bench run s.toml --data 'demo={demo}' '--data=y={y}' -o r --checkpoint "
        "'mimi-1.1={mimi-1.1}' --set a.source=ecapa --codec opus-6"
    )


def test_a_row_names_no_folder() -> None:
    row = ReconstructionRow(
        testset="t", clip="a", codec="c", status="failed", signature="s",
        reason="RuntimeError: /opt/secret/model.pt is torn", note="as in /opt/secret/x",
    )  # fmt: skip
    assert (row.reason, row.note) == ("RuntimeError: model.pt is torn", "as in x")


FAULTY = """
name = "faulty"
[[testset]]
name = "talk"
domain = "speech"
[[testset]]
name = "more"
domain = "speech"
path = "{root}/secret-globs/*/x.wav"
[[testset]]
name = "absent"
domain = "sound"
path = "{root}/secret-absent"
optional = true
[[codec]]
id = "opus-6"
[[codec]]
id = "encodec-1.5"
options = {{ checkpoint = "{root}/secret-checkpoint" }}
[[codec]]
id = "theirs"
adapter = "reconstructions"
options = {{ path = "{root}/secret-ready" }}
[[codec]]
id = "worker"
adapter = "external"
[codec.options]
command = ["{{python}}", "{root}/secret-worker/w.py"]
sample_rate = 16000
[metrics]
speech = ["gain_db", "speaker_similarity"]
[settings.speaker_similarity]
backend = "ecapa"
source = "{root}/secret-ecapa"
"""


def test_no_folder_of_a_run_is_on_its_site_or_in_its_tables(
    tmp_path: Path, speech: list[Path], bench: Bench
) -> None:
    root = tmp_path / "secret-root"
    samples, rate = sf.read(speech[0], dtype="int16")
    for name in ("secret-data/a.wav", "secret-globs/one/x.wav", "secret-ready/a.wav"):
        (root / name).parent.mkdir(parents=True)
        sf.write(root / name, samples[: 2 * rate], rate)
    (root / "secret-data" / "torn.wav").write_bytes(b"RIFF" + bytes(100))
    (root / "secret-data" / "gone.wav").symlink_to(root / "secret-data" / "nowhere.wav")
    (root / "secret-checkpoint").mkdir()
    (root / "secret-worker").mkdir()
    (root / "secret-worker" / "w.py").write_text("raise SystemExit(__file__ + ' gives up')\n")
    suite = root / "faulty.toml"
    suite.write_text(FAULTY.format(root=root))
    run, site = root / "secret-runs" / "run", root / "secret-sites" / "public"
    data = f"talk={root / 'secret-data'}"
    done = bench("run", suite, "--data", data, "-o", run, "--workers", "1")
    assert done.returncode == 1, done.stderr
    assert bench("site", run, "-o", site).returncode == 0
    at_home = site / FOLDERS  # `bench publish` leaves it out
    published = [path for path in site.rglob("*") if path.is_file() and path != at_home]
    published += [*run.glob("*.csv"), run / "manifest.json", *(run / "rows").iterdir()]
    for path in published:
        content = path.read_bytes()
        found = [word for word in (b"secret-root", str(Path.home()).encode()) if word in content]
        assert not found, f"{path} names {found}"
        assert b"secret-runs" not in content
        assert b"secret-sites" not in content
    text = (run / "manifest.json").read_text()
    assert "'talk={talk}'" in text
    assert "secret-globs/*/x.wav" in text
