"""What the parts of the recipe are worth: every variant is trained on equal terms and scored."""

import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
import soxr
import torch
from pystoi import stoi

from almbench.cli import main as cli
from almbench.errors import UserError
from almbench.training import codebook_init as training
from almbench.training.ablation import VARIANTS, WHOLE, ablate
from almbench.training.recipe import load_config
from almbench.training.state import read_state

pytest.importorskip("accelerate", reason="training needs the extra 'train'")

SKIP = "model.skip_connections=true"
FEWER = ["stage1.steps=3", "stage2.steps=3", "stage2.quantize_from=1", SKIP]


def test_each_variant_takes_away_what_it_says(toml: Path) -> None:
    whole = load_config(str(toml), [SKIP, *VARIANTS[WHOLE]])
    assert whole == load_config(str(toml), [SKIP])
    assert next(iter(VARIANTS)) == WHOLE  # whose stage 1 the others take
    assert whole.stage1.weights.mae > 0
    assert whole.stage2.weights.ar > 0
    differing = {}
    for name, changes in VARIANTS.items():
        recipe = load_config(str(toml), [SKIP, *changes]).model_dump()
        differing[name] = [
            f"{table}.{key}"
            for table in ("model", "stage1", "stage2")
            for key, value in recipe[table].items()
            if value != whole.model_dump()[table][key]
        ]
    assert differing == {
        WHOLE: [],
        "no MAE loss": ["stage1.weights"],
        "no AR loss": ["stage2.weights"],
        "no prior": ["model.prior_width"],
        "no queries: every w-th frame kept": ["model.compression"],
        "no skip connections": ["model.skip_connections"],
    }


@pytest.fixture(scope="module")
def short(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first seconds of the clips."""
    place = tmp_path_factory.mktemp("short")
    for path in clips.iterdir():
        samples, rate = sf.read(path, dtype="int16")
        sf.write(place / path.name, samples[: 2 * rate], rate)
    return place


@dataclass(frozen=True)
class Made:
    """What the command wrote and printed."""

    place: Path
    table: pd.DataFrame
    said: str


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, toml: Path, short: Path) -> Made:
    place = tmp_path_factory.mktemp("ablation") / "out"
    line = ["bench", "train", "ablate", "--config", toml, "--data", f"speech={short}"]
    line += ["--validation", short, "-o", place, *(w for s in FEWER for w in ("--set", s))]
    said = StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said):
        patch.setattr(training, "START_CROPS", 8)
        patch.setattr(sys, "argv", [str(word) for word in line])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    assert ended.value.code == 0
    table = pd.read_csv(place / "ablation.csv", index_col="variant")
    return Made(place, table, said.getvalue())


@pytest.mark.slow
def test_a_row_a_variant_and_a_column_a_metric(made: Made) -> None:
    table = made.table
    assert list(table.index) == list(VARIANTS)
    assert {"stoi", "estoi", "mel_distance"} <= set(table.columns)
    assert np.isfinite(table[["stoi", "mel_distance"]].to_numpy()).all()
    assert len(set(table["mel_distance"])) == len(VARIANTS)  # no two alike
    for distance in table["mel_distance"]:
        assert f"{distance:.3f}".rstrip("0") in made.said


@pytest.mark.slow
def test_the_scores_are_those_of_the_sounds(made: Made) -> None:
    for number, name in enumerate(VARIANTS):
        values = []
        for path in sorted((made.place / str(number) / "samples" / "original").glob("*.flac")):
            pair = [sf.read(p)[0] for p in (path, path.parents[1] / "w6" / path.name)]
            low = [soxr.resample(samples, 24_000, 16_000, quality="VHQ") for samples in pair]
            values.append(stoi(*low, 16_000))
        assert len(values) == 2
        assert made.table.loc[name, "stoi"] == pytest.approx(np.mean(values), abs=1e-4)


@pytest.mark.slow
def test_stage_1_is_shared_unless_it_is_what_changes(made: Made) -> None:
    states = [read_state(made.place / str(n) / "stage1.pt") for n in range(len(VARIANTS))]
    alike = [
        all(torch.equal(states[0]["average"][key], value) for key, value in s["average"].items())
        for s in states
    ]
    assert alike == ["stage1.weights.mae=0" not in changes for changes in VARIANTS.values()]
    for n, changes in enumerate(VARIANTS.values()):
        state = read_state(made.place / str(n) / "stage2.pt")
        assert state["step"] == 3
        for change in changes:
            assert change.split("=")[0].split(".")[-1] in state["recipe"]


@pytest.mark.slow
def test_running_again_trains_nothing_and_scores_the_same(
    made: Made, toml: Path, short: Path
) -> None:
    before = read_state(made.place / "0" / "stage2.pt")["average"]
    again = ablate(str(toml), FEWER, {"speech": short}, short, made.place)
    pd.testing.assert_frame_equal(again, made.table, check_names=False)
    after = read_state(made.place / "0" / "stage2.pt")["average"]
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_a_folder_of_validation_without_sound_is_named_before_any_training(
    toml: Path, clips: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="no sound is there"):
        ablate(str(toml), FEWER, {"speech": clips}, tmp_path / "none", tmp_path / "run")
    assert not list(tmp_path.rglob("*.pt"))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--data", "speech"], "'speech' is not NAME=PATH"),
        (["--data", "music=."], "no data name 'music' in the recipe. Allowed: speech"),
        (["--data", "speech=/nowhere"], "/nowhere does not exist"),
        (["--data", "speech=."], "no sound is there"),
        (["--data", "speech=.", "--set", "stage1.stps=1"], "Did you mean 'steps'?"),
        ([], "--data"),
    ],
)
def test_the_command_names_mistakes(
    toml: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    more: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    line = ["bench", "train", "ablate", "--config", str(toml), "--validation", str(tmp_path), *more]
    monkeypatch.setattr(sys, "argv", line)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said
