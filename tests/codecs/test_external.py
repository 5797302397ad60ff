"""External codecs: workers that do well, and workers that crash, hang and lie."""

import json
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from almbench.audio import Samples
from almbench.cli.main import app
from almbench.codecs import environments, fsq
from almbench.codecs.base import Codec
from almbench.codecs.external import External
from almbench.codecs.process import WorkerProcess
from almbench.codecs.registry import create
from almbench.codecs.stablecodec import StableCodec
from almbench.errors import CodecError, Unavailable, UserError

RATE = 8000
BASICS: dict[str, Any] = {"sample_rate": RATE, "frame_rate": 80, "codebook_sizes": [16, 4]}

# A worker with two codebooks and frames of 100 samples, whose clips tell by their first sample
# which fault it is to show. It gives back half of what it got.
WORKER = """
import json, os, sys, time
import numpy as np, soundfile as sf

print(f"started {os.getpid()}", file=sys.stderr, flush=True)
greeting = json.loads(sys.stdin.readline())
settings = greeting["settings"]
if settings.get("start") == "refuse":
    print(json.dumps({"error": "no such model"}), flush=True)
    sys.exit()
if settings.get("start") == "crash":
    sys.exit("cannot import name 'torch'")
if settings.get("start") == "hang":
    time.sleep(60)
print(json.dumps({"ready": True}), flush=True)
done = 0
for line in sys.stdin:
    request = json.loads(line)
    sound, rate = sf.read(request["wav"])
    fault = FAULTS[round(sound[0] * 100)]
    answer = {"id": request["id"], "encode_s": 0.25, "decode_s": 0.5}
    if fault == "crash" or (fault == "worn out" and done):
        sys.stderr.write("first line\\nout of memory\\n")
        os._exit(3)
    if fault == "kill":
        os.kill(os.getpid(), 9)
    if fault == "hang":
        time.sleep(60)
    if fault == "garbage":
        print("Loading the model ...", flush=True)
        continue
    if fault == "list":
        answer = [1, 2]
    if fault == "wrong id":
        answer["id"] = "99"
    if fault == "error":
        answer = {"id": request["id"], "error": "too loud"}
    if fault == "bad time":
        answer["encode_s"] = "soon"
    frames = len(sound) // 100
    codes = np.stack([np.arange(frames) % 16, np.arange(frames) % 4])
    if fault == "range":
        codes[1, 2] = 4
    if fault == "negative":
        codes[0, 0] = -1
    if fault == "float":
        codes = codes + 0.5
    if fault == "one book":
        codes = codes[:1]
    if fault == "flat":
        codes = codes[0]
    if fault == "text":
        open(request["codes"], "w").write("0 1 2")
    elif fault != "no codes":
        np.save(request["codes"], codes)
    decoded = sound / 2
    if fault == "short":
        decoded = decoded[: int(0.89 * len(sound))]
    if fault == "a bit short":
        decoded = decoded[: int(0.91 * len(sound))]
    if fault == "long":
        decoded = np.append(decoded, np.ones(999))
    if fault == "nan":
        decoded[3] = np.nan
    if fault != "silent":
        sf.write(request["decoded"], decoded, 16000 if fault == "rate" else rate, subtype="FLOAT")
    print(json.dumps(answer), flush=True)
    done += 1
"""
FAULTS = (
    (
        "none crash|worn out|kill|hang|garbage|list|wrong id|error|bad time|range|negative|float|"
        "one book|flat|text|no codes|short|a bit short|long|nan|silent|rate"
    )
    .replace("none crash", "none|crash")
    .split("|")
)


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ALMBENCH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def worker(tmp_path: Path) -> Path:
    path = tmp_path / "worker.py"
    path.write_text(f"FAULTS = {FAULTS!r}\n{WORKER}")
    return path


def make(worker: Path, **options: Any) -> External:
    codec = create(
        "ours", "Ours", "external", {"command": ["{python}", str(worker)], **BASICS, **options}
    )
    assert isinstance(codec, External)
    return codec


def clip(fault: str = "none", length: int = 1000) -> Samples:
    """A clip whose first sample asks for a fault."""
    noise = np.random.default_rng(len(fault)).uniform(-0.4, 0.4, length)
    noise[0] = FAULTS.index(fault) / 100
    return noise


def through(codec: Codec[Any], samples: Samples) -> Samples:
    return codec.decode(codec.encode([samples], RATE), RATE)[0]


