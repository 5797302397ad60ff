"""What is wrong with the codes that a codec gives, in words that follow "codes"."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def shape_fault(codes: NDArray[Any], sizes: Sequence[int]) -> str:
    """Say what is wrong with the shape of codes; empty for nothing.

    Args:
        codes: What should be **Shape** `[K, T]`.
        sizes: Entries of each of the K codebooks.

    >>> shape_fault(np.zeros((250, 8), int), [1024] * 8)
    'are [T, K] = (250, 8); they should be [K, T]: transpose them'
    """
    wanted = len(sizes)
    if codes.ndim == 2 and len(codes) != wanted == codes.shape[1]:
        return f"are [T, K] = {codes.shape}; they should be [K, T]: transpose them"
    if codes.ndim == 1 == wanted:
        return f"have the shape {list(codes.shape)}, not [1, T]: give codes[None]"
    if codes.ndim != 2 or len(codes) != wanted:
        books = f"{wanted} codebook{'s' if wanted != 1 else ''}"
        return f"have the shape {list(codes.shape)}, not [{wanted}, T] of {books} and T frames"
    return ""


def codes_fault(codes: NDArray[Any], sizes: Sequence[int]) -> str:
    """Say what is wrong with codes, their shape, type and values; empty for nothing.

    Args:
        codes: What should be integers of **Shape** `[K, T]`, T > 0.
        sizes: Entries of each of the K codebooks, counted from 0.

    >>> codes_fault(np.array([[0, 1], [9, 3]]), [8, 8])
    'go from 3 to 9 in codebook 2; it has 0 to 7'
    """
    if not np.issubdtype(codes.dtype, np.integer):
        return f"are {codes.dtype}, not integers"
    if fault := shape_fault(codes, sizes):
        return fault
    if not codes.size:
        return "have no frames"
    wrong = _beyond(codes, sizes)
    if wrong is None:
        return ""
    if codes.shape[0] == codes.shape[1] and _beyond(codes.T, sizes) is None:
        return f"fit their codebooks only as [T, K] = {codes.shape}: transpose them to [K, T]"
    return _out_of_range(codes[wrong], wrong + 1, sizes[wrong])


def _beyond(codes: NDArray[Any], sizes: Sequence[int]) -> int | None:
    """The first codebook with codes that it does not have, counted from 0."""
    outside = (codes.min(axis=1) < 0) | (codes.max(axis=1) >= np.asarray(sizes))
    return int(outside.argmax()) if outside.any() else None


def _out_of_range(row: NDArray[Any], book: int, size: int) -> str:
    """Say which codes of a codebook, counted from 1, it does not have."""
    least, most = row.min(), row.max()
    if least < 0:
        return f"are negative in codebook {book}, {least} the smallest; they count from 0"
    return f"go from {least} to {most} in codebook {book}; it has 0 to {size - 1}"
