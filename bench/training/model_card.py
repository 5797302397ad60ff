"""The card of a checkpoint: what it is, what it learned from, how good it was measured to be."""

from collections.abc import Hashable
from math import isnan, nan
from typing import Any

import pandas as pd

from almbench.codecs.almtokenizer.config import ModelConfig
from almbench.domains import Domain
from almbench.training.curves import CURVES
from almbench.training.trainer import Task

MEASURED = "## Measured"
MISSING = "–"
# Heading of a column: the metric, and its decimals.
COLUMNS: dict[Domain, dict[str, tuple[str, int]]] = {
    "speech": {
        "kbps": ("measured_kbps", 2),
        "PESQ-WB": ("pesq_wb", 2),
        "STOI": ("stoi", 3),
        "ESTOI": ("estoi", 3),
        "ViSQOL": ("visqol_speech", 2),
        "speaker similarity": ("speaker_similarity", 3),
        "mel distance": ("mel_distance", 3),
        "level, dB": ("gain_db", 1),
    },
    "sound": {
        "kbps": ("measured_kbps", 2),
        "ViSQOL": ("visqol_audio", 2),
        "mel distance": ("mel_distance", 3),
        "STFT distance": ("mrstft_distance", 2),
        "level, dB": ("gain_db", 1),
    },
}
COLUMNS["music"] = COLUMNS["sound"]


def training_card(task: Task, step: int, *, quantized: bool) -> str:
    """Write the card of a checkpoint that has not been measured yet.

    Args:
        task: What was trained.
        step: How many steps of the stage were done.
        quantized: Whether its codebooks are trained.
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

{_steps(task, step, quantized=quantized)} Seed {recipe.seed}.

| data | hours | files |
|---|---|---|
{hours}

![Losses, and scores of held-out clips, by step]({CURVES})
"""


def _steps(task: Task, step: int, *, quantized: bool) -> str:
    recipe = task.recipe
    done = f"{step} steps of stage {task.number}"
    if step < task.config.steps:
        done += f" of {task.config.steps} planned"
    if task.number == 1:
        return f"Trained for {done}. Stage 2 is missing: this is no tokenizer yet."
    begun = recipe.initial or f"{recipe.stage1.steps} steps of stage 1"
    missing = "" if quantized else " Its codebooks are not trained: this is no tokenizer yet."
    return f"Trained from {begun}: {done}.{missing}"


def with_measured(card: str, section: str) -> str:
    """Put the section of figures in place of the one that a card has, or at its end."""
    before, _, after = card.partition(MEASURED)
    _, heading, rest = after.partition("\n## ")
    return f"{before.rstrip()}\n\n{section}{heading}{rest}"


def measured_section(summary: pd.DataFrame, model: ModelConfig) -> str:
    """Write the section of a card with the figures of summaries: a table for each test set."""
    tables = [
        _table(str(testset), of_set, model)
        for testset, of_set in summary.groupby("testset", sort=False)
    ]
    return f"""{MEASURED}

Means with 95 % intervals. Entries are those of each codebook that occur in the clips.

{chr(10).join(tables)}"""


def _table(testset: str, summary: pd.DataFrame, model: ModelConfig) -> str:
    columns = COLUMNS[summary["domain"].iloc[0]]
    cells = summary.set_index(["codec", "metric"])
    rows = []
    for codec, label in dict(zip(summary["codec"], summary["label"], strict=True)).items():
        metrics = cells.loc[codec].to_dict("index")
        values = [_figure(metrics.get(metric), digits) for metric, digits in columns.values()]
        uses = [
            _figure(use and {"mean": use["mean"] * model.codebook_size}, 0)
            for k in range(1, model.codebooks + 1)
            if (use := metrics.get(f"codebook_use_k{k}"))
        ]
        books = " / ".join(use for use in uses if use != MISSING)
        rows.append(f"| {label} | {' | '.join(values)} | {books or MISSING} |")
    return f"""### {testset.replace("-", " ").capitalize()}

{int(summary["n"].max())} clips.

| | {" | ".join(columns)} | entries |
|{"---|" * (len(columns) + 2)}
{chr(10).join(rows)}
"""


def _figure(row: dict[Hashable, Any] | None, digits: int) -> str:
    """A mean, and half of its interval's width where it has one."""
    if row is None or isnan(row["mean"]):
        return MISSING
    half = (row.get("ci95_high", nan) - row.get("ci95_low", nan)) / 2
    return f"{row['mean']:z.{digits}f}" + ("" if isnan(half) else f" ± {half:.{digits}f}")
