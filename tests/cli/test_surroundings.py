"""The command where the surroundings are poor: encoding, terminal, home, cores, disks."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile as sf

import almbench
from tests.conftest import Bench

BENCH = Path(sys.executable).with_name("bench")
HOMES = ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "LANG", "PYTHONPATH")
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
NAMES = ("café", "模型 (1)", "old\udce9")  # the last one is Latin-1, from an old archive
CODECS = ("模型一", "Größe")


@pytest.fixture
def folders(tmp_path: Path, speech: list[Path]) -> Path:
    """Originals and what two codecs made of them, with names beyond ASCII."""
    samples, rate = sf.read(speech[0])
    for folder, gain in {"original": 1.0, CODECS[0]: 0.5, CODECS[1]: 0.5}.items():
        (tmp_path / folder).mkdir()
        for name in NAMES:
            path = os.fsencode(tmp_path / folder / f"{name}.wav")
            sf.write(path, gain * samples[: 2 * rate], rate, format="WAV")
    return tmp_path


def run(*args: object, cwd: Path, env: dict[str, str], before: tuple[str, ...] = ()) -> str:
    """Run a command without a home and a terminal; what it said, after it went well."""
    bare = {key: value for key, value in os.environ.items() if key not in HOMES}
    done = subprocess.run(
        [*before, str(BENCH), *map(str, args)],
        cwd=cwd, env=bare | env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=300, check=False,
    )  # fmt: skip
    said = done.stdout.decode()
    assert done.returncode == 0, said
    return said


def test_in_a_bare_surrounding_names_stay_whole_and_lines_fit(folders: Path) -> None:
    env = ASCII | {"COLUMNS": "60", "NO_COLOR": "1", "PYTHONWARNDEFAULTENCODING": "1"}
    one_core = ("taskset", "-c", "0") if shutil.which("taskset") else ()
    metrics = ("--metric", "gain_db", "--metric", "stoi")
    said = run("score", "original", *CODECS, "-o", "run", *metrics, cwd=folders, env=env,
               before=one_core)  # fmt: skip
    assert "\x1b" not in said
    assert "\r" not in said
    table = said[said.index("originals (means") : said.index("Tables:")].splitlines()
    assert max(map(len, table)) <= 60
    for codec in CODECS:
        assert any(line.split()[:2] == [codec, "-6.0"] for line in table)
    ours = str(Path(almbench.__file__).parent)  # a checkout may have the project's name as well
    assert not [line for line in said.splitlines() if ours in line and "EncodingWarning" in line]
    manifest = json.loads((folders / "run/manifest.json").read_text(encoding="utf-8"))
    clips = {clip["id"] for clip in manifest["testsets"][0]["clips"]}
    assert clips == {"café", "模型_1_", "oldé"}
    if one_core:
        assert manifest["run"]["workers"] == 1
    run("site", "run", "-o", "public", cwd=folders, env=env)
    assert CODECS[0] in (folders / "public/index.html").read_text(encoding="utf-8")


def test_originals_in_a_folder_called_original(folders: Path, bench: Bench) -> None:
    done = bench("score", "original", CODECS[0], "--metric", "gain_db", "-o", "r", cwd=folders)
    assert done.returncode == 0, done.stderr
    assert "originals: took 3 of 3" in done.stderr


def _on_a_terminal(env: dict[str, str], cwd: Path) -> str:
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [BENCH, "score", "nowhere", "nowhere"],
        cwd=cwd, env=os.environ | {"TERM": "xterm-256color"} | env,
        stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    said = b""
    try:
        while part := os.read(ours, 4096):
            said += part
    except OSError:  # the other side is closed
        pass
    os.close(ours)
    assert process.wait(60) == 2
    return said.decode()


def test_a_terminal_has_colours_unless_they_are_not_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[31m" in _on_a_terminal({}, tmp_path)
    assert "\x1b[3" not in _on_a_terminal({"NO_COLOR": "1"}, tmp_path)


READ_ONLY = """
set -e
mount --bind {place} {place}
mount -t tmpfs -o size=64k tmpfs /dev/shm
for point in $(cut -d' ' -f2 /proc/self/mounts | grep -Ev '^(/proc|/sys|/dev|{place})(/|$)'); do
  mount -o remount,bind,ro "$point"
done
cd {place}
! touch /tmp/almbench-writes 2>/dev/null
! touch "$HOME/almbench-writes" 2>/dev/null
{bench} run {suite} -o run --workers 2
{bench} site run -o public
"""
SUITE = """
name = "apart"
[[testset]]
name = "talk"
domain = "speech"
path = "{samples}"
limit = 2
[[codec]]
id = "opus-6"
[[codec]]
id = "lowpass-3.5"
[metrics]
speech = ["stoi", "visqol_speech", "speaker_similarity", "gain_db"]
"""


@pytest.mark.slow
@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("unshare"),
    reason="needs root and unshare, to make a machine read-only for one process",
)
def test_a_machine_without_network_where_one_folder_is_writable(
    tmp_path: Path, small: Path
) -> None:
    apart = ("unshare", "--mount", "--net", "--")
    if subprocess.run([*apart, "true"], check=False, capture_output=True).returncode:
        pytest.skip("the system lets no process have mounts and a network of its own")
    place = tmp_path / "out"
    place.mkdir()
    (place / "suite.toml").write_text(SUITE.format(samples=small.parent / "data"))
    script = READ_ONLY.format(place=place, bench=BENCH, suite=place / "suite.toml")
    env = {k: v for k, v in os.environ.items() if not k.startswith(("XDG", "NUMBA", "MPL", "TMP"))}
    done = subprocess.run(
        [*apart, "sh", "-c", script],
        env=env | {"HOME": "/root", "HF_HUB_OFFLINE": "1"},
        capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 ok (clips x codecs)" in done.stdout
    assert "No value" not in done.stdout
    assert "Matplotlib" not in done.stderr
    assert (place / "public/index.html").is_file()
    kept = {path.name for path in place.iterdir()}
    assert kept == {"suite.toml", "run", "public"}  # no cache is left behind
