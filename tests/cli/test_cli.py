import json
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import soundfile as sf

from almbench import __version__

Bench = Callable[..., subprocess.CompletedProcess[str]]


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['bench', '--help']\n"
        "from almbench.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'numpy', 'pandas', 'torch', 'pydantic', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Benchmark audio codecs" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def test_help_shows_defaults_that_are_computed(bench: Bench) -> None:
    for command, default in [
        ("export", "(default: standard output)"),
        ("score", "(default: all cores)"),
        ("score", "runs/score-<folders>"),
        ("run", "(default: quick)"),
    ]:
        shown = " ".join(bench(command, "--help").stdout.replace("│", " ").split())
        assert default in shown


def test_version(bench: Bench) -> None:
    assert bench("--version").stdout == f"almbench {__version__}\n"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["run", "quik"], "Did you mean 'quick'"),
        (["run", "no/such.toml"], "does not exist"),
        (["run", "/tmp"], "bench run quick --testset speech --data speech=/tmp"),
        (
            ["run", "--codec", "opus"],
            "There is no codec 'opus'. Did you mean opus-6, opus-12, opus-24, opus-32 or",
        ),
        (["run", "--codec", "Mimi-1.1x"], "Did you mean 'mimi-1.1'?"),
        (["run", "--metric", "pesq"], "Did you mean pesq_nb or pesq_wb?"),
        (["run", "--data", "demo"], "is not NAME=PATH"),
        (["run", "alm-demo", "--data", "demo=/no/such"], "/no/such does not exist"),
        (
            ["run", "alm-demo", "--data", "dem=/no/such"],
            "no data name 'dem' in suite 'alm-demo'. Did",
        ),
        (["run", "--checkpoint", "opus-7=/no/such"], "There is no codec 'opus-7' in suite 'quick'"),
        (["run", "alm-demo"], "--data demo=PATH"),
        (["run", "--checkpoint", "opus-66=/tmp"], "Did you mean opus-"),
        (["run", "--checkpoint", "opus-6=/tmp"], "no key 'checkpoint'"),
        (["run", "--set", "stoi=1"], "is not FAMILY.KEY=VALUE"),
        (["run", "--set", "speaker_similarity.backend=ekapa"], "ecapa"),
        (["run", "--set", "stoy.x=1"], "stoi"),
        (["run", "--device", "tpu"], "tpu"),
        (["run", "--workers", "0"], "--workers"),
        (["score", "/no/such", "/tmp"], "/no/such is not a folder"),
        (["score", "", "/tmp"], "bench score '': the value is empty"),
        (["run", "-o", ""], "bench run '' (after -o): the value is empty"),
        (["site", "runs/mine", "--theme="], "--theme=: the value is empty"),
        (["run", "alm-demo", "--data", "demo="], "is not NAME=PATH"),
        (["check", "opus-6", "mp3-8", "--checkpoint", "/tmp"], "check it in a command of its own"),
        (["site", "/no/such"], "not a finished run"),
        (["export", "/no/such"], "not a finished run"),
        (["export", "/tmp", "--format", "parquet"], "-o FILE"),
        (["export", "/tmp", "-o", "table.odt"], "Allowed: .csv, .json, .jsonl, .md, .parquet"),
        (["serve", "/no/such"], "/no/such"),
        (["list", "colours"], "': 'colours' is not one of 'codecs', "),
        (["fly"], "fly"),
    ],
)
def test_a_users_mistake_is_one_clear_message(
    refused: Callable[..., str], args: list[str], words: str
) -> None:
    assert words in refused(*args)


def test_an_empty_folder_is_named(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "ref").mkdir()
    (tmp_path / "rec").mkdir()
    done = bench("score", tmp_path / "ref", tmp_path / "rec", cwd=tmp_path)
    assert done.returncode == 2
    assert "no sound files" in done.stderr or "no audio" in done.stderr


