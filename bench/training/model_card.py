"""The card of a checkpoint: what it is, what it learned from, how good it was measured to be."""

from collections.abc import Hashable
from math import isnan

import pandas as pd

from almbench.codecs.almtokenizer.config import ModelConfig
from almbench.training.trainer import Task

MEASURED = "## Measured"
COLUMNS = {
    "kbps": ("measured_kbps", 2),
    "PESQ-WB": ("pesq_wb", 2),
    "STOI": ("stoi", 3),
    "ESTOI": ("estoi", 3),
    "ViSQOL": ("visqol_speech", 2),
    "mel distance": ("mel_distance", 3),
}


def training_card(task: Task, step: int) -> str:
    """Write the card of a checkpoint that has not been measured yet.

    Args:
        task: What was trained.
        step: How many steps of the stage were done.
    """
    recipe, model = task.recipe, task.recipe.model
    hours = "\n".join(
        f"| {data.name} | {folder.hours:.2f} | {len(folder.paths)} |"
        for data, folder in zip(recipe.data, task.folders, strict=True)
    )
    if not model.prior_width:
        prior = "learned like the others"
    elif recipe.prior.kind == "mel":
        prior = "centres of normalized log-mel patches, an acoustic stand-in for a semantic prior"
    else:
        prior = f"centres of features of {recipe.prior.wav2vec2} and BEATs"
    return f"""# ALMTokenizer checkpoint

Made by `bench train almtokenizer`. {model.codebooks} codebooks of {model.codebook_size} entries,
{model.sample_rate / 1000:g} kHz, {model.sample_rate / model.hop:g} frames a second, one query every
{model.min_window} to {model.max_window} frames. First codebook: {prior}.

{_steps(task, step)} Seed {recipe.seed}.

| data | hours | files |
|---|---|---|
{hours}
"""


def _steps(task: Task, step: int) -> str:
    recipe = task.recipe
    done = f"{step} steps of stage {task.number}"
    if step < task.config.steps:
        done += f" of {task.config.steps} planned"
    if task.number == 1:
        return f"Trained for {done}. Stage 2 is missing: this is no tokenizer yet."
    begun = recipe.initial or f"{recipe.stage1.steps} steps of stage 1"
    return f"Trained from {begun}: {done}."


def with_measured(card: str, section: str) -> str:
    """Put the section of figures in place of the one that a card has, or at its end."""
    before, _, after = card.partition(MEASURED)
    _, heading, rest = after.partition("\n## ")
    return f"{before.rstrip()}\n\n{section}{heading}{rest}"


def measured_section(summary: pd.DataFrame, model: ModelConfig) -> str:
    """Write the section of a card with the figures of a run's summary."""
    means = summary.pivot_table(index="codec", columns="metric", values="mean", sort=False)
    counts = summary[summary["metric"] == "stoi"].set_index("codec")["n"]
    rows = []
    for codec, label in dict(zip(summary["codec"], summary["label"], strict=True)).items():
        values = means.loc[str(codec)].to_dict()
        cells = [_number(values, metric, digits) for metric, digits in COLUMNS.values()]
        uses = [
            _number(values, f"codebook_use_k{k}", 0, model.codebook_size)
            for k in range(1, model.codebooks + 1)
        ]
        books = " / ".join(use for use in uses if use != "–")
        rows.append(f"| {label} | {' | '.join(cells)} | {books or '–'} |")
    head = " | ".join(COLUMNS)
    return f"""{MEASURED}

Means over {int(counts.max())} clips of held-out speech, scored at 16 kHz.

| | {head} | entries used |
|{"---|" * (len(COLUMNS) + 2)}
{chr(10).join(rows)}
"""


def _number(values: dict[Hashable, float], metric: str, digits: int, scale: int = 1) -> str:
    value = values.get(metric, float("nan"))
    return "–" if isnan(value) else f"{value * scale:.{digits}f}"
