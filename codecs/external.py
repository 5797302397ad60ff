"""A codec that runs in a program of its own, a worker: any language, any packages (docs/codecs.md).

The worker is started once, gets one clip at a time, and writes back the decoded sound and codes.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import soundfile as sf
from pydantic import Field, field_validator

from almbench.audio import Samples, fit, sha256
from almbench.codecs import environments
from almbench.codecs.base import Codec, CodecSpec, Encoded, Options
from almbench.codecs.process import CrashError, WorkerProcess
from almbench.codecs.stated import StatedOptions
from almbench.codecs.worker_output import read_decoded, read_encoded, read_seconds
from almbench.errors import CodecError, Unavailable

PROTOCOL = 1


class ExternalOptions(StatedOptions):
    """How to run a worker, and what is known of its codec.

    Attributes:
        command: The program and its arguments. `{python}` stands for the interpreter of `env`, or
            of almbench where that is empty, `{workers}` for the folder of almbench's own workers.
        sample_rate: Rate in Hz of the sounds that the worker gets and gives back.
        env: Name of an environment made by `bench codec install`.
        settings: Handed to the worker; part of the codec's identity.
        timeout_s: Longest time a clip may take, in seconds.
        start_timeout_s: Longest time until the worker is ready, in seconds.
        causal: Whether the codec needs no future sound.
        parameters: Number of weights.
        weights_license: Licence of its weights.
    """

    command: tuple[str, ...] = Field(min_length=1)
    sample_rate: int = Field(gt=0)
    env: str = ""
    settings: dict[str, str | int | float | bool | None] = Field(default_factory=dict)
    timeout_s: float = Field(default=120, gt=0, allow_inf_nan=False)
    start_timeout_s: float = Field(default=600, gt=0, allow_inf_nan=False)
    causal: bool | None = None
    parameters: int | None = Field(default=None, gt=0)
    weights_license: str = ""

    @field_validator("command", mode="before")
    @classmethod
    def _is_a_list(cls, given: Any) -> Any:
        if isinstance(given, str) or not given:
            raise ValueError('give a list, the program and its arguments: ["python", "worker.py"]')
        return given


class External(Codec[ExternalOptions]):
    """A codec behind a worker.

    The worker encodes and decodes in one go, so `encode` does both; what each took is known only if
    the worker says so.
    """

    options_type: ClassVar[type[Options]] = ExternalOptions
    uses_device = True
    _worker: WorkerProcess | None = None
    _device = "cpu"
    _broken: Exception | None = None
    _count = 0

    def fetch(self, *, network: bool = True) -> None:
        """Make sure that the environment and the program are here.

        Raises:
            Unavailable: One is not; the message says how to get it.
        """
        super().fetch(network=network)
        program = self._command[0]
        if shutil.which(program) is None:
            raise Unavailable(
                f"The worker's program '{program}' is not here. To fix: install it, or give its "
                "full path in options.command."
            )

    @property
    def _command(self) -> list[str]:
        """The command with everything filled in. Raises `Unavailable` without the environment."""
        env = self.options.env
        python = str(environments.python_of(env)) if env else sys.executable
        workers = str(environments.WORKERS)
        return [
            part.replace("{python}", python).replace("{workers}", workers)
            for part in self.options.command
        ]

    @property
    def spec(self) -> CodecSpec:
        """Facts of the codec, as the options give them."""
        options = self.options
        return CodecSpec(
            id=self.id,
            label=self.label,
            family=options.family or self.id,
            sample_rate=options.sample_rate,
            frame_rate=options.frame_rate,
            codebook_sizes=options.codebook_sizes,
            codebook_strides=options.codebook_strides,
            stated_bps=options.bitrate,
            causal=options.causal,
            parameters=options.parameters,
            license=options.license,
            weights_license=options.weights_license,
            settings={f"settings.{k}": v for k, v in options.settings.items()} | self._identity(),
        )

    def _identity(self) -> dict[str, str | int | float | bool | None]:
        """What runs: the command's parts, the files among them by their content, the packages."""
        identity: dict[str, str | int | float | bool | None] = {}
        identity["command"] = " ".join(self.options.command)
        try:
            command = self._command
        except Unavailable:
            return identity
        parts = []
        for given, part in zip(self.options.command, command, strict=True):
            # Not Path.is_file, which a long text that is no path at all would make raise.
            is_file = given != "{python}" and os.path.isfile(part)  # noqa: PTH113
            parts.append(f"{Path(part).name}@{sha256(Path(part))[:12]}" if is_file else given)
        identity["command"] = " ".join(parts)
        if self.options.env:
            identity["packages"] = environments.fingerprint(self.options.env)
        return identity

    def load(self, device: str) -> None:
        """Start the worker and wait until it is ready.

        Raises:
            Unavailable: It did not get ready; the reason holds the last lines that it wrote.
        """
        self._device = device
        self._broken = None
        self._log.unlink(missing_ok=True)
        try:
            self._start()
        except CodecError as error:
            raise Unavailable(str(error)) from error

    def unload(self) -> None:
        """End the worker."""
        if self._worker:
            self._worker.close()
        self._worker = None

    @property
    def _log(self) -> Path:
        return environments.home() / "logs" / f"{self.id}.log"

    def _start(self) -> WorkerProcess:
        """Start a worker, unless one failed to get ready before: each try may take minutes."""
        if self._broken:
            raise self._broken
        try:
            self._worker = WorkerProcess(self._command, self._log)
            answer = self._worker.ask(self._greeting(), self.options.start_timeout_s)
            if answer.get("ready") is not True:
                raise CodecError(f"its worker says: {answer.get('error', answer)}")
            self._check(answer)
        except (CodecError, Unavailable) as error:
            self._broken = CodecError(f"The worker of '{self.id}' cannot be used: {error}")
            self.unload()
            raise self._broken from error
        return self._worker

    def _greeting(self) -> dict[str, Any]:
        """What the worker is told first."""
        return {
            "protocol": PROTOCOL,
            "sample_rate": self.options.sample_rate,
            "device": self._device,
            "settings": self.options.settings,
        }

    def _check(self, answer: Mapping[str, Any]) -> None:
        """Look at what a worker says when it is ready. Raises `CodecError`."""

    def encode(self, batch: list[Samples], rate: int) -> list[Encoded]:
        """Encode and decode clips, one after the other.

        Raises:
            CodecError: The worker reported an error, gave no answer in time, ended twice, or gave
                back what cannot be right.
        """
        return [self._through(samples, rate) for samples in batch]

    def decode(self, batch: list[Encoded], rate: int) -> list[Samples]:
        """Hand out what `encode` got back, each **Shape** `[T]`.

        Raises:
            CodecError: There is nothing of the worker's, as with codes from a file.
        """
        del rate
        if any(item.payload is None for item in batch):
            raise CodecError("its worker encodes and decodes in one go; it decodes no codes alone")
        return [fit(item.payload, item.length) for item in batch]

    def _through(self, samples: Samples, rate: int) -> Encoded:
        with tempfile.TemporaryDirectory(prefix="almbench-") as name:
            folder = Path(name)
            wav, decoded, codes = folder / "in.wav", folder / "decoded.wav", folder / "codes.npy"
            sf.write(wav, samples.astype(np.float32), rate, subtype="FLOAT")
            request = {"wav": str(wav), "decoded": str(decoded), "codes": str(codes)}
            try:
                answer = self._ask(request)
            except CrashError:
                # What came before may have worn it out: once more, in a process of its own.
                answer = self._ask(request)
            sound = read_decoded(decoded, len(samples), rate)
            encoded = read_encoded(codes, self.options, answer, len(samples))
        return replace(encoded, payload=sound, seconds=read_seconds(answer))

    def _ask(self, request: dict[str, str]) -> dict[str, Any]:
        worker = self._worker if self._worker and self._worker.alive else self._start()
        self._count += 1
        id_ = str(self._count)
        answer = worker.ask({"id": id_, **request}, self.options.timeout_s)
        if answer.get("id") != id_:
            self.unload()  # it is out of step
            raise CodecError(f"its worker answered '{answer.get('id')}' instead of '{id_}'")
        if "error" in answer:
            raise CodecError(f"its worker says: {answer['error']}")
        return answer
