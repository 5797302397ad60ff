"""What each part of the recipe is worth: equal short runs, each without one of them."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from almbench.training.data import open_folders
from almbench.training.recipe import load_config
from almbench.training.trainer import Task, Trainer
from almbench.training.validation import Validation

WHOLE = "all parts"
VARIANTS = {
    WHOLE: [],
    "no MAE loss": ["stage1.weights.mae=0"],
    "no AR loss": ["stage2.weights.ar=0"],
    "no prior": ["model.prior_width=0"],
    "no queries: every w-th frame kept": ["model.compression=drop"],
    "no skip connections": ["model.skip_connections=false"],
}
WINDOW = 6
TABLE = "ablation.csv"


def ablate(
    config: str,
    settings: Sequence[str],
    data: dict[str, Path],
    validation: Path,
    output: Path,
) -> pd.DataFrame:
    """Train the recipe whole, then without one part at a time, and score each on held-out clips.

    Stage 1 is trained once for all that do not change it.

    Args:
        config: The recipe.
        settings: Changes to it, such as fewer steps, that all runs share.
        data: Folders of the recipe's data.
        validation: Folder of held-out clips.
        output: Folder for states, sounds and the table, `ablation.csv`.

    Returns:
        One row per variant, one column per metric.
    """
    rows = {}
    for number, (name, changes) in enumerate(VARIANTS.items()):
        recipe = load_config(config, [*settings, *changes]).with_data(data)
        place = output / str(number)
        place.mkdir(parents=True, exist_ok=True)
        folders = open_folders(recipe.data, data)
        score = Validation(validation, place / "samples", recipe.model.sample_rate)
        whole, here = output / "0" / "stage1.pt", place / "stage1.pt"
        if number and not any(c.startswith("stage1.") for c in changes):
            shutil.copy(whole, here)
        else:
            _train(Task(recipe, 1, folders, place, workers=0))
        trainer = _train(Task(recipe, 2, folders, place, workers=0))
        rows[name] = score(trainer.averaged.eval(), WINDOW, f"w{WINDOW}")
    table = pd.DataFrame(rows).T
    table.to_csv(output / TABLE, index_label="variant")
    return table


def _train(task: Task) -> Trainer:
    trainer = Trainer(task)
    trainer.run([(task.recipe.save_every, lambda _: trainer.save())])
    trainer.save()
    return trainer
