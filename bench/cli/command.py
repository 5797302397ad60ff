"""How the help of commands looks: what a flag takes, what is required, and the line of usage."""

from typing import Any

from typer.core import TyperArgument, TyperCommand, TyperGroup

from almbench.errors import UserError


class Command(TyperCommand):
    """A command whose help has no names of types, and whose usage no braces."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read what the user typed.

        Raises:
            UserError: A value is empty; as a path it would stand for the current folder.
        """
        for before, one in zip(["", *args], args, strict=False):
            if not one or (one.startswith("--") and one.endswith("=") and one.count("=") == 1):
                where = one or f"'' (after {before})" if before else "''"
                raise UserError(
                    f"{ctx.command_path} {where}: the value is empty. To fix: give one, or leave "
                    "the option out; a shell variable that is not set is empty."
                )
        rest: list[str] = super().parse_args(ctx, args)
        return rest

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
