"""A codec as it was run: its facts, and how it took part."""

from typing import Self

from pydantic import field_validator

from almbench.codecs.base import Checkpoint, CodecSpec
from almbench.errors import Unavailable
from almbench.names import ORIGINAL, check_file_name
from almbench.privacy import hide, shown_path


class CodecRecord(CodecSpec):
    """A codec as it was run: its facts, and how it took part.

    Attributes:
        missing: Why it could not be used; empty where it could.
        missing_cause: Why, in words that codecs missing for the same cause share.
        missing_command: The shell command that gets what is missing; empty where there is none.
        precomputed: Whether its reconstructions were ready files: it was not run.
        with_codes: Whether there were codes with the ready files.
        stated_kbps: Nominal bitrate in kbps as the suite states it, for readers; None where it does
            not.
    """

    missing: str = ""
    missing_cause: str = ""
    missing_command: str = ""
    precomputed: bool = False
    with_codes: bool = False
    stated_kbps: float | None = None

    _id = field_validator("id")(check_file_name)
    _names_no_folder = field_validator("missing", "missing_cause", "missing_command", "settings")(
        hide
    )

    @field_validator("checkpoint")
    @classmethod
    def _checkpoint(cls, checkpoint: Checkpoint | None) -> Checkpoint | None:
        source = shown_path(checkpoint.source) if checkpoint else ""
        return checkpoint and checkpoint.model_copy(update={"source": source})

    @classmethod
    def of(
        cls,
        spec: CodecSpec,
        missing: Unavailable | None,
        *,
        precomputed: bool,
        with_codes: bool = False,
        stated_kbps: float | None = None,
    ) -> Self:
        """Make the record of a codec from its facts."""
        return cls(
            **spec.model_dump(),
            missing=str(missing) if missing else "",
            missing_cause=missing.cause if missing else "",
            missing_command=missing.command if missing else "",
            precomputed=precomputed,
            with_codes=with_codes,
            stated_kbps=stated_kbps,
        )

    @property
    def has_codes(self) -> bool:
        """Whether its codes are in the run folder."""
        return bool(self.codebook_sizes) and (self.with_codes or not self.precomputed)


ORIGINALS = CodecRecord(id=ORIGINAL, label="Original", family="", sample_rate=None)
"""The originals, where they stand in a row with codecs: what no-reference metrics make of them."""
