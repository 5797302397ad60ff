"""What each part of the recipe is worth: equal short runs, each without one of them.

`python -m almbench.training.ablation --data NAME=PATH... --validation DIR -o DIR`
"""

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from almbench.codecs.almtokenizer.config import load_config
from almbench.errors import UserError
from almbench.training.data import open_folders
from almbench.training.trainer import Task, Trainer
from almbench.training.validation import Validation

WHOLE = "all parts"
VARIANTS = {
    WHOLE: [],
    "no MAE loss": ["stage1.weights.mae=0"],
    "no AR loss": ["stage2.weights.ar=0"],
    "no prior": ["model.prior_width=0"],
    "no queries: every w-th frame kept": ["model.compression=drop"],
    "no way past the Transformers": ["model.skip=false"],
}
WINDOW = 6


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
        output: Folder for states and sounds.

    Returns:
        A row a variant, a column a metric.
    """
    rows = {}
    for number, (name, changes) in enumerate(VARIANTS.items()):
        recipe = load_config(config, [*settings, *changes])
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
    return pd.DataFrame(rows).T


def _train(task: Task) -> Trainer:
    trainer = Trainer(task)
    trainer.run([(task.recipe.save_every, lambda _: trainer.save())])
    trainer.save()
    return trainer


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="What each part of the recipe is worth.")
    parser.add_argument("--config", default="small")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--data", action="append", default=[], metavar="NAME=PATH", required=True)
    parser.add_argument("--validation", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, default=Path("runs/almtokenizer-ablation"))
    given = parser.parse_args()
    data = {}
    for pair in given.data:
        name, _, path = pair.partition("=")
        if not (name and path):
            parser.error(f"--data '{pair}' is not NAME=PATH, such as speech=/data/librispeech.")
        data[name] = Path(path)
    try:
        table = ablate(given.config, given.set, data, given.validation, given.output)
    except UserError as error:
        parser.error(str(error))
    given.output.mkdir(parents=True, exist_ok=True)
    table.to_csv(given.output / "ablation.csv", index_label="variant")
    print(table.round(3).to_markdown())


if __name__ == "__main__":
    main()
