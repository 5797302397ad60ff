"""What the parts of the recipe are worth: every variant is trained on equal terms and scored."""

import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import partial
from io import StringIO
from pathlib import Path
from shutil import copytree, rmtree

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
import soxr
import torch
from pystoi import stoi

from almbench.cli import main as cli
from almbench.errors import UserError
from almbench.names import safe_name
from almbench.training import codebook_init as training
from almbench.training.ablation import VARIANTS, WHOLE, ablate
from almbench.training.recipe import load_config
from almbench.training.state import read_state

pytest.importorskip("accelerate", reason="training needs the extra 'train'")

FEWER = ["stage1.steps=3", "stage2.steps=3", "stage2.quantize_from=1"]
CHOSEN = ["no prior", "no AR loss", "no MAE loss"]
SEEDS = (5, 6)  # the recipe's, and the one after it


def test_each_variant_changes_what_it_says(toml: Path) -> None:
    shared = ["model.skip_connections=true", "model.lookahead=1", "model.code_width=12"]
    shared += ["stage2.speed=0.1", "stage2.gain_db=3", "stage2.equalizer_db=3"]
    shared += ["stage2.weights.level=1", "stage2.weights.envelope=1", "stage2.weights.spectral=0"]
    whole = load_config(str(toml), [*shared, *VARIANTS[WHOLE]])
    assert whole == load_config(str(toml), shared)
    assert next(iter(VARIANTS)) == WHOLE  # whose stage 1 the others take
    assert whole.stage1.weights.mae > 0
    assert whole.stage2.weights.ar > 0
    differing = {}
    for name, changes in VARIANTS.items():
        recipe = load_config(str(toml), [*shared, *changes]).model_dump()
        differing[name] = [
            f"{table}.{key}"
            for table in ("model", "stage1", "stage2")
            for key, value in recipe[table].items()
            if value != whole.model_dump()[table][key]
        ]
    assert differing == {
        WHOLE: [],
        "no prior": ["model.prior_width"],
        "codebooks 8 wide": ["model.code_width"],
        "codebooks 16 wide": ["model.code_width"],
        "no lookahead": ["model.lookahead"],
        "no level loss": ["stage2.weights"],
        "no envelope loss": ["stage2.weights"],
        "loss of mel spectrograms at six scales": ["stage2.weights"],
        "discriminators of weight 0.1": ["stage2.weights"],
        "crops as they are": [
            f"stage2.{key}" for key in ("speed", "gain_db", "equalizer_db", "noise_db")
        ],
        "no AR loss": ["stage2.weights"],
        "no MAE loss": ["stage1.weights"],
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
    runs: pd.DataFrame
    said: str

    def run(self, seed: int, name: str) -> Path:
        """Where a run lies."""
        return self.place / f"seed-{seed}" / safe_name(name)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, toml: Path, short: Path) -> Made:
    place = tmp_path_factory.mktemp("ablation") / "out"
    line = ["bench", "train", "ablate", "--config", toml, "--data", f"speech={short}"]
    line += ["--validation", short, "-o", place, *(w for s in FEWER for w in ("--set", s))]
    line += ["--seeds", 2, *(word for name in CHOSEN for word in ("--variant", name))]
    said = StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said):
        patch.setattr(training, "START_CROPS", 8)
        patch.setattr(sys, "argv", [str(word) for word in line])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    assert ended.value.code == 0
    table = pd.read_csv(place / "ablation.csv", index_col="variant")
    return Made(place, table, pd.read_csv(place / "runs.csv"), said.getvalue())


@pytest.mark.slow
def test_a_row_a_variant_with_means_and_spread_over_seeds(made: Made) -> None:
    assert list(made.table.index) == [WHOLE, *CHOSEN]
    pairs = [(name, seed) for seed in SEEDS for name in (WHOLE, *CHOSEN)]
    assert list(zip(made.runs["variant"], made.runs["seed"], strict=True)) == pairs
    assert made.runs["mel_distance"].nunique() == len(pairs)  # no two alike
    for name, row in made.table.iterrows():
        values = made.runs[made.runs["variant"] == name]
        assert row["seeds"] == 2
        for column in ("stoi", "estoi", "mel_distance", "seconds"):
            first, second = values[column]
            assert row[column] == pytest.approx((first + second) / 2)
            assert row[f"{column}_sd"] == pytest.approx(abs(first - second) / 2**0.5)
        assert row["seconds"] > 0
        assert f"{row['mel_distance']:.3f}".rstrip("0") in made.said


