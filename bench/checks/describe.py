"""Words for an error of an adapter."""

from inspect import getfile
from pathlib import Path
from traceback import extract_tb
from typing import Any

from almbench.codecs.base import Codec
from almbench.errors import AlmbenchError


def describe_error(error: Exception, codec: Codec[Any]) -> str:
    """Say what went wrong and, where the adapter did not mean it, at which line of it."""
    if isinstance(error, AlmbenchError):
        return str(error)
    frames = extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename == getfile(type(codec))]
    frame = (own or frames)[-1]
    return f"{type(error).__name__}: {error} ({Path(frame.filename).name}, line {frame.lineno})"
