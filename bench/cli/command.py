"""How the help of commands looks: what a flag takes, what is required, and the line of usage."""

from typing import Any

from typer.core import TyperArgument, TyperCommand, TyperGroup


class Command(TyperCommand):
    """A command whose help has no names of types, and whose usage no braces."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, without types beside flags and arguments."""
        return [_plain(one) for one in super().get_params(ctx)]

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """What stands behind the command's name; in brackets what may be left out."""
        pieces = [self.options_metavar or ""]
        for one in self.get_params(ctx):
            if isinstance(one, TyperArgument):
                name = f"{one.metavar}{'...' if one.nargs != 1 else ''}"
                pieces.append(name if one.required else f"[{name}]")
        return pieces


class Group(TyperGroup):
    """A group of such commands."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, without types beside flags."""
        return [_plain(one) for one in super().get_params(ctx)]


def _plain(parameter: Any) -> Any:
    if isinstance(parameter, TyperArgument):
        vars(parameter)["display_type_rich"] = lambda **_: ""  # in the place of Typer's method
    elif parameter.is_flag:
        parameter.metavar = ""
    return parameter
