"""What the tests share: small real sounds, a small suite, and the command as a user types it."""

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from pathlib import Path
from shutil import copyfile
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
import soundfile as sf
from rich.console import Console, ConsoleDimensions

from almbench.runner.worker import ONE_THREAD
from almbench.samples import folder

if TYPE_CHECKING:
    from almbench.training.recipe import TrainConfig

# Threads that spin on cores which other test processes hold take many times as long as one alone.
# Processes that tests start, pytest's workers among them, inherit it.
os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
# They inherit, too, that a shell's background jobs ignore Ctrl-C, which some tests send.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

WIDE = ConsoleDimensions(200, 25)
Bench = Callable[..., subprocess.CompletedProcess[str]]
ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ("bench", "codecs", "site", "templates")
BESIDE = ("pyproject.toml", "setup.cfg", "README.md", "LICENSE", "NOTICE")

SMALL = """
name = "small"
seed = 3
[[testset]]
name = "talk"
domain = "speech"
path = "{data}"
[[codec]]
id = "opus-6"
[[codec]]
id = "lowpass-3.5"
[metrics]
speech = ["stoi", "estoi", "mel_distance", "lag_ms", "gain_db"]
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put modules with slow tests first, so that parallel processes end at about the same time."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def speech() -> list[Path]:
    """Speech clips of the sample set, the shortest first."""
    return sorted((folder() / "speech").glob("*.flac"), key=lambda p: sf.info(p).frames)


@pytest.fixture(scope="module", autouse=True)
def _give_memory_back() -> Iterator[None]:
    """Let go of what models took, which glibc keeps: gigabytes, after some modules of codecs."""
    yield
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)


def small_suite(place: Path, speech: list[Path]) -> Path:
    """Write a suite of two clips of two seconds, two codecs and five metrics."""
    for path in speech[:2]:
        samples, rate = sf.read(path, dtype="int16")
        sf.write(_folder(place / "data") / f"{path.stem}.wav", samples[: 2 * rate], rate)
    suite = place / "small.toml"
    suite.write_text(SMALL.format(data=place / "data"))
    return suite


@pytest.fixture
def small(tmp_path: Path, speech: list[Path]) -> Path:
    """A suite of two clips of two seconds, two codecs and five metrics."""
    return small_suite(tmp_path, speech)


def _folder(path: Path) -> Path:
    path.mkdir(exist_ok=True)
    return path


@pytest.fixture(scope="session")
def bench() -> Bench:
    """Run `bench` as its installed command does, but in this process, which has imported much."""
    from almbench.cli.main import main

    def run(*args: object, cwd: Path = Path()) -> subprocess.CompletedProcess[str]:
        line = ["bench", *map(str, args)]
        environment = {**os.environ, "COLUMNS": str(WIDE.width), "NO_COLOR": "1"}
        with (
            patch.dict(os.environ, environment),
            patch.object(Console, "size", WIDE),  # it keeps the COLUMNS of when it was made
            patch.object(sys, "argv", line),
            chdir(cwd),
            redirect_stdout(TextIOWrapper(BytesIO(), "utf-8", write_through=True)) as out,
            redirect_stderr(TextIOWrapper(BytesIO(), "utf-8", write_through=True)) as err,
            pytest.raises(SystemExit) as ended,
        ):
            main()
        code = ended.value.code
        assert isinstance(code, int)
        said = (stream.buffer.getvalue().decode() for stream in (out, err))
        return subprocess.CompletedProcess(line, code, *said)

    return run


@pytest.fixture(scope="session")
def bench_process() -> Bench:
    """Run the installed `bench` command, where it matters that it is a process of its own."""
    command = Path(sys.executable).with_name("bench")

    def run(*args: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [command, *map(str, args)],
            capture_output=True,
            text=True,
            cwd=cwd,
            env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"},
            timeout=600,
            check=False,
        )

    return run


@pytest.fixture
def refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Run a command in this process, in `tmp_path`, which must refuse its input; what it said."""
    from almbench.cli import main as cli

    def run(*args: object) -> str:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.setattr(sys, "argv", ["bench", *map(str, args)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr().err
        assert ended.value.code == 2, said
        assert "Traceback" not in said
        return said

    return run


@dataclass(frozen=True)
class CleanEnv:
    """An environment that has this one's packages and nothing of the checkout.

    Attributes:
        folder: Where it is; commands run there.
        packages: Where its own packages are.
    """

    folder: Path
    packages: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "env" / "bin" / "python"

    def install(self, *what: Path) -> None:
        """Install wheels or source trees into it."""
        offline = ["--no-deps", "--no-index", "--no-build-isolation"]
        pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", self.python, "install"]
        done = subprocess.run(
            [*pip, "-q", *offline, *what], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def bench(self, *args: str, code: int = 0) -> str:
        """Run its `bench`, which must end with an exit code; what it printed."""
        done = subprocess.run(
            [self.python.with_name("bench"), *args],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": "", "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def clean_env(tmp_path: Path) -> CleanEnv:
    """An environment of its own."""
    # Without pip, which would bring an old setuptools along.
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "env"], check=True)
    packages = next((tmp_path / "env").glob("lib/python*/site-packages"))
    # This environment's editable almbench stays invisible: a path file inside a folder that is
    # itself named by a path file is not read.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return CleanEnv(tmp_path, packages)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of what is packaged, so that building leaves nothing in the checkout."""
    copy = _folder(tmp_path / "source")
    for name in SHIPPED:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in BESIDE:
        shutil.copy(ROOT / name, copy)
    return copy


def submitted(kind: str, listener: int, **changes: Any) -> dict[str, Any]:
    """What the results of all kinds of listening tests have in common, as the pages write it."""
    return {
        "format": "almbench-listening-1",
        "kind": kind,
        "test": "0123456789abcdef",
        "title": "Small test",
        "domain": "speech",
        "listener": f"{listener:016x}",
        "name": "",
        "seed": 7,
        "started": "2026-11-20T10:00:00.000Z",
        "finished": "2026-11-20T10:20:00.000Z",
        "equipment": "",
        **changes,
    }


def rating(system: str, score: int) -> dict[str, Any]:
    """What a listener gave a system."""
    anchor = system.startswith("anchor-")
    role = "reference" if system == "original" else "anchor" if anchor else "system"
    label = system.capitalize()
    return {"system": system, "role": role, "label": label, "score": score, "plays": 2}


@pytest.fixture(scope="session")
def mushra() -> Callable[..., dict[str, Any]]:
    """Make a MUSHRA result from scores: clip -> system -> score."""

    def make(listener: int, scores: dict[str, dict[str, int]], **changes: Any) -> dict[str, Any]:
        trials = [
            {"clip": clip, "seconds": 31.5, "ratings": [rating(*item) for item in of_clip.items()]}
            for clip, of_clip in scores.items()
        ]
        return submitted("mushra", listener, **changes) | {"trials": trials}

    return make


@pytest.fixture(scope="session")
def abx() -> Callable[..., dict[str, Any]]:
    """Make an ABX result with some answers right, the rest wrong."""

    def make(
        listener: int, right: int, done: int, planned: int = 16, **changes: Any
    ) -> dict[str, Any]:
        trials = [
            {
                "clip": f"talk/clip-{i % 8}",
                "x": "ab"[i % 2],
                "answer": "ab"[i % 2] if i < right else "ba"[i % 2],
                "seconds": 9.25,
                "plays": 3,
            }
            for i in range(done)
        ]
        own = {"pair": {"a": "original", "b": "better"}, "planned": planned, "trials": trials}
        return submitted("abx", listener) | own | changes

    return make


@pytest.fixture
def save(tmp_path: Path) -> Callable[[dict[str, Any]], Path]:
    """Save a result as a listener would, in the folder `results`."""

    def write(result: dict[str, Any]) -> Path:
        folder = tmp_path / "results"
        folder.mkdir(exist_ok=True)
        path = folder / f"{result['kind']}-{result['listener']}-{len(list(folder.iterdir()))}.json"
        path.write_text(json.dumps(result), encoding="utf-8")
        return path

    return write


TINY = """
seed = 5
save_every = 3
validate_every = 100

[model]
patchify = "spectral"
width = 32
decoder_width = 48
head_width = 16
encoder_layers = 1
decoder_layers = 1
codebook_size = 16
code_width = 8
prior_width = 80

[discriminator]
hops = [64]
widths = [4, 4]

[[data]]
name = "speech"
what = "a few clips"

[stage1]
steps = 6
batch = 2
min_seconds = 0.4
max_seconds = 0.6
learning_rate = 1e-3
warmup = 2
auxiliary_layers = 1
[stage1.weights]
magnitude = 1

[stage2]
steps = 6
batch = 2
min_seconds = 0.4
max_seconds = 0.6
learning_rate = 1e-3
warmup = 2
windows = [2, 6, 10]
quantize_from = 4
auxiliary_layers = 1
[stage2.weights]
magnitude = 1
"""


@pytest.fixture(scope="session")
def toml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe of a model so small that a step takes milliseconds, with every loss switched on."""
    path = tmp_path_factory.mktemp("recipe") / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="session")
def tiny(toml: Path) -> "TrainConfig":
    from almbench.training.recipe import load_config

    return load_config(str(toml))


@pytest.fixture(scope="module")
def short_start() -> Iterator[None]:
    """Fit the codebooks of a training to few crops, which is enough for 16 entries."""
    from almbench.training import codebook_init

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codebook_init, "START_CROPS", 16)
        yield


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two clips of the sample set's speech."""
    place = tmp_path_factory.mktemp("speech")
    for path in sorted((folder() / "speech").glob("*.flac"))[:2]:
        copyfile(path, place / path.name)
    return place
