"""Make the built-in sample set: `python -m almbench.samples.make [--output DIR]`.

The sentences, the sounds and the music are this project's own work; speech is read by espeak-ng,
all else is computed here. The clips are dedicated to the public domain (CC0 1.0,
https://creativecommons.org/publicdomain/zero/1.0/). Random numbers come from fixed seeds, one a
clip, so that the set can be made again, and a clip added without changing the others.
"""

import argparse
import csv
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from almbench.audio import Samples, write_flac
from almbench.errors import UserError
from almbench.samples import folder, music, sound, speech
from almbench.samples.tools import STORED_RATE, Recipe, finish

RECIPES = [*speech.RECIPES, *sound.RECIPES, *music.RECIPES]
COLUMNS = ("id", "path", "domain", "speaker", "text")


def render(recipe: Recipe) -> Samples:
    """Make one clip as it is stored, at 24 kHz.

    Raises:
        UserError: The clip is speech and espeak-ng is not installed.
    """
    rng = np.random.default_rng(zlib.crc32(recipe.id.encode()))
    return finish(recipe.make(rng), recipe.level_db, recipe.fade)


def make(output: Path, recipes: Sequence[Recipe] = RECIPES) -> None:
    """Write the clips as FLAC (24 kHz, mono, 16 bit), and `clips.csv` over them.

    Raises:
        UserError: A clip is speech and espeak-ng is not installed.
    """
    rows = []
    for recipe in recipes:
        path = f"{recipe.domain}/{recipe.id}.flac"
        write_flac(output / path, render(recipe), STORED_RATE)
        rows.append((recipe.id, path, recipe.domain, recipe.speaker, recipe.text))
    with (output / "clips.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Make the built-in sample set.")
    parser.add_argument("--output", type=Path, default=folder(), help="folder to write to")
    output = parser.parse_args().output
    try:
        make(output)
    except UserError as error:
        parser.error(str(error))
    print(f"{len(RECIPES)} clips in {output}")


if __name__ == "__main__":
    main()