def starts(home: Path) -> list[int]:
    """Ids of the processes that the log tells of."""
    words = (home / "logs" / "ours.log").read_text().split()
    return [int(b) for a, b in pairwise(words) if a == "started"]


def test_sound_codes_bits_and_times_come_back(worker: Path, own_home: Path) -> None:
    codec = make(worker)
    codec.fetch()
    codec.load("cpu")
    sounds = [clip(length=length) for length in (1000, 250, 4321)]
    for sound in sounds:
        (encoded,) = codec.encode([sound], RATE)
        frames = len(sound) // 100
        assert encoded.codes is not None
        want = np.stack([np.arange(frames) % 16, np.arange(frames) % 4])
        np.testing.assert_array_equal(encoded.codes, want)
        assert encoded.bits == frames * (4 + 2)
        assert encoded.seconds == (0.25, 0.5)
        (decoded,) = codec.decode([encoded], RATE)
        np.testing.assert_allclose(decoded, sound / 2, atol=1e-7)  # float32 on the way
    codec.unload()
    assert len(starts(own_home)) == 1


REASONS = {
    "crash": "its worker ended with exit status 3: .*out of memory",
    "kill": "its worker ended by signal SIGKILL",
    "hang": "its worker gave no answer in 1 s",
    "garbage": "its worker's answer is no JSON object: 'Loading the model ...' .only answers",
    "list": "its worker's answer is no JSON object",
    "wrong id": "its worker answered '99' instead of",
    "error": "its worker says: too loud",
    "bad time": "its worker's fault: encode_s = 'soon' is not a number",
    "range": "its worker's fault: its codes go from .* to 4 in codebook 2; it has 0 to 3",
    "negative": "its worker's fault: its codes are negative in codebook 1, -1 the smallest",
    "float": "its worker's fault: its codes are float64, not integers",
    "one book": r"its worker's fault: its codes have the shape \[1, 10\], not \[2, T\]",
    "flat": r"its worker's fault: its codes have the shape \[10\], not \[2, T\]",
    "text": "its worker's fault: its codes are no .npy file",
    "no codes": "its worker's fault: no codes, though codebook_sizes are given",
    "short": "its worker's fault: 890 samples came back of 1000",
    "nan": "its worker's fault: decoded.wav holds NaN",
    "silent": "its worker's fault: decoded.wav does not exist",
    "rate": "its worker's fault: a sound at 16000 Hz instead of 8000 Hz",
}


@pytest.mark.parametrize("fault", list(REASONS))
def test_a_fault_costs_its_clip_only(fault: str, worker: Path) -> None:
    codec = make(worker, timeout_s=1 if fault == "hang" else 30)
    codec.load("cpu")
    good = clip()
    np.testing.assert_allclose(through(codec, good), good / 2, atol=1e-7)
    with pytest.raises(CodecError, match=REASONS[fault]):
        through(codec, clip(fault))
    np.testing.assert_allclose(through(codec, good), good / 2, atol=1e-7)
    codec.unload()


def test_a_clip_that_only_a_worn_out_worker_fails_is_tried_afresh(
    worker: Path, own_home: Path
) -> None:
    codec = make(worker)
    codec.load("cpu")
    through(codec, clip())
    tired = clip("worn out")
    np.testing.assert_allclose(through(codec, tired), tired / 2, atol=1e-7)
    codec.unload()
    assert len(starts(own_home)) == 2


def test_lengths_are_fitted(worker: Path) -> None:
    codec = make(worker)
    codec.load("cpu")
    longer = clip("long")
    np.testing.assert_allclose(through(codec, longer), longer / 2, atol=1e-7)
    shorter = through(codec, clip("a bit short"))
    assert len(shorter) == 1000
    assert not shorter[910:].any()
    assert shorter[:910].all()
    codec.unload()


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        ("refuse", "its worker says: no such model"),
        ("crash", "its worker ended with exit status 1: .*cannot import name 'torch'"),
        ("hang", "its worker gave no answer in 5 s"),
    ],
)
def test_a_worker_that_does_not_start_is_unavailable(
    start: str, reason: str, worker: Path, own_home: Path
) -> None:
    codec = make(worker, settings={"start": start}, start_timeout_s=5 if start == "hang" else 30)
    with pytest.raises(Unavailable, match=f"The worker of 'ours' cannot be used: {reason}"):
        codec.load("cpu")
    with pytest.raises(CodecError, match=reason):
        codec.encode([clip()], RATE)
    assert len(starts(own_home)) == 1  # it is not tried again for each clip


