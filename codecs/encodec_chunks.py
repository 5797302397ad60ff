"""Encodec of 48 kHz works in chunks of a second that overlap, each brought to a scale of its own.

Défossez et al., "High Fidelity Neural Audio Compression", 2022, section 3.1. The last chunk is as
long as the clip leaves it. The scale is what the authors' own files store of each chunk besides the
codes: a number of 32 bits.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

SCALE_BITS = 32
SILENT = 1e-8  # added to the scale, so that silence can be divided by it


@dataclass(frozen=True)
class Chunks:
    """What a clip becomes.

    Attributes:
        codes: **Shape** `[K, T']`, the frames of all chunks one after another.
        scales: Of each chunk, its root mean square.
        length: Samples of the clip.
    """

    codes: "Tensor"
    scales: tuple[float, ...]
    length: int


def spans(length: int, chunk: int, stride: int) -> Iterator[slice]:
    """Which samples of a clip each chunk has.

    >>> list(spans(25, 10, 9))
    [slice(0, 10, None), slice(9, 19, None), slice(18, 25, None)]
    """
    for start in range(0, length, stride):
        yield slice(start, min(start + chunk, length))


def encode_chunks(model: Any, sound: "Tensor", kbps: float) -> Chunks:
    """Encode a clip.

    Args:
        model: An `EncodecModel` of transformers that has chunks.
        sound: **Shape** `[2, T]`.
        kbps: One of the model's bandwidths.
    """
    import torch

    codes, scales, length = [], [], sound.shape[-1]
    for span in spans(length, model.config.chunk_length, model.config.chunk_stride):
        part = sound[None, :, span]
        scale = part.mean(dim=1).pow(2).mean().sqrt() + SILENT
        codes.append(model.quantizer.encode(model.encoder(part / scale), kbps)[:, 0])
        scales.append(float(scale))
    return Chunks(torch.cat(codes, dim=1), tuple(scales), length)


def decode_chunks(model: Any, coded: Chunks) -> "Tensor":
    """Decode a clip to **Shape** `[2, T]`; where chunks overlap, one is faded into the next.

    Each sample of a chunk has the weight of its distance from the chunk's nearer end.
    """
    import torch

    chunk, stride = model.config.chunk_length, model.config.chunk_stride
    ramp = torch.arange(1, chunk + 1, dtype=torch.float32, device=coded.codes.device)
    weight = torch.minimum(ramp, chunk + 1 - ramp)
    sound = torch.zeros(2, coded.length, device=coded.codes.device)
    total = torch.zeros(coded.length, device=coded.codes.device)
    begun = 0
    places = spans(coded.length, chunk, stride)
    for span, scale in zip(places, coded.scales, strict=True):
        samples = span.stop - span.start
        frames = -(-samples // model.config.hop_length)
        part = coded.codes[:, None, begun : begun + frames]
        decoded = model.decoder(model.quantizer.decode(part))[0, :, :samples]
        sound[:, span] += weight[:samples] * decoded * scale
        total[span] += weight[:samples]
        begun += frames
    return sound / total
