"""Codes of a clip as a file of their own: `.npz` with the array `codes` and facts beside it.

The facts are optional: `codebook_sizes` (`[K]`, entries of each codebook), `frame_rate` (Hz),
`sample_rate` (Hz, of the sound), `length` (its samples) and `codec` (the id of what encoded).
"""

from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np

from almbench.errors import CodecError

SUFFIX = ".npz"
LONGEST_FACT = 2**16  # bytes of an array of facts
FACTS = ("codebook_sizes", "frame_rate", "sample_rate", "length", "codec")


def read_facts(path: Path) -> dict[str, Any]:
    """Read what a file says of its codes, without reading the codes.

    Raises:
        CodecError: The file cannot be read.
    """
    try:
        with ZipFile(path) as archive:
            sizes = {
                info.filename.removesuffix(".npy"): info.file_size for info in archive.filelist
            }
        small = [name for name in FACTS if sizes.get(name, LONGEST_FACT) < LONGEST_FACT]
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name].tolist() for name in small}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise CodecError(f"the codes in {path.name} cannot be read: {error}") from error
