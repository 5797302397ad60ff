"""The domains of sound: the one table of them."""

from typing import Literal, get_args

from almbench.errors import UserError, unknown

Domain = Literal["speech", "sound", "music"]
DOMAINS: tuple[Domain, ...] = get_args(Domain)
SCORING_RATES: dict[Domain, int] = {"speech": 16_000, "sound": 24_000, "music": 24_000}
"""Rate in Hz that sounds of a domain pass through before they are scored, by default."""


def check_domain(name: str) -> None:
    """Refuse what is no domain.

    Raises:
        UserError: There is no such domain.
    """
    if name not in DOMAINS:
        raise UserError(unknown("domain", name, DOMAINS))