@pytest.mark.slow
def test_the_scores_are_those_of_the_sounds(made: Made) -> None:
    for _, run in made.runs.iterrows():
        values = []
        samples = made.run(run["seed"], run["variant"]) / "samples"
        for path in sorted((samples / "original").glob("*.flac")):
            pair = [sf.read(p)[0] for p in (path, samples / "w6" / path.name)]
            low = [soxr.resample(samples, 24_000, 16_000, quality="VHQ") for samples in pair]
            values.append(stoi(*low, 16_000))
        assert len(values) == 2
        assert run["stoi"] == pytest.approx(np.mean(values), abs=1e-4)


@pytest.mark.slow
def test_stage_1_is_shared_within_a_seed_unless_it_is_what_changes(made: Made) -> None:
    def stage_1(seed: int, name: str) -> dict[str, torch.Tensor]:
        weights: dict[str, torch.Tensor] = read_state(made.run(seed, name) / "stage1.pt")["average"]
        return weights

    def alike(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
        names = [name for name in one if name.startswith(("patchify.", "unpatchify."))]
        return all(torch.equal(one[name], two[name]) for name in names)

    for seed in SEEDS:
        shared = [alike(stage_1(seed, WHOLE), stage_1(seed, name)) for name in CHOSEN]
        assert shared == [name != "no MAE loss" for name in CHOSEN]
        for name in CHOSEN:
            state = read_state(made.run(seed, name) / "stage2.pt")
            assert state["step"] == 3
            assert f'"seed":{seed}' in state["recipe"]
    assert not alike(*(stage_1(seed, WHOLE) for seed in SEEDS))


@pytest.mark.slow
def test_what_is_finished_is_kept_and_the_rest_trained(
    made: Made, toml: Path, short: Path, tmp_path: Path
) -> None:
    place = tmp_path / "out"
    copytree(made.place, place)
    rmtree(place / "seed-6" / safe_name("no prior"))
    kept = {path: path.stat().st_mtime_ns for path in place.rglob("stage*.pt")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "START_CROPS", 8)
        run = partial(ablate, str(toml), FEWER, {"speech": short}, short, place, 2)
        again = run(CHOSEN)
        pd.testing.assert_frame_equal(run(CHOSEN[:1]), again)  # the others are still told of
    assert all(path.stat().st_mtime_ns == time for path, time in kept.items())
    columns = ["seeds", "stoi", "estoi", "mel_distance"]
    pd.testing.assert_frame_equal(again[columns], made.table[columns], check_names=False)


def test_a_folder_with_runs_of_another_recipe_is_refused(
    toml: Path, short: Path, tmp_path: Path
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "START_CROPS", 8)
        run = partial(ablate, str(toml), data={"speech": short}, validation=short, output=tmp_path)
        run([*FEWER], variants=["no AR loss"])
        with pytest.raises(UserError, match="belongs to another recipe"):
            run([*FEWER, "stage2.batch=3"], variants=["no AR loss"])


def test_what_changes_nothing_of_the_recipe_is_left_out_with_a_line(
    toml: Path, short: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = [*FEWER, "stage2.weights.ar=0"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "START_CROPS", 8)
        found = ablate(
            str(toml), settings, {"speech": short}, short, tmp_path, variants=["no AR loss"]
        )
    assert list(found.index) == [WHOLE]
    assert found["stoi_sd"].isna().all()  # one seed has no spread
    assert "no AR loss: left out" in capsys.readouterr().err


def test_a_folder_of_validation_without_sound_is_named_before_any_training(
    toml: Path, clips: Path, tmp_path: Path
) -> None:
    (tmp_path / "none").mkdir()
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
        (["--data", "speech=.", "--variant", "no priors"], "Did you mean 'no prior'?"),
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