def test_score_needs_no_suite(bench: Bench, tmp_path: Path, speech: list[Path]) -> None:
    for name, gain in (("orig", 1.0), ("quiet one", 0.5)):
        (tmp_path / name).mkdir()
        for i, path in enumerate(speech[:2]):
            samples, rate = sf.read(path)
            sf.write(tmp_path / name / f"clip {i}.wav", samples[: 2 * rate] * gain, rate)
    (tmp_path / "quiet one" / "clip 1.wav").unlink()
    args = ["orig", "quiet one", "--metric", "gain_db", "--metric", "pesq_wb"]
    done = bench("score", *args, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    clips: Any = pd.read_csv(tmp_path / "runs" / "score-orig-quiet_one" / "clips.csv").set_index(
        "clip"
    )
    assert clips.loc["clip_0", "gain_db"] == pytest.approx(-6.02, abs=0.01)
    assert clips.loc["clip_0", "pesq_wb"] > 4.6
    assert clips.loc["clip_1", "status"] == "failed"
    assert "no file" in clips.loc["clip_1", "reason"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, bench: Bench, speech: list[Path]) -> Path:
    base = tmp_path_factory.mktemp("finished")
    (base / "data").mkdir()
    for path in speech[:2]:
        samples, rate = sf.read(path)
        sf.write(base / "data" / f"{path.stem}.wav", samples[:rate], rate)
    (base / "s.toml").write_text(
        f"""
        name = "exported"
        metrics.speech = ["mel_distance", "gain_db"]
        [[testset]]
        name = "a_b"
        domain = "speech"
        path = "{base / "data"}"
        [[codec]]
        id = "opus-6"
        label = "Opus & co_1 | 100%"
        [[codec]]
        id = "opus-24"
        [[codec]]
        id = "lowpass-7"
        """
    )
    done = bench("run", base / "s.toml", "-o", base / "run")
    assert done.returncode == 0, done.stderr
    return base / "run"


def test_export_of_tables(bench: Bench, finished: Path, tmp_path: Path) -> None:
    csv = bench("export", finished).stdout
    assert csv == (finished / "summary.csv").read_text()
    clips = json.loads(bench("export", finished, "--format", "json", "--table", "clips").stdout)
    frame = pd.read_csv(finished / "clips.csv")
    assert [c["mel_distance"] for c in clips] == pytest.approx(frame["mel_distance"].tolist())
    target = tmp_path / "deep" / "m.parquet"
    bench("export", finished, "--format", "parquet", "--table", "metrics", "-o", target)
    parquet = pd.read_parquet(BytesIO(target.read_bytes()))
    assert parquet["value"].sum() == pytest.approx(
        pd.read_csv(finished / "metrics.csv")["value"].sum()
    )


def test_export_takes_the_format_of_the_files_suffix(
    bench: Bench, finished: Path, tmp_path: Path
) -> None:
    bench("export", finished, "-o", tmp_path / "table.tex")
    assert "toprule" in (tmp_path / "table.tex").read_text()
    done = bench("export", finished, "-o", tmp_path)
    assert done.returncode == 2
    assert "cannot be written" in done.stderr


def test_a_metric_asked_for_that_is_not_here_gives_exit_code_1(
    bench: Bench, tmp_path: Path
) -> None:
    ecapa = ["--set", "speaker_similarity.backend=ecapa"]
    ecapa += ["--set", f"speaker_similarity.source={tmp_path}"]
    few = ["--codec", "opus-6", "--testset", "speech", "--metric", "speaker_similarity"]
    done = bench("run", "quick", *few, *ecapa, "-o", tmp_path / "run")
    assert done.returncode == 1
    assert "No value speech speaker_similarity (unavailable)" in done.stdout
    assert "embedding_model.ckpt" in done.stdout


def test_export_markdown_marks_the_best(bench: Bench, finished: Path) -> None:
    lines = bench("export", finished, "--format", "markdown").stdout.splitlines()
    assert "Mel distance ↓" in lines[2]
    assert set(lines[3]) == set("| :-")
    assert len({line.replace("\\|", "..").index("|", 1) for line in lines[2:7]}) == 1
    six, better, anchor = lines[4:7]
    assert "Opus & co_1 \\| 100% (6 kbps)" in six
    assert "**" in better
    assert "<u>" in six
    assert "**" not in anchor  # a filter is better still, but no codec


def test_export_of_figures_and_of_chosen_metrics(
    bench: Bench, finished: Path, tmp_path: Path
) -> None:
    target = tmp_path / "figure.pdf"
    chosen = ("--metric", "mel_distance", "--testset", "a_b")
    bench("export", finished, "-o", target, "--width", "84mm", *chosen)
    assert target.read_bytes().startswith(b"%PDF-")
    svg = bench("export", finished, "--format", "svg", *chosen).stdout
    assert 'width="237.6pt"' in svg  # 3.3 inches
    latex = bench("export", finished, "--format", "latex", *chosen).stdout
    assert "Mel" in latex
    assert "Level" not in latex
    for args, said in (
        (("--format", "pdf"), "The format pdf is not text: name a file with -o FILE."),
        (("-o", target, "--width", "wide"), "--width 'wide': give a number with in, cm, mm or pt"),
        (("-o", target, "--metric", "mel"), "There is no metric 'mel' in the run."),
        (("--format", "versa", *chosen, "--testset", "c"), "versa holds one test set"),
    ):
        done = bench("export", finished, *args)
        assert (done.returncode, "Traceback" in done.stderr) == (2, False)
        assert said in done.stderr


def test_export_latex(bench: Bench, finished: Path) -> None:
    text = bench("export", finished, "--format", "latex").stdout
    for piece in (
        r"\toprule",
        r"\bottomrule",
        r"\textbf{",
        r"\underline{",
        r"$\downarrow$",
        r"Opus \& co\_1 \textbar{} 100\% & 6 & ",
        r"a\_b",
    ):
        assert piece in text
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    columns = {line.replace(r"\&", "").count("&") for line in rows}
    assert columns == {4}  # nominal and measured bitrate, mel distance, gain


@pytest.mark.parametrize("thing", ["codecs", "metrics", "suites", "testsets"])
def test_lists(bench: Bench, thing: str) -> None:
    done = bench("list", thing)
    assert done.returncode == 0, done.stderr
    expected = {"codecs": "opus-6", "metrics": "pesq_wb", "suites": "quick", "testsets": "vctk"}
    assert expected[thing] in done.stdout


@pytest.mark.parametrize("command", ["run", "submit"])
def test_a_run_folder_is_no_address(bench: Bench, tmp_path: Path, command: str) -> None:
    more = ["--slurm"] if command == "submit" else []
    done = bench(command, "quick", "-o", "s3://bucket/run", *more, cwd=tmp_path)
    assert done.returncode == 2
    assert "choose a folder" in " ".join(done.stderr.split())
    assert not list(tmp_path.iterdir())