def test_a_program_that_is_not_there_is_unavailable() -> None:
    codec = create("ours", "Ours", "external", {**BASICS, "command": ["no-such-codec", "-x"]})
    with pytest.raises(Unavailable, match="'no-such-codec' is not here"):
        codec.fetch()


def ended(pid: int) -> bool:
    for _ in range(100):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def test_unload_ends_the_worker(worker: Path, own_home: Path) -> None:
    codec = make(worker)
    codec.load("cpu")
    (pid,) = starts(own_home)
    assert psutil.pid_exists(pid)
    codec.unload()
    assert ended(pid)


BENCH = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # also where the tests run in background
from pathlib import Path
from almbench.codecs.process import WorkerProcess
child = "import time; print('x', flush=True); time.sleep(60)"
parent = f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {child!r}]); " \\
    "print('{\\"pid\\": %d}' % p.pid, file=sys.stderr, flush=True); p.wait()"
code = {"parent": parent, "reader": "import sys; sys.stdin.read()"}[sys.argv[1]]
worker = WorkerProcess([sys.executable, "-c", code], Path(sys.argv[2]))
print(worker._process.pid, flush=True)
if sys.argv[3] == "ask":
    worker.ask({"id": "1"}, 60)
time.sleep(float(sys.argv[3]))
"""


@pytest.mark.parametrize(
    ("kind", "then", "by"),
    [
        ("reader", "ask", signal.SIGINT),  # Ctrl-C while a clip is under way
        ("reader", "60", signal.SIGKILL),  # almbench itself is killed: the input ends
        ("parent", "0.5", None),  # almbench ends, and the worker, deaf, has a child of its own
    ],
)
def test_no_worker_is_left_behind(
    kind: str, then: str, by: signal.Signals | None, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with subprocess.Popen(
        [sys.executable, "-c", BENCH, kind, str(log), then],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as bench:
        assert bench.stdout
        pid = int(bench.stdout.readline())
        if by:
            time.sleep(0.3)
            bench.send_signal(by)
        bench.wait(30)
    assert ended(pid)
    if kind == "parent":
        assert ended(json.loads(log.read_text().splitlines()[0])["pid"])


def test_an_answer_without_end_is_refused(tmp_path: Path) -> None:
    endless = "import os\nwhile True: os.write(1, b'x' * 60000)"
    worker = WorkerProcess([sys.executable, "-c", endless], tmp_path / "log")
    with pytest.raises(CodecError, match="no JSON object"):
        worker.ask({}, 30)
    assert not worker.alive


RUNAWAY = """
import json, subprocess, sys
for line in sys.stdin:
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    print(json.dumps({"pid": child.pid}), flush=True)
"""
WORDY = """
import json, sys
for line in sys.stdin:
    for _ in range(40):
        sys.stderr.write("x" * 2**20 + chr(10))
    sys.stderr.write("the last words" + chr(10))
    sys.stderr.flush()
    print(json.dumps({}), flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says who the children are")
@pytest.mark.parametrize("end", ["close", "kill"])
def test_children_in_sessions_of_their_own_end_too(tmp_path: Path, end: str) -> None:
    worker = WorkerProcess([sys.executable, "-c", RUNAWAY], tmp_path / "log")
    pid = worker.ask({}, 20)["pid"]
    if end == "close":
        worker.close()
    else:
        worker._finish()
    assert ended(pid)


def test_the_log_does_not_grow_without_limit(tmp_path: Path) -> None:
    worker = WorkerProcess([sys.executable, "-c", WORDY], tmp_path / "log")
    for _ in range(3):
        worker.ask({}, 30)
    assert (tmp_path / "log").stat().st_size < 2 * 40 * 2**20
    worker._trim()
    assert (tmp_path / "log").read_bytes().endswith(b"the last words\n")
    worker.close()


def test_the_identity_is_what_runs_and_not_where(worker: Path, tmp_path: Path) -> None:
    spec = make(worker).spec
    assert spec.nominal_kbps == 80 * 6 / 1000
    assert spec.tokens_per_second == 160
    moved = tmp_path / "elsewhere" / "worker.py"
    moved.parent.mkdir()
    moved.write_text(worker.read_text())
    assert make(moved).spec == spec
    moved.write_text("# changed\n" + worker.read_text())
    assert make(moved).spec != spec
    assert make(worker, settings={"levels": 4}).spec != spec
    assert make(worker, timeout_s=3).spec == spec
    long = create("ours", "Ours", "external", {**BASICS, "command": ["{python}", "-c", "x" * 999]})
    assert "x" * 999 in str(long.spec.settings["command"])


def test_options_are_checked() -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"command": []}, r"command = \[\]: Give a list, the program and its arguments"),
        ({"command": "python x.py"}, "command = 'python x.py': Give a list"),
        ({"sample_rate": 0}, "sample_rate = 0"),
        ({"bitrate": 400}, "ither bitrate or codebook_sizes"),
        ({"frame_rate": None}, "odebook_sizes need frame_rate"),
        ({"timeout_s": 0}, "timeout_s = 0"),
    ]
    for wrong, words in cases:
        with pytest.raises(UserError, match=words):
            create("ours", "Ours", "external", {"command": ["x"], **BASICS, **wrong})
    with pytest.raises(UserError, match=r"no environment 'exmaple'. Did you mean 'example'"):
        create("ours", "Ours", "external", {"command": ["x"], **BASICS, "env": "exmaple"}).fetch()


