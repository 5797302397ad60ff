"""ALMTokenizer2 and ReasoningCodec, by the author of ALMTokenizer, through an external worker.

Their published code is no package and pins an old PyTorch, so it runs in an environment of its own.
"""

from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

from pydantic import Field

from almbench.codecs import environments
from almbench.codecs.base import Checkpoint, CodecSpec, Options
from almbench.codecs.checkpoints import hash_of
from almbench.codecs.external import External, ExternalOptions
from almbench.errors import Unavailable

ENV = "almtokenizer2"
RATE = 24_000
Model = Literal["almtokenizer2", "reasoningcodec-1024", "reasoningcodec"]


class Facts(NamedTuple):
    """What the public code and its README say of a model.

    Attributes:
        code: Name of its source tree in the environment.
        checkpoint: Hub id of its weights.
        weights: Their file there.
        frame_rate: Frames per second in Hz, of which the strides count.
        sizes: Entries of each codebook.
        strides: Frames that a code of each codebook lasts.
        override: Entries of all codebooks, where not those of the code; else 0.
        license: Licence of the code.
    """

    code: str
    checkpoint: str
    weights: str
    frame_rate: float
    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    override: int
    license: str


README = "MIT (says its README alone)"
UNIAUDIO2 = ("UniAudio2", "Dongchao/UniAudio2_ckpt")
STRIDES = (5,) * 8 + (2,) * 8  # of 25 Hz: reasoning codes at 5 Hz, reconstruction codes at 12.5 Hz
MODELS: dict[Model, Facts] = {
    "almtokenizer2": Facts(
        "ALMTokenizer2",
        "Dongchao/almtokenizer2",
        "ep5.checkpoint",
        12.5,
        (8192,) * 8,
        (1,) * 8,
        0,
        "not stated",
    ),
    "reasoningcodec-1024": Facts(
        *UNIAUDIO2, "ReasoningCodec_1024.checkpoint", 25, (1024,) * 16, STRIDES, 1024, README
    ),
    "reasoningcodec": Facts(
        *UNIAUDIO2,
        "ReasoningCodec.checkpoint",
        25,
        (4096,) * 8 + (8192,) * 8,
        STRIDES,
        0,
        README,
    ),
}


class ALMTokenizer2Options(Options):
    """Options of ALMTokenizer2 and ReasoningCodec.

    Attributes:
        model: Which; reasoningcodec-1024 is the one that its author compares reconstructions with.
        checkpoint: Local folder with the whole hub repository, of which the model reads several
            folders; the hub's by default, which must be fetched by hand.
        steps: Steps of the flow decoder.
        timeout_s: Longest time a clip may take, in seconds.
    """

    model: Model = "almtokenizer2"
    checkpoint: str = ""
    steps: int = Field(default=50, ge=1)
    timeout_s: float = Field(default=600, gt=0, allow_inf_nan=False)


class ALMTokenizer2(External):
    """A codec of ALMTokenizer's author; its flow decoder starts from the same noise each time."""

    options_type: ClassVar[type[Options]] = ALMTokenizer2Options
    max_duration_s = 29.0

    def __init__(self, id_: str, label: str, options: ALMTokenizer2Options) -> None:
        """Keep the options."""
        self._chosen = options
        self._facts = facts = MODELS[options.model]
        settings: dict[str, Any] = {"model": options.model.partition("-")[0]}
        if facts.code == "UniAudio2":
            settings |= {"weights": facts.weights, "codebook_size": facts.override}
        external = ExternalOptions(
            command=("{python}", "-I", "{workers}/almtokenizer2.py"),
            env=ENV,
            sample_rate=RATE,
            frame_rate=facts.frame_rate,
            codebook_sizes=facts.sizes,
            codebook_strides=facts.strides,
            settings={**settings, "steps": options.steps},
            timeout_s=options.timeout_s,
            family=settings["model"],
            causal=False,
            license=facts.license,
            weights_license="not stated",
        )
        super().__init__(id_, label, external)

    def fetch(self, *, network: bool = True) -> None:
        """Make sure that the environment and the checkpoint are here.

        Raises:
            Unavailable: One is not; the message says how to get it.
        """
        super().fetch(network=network)
        self._weights()

    def _weights(self) -> Path:
        """The weights' file.

        Raises:
            Unavailable: It is not here.
        """
        source, facts = self._chosen.checkpoint, self._facts
        path = Path(source).expanduser() / facts.weights
        if source and path.is_file():
            return path
        command = f"hf download {facts.checkpoint} --exclude 'llm_*' --local-dir FOLDER"
        wrong = f"no {facts.weights} in {source}" if source else "its checkpoint is not here"
        raise Unavailable(
            f"{wrong}: the model reads whole folders of the hub repository. To fix: '{command}' "
            "where there is a network, and give the folder: --checkpoint CODEC=FOLDER.",
            f"{wrong}, a folder with the hub repository",
            command,
        )

    @property
    def spec(self) -> CodecSpec:
        """Facts of the model and, where it is here, the checkpoint."""
        try:
            path = self._weights()
            checkpoint = Checkpoint(source=self._chosen.checkpoint, sha256=hash_of(path))
        except Unavailable:
            checkpoint = Checkpoint(source=self._facts.checkpoint)
        return super().spec.model_copy(update={"checkpoint": checkpoint})

    def _greeting(self) -> dict[str, Any]:
        greeting = super()._greeting()
        greeting["settings"] = {
            **greeting["settings"],
            "code": str(environments.code_of(ENV) / self._facts.code),
            "checkpoint": str(self._weights().parent.absolute()),
        }
        return greeting
