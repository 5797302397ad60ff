"""The domains of sound: the one table of them."""

from typing import Literal, get_args

Domain = Literal["speech", "sound", "music"]
DOMAINS: tuple[Domain, ...] = get_args(Domain)
