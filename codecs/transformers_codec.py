"""Codecs that the library transformers has."""

from abc import abstractmethod
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from almbench.codecs.checkpoints import Files
from almbench.codecs.neural import Facts, NeuralCodec, NeuralOptions, read_config
from almbench.errors import Unavailable

if TYPE_CHECKING:
    from torch import nn

O = TypeVar("O", bound=NeuralOptions)  # noqa: E741


class TransformersCodec(NeuralCodec[O]):
    """A codec that the library transformers has.

    Its `family` is the type of model that transformers writes into a configuration.

    Attributes:
        model: Name of its class there.
    """

    file_names = ("config.json", "model.safetensors")
    packages = ("transformers",)
    model: ClassVar[str]

    @abstractmethod
    def _read(self, config: dict[str, Any]) -> Facts:
        """Read the facts from the configuration. Raises `Unavailable` if it cannot be used."""

    def _facts(self, files: Files) -> Facts:
        path = files.paths["config.json"]
        config = read_config(path)
        if (kind := config.get("model_type", self.family)) != self.family:
            raise Unavailable(
                f"{path} is that of a model of type '{kind}', not '{self.family}'. {self._to_fix}"
            )
        try:
            facts = self._read(config)
        except KeyError as error:
            raise Unavailable(
                f"{path} is no configuration of {self.model}: {error} is missing. {self._to_fix}"
            ) from error
        except (TypeError, IndexError) as error:
            raise Unavailable(
                f"{path} is no configuration of {self.model}: {error}. {self._to_fix}"
            ) from error
        # What is laid out like a published model has as many parameters.
        return next((p.facts for p in self.published.values() if p.facts == facts), facts)

    def _load(self, files: Files) -> "nn.Module":
        transformers = import_transformers()
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        class_ = getattr(transformers, self.model)
        try:
            model, report = class_.from_pretrained(
                None,
                config=class_.config_class.from_dict(read_config(files.paths["config.json"])),
                state_dict=load_file(files.weights),
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # they are refused below, by name
            )
        except (SafetensorError, OSError, RuntimeError, ValueError) as error:
            raise self._unfit(files, str(error)) from error
        if missing := sorted(report["missing_keys"]):
            raise self._unfit(files, f"{len(missing)} tensors are missing, as {missing[0]}")
        if mismatched := sorted(report["mismatched_keys"]):
            name, found, expected = mismatched[0]
            shapes = f"{name}, which is {list(found)} and not {list(expected)}"
            raise self._unfit(files, f"{len(mismatched)} tensors are of other shapes, as {shapes}")
        loaded: nn.Module = model
        return loaded

    @property
    def _to_fix(self) -> str:
        known = type(self.options).model_fields["checkpoint"].default
        return f"To fix: take {' and '.join(self.file_names)} from one checkpoint, such as {known}."

    def _unfit(self, files: Files, reason: str) -> Unavailable:
        return Unavailable(
            f"{files.weights} does not hold the weights of the {self.model} that its config.json "
            f"describes: {reason.splitlines()[0]}. {self._to_fix}"
        )


def import_transformers() -> Any:
    """Import transformers, which imports torchaudio where that is installed."""
    if find_spec("torchaudio"):
        from almbench.torchaudio_import import import_torchaudio

        import_torchaudio()
    import transformers

    logging: Any = transformers.utils.logging
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    return transformers
