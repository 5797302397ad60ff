"""The built-in sample set: speech, sound and music that the project made itself.

The set is there so that a first run needs no data. Its clips are dedicated to the public domain
(CC0 1.0, https://creativecommons.org/publicdomain/zero/1.0/); `make.py` makes all of them.
"""

from pathlib import Path


def folder() -> Path:
    """The folder of the installed set: `clips.csv`, and a folder of FLAC files a domain."""
    return Path(__file__).resolve().parent
