"""A plain function as a codec: sound in, sound out."""

import hashlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from traceback import extract_tb
from types import CellType, CodeType, FunctionType, MethodType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from almbench import policies
from almbench.arrays import to_samples
from almbench.audio import Samples, fit
from almbench.codecs.base import Codec, CodecSpec, Encoded, Options
from almbench.errors import CodecError, UserError
from almbench.names import safe_name

Function = Callable[[Samples, int], ArrayLike]
PLAIN = (int, float, complex, str, bytes, type(None), type(Ellipsis), np.generic)


class FunctionCodec(Codec[Options]):
    """A codec made of a function `(samples, sample_rate) -> samples`.

    The function gets float64 samples of **Shape** `[T]` at the clip's own rate, and returns as many
    at the same rate: an array, a list or a tensor, of **Shape** `[T]` or `[C, T]`. There are no
    codes and no bits, so no bitrate.

    A function that was changed is a new codec: the `fingerprint` of its code is part of its facts.

    >>> codec = FunctionCodec(lambda samples, sample_rate: samples / 2, "half")
    >>> codec.decode(codec.encode([np.ones(3)], 8000), 8000)
    [array([0.5, 0.5, 0.5])]
    """

    def __init__(self, function: Function, id_: str = "", label: str = "") -> None:
        """Keep the function.

        Args:
            function: The function.
            id_: The codec's id; by default the function's name.
            label: Name for readers; by default the id.
        """
        name = id_ or safe_name(getattr(function, "__name__", type(function).__name__)).strip("_")
        super().__init__(name or "function", label or name or "function", Options())
        self._function = function
        self._sha256 = fingerprint(function)  # now: what it captures may change while it runs

    @property
    def spec(self) -> CodecSpec:
        """What is known of a function: its name, and the hash of what it does."""
        return CodecSpec(
            id=self.id,
            label=self.label,
            family="function",
            sample_rate=None,
            settings={
                "function": _qualified_name(self._function),
                "sha256": self._sha256,
            },
        )

    def encode(self, batch: list[Samples], rate: int) -> list[Encoded]:
        """Call the function for each clip, **Shape** `[T]`.

        Raises:
            CodecError: It failed, or gave back what is no sound of this length.
        """
        return [Encoded(None, len(clip), payload=self._call(clip, rate)) for clip in batch]

    def decode(self, batch: list[Encoded], rate: int) -> list[Samples]:
        """Hand out what the function gave back, cut or padded to the clip's length."""
        del rate
        return [fit(item.payload, item.length) for item in batch]

    def _call(self, clip: Samples, rate: int) -> Samples:
        try:
            sound, _ = to_samples(self._function(clip.copy(), rate), "the function's output")
        except UserError as error:
            raise CodecError(str(error)) from error
        except MemoryError:
            raise  # the runner tries with less
        except Exception as error:  # the function's own fault: say where
            frame = extract_tb(error.__traceback__)[-1]
            where = f"{Path(frame.filename).name}, line {frame.lineno}"
            raise CodecError(f"{type(error).__name__}: {error} ({where})") from error
        if len(sound) < policies.LEAST_LENGTH * len(clip):
            raise CodecError(f"the function returned {len(sound)} samples of {len(clip)}")
        return sound


def fingerprint(function: Callable[..., Any]) -> str:
    """Hash what a function does, as SHA-256 in hexadecimal digits.

    What counts: its compiled code, its default arguments, and of what it captures or reads as a
    global: numbers, text and arrays, and in turn the functions of its own module. For a method or
    an object that is called, likewise the functions of its class and its attributes. Not seen: the
    inside of other packages and of other objects, such as a model's weights; where these change,
    give the codec another id.

    >>> fingerprint(lambda x, rate: x) == fingerprint(lambda x, rate: x * 1)
    False
    """
    digest = hashlib.sha256()
    for part in _parts(function, set()):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def _qualified_name(value: Any) -> str:
    named = value if hasattr(value, "__qualname__") else type(value)
    return f"{named.__module__}.{named.__qualname__}"


def _parts(value: Any, seen: set[int]) -> Iterator[bytes]:
    """The bytes that tell one function from another, in an order that does not change.

    Args:
        value: A function, or what one captures.
        seen: Ids of the functions and objects whose parts were given, which may go round.
    """
    if isinstance(value, PLAIN):
        yield f"{type(value).__name__} {value!r}".encode()
    elif isinstance(value, np.ndarray):
        yield f"array {value.dtype} {value.shape}".encode()
        yield np.ascontiguousarray(value).tobytes()
    elif isinstance(value, (tuple, list)):
        yield f"sequence {len(value)}".encode()
        for item in value:
            yield from _parts(item, seen)
    elif isinstance(value, (set, frozenset)):
        yield f"set {len(value)}".encode()
        yield from sorted(b"".join(_parts(item, seen)) for item in value)
    elif isinstance(value, dict):
        yield from _parts([*value, *value.values()], seen)
    elif isinstance(value, CodeType):
        yield value.co_code
        yield from _parts([value.co_consts, value.co_names], seen)
    elif isinstance(value, partial):
        yield from _parts([value.func, value.args, value.keywords], seen)
    elif isinstance(value, MethodType):
        yield from _parts(value.__func__, seen)
        yield from _object_parts(value.__self__, seen)
    elif isinstance(value, FunctionType):
        yield from _function_parts(value, seen)
    elif callable(value) and isinstance(type(value).__call__, FunctionType):
        yield from _object_parts(value, seen)
    else:
        yield _qualified_name(value).encode()


def _function_parts(function: FunctionType, seen: set[int]) -> Iterator[bytes]:
    if id(function) in seen:
        return
    seen.add(id(function))
    yield from _parts([function.__code__, function.__defaults__, function.__kwdefaults__], seen)
    for cell in function.__closure__ or ():
        if cell != CellType():  # a variable that is not set yet
            yield from _parts(cell.cell_contents, seen)
    for name in sorted(_global_names(function.__code__)):
        used = function.__globals__.get(name)
        if not isinstance(used, FunctionType) or used.__module__ == function.__module__:
            yield from _parts(used, seen)


def _global_names(code: CodeType) -> set[str]:
    """The names that code, and functions inside it, look up; attributes are among them."""
    inner = (_global_names(const) for const in code.co_consts if isinstance(const, CodeType))
    return set(code.co_names).union(*inner)


def _object_parts(value: Any, seen: set[int]) -> Iterator[bytes]:
    if id(value) in seen:
        return
    seen.add(id(value))
    yield _qualified_name(type(value)).encode()
    methods = [item for item in vars(type(value)).values() if isinstance(item, FunctionType)]
    yield from _parts([methods, getattr(value, "__dict__", None)], seen)
