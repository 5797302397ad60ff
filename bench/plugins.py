"""Objects that go by a name: built in, or added by installed packages; imported only on demand."""

from collections.abc import Mapping
from functools import cached_property
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar, cast

from pydantic import BaseModel, ValidationError

from almbench.errors import UserError, unknown
from almbench.validation import explain

C = TypeVar("C", bound=type)
M = TypeVar("M", bound=BaseModel)


class OptionsError(UserError):
    """An option of a codec or a metric is wrong, or is missing."""


class Registry(Generic[C]):
    """Names of one kind of class, each with the place that it is imported from.

    Attributes:
        kind: What a name stands for, such as "codec adapter".
        group: Entry points of this group add names.
    """

    def __init__(
        self, kind: str, group: str, built_in: Mapping[str, str], bases: tuple[type, ...]
    ) -> None:
        """Describe the registry; nothing is looked up yet.

        Args:
            kind: What a name stands for.
            group: Group of entry points.
            built_in: The names of almbench itself, each with its "module:Class".
            bases: Every class must be a subclass of one of these.
        """
        self.kind = kind
        self.group = group
        self._built_in = built_in
        self._bases = bases

    @cached_property
    def _places(self) -> dict[str, tuple[str, str]]:
        """Name -> "module:Class" and the package that registers it."""
        places = {name: (target, "almbench") for name, target in self._built_in.items()}
        for point in entry_points(group=self.group):
            package = point.dist.name if point.dist else "an installed package"
            if point.name in places:
                target, owner = places[point.name]
                raise UserError(
                    f"The {self.kind} '{point.name}' is registered twice: {target} (of {owner}) "
                    f"and {point.value} (of {package}). To fix: uninstall one of the packages, or "
                    f"rename its entry point in '{self.group}'."
                )
            places[point.name] = (point.value, package)
        return places

    def names(self) -> list[str]:
        """All names, the built-in ones first.

        Raises:
            UserError: A name is registered twice.
        """
        return list(self._places)

    def load(self, name: str) -> C:
        """Import the class of a name.

        Raises:
            UserError: There is no such name, or what it stands for cannot be imported or is not a
                whole subclass of the right base; the message names the package to repair.
        """
        if name not in self._places:
            raise UserError(unknown(self.kind, name, self._places))
        target, package = self._places[name]
        what = f"The {self.kind} '{name}' ({target}, of {package})"
        module, _, attribute = target.partition(":")
        try:
            found = getattr(import_module(module), attribute)
        except Exception as error:  # a plugin's module may raise anything
            raise UserError(
                f"{what} cannot be imported ({type(error).__name__}: {error}). "
                "To fix: repair or uninstall the package."
            ) from error
        if not (isinstance(found, type) and issubclass(found, self._bases)):
            bases = " or ".join(f"{base.__module__}.{base.__name__}" for base in self._bases)
            raise UserError(f"{what} is not a subclass of {bases}.")
        if abstract := sorted(getattr(found, "__abstractmethods__", ())):
            raise UserError(f"{what} does not define {', '.join(abstract)}.")
        return cast("C", found)

    def refresh(self) -> None:
        """Look the entry points up anew, for packages installed since."""
        self.__dict__.pop("_places", None)


def parse_options(model: type[M], options: Mapping[str, Any], where: str) -> M:
    """Validate what a user gives to a codec or a metric.

    Args:
        model: The pydantic model of the options.
        options: The options as a suite or a command gives them.
        where: What they are options of, for the message, such as "Codec 'x'".

    Raises:
        OptionsError: An option is wrong; the message names it, its value and the allowed ones.
    """
    try:
        return model.model_validate(dict(options))
    except ValidationError as error:
        raise OptionsError(explain(error, model, where)) from error
