"""Item files of ABX: which stretches of clips are which phone, as ZeroSpeech writes them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from almbench.errors import MetricUndefined, UserError
from almbench.tokens.measure import ClipSet, LabelledClip

COLUMNS = ("#file", "onset", "offset", "#phone", "prev-phone", "next-phone", "speaker")
ROUNDED = 6  # digits of a frame, so that an end on its middle is on it in binary, too
PHONE, CONTEXT = "phone", "context"  # labels of items
T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True)
class Item:
    """A phone in a clip.

    Attributes:
        file: The clip: its id, or the name of its file without extension.
        onset: Where it begins, in seconds.
        offset: Where it ends.
        phone: Which it is.
        context: The phones before and after it.
        speaker: Who says it.
    """

    file: str
    onset: float
    offset: float
    phone: str
    context: str
    speaker: str

    def frames(self, rate: float) -> slice:
        """The frames whose middles lie in it, both ends included, at a frame rate in Hz.

        So do ABXpy and fastabx; Libri-Light takes a frame less.
        """
        first, last = (round(end * rate - 0.5, ROUNDED) for end in (self.onset, self.offset))
        return slice(max(0, math.ceil(first)), math.floor(last) + 1)


def read_items(path: Path) -> list[Item]:
    """Read an item file: a head line, then `file onset offset phone prev next speaker` a line.

    Raises:
        UserError: There is no such file, or a line has another form.
    """
    try:
        lines = path.expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"The item file {path} cannot be read: {error}") from error
    items = []
    for number, line in enumerate(lines[1:], start=2):
        fields = line.split()
        try:
            file, onset, offset, phone, before, after, speaker = fields
            item = Item(file, float(onset), float(offset), phone, f"{before} {after}", speaker)
        except ValueError:
            item = None
        if item is None or not 0 <= item.onset < item.offset < math.inf:
            if not fields:
                continue
            raise UserError(
                f"{path}, line {number}: it is no item. Allowed: {' '.join(COLUMNS)}, onset and "
                "offset in seconds, the first line naming them."
            )
        items.append(item)
    return items


@dataclass(frozen=True)
class Cut:
    """Items of clips that are there, as clips of their own.

    Attributes:
        clips: An item each, with the labels `phone`, `speaker` and `context`.
        places: The clip of each item, by its place among those that they were cut from.
        items: The items.
    """

    clips: ClipSet
    places: tuple[int, ...]
    items: tuple[Item, ...]

    def of(self, sequences: Sequence[NDArray[T]], rate: float) -> list[NDArray[T]]:
        """The stretches of the items, each **Shape** `[D, T]`, which may be without frames.

        Args:
            sequences: Of each clip, **Shape** `[D, T]`.
            rate: Frames a second in Hz.
        """
        pairs = zip(self.places, self.items, strict=True)
        return [sequences[place][:, item.frames(rate)] for place, item in pairs]


def cut_items(clips: ClipSet, items: Sequence[Item]) -> Cut:
    """Find the clips of items.

    Args:
        clips: The clips.
        items: Items of these and of others.

    Raises:
        MetricUndefined: No item is of these clips.
    """
    places = {clip.id: i for i, clip in enumerate(clips.clips)}
    there = [item for item in items if item.file in places]
    if not there:
        raise MetricUndefined("no item of the item file is of these clips")
    made = tuple(
        LabelledClip(
            f"{item.file}#{i}",
            item.speaker,
            {PHONE: item.phone, "speaker": item.speaker, CONTEXT: item.context},
        )
        for i, item in enumerate(there)
    )
    found = tuple(places[item.file] for item in there)
    return Cut(replace(clips, clips=made), found, tuple(there))