def example(**options: Any) -> External:
    command = ["{python}", "-I", "{workers}/example.py"]
    facts: dict[str, Any] = {
        "command": command,
        "sample_rate": RATE,
        "frame_rate": RATE,
        "codebook_sizes": [256],
    }
    codec = create("mulaw", "Mu-law", "external", {**facts, **options})
    assert isinstance(codec, External)
    return codec


def check_example(codec: External) -> None:
    """Mu-law against its formula, computed by hand."""
    codec.load("cpu")
    sound = np.array([0, 1, -1, 0.5, -0.25, 0.001, 1.5] * 40)
    (encoded,) = codec.encode([sound], RATE)
    assert encoded.codes is not None
    # ln(1 + 255 x) / ln 256 at 0.5, 0.25 and 0.001 is 0.876, 0.752 and 0.0410.
    assert encoded.codes[0, :7].tolist() == [128, 255, 0, 239, 32, 133, 255]
    assert encoded.bits == 8 * len(sound)
    (decoded,) = codec.decode([encoded], RATE)
    # Half a step is 1 / 255 on the companded scale, which multiplies 1 + 255 x by 256 ** (1 / 255).
    heard = np.clip(sound, -1, 1)
    assert (np.abs(decoded - heard) <= (np.abs(heard) + 1 / 255) * (256 ** (1 / 255) - 1)).all()
    codec.unload()


def test_the_example_worker_is_mu_law() -> None:
    check_example(example())


def test_the_example_worker_reports_a_wrong_setting() -> None:
    with pytest.raises(Unavailable, match="unexpected keyword argument 'level'"):
        example(settings={"level": 3}).load("cpu")


@pytest.mark.slow
def test_an_environment_is_installed_and_used(
    own_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    codec = example(env="example")
    with pytest.raises(Unavailable, match="To fix: bench codec install example"):
        codec.fetch()
    app(["codec", "install", "example"], standalone_mode=False)
    assert "Successfully installed numpy" in capsys.readouterr().out
    codec.fetch()
    python = own_home / "environments" / "example" / "bin" / "python"
    assert codec._command[0] == str(python)
    lines = [str(python), "-c", "import numpy, sys; print(sys.prefix, numpy.__file__)"]
    found = subprocess.run(lines, capture_output=True, text=True, check=True).stdout
    assert found.count(str(own_home)) == 2
    assert codec.spec.settings["packages"] == environments.fingerprint("example")
    check_example(codec)

    app(["codec", "install", "example"], standalone_mode=False)
    assert "is there already" in capsys.readouterr().out
    (own_home / "environments" / "example" / environments.DONE).unlink()  # as if cut short
    with pytest.raises(Unavailable):
        codec.fetch()


@pytest.mark.slow
def test_pip_s_words_come_with_its_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_home: Path
) -> None:
    (tmp_path / "broken.py").touch()
    (tmp_path / "broken.txt").write_text(f"{tmp_path}/no-such-package.whl\n")
    monkeypatch.setattr(environments, "WORKERS", tmp_path)
    shown: list[str] = []
    with pytest.raises(UserError, match=r"(?s)This failed: .*no-such-package.whl"):
        environments.install("broken", None, force=False, show=shown.append)
    assert any("no-such-package.whl" in line for line in shown)
    with pytest.raises(Unavailable):
        environments.python_of("broken")


