"""The domains of sound: the one table of them."""

from typing import Literal, get_args

from almbench.errors import UserError, unknown

Domain = Literal["speech", "sound", "music"]
DOMAINS: tuple[Domain, ...] = get_args(Domain)


def check_domain(name: str) -> None:
    """Refuse what is no domain.

    Raises:
        UserError: There is no such domain.
    """
    if name not in DOMAINS:
        raise UserError(unknown("domain", name, DOMAINS))
