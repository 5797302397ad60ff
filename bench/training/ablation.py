"""What each part of the recipe is worth: equal short runs, each with one part changed."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from shutil import copy
from time import process_time

import pandas as pd

from almbench.errors import UserError, unknown
from almbench.names import safe_name
from almbench.progress import console
from almbench.training.data import open_folders
from almbench.training.recipe import TrainConfig, load_config
from almbench.training.trainer import Task, Trainer
from almbench.training.validation import Validation

WHOLE = "all parts"
VARIANTS: dict[str, list[str]] = {
    WHOLE: [],
    "no prior": ["model.prior_width=0"],
    "codebooks 8 wide": ["model.code_width=8"],
    "codebooks 16 wide": ["model.code_width=16"],
    "no lookahead": ["model.lookahead=0"],
    "no level loss": ["stage2.weights.level=0"],
    "no envelope loss": ["stage2.weights.envelope=0"],
    "loss of mel spectrograms at six scales": ["stage2.weights.spectral=1"],
    "discriminators of weight 0.1": ["stage2.weights.adversarial=0.1", "stage2.weights.feature=1"],
    "crops as they are": [
        *("stage2.speed=0", "stage2.gain_db=0", "stage2.equalizer_db=0"),
        "stage2.noise_db=-200",  # too quiet to be anything
    ],
    "no AR loss": ["stage2.weights.ar=0"],
    "no MAE loss": ["stage1.weights.mae=0"],
    "no queries: every w-th frame kept": ["model.compression=drop"],
    "no skip connections": ["model.skip_connections=false"],
}
WINDOW = 6
CLIPS = 50  # held-out clips at most
TABLE, RUNS, RUN = "ablation.csv", "runs.csv", "run.json"


@dataclass(frozen=True)
class Run:
    """A finished training of a variant.

    Attributes:
        recipe: What it was trained by, as JSON.
        scores: The mean of each metric over the held-out clips.
        seconds: Processor time of stage 2.
    """

    recipe: str
    scores: dict[str, float]
    seconds: float


def ablate(
    config: str,
    settings: Sequence[str],
    data: dict[str, Path],
    validation: Path,
    output: Path,
    seeds: int = 1,
    variants: Sequence[str] = (),
) -> pd.DataFrame:
    """Train the recipe whole, then with one part changed at a time, and score each.

    With each seed, stage 1 is trained once for all variants that do not change it. What is finished
    is not trained again, and the tables, of all that is finished, are written anew after each run,
    so that it can be stopped at any time.

    Args:
        config: The recipe.
        settings: Changes to it, such as fewer steps, that all runs share.
        data: Folders of the recipe's data.
        validation: Folder of held-out clips; up to 50 are scored.
        output: Folder for states, sounds and tables: `runs.csv`, a row per run, and `ablation.csv`.
        seeds: How many seeds, from the recipe's on.
        variants: Names of `VARIANTS` to train beside the whole, by default all. Those that change
            nothing of this recipe are left out, with a line.

    Returns:
        One row per variant: means over the seeds, with their standard deviations (`_sd`).

    Raises:
        UserError: There is no such variant, or the folder holds runs of another recipe.
    """
    for name in variants:
        if name not in VARIANTS:
            raise UserError(unknown("variant", name, VARIANTS))
    whole = load_config(config, settings).with_data(data)
    rows: list[dict[str, object]] = []
    table = pd.DataFrame()
    for seed in range(whole.seed, whole.seed + seeds):
        for name, changes in VARIANTS.items():
            recipe = load_config(config, [*settings, *changes]).with_data(data)
            asked = name in (WHOLE, *variants) or not variants
            if name != WHOLE and recipe == whole:
                if asked and seed == whole.seed:
                    console.print(f"{name}: left out, as the recipe is like that already.")
                continue
            recipe = recipe.model_copy(update={"seed": seed})
            folder = output / f"seed-{seed}"
            run = finished(folder, name, recipe)
            if run is None:
                if not asked:
                    continue
                run = train_variant(recipe, data, validation, folder, name)
            rows.append({"variant": name, "seed": seed, **run.scores, "seconds": run.seconds})
            table = _write(pd.DataFrame(rows), output)
    return table


def train_variant(
    recipe: TrainConfig, data: dict[str, Path], validation: Path, folder: Path, name: str
) -> Run:
    """Train and score a variant.

    Args:
        recipe: The variant's recipe.
        data: Folders of its data.
        validation: Folder of held-out clips.
        folder: Folder of all variants with this seed. Stage 1 is taken from that of the whole
            recipe where that is the same.
        name: The variant's name.
    """
    place, facts = folder / safe_name(name), recipe.model_dump_json()
    folders = open_folders(recipe.data, data)
    score = Validation(validation, place / "samples", recipe.model.sample_rate, CLIPS)
    first = Task(recipe, 1, folders, place, workers=0)
    whole = folder / safe_name(WHOLE)
    if place != whole and _same_stage_1(recipe, whole / RUN):
        place.mkdir(parents=True, exist_ok=True)
        copy(whole / first.state(1).name, first.state(1))
    else:
        _train(first)
    begun = process_time()
    trainer, steps = _train(Task(recipe, 2, folders, place, workers=0))
    # Of what an interrupted run did before, its state does not tell.
    seconds = (process_time() - begun) * recipe.stage2.steps / max(1, steps)
    run = Run(facts, score(trainer.averaged.eval(), WINDOW, f"w{WINDOW}"), seconds)
    (place / RUN).write_text(json.dumps(asdict(run), indent=2) + "\n", encoding="utf-8")
    return run


def finished(folder: Path, name: str, recipe: TrainConfig) -> Run | None:
    """The run of a variant by a recipe in the folder of a seed, if it is finished."""
    done = folder / safe_name(name) / RUN
    if not done.is_file():
        return None
    found = Run(**json.loads(done.read_text(encoding="utf-8")))
    return found if found.recipe == recipe.model_dump_json() else None


def _same_stage_1(recipe: TrainConfig, whole: Path) -> bool:
    """Whether a finished run of the whole recipe has the stage 1 that `recipe` asks for."""
    if not whole.is_file():
        return False
    other = TrainConfig.model_validate_json(json.loads(whole.read_text(encoding="utf-8"))["recipe"])
    return (recipe.stage1, recipe.data, recipe.seed) == (other.stage1, other.data, other.seed)


def _train(task: Task) -> tuple[Trainer, int]:
    """Train a stage to its end; returns how many steps were left, too."""
    trainer = Trainer(task)
    left = task.config.steps - trainer.step
    trainer.run([(task.recipe.save_every, lambda _: trainer.save())])
    trainer.save()
    return trainer, left


def _write(runs: pd.DataFrame, output: Path) -> pd.DataFrame:
    runs.to_csv(output / RUNS, index=False)
    groups = runs.drop(columns="seed").groupby("variant", sort=False)
    table = groups.mean().join(groups.std().add_suffix("_sd"))
    table.insert(0, "seeds", groups.size())
    table.to_csv(output / TABLE)
    return table
