"""The codecs of a plan: which of a suite's take part in a test set, each made once."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from almbench.codecs.base import Codec
from almbench.codecs.builtin import PRESETS
from almbench.codecs.reconstructions import Reconstructions
from almbench.codecs.registry import create, preset
from almbench.domains import DOMAINS
from almbench.errors import Unavailable
from almbench.results.codec_record import CodecRecord
from almbench.results.records import signature
from almbench.suite.config import CodecConfig, TestSetConfig

AnyCodec = Codec[Any] | Reconstructions
OBJECT = "python"  # stands for the adapter of a codec that is an object


@dataclass(frozen=True)
class PlannedCodec:
    """A codec in a test set.

    Attributes:
        codec: The adapter, made but not loaded.
        record: Its facts, and why it cannot be used, if so.
    """

    codec: AnyCodec
    record: CodecRecord


class Codecs:
    """Makes codecs; one that two test sets share is made, and its model loaded, once."""

    def __init__(self, objects: Mapping[str, AnyCodec], network: bool) -> None:
        """Begin with none made."""
        self._objects = objects
        self._network = network
        self._made: dict[str, PlannedCodec] = {}
        self._unusable: dict[str, list[str]] = {}

    def taking_part(self, configs: list[CodecConfig], testset: TestSetConfig) -> list[PlannedCodec]:
        """Make the codecs for a test set, without optional ones that cannot be used here."""
        taking_part = []
        for config in configs:
            if testset.domain not in (config.domains or _preset_domains(config) or DOMAINS):
                continue
            if config.optional and (absent := _absent_folder(config, testset)):
                self._leave_out(config.id, absent)
                continue
            planned = self.get(config, testset)
            if not (config.optional and planned.record.missing):
                taking_part.append(planned)
            else:
                self._leave_out(config.id, planned.record.missing)
        return taking_part

    def _leave_out(self, id_: str, reason: str) -> None:
        if id_ not in (ids := self._unusable.setdefault(reason, [])):
            ids.append(id_)

    def skipped(self) -> list[str]:
        """The optional codecs that cannot be used here, those with one reason together."""
        return [f"{', '.join(ids)} ({missing})" for missing, ids in self._unusable.items()]

    def get(self, config: CodecConfig, testset: TestSetConfig) -> PlannedCodec:
        """Make a codec of the suite for a test set, or take the one made for another."""
        if config.id in self._objects:
            key = config.id
        else:
            key = signature(config.id, _resolved(config, testset)[2])
        if key not in self._made:
            codec = self._objects.get(config.id) or configured_codec(config, testset)
            self._made[key] = PlannedCodec(codec, _record(codec, config, self._network))
        return self._made[key]


def configured_codec(config: CodecConfig, testset: TestSetConfig) -> AnyCodec:
    """Make a codec of a suite for a test set; nothing is fetched or loaded.

    Raises:
        UserError: Its adapter or an option of it is wrong.
    """
    adapter, label, options = _resolved(config, testset)
    return create(config.id, label, adapter, options)


def _resolved(config: CodecConfig, testset: TestSetConfig) -> tuple[str, str, dict[str, Any]]:
    """Adapter, label and options of a codec, those of its preset included."""
    adapter, label, options = config.adapter, config.label, config.options
    if adapter is None:
        ready = preset(config.id)
        adapter, label = ready.adapter, label or ready.label
        options = {**ready.options, **options}
    filled = {key: _filled(value, testset) for key, value in options.items()}
    return str(adapter), label or config.id, filled


def _absent_folder(config: CodecConfig, testset: TestSetConfig) -> str:
    """Say that a folder of reconstructions does not exist; empty where it does, or for a codec."""
    if config.adapter != "reconstructions" or "path" not in config.options:
        return ""
    folder = Path(str(_filled(config.options["path"], testset))).expanduser()
    return "" if folder.is_dir() else f"{folder} is not there"


def _filled(value: Any, testset: TestSetConfig) -> Any:
    if not isinstance(value, str):
        return value
    return value.replace("{domain}", testset.domain).replace("{testset}", testset.name)


def _record(codec: AnyCodec, config: CodecConfig, network: bool) -> CodecRecord:
    """Fetch what a codec needs; its facts, and why it cannot be used, if so."""
    missing: Unavailable | None = None
    try:
        codec.fetch(network=network)
    except Unavailable as error:
        missing = error
    spec = codec.spec.model_copy(update={"id": config.id})
    return CodecRecord.of(
        spec,
        missing,
        precomputed=isinstance(codec, Reconstructions),
        with_codes=isinstance(codec, Reconstructions) and codec.with_codes,
        stated_kbps=config.stated_kbps,
    )


def _preset_domains(codec: CodecConfig) -> tuple[str, ...] | None:
    chosen = PRESETS.get(codec.id) if codec.adapter is None else None
    return chosen.domains if chosen else None
