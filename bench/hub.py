"""Codecs of transformers in one line: `hf:ORG/NAME@K`."""

import re
from dataclasses import dataclass
from typing import Any

from almbench.errors import UserError
from almbench.names import ascii_name

PREFIX = "hf:"
FORM = re.compile(r"(?P<source>[^@]+?)(@(?:(?P<books>[1-9]\d*)|(?P<kbps>\d*\.?\d+)kbps))?")


@dataclass(frozen=True)
class HubCodec:
    """What such a line says.

    Attributes:
        id: Short name, of the repository's and what follows the @.
        label: Name for readers.
        adapter: Name of the adapter.
        options: Options of the adapter.
    """

    id: str
    label: str
    adapter: str
    options: dict[str, Any]


def is_hub(name: str) -> bool:
    """Whether a name of a codec is such a line."""
    return name.startswith(PREFIX)


def parse_hub(line: str) -> HubCodec:
    """Read `hf:ORG/NAME`, `hf:ORG/NAME@K` (K codebooks) or `hf:ORG/NAME@XXkbps`.

    A local folder may stand for the hub's repository: `hf:./FOLDER@8`.

    Raises:
        UserError: It is none of these.
    """
    found = FORM.fullmatch(line.removeprefix(PREFIX))
    source = found["source"].rstrip("/") if found else ""
    if found is None or "/" not in source:
        raise UserError(
            f"'{line}' names no codec. Allowed: hf:ORG/NAME, hf:ORG/NAME@K for K codebooks, "
            "hf:ORG/NAME@6kbps for a bitrate; a local folder as hf:./FOLDER."
        )
    options: dict[str, Any] = {"checkpoint": source}
    name, depth = source.rpartition("/")[2], ""
    if found["books"]:
        options["num_codebooks"], depth = int(found["books"]), f"-{found['books']}"
    elif found["kbps"]:
        options["bandwidth"], depth = float(found["kbps"]), f"-{found['kbps']}kbps"
    return HubCodec(ascii_name(name + depth), name, "transformers", options)
