"""How codecs are named for readers, so that no two of a run share a name."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from almbench.codecs.base import CodecSpec
from almbench.results.codec_record import CodecRecord

UNIT = "kbps"
"""The unit of bitrates wherever people read them: 1 kbps is 1000 bit/s."""


@dataclass(frozen=True)
class CodecName:
    """The names of a codec, none of which another codec of the run has.

    Attributes:
        title: Its label, for where its bitrate stands beside it: "Mimi".
        label: Its label with the bitrate: "Mimi (0.41 kbps)".
        short: The label, with the bitrate only where another codec shares the label.
    """

    title: str
    label: str
    short: str


def name_codecs(codecs: Iterable[CodecSpec]) -> dict[str, CodecName]:
    """Name each codec, by id; what label and bitrate do not tell apart carries its id."""
    known = {codec.id: codec for codec in codecs}
    labels = _shared(codec_label(codec) for codec in known.values())
    alone = _shared(codec.label for codec in known.values())
    names = {}
    for id_, codec in known.items():
        more = f" [{id_}]" if labels(codec_label(codec)) else ""
        label = codec_label(codec) + more
        short = label if alone(codec.label) else codec.label
        names[id_] = CodecName(codec.label + more, label, short)
    return names


def _shared(names: Iterable[str]) -> Callable[[str], bool]:
    """Whether a name is one of several that read the same."""
    counts = Counter(map(_as_read, names))
    return lambda name: counts[_as_read(name)] > 1


def _as_read(name: str) -> str:
    return " ".join(name.split()).casefold()


def codec_label(codec: CodecSpec) -> str:
    """A codec's label with its nominal bitrate, such as "Mimi (0.41 kbps)"."""
    rate = nominal(codec)
    return f"{codec.label} ({rate} {UNIT})" if rate else codec.label


def nominal(codec: CodecSpec) -> str:
    """A codec's nominal bitrate in kbps for readers, such as "0.41"; empty for none.

    As the suite states it, else as it follows from the codec.
    """
    stated = codec.stated_kbps if isinstance(codec, CodecRecord) else None
    rate = codec.nominal_kbps if stated is None else stated
    return "" if rate is None else kbps(rate)


def kbps(rate: float) -> str:
    """A nominal bitrate for readers, without its unit: two decimals at most, as papers give it.

    >>> kbps(0.4125), kbps(1.5), kbps(24.0)
    ('0.41', '1.5', '24')
    """
    return f"{rate:.2f}".rstrip("0").rstrip(".") if rate >= 0.005 else f"{rate:.1g}"