@pytest.mark.slow
def test_a_source_tree_is_fetched_at_its_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_home: Path
) -> None:
    repository = tmp_path / "repository"
    git = ["git", "-C", str(repository), "-c", "user.name=a", "-c", "user.email=a@b.example"]
    subprocess.run(["git", "init", "-q", str(repository)], check=True)
    commits = []
    for text in ("first", "second"):
        (repository / "model.py").write_text(text)
        subprocess.run([*git, "add", "."], check=True)
        subprocess.run([*git, "commit", "-q", "-m", text], check=True)
        head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True)
        commits.append(head.stdout.decode().strip())
    workers = tmp_path / "workers"
    workers.mkdir()
    (workers / "tree.py").touch()
    (workers / "tree-code.txt").write_text(f"# comment\nours {repository} {commits[0]}\n")
    monkeypatch.setattr(environments, "WORKERS", workers)
    environments.install("tree", None, force=False, show=print)
    assert (environments.code_of("tree") / "ours" / "model.py").read_text() == "first"
    before = environments.fingerprint("tree")
    (workers / "tree-code.txt").write_text(f"ours {repository} {commits[1]}\n")
    environments.install("tree", None, force=False, show=print)
    assert (environments.code_of("tree") / "ours" / "model.py").read_text() == "second"
    assert environments.fingerprint("tree") != before


def test_an_interpreter_that_cannot_do_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def install(name: str, python: str) -> None:
        environments.install(name, python, force=False, show=print)

    with pytest.raises(UserError, match="there is no such program"):
        install("example", "no-such-python")
    with pytest.raises(UserError, match="no Python that works"):
        install("example", "/bin/true")
    monkeypatch.setitem(environments.PYTHONS, "example", "3.9")
    with pytest.raises(UserError, match=r"needs Python 3.9, .* --python python3.9"):
        install("example", sys.executable)


def stablecodec(**options: Any) -> StableCodec:
    codec = create("stable", "StableCodec", "stablecodec", options)
    assert isinstance(codec, StableCodec)
    return codec


def test_stablecodec_says_what_it_is_and_what_is_missing() -> None:
    codec = stablecodec()
    spec = codec.spec
    assert spec.codebook_sizes == (46656,)
    assert spec.frame_rate == 25
    assert spec.nominal_kbps == pytest.approx(0.3877443751)
    assert "Community License" in spec.weights_license
    with pytest.raises(Unavailable, match="To fix: bench codec install stablecodec"):
        codec.fetch(network=False)
    rates = {"2x15625_700bps": 0.6965784285, "4x729_1000bps": 0.9509775004}
    for bottleneck, rate in rates.items():
        assert stablecodec(bottleneck=bottleneck).spec.nominal_kbps == pytest.approx(rate)
    with pytest.raises(UserError, match="bottleneck = '1x'"):
        stablecodec(bottleneck="1x")


def test_stablecodec_takes_no_other_quantiser() -> None:
    codec = stablecodec(bottleneck="2x15625_700bps")
    stages = fsq.STABLECODEC["2x15625_700bps"]
    codes = fsq.encode(codec._probe, stages)
    right = {"codes": codes.tolist(), "values": fsq.decode(codes, stages).tolist()}
    codec._check({"ready": True, "probe": right})
    other = fsq.encode(codec._probe, [stages[0], fsq.Stage((5,) * 6, 0.5)])
    for wrong in (
        {},
        {"probe": {**right, "codes": other.tolist()}},
        {"probe": {**right, "values": (np.array(right["values"]) + 0.01).tolist()}},
    ):
        with pytest.raises(CodecError, match="its quantiser is not 2x15625_700bps"):
            codec._check(wrong)


def test_stablecodec_s_worker_wants_a_gpu(tmp_path: Path) -> None:
    script = environments.WORKERS / "stablecodec.py"
    done = subprocess.run(
        [sys.executable, "-I", str(script)],
        input=json.dumps({"device": "cpu", "settings": {}}) + "\n",
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
    )
    assert "needs a CUDA GPU" in json.loads(done.stdout)["error"]
