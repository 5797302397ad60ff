"""What `bench train almtokenizer` logs, validates, prints and refuses, run as a user runs it."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf
import soxr
import torch
from pystoi import stoi
from torch.nn.functional import pad

from almbench import load_codec
from almbench.cli import main as cli
from almbench.codecs.almtokenizer.model import ALMTokenizer
from almbench.errors import Unavailable
from almbench.training import session
from almbench.training.recipe import TrainConfig
from almbench.training.state import read_state
from tests.conftest import Bench

pytest.importorskip("accelerate", reason="training needs the extra 'train'")
pytest.importorskip("tensorboard", reason="training needs the extra 'train'")

Main = Callable[..., int]
Said = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def patch(short_start: None) -> Iterator[pytest.MonkeyPatch]:
    """Log every other step."""
    with pytest.MonkeyPatch.context() as changes:
        changes.setattr(session, "LOG_EVERY", 2)
        yield changes


@pytest.fixture(scope="module")
def main(patch: pytest.MonkeyPatch, toml: Path) -> Main:
    """Run `bench train almtokenizer` as the installed command does; returns the exit code."""

    def run(*arguments: object) -> int:
        fixed = ["--device", "cpu", "--workers", "0"]
        if "--config" not in arguments:
            fixed += ["--config", str(toml)]
        line = ["bench", "train", "almtokenizer", *map(str, arguments), *fixed]
        patch.setattr(sys, "argv", line)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        code = ended.value.code
        assert isinstance(code, int)
        return code

    return run


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory, main: Main, clips: Path) -> Path:
    """The folder of both stages; stage 2 is validated before and after its quantizer starts."""
    place = tmp_path_factory.mktemp("run")
    shared = ["--data", f"speech={clips}", "-o", place, "--validation", clips]
    setting = ["--set", "validate_every=4"]
    assert main("--stage", 1, *shared, *setting) == 0
    assert main("--stage", 2, *shared, *setting) == 0
    return place


def scalars(output: Path, stage: int) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    log: Any = EventAccumulator(str(output / "logs" / f"stage{stage}"))
    log.Reload()
    return {
        tag: [(event.step, event.value) for event in log.Scalars(tag)]
        for tag in log.Tags()["scalars"]
    }


def sound(path: Path) -> np.ndarray:
    samples, rate = sf.read(path)
    assert rate == 24_000
    return np.asarray(samples)


def averaged(output: Path, stage: int, tiny: TrainConfig) -> ALMTokenizer:
    model = ALMTokenizer(tiny.model).eval()
    model.load_state_dict(read_state(output / f"stage{stage}.pt")["average"])
    return model


def test_losses_are_logged_at_their_steps(output: Path) -> None:
    for stage, own in ((1, "mae"), (2, "magnitude")):
        logged = scalars(output, stage)
        assert [step for step, _ in logged[f"loss/{own}"]] == [2, 4, 6]
        assert all(np.isfinite(value) for tag in logged for _, value in logged[tag])
    # The quantizer's losses begin with it, at step 4 (the fifth).
    assert [step for step, _ in scalars(output, 2)["loss/ar"]] == [6]


def test_the_card_shows_the_curves(output: Path) -> None:
    assert "](curves.png)" in (output / "checkpoint" / "README.md").read_text()
    assert (output / "checkpoint" / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_stage_1_and_stage_2_before_the_quantizer_are_validated_unquantized(output: Path) -> None:
    first, second = scalars(output, 1), scalars(output, 2)
    assert [step for step, _ in first["stoi/unquantized"]] == [4, 6]
    assert not any(tag.endswith("/w6") for tag in first)
    assert [step for step, _ in second["stoi/unquantized"]] == [4]
    for w in (2, 6, 10):
        assert [step for step, _ in second[f"stoi/w{w}"]] == [6]


def test_the_figures_are_those_of_the_sounds_beside_them(output: Path) -> None:
    logged = scalars(output, 2)
    originals = sorted((output / "samples" / "stage2" / "original").glob("*.flac"))
    assert len(originals) == 2
    for name in ("w2", "w10"):
        values = []
        for path in originals:
            pair = [sound(path), sound(output / "samples" / "stage2" / name / path.name)]
            assert len(pair[0]) == len(pair[1])
            low = [soxr.resample(samples, 24_000, 16_000, quality="VHQ") for samples in pair]
            values.append(stoi(*low, 16_000))
        assert logged[f"stoi/{name}"][-1][1] == pytest.approx(np.mean(values), abs=1e-4)


def test_the_sounds_are_what_the_averaged_model_makes(output: Path, tiny: TrainConfig) -> None:
    samples = output / "samples"
    path = sorted((samples / "stage1" / "original").glob("*.flac"))[0]
    given = sound(path)
    assert len(given) <= 6 * 24_000
    tensor = torch.tensor(given, dtype=torch.float32)[None]
    with torch.inference_mode():
        first, second = (averaged(output, stage, tiny) for stage in (1, 2))
        padded = pad(tensor, (0, -len(given) % 320))
        wanted = {
            samples / "stage1" / "unquantized": first.unpatchify(first.patchify(padded)),
            samples / "stage2" / "w6": second.decode(second.encode(tensor, 6), 6),
        }
    for folder, made in wanted.items():
        np.testing.assert_allclose(
            sound(folder / path.name), made[0, : len(given)].clamp(-1, 1), atol=2e-3
        )


def test_it_says_how_to_use_the_checkpoint(
    output: Path, main: Main, clips: Path, capsys: Said
) -> None:
    # A finished stage trains no more, but says the same again, and leaves all as it is.
    data = ["--data", f"speech={clips}", "-o", output, "--set", "validate_every=4"]
    card = output / "checkpoint" / "README.md"
    held = card.read_text()
    card.write_text(f"{held}\n## Measured\n")
    for stage in (1, 2):
        assert main("--stage", stage, *data) == 0
        said = "".join(capsys.readouterr().err.split())
        assert f"Stage{stage}wasdonealready" in said
        assert card.read_text().endswith("## Measured\n")
        load_codec("almtokenizer", checkpoint=output / "checkpoint")
    assert f"--checkpointalmtokenizer={output / 'checkpoint'}" in said
    # What training does not see makes another checkpoint of the same steps.
    assert main("--stage", 2, *data, "--set", "model.match_level=true") == 0
    assert "iswrittenanew" in "".join(capsys.readouterr().err.split())
    assert json.loads((card.parent / "config.json").read_text())["match_level"]
    assert main("--stage", 2, *data) == 0
    assert card.read_text() == held


def test_a_checkpoint_without_trained_codebooks_is_no_tokenizer(
    main: Main, bench: Bench, clips: Path, tmp_path: Path, capsys: Said
) -> None:
    data = ["--data", f"speech={clips}", "-o", tmp_path, "--set", "stage1.steps=1"]
    folder = tmp_path / "checkpoint"
    assert main("--stage", 1, *data) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "go on with --stage 2" in said
    assert "--checkpoint" not in said

    checked = bench("check", "almtokenizer", "--option", f"checkpoint={folder}")
    assert checked.returncode != 0
    said = " ".join((checked.stdout + checked.stderr).split())
    assert "no tokenizer yet. To fix: go on with `bench train almtokenizer --stage 2`" in said

    # Stage 2 begins without the quantizer.
    assert main("--stage", 2, *data, "--set", "stage2.steps=2") == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "this makes no tokenizer" in said
    assert "is no tokenizer yet" in said
    assert "--checkpoint" not in said
    assert "this is no tokenizer yet" in (folder / "README.md").read_text()
    with pytest.raises(Unavailable, match="no tokenizer yet"):
        load_codec("almtokenizer", checkpoint=folder)
    assert main("--stage", 2, *data, "--set", "stage2.steps=5") == 0
    load_codec("almtokenizer", checkpoint=folder)


def test_without_output_the_folder_is_named_after_the_recipe(
    main: Main, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main("--stage", 1, "--data", f"speech={clips}", "--set", "stage1.steps=1") == 0
    place = tmp_path / "runs" / "almtokenizer-tiny"
    assert (place / "stage1.pt").is_file()
    assert {p.name for p in (place / "checkpoint").iterdir()} >= {"config.json", "README.md"}


def refused(said: Said, *words: str) -> None:
    out, error = said.readouterr()
    assert error.startswith("Error: ")
    assert "Traceback" not in out + error
    for word in words:
        assert word in error


def test_missing_data_is_named(main: Main, tmp_path: Path, capsys: Said) -> None:
    assert main("--stage", 1, "-o", tmp_path) == 2
    refused(capsys, "--data speech=PATH", "a few clips")


def test_a_recipe_that_is_not_there_is_named(main: Main, tmp_path: Path, capsys: Said) -> None:
    assert main("--stage", 1, "--config", "smal", "-o", tmp_path) == 2
    refused(capsys, "no recipe 'smal'", "Did you mean 'small'?", "paper", "TOML file")


@pytest.mark.parametrize(
    ("setting", "word"),
    [
        ("stage1.steps=0", "greater than or equal to 1"),
        ("stage1.steps=many", "stage1.steps"),
        ("stage2.windows=[1]", "between 2 and 10"),
        ("model.widht=3", "Did you mean 'width'?"),
        ("seed.x=3", "no table 'seed'"),
    ],
)
def test_wrong_settings_are_named(
    main: Main, tmp_path: Path, clips: Path, capsys: Said, setting: str, word: str
) -> None:
    data = f"speech={clips}"
    assert main("--stage", 1, "--data", data, "-o", tmp_path / "run", "--set", setting) == 2
    refused(capsys, word)
    assert not (tmp_path / "run").exists()


def test_a_recipe_that_is_no_toml_is_named(
    main: Main, tmp_path: Path, clips: Path, capsys: Said
) -> None:
    path = tmp_path / "bad.toml"
    path.write_text("[model\n")
    assert main("--stage", 1, "--config", path, "--data", f"speech={clips}") == 2
    refused(capsys, str(path), "not valid TOML")


def test_a_stage_may_stop_in_time_and_go_on(main: Main, clips: Path, tmp_path: Path) -> None:
    shared = ["--stage", 1, "--data", f"speech={clips}", "-o", tmp_path]
    card = tmp_path / "checkpoint" / "README.md"
    assert main(*shared, "--until", "0.001s") == 0
    assert read_state(tmp_path / "stage1.pt")["step"] == 1
    assert "Trained for 1 steps of stage 1 of 6 planned. Stage 2 is missing" in card.read_text()
    assert main(*shared, "--until", "1h") == 0
    assert read_state(tmp_path / "stage1.pt")["step"] == 6
    assert "6 steps of stage 1. Stage 2 is missing" in card.read_text()
    assert main("--stage", 2, *shared[2:]) == 0
    assert "Trained from 6 steps of stage 1: 6 steps of stage 2. Seed 5." in card.read_text()


@pytest.mark.parametrize("time", ["soon", "2", "h", "0m", "-1h", "nanh", "infh"])
def test_what_is_no_time_is_named(main: Main, clips: Path, capsys: Said, time: str) -> None:
    assert main("--stage", 1, "--data", f"speech={clips}", f"--until={time}") == 2
    refused(capsys, f"--until '{time}' is not a time, such as 90m or 2h.")


def test_missing_stage_1_is_named(main: Main, tmp_path: Path, clips: Path, capsys: Said) -> None:
    assert main("--stage", 2, "--data", f"speech={clips}", "-o", tmp_path) == 2
    refused(capsys, str(tmp_path / "stage1.pt"), "To fix: run it with --stage 1 first")


def test_a_folder_of_validation_that_is_not_there_is_named_before_any_step(
    main: Main, tmp_path: Path, clips: Path, capsys: Said
) -> None:
    data = ["--data", f"speech={clips}", "-o", tmp_path / "run"]
    assert main("--stage", 1, *data, "--validation", tmp_path / "nowhere") == 2
    refused(capsys, "--validation", "there is no such folder")
    assert not (tmp_path / "run" / "stage1.pt").exists()


@pytest.mark.parametrize("package", ["accelerate", "tensorboard"])
def test_missing_packages_are_named(
    main: Main, clips: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    for name in (session.__name__, "torch.utils.tensorboard"):  # to be imported anew
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, package, None)  # as Python marks what cannot be imported
    assert main("--stage", 1, "--data", f"speech={clips}") == 2
    refused(capsys, f"{package} is not installed", "pip install ", "'almbench[train]'")
