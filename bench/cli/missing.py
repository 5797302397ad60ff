"""What cannot be used here, told once for each cause, and what fetches it."""

from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape

HUB = "hf download "


@dataclass(frozen=True)
class Missing:
    """A codec that cannot be used here.

    Attributes:
        codec: Its id.
        reason: Why, and what would help.
        cause: Why, in words that it shares with others that are missing for the same cause.
        command: The shell command that gets what is missing; empty where there is none.
    """

    codec: str
    reason: str
    cause: str = ""
    command: str = ""


def print_missing(console: Console, items: Iterable[Missing]) -> None:
    """Print what cannot be used: a line for each cause, then all commands in one block."""
    found = list(items)
    causes: dict[str, list[Missing]] = {}
    for item in found:
        causes.setdefault(item.cause if item.command else item.reason, []).append(item)
    for cause, group in causes.items():
        ids = ", ".join(item.codec for item in group)
        count = f"{len(group)} codec{'s' if len(group) > 1 else ''}"
        console.print(f"[yellow]Unavailable[/] {count}: {escape(cause.rstrip('.'))}: {escape(ids)}")
    from_hub = [item for item in found if item.command.startswith(HUB)]
    commands = [item.command for item in found if item.command and item not in from_hub]
    if from_hub:
        commands.insert(0, f"bench fetch {' '.join(item.codec for item in from_hub)}")
    _print_block(console, "To get what is missing, where there is a network:", commands)
    lines = [item.command for item in from_hub]
    _print_block(console, "Where almbench is not installed, into the hub's cache:", lines)
    if from_hub:
        console.print("Files that lie in a folder: --checkpoint CODEC=FOLDER\n")


def _print_block(console: Console, title: str, lines: list[str]) -> None:
    """Print lines to be copied: each once, none broken."""
    if lines:
        text = "\n".join(dict.fromkeys(lines))
        console.print(escape(f"{title}\n\n{text}\n"), soft_wrap=True)
