import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf
import yaml
from pyloudnorm import Meter

from almbench.runner.run import run_suite
from almbench.suite.load import load_suite

Listen = Callable[..., Any]
TITLE = "A \"title\" with 'quotes', <script>alert(1)</script> & 音"

SUITE = f"""
name = "Small"
title = '''{TITLE}'''
[[testset]]
name = "talk"
domain = "speech"
path = "sounds"
[[codec]]
id = "opus-6"
[[codec]]
id = "no"
adapter = "reconstructions"
options = {{ path = "ready" }}
[[codec]]
id = "lowpass-3.5"
[metrics]
speech = ["gain_db"]
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, speech: list[Path]) -> Path:
    """Three clips, one of them too long; a codec at another rate, length and level."""
    folder = tmp_path_factory.mktemp("webmushra")
    for name in ("sounds", "ready"):
        (folder / name).mkdir()
    samples, rate = sf.read(speech[0], dtype="float64")
    long = np.resize(samples, 13 * rate)
    for name, sound in {"a": samples[:rate], "b": samples[: 2 * rate], "long": long}.items():
        sf.write(folder / "sounds" / f"{name}.wav", sound, rate)
        sf.write(folder / "ready" / f"{name}.wav", sound[: -rate // 100] / 4, rate, "PCM_24")
    (folder / "suite.toml").write_text(SUITE)
    run_suite(load_suite(str(folder / "suite.toml")), folder / "run", "cpu", 1)
    return folder / "run"


def test_export(run: Path, tmp_path: Path, listen: Listen) -> None:
    done = listen("export-webmushra", run, "-o", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "2 clips through 2 systems" in done.stdout
    assert "1 clips left out: not of 1 to 12 s" in done.stdout
    config = yaml.safe_load((tmp_path / "configs/small-speech.yaml").read_text(encoding="utf-8"))
    assert config["testname"] == f"{TITLE}: speech"
    welcome, volume, (order, *trials), finish = config["pages"]
    assert [page["type"] for page in (welcome, volume, finish)] == ["generic", "volume", "finish"]
    assert "<script>" not in welcome["content"]  # webMUSHRA would run it
    assert "&lt;script&gt;" in welcome["content"]
    assert order == "random"
    assert [trial["id"] for trial in trials] == ["talk/a", "talk/b"]
    for trial in trials:
        assert trial["type"] == "mushra"
        assert trial["createAnchor35"] is trial["createAnchor70"] is True
        assert trial["showConditionNames"] is False
        assert list(trial["stimuli"]) == ["opus-6", "no"]  # the run's own anchor is not there
        heard = [sf.read(tmp_path / f) for f in (trial["reference"], *trial["stimuli"].values())]
        lengths = {(len(samples), rate) for samples, rate in heard}
        assert len(lengths) == 1
        assert lengths.pop()[1] == 48_000
        loud = [Meter(48_000).integrated_loudness(samples) for samples, _ in heard]
        assert np.ptp(loud) < 0.2
        assert not any("opus" in f or "no" in Path(f).stem for f in trial["stimuli"].values())
    resources = tmp_path / "configs/resources/small-speech"
    assert len(list(resources.glob("*.wav"))) == 6


def test_choice_of_codecs_and_clips(run: Path, tmp_path: Path, listen: Listen) -> None:
    args = ["--codec", "opus-6", "--codec", "lowpass-3.5", "--max-clips", 1]
    done = listen("export-webmushra", run, "-o", tmp_path, *args)
    assert "1 clips through 2 systems" in done.stdout
    assert "1 of 2 clips drawn: --max-clips takes more" in done.stdout
    config = yaml.safe_load((tmp_path / "configs/small-speech.yaml").read_text(encoding="utf-8"))
    assert list(config["pages"][2][1]["stimuli"]) == ["opus-6", "lowpass-3.5"]


def test_mistakes(
    run: Path, tmp_path: Path, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = listen("export-webmushra", run, "--codec", "opus-66")
    assert (done.returncode, "Did you mean 'opus-6'?" in done.stderr) == (2, True)
    assert listen("export-webmushra", tmp_path).returncode == 2
    monkeypatch.setattr("almbench.listening.webmushra.MAX_SYSTEMS", 1)
    done = listen("export-webmushra", run, "-o", tmp_path)
    assert done.returncode == 2
    assert "has 2 systems; a MUSHRA trial holds 1" in done.stderr
    assert "--codec: opus-6, no." in done.stderr
    monkeypatch.setattr("almbench.listening.webmushra.MAX_CLIP_S", 0.5)
    done = listen("export-webmushra", run, "-o", tmp_path)
    assert "nothing to test" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_codec_without_sounds_is_left_out(run: Path, tmp_path: Path, listen: Listen) -> None:
    """As one whose weights were not there; or one that failed on a clip."""
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    (copy / "reconstructions/talk/opus-6/b.flac").unlink()
    shutil.rmtree(copy / "reconstructions/talk/no")
    done = listen("export-webmushra", copy, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "no left out: it has no sound" in done.stdout
    assert "1 clips left out: some system has no sound of them" in done.stdout
    assert "1 clips through 1 systems" in done.stdout
