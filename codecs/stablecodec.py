"""StableCodec (Parker et al., 2024): speech at 0.4 to 1 kbps, through an external worker.

Its package pins an old PyTorch and needs FlashAttention, so it runs in an environment of its own.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from almbench.codecs import fsq
from almbench.codecs.base import Checkpoint, CodecSpec, Options
from almbench.codecs.checkpoints import Files, find
from almbench.codecs.external import External, ExternalOptions
from almbench.errors import CodecError, Unavailable

RATE = 16_000
HOP = 640
CONFIG = "model_config.json"
WEIGHTS = ("model.safetensors", "model.ckpt")  # in the order that the package looks for them
PROBES = 64


class StableCodecOptions(Options):
    """Options of StableCodec.

    Attributes:
        bottleneck: A post-hoc quantiser by the package's name. The one that the model was trained
            with is not offered: its authors advise against it.
        checkpoint: Hub id, or a local folder or weights file. The hub's is gated.
        revision: Commit, branch or tag on the hub.
        timeout_s: Longest time a clip may take, in seconds.
    """

    bottleneck: Literal["1x46656_400bps", "2x15625_700bps", "4x729_1000bps"] = "1x46656_400bps"
    checkpoint: str = "stabilityai/stable-codec-speech-16k"
    revision: str = "main"
    timeout_s: float = Field(default=120, gt=0, allow_inf_nan=False)


class StableCodec(External):
    """StableCodec with one of its post-hoc bottlenecks, loudness brought to -20 LUFS and back."""

    options_type: ClassVar[type[Options]] = StableCodecOptions

    def __init__(self, id_: str, label: str, options: StableCodecOptions) -> None:
        """Keep the options."""
        self._chosen = options
        self._stages = fsq.STABLECODEC[options.bottleneck]
        external = ExternalOptions(
            command=("{python}", "-I", "{workers}/stablecodec.py"),
            env="stablecodec",
            sample_rate=RATE,
            frame_rate=RATE / HOP,
            codebook_sizes=tuple(stage.codebook_size for stage in self._stages),
            settings={"bottleneck": options.bottleneck},
            timeout_s=options.timeout_s,
            family="stablecodec",
            causal=False,
            license="MIT",
            weights_license="Stability AI Community License (restricted; accept it on the hub)",
        )
        super().__init__(id_, label, external)

    def fetch(self, *, network: bool = True) -> None:
        """Make sure that the environment and the checkpoint are here.

        Raises:
            Unavailable: One is not; the message says how to get it.
        """
        super().fetch(network=network)
        self._files(network=network)

    def _files(self, *, network: bool) -> Files:
        chosen = self._chosen
        try:
            names = (CONFIG, WEIGHTS[0])
            return find(chosen.checkpoint, chosen.revision, names, network=network)
        except Unavailable as first:
            try:
                names = (CONFIG, WEIGHTS[1])
                return find(chosen.checkpoint, chosen.revision, names, network=network)
            except Unavailable:
                raise first from None

    @property
    def spec(self) -> CodecSpec:
        """Facts of the bottleneck and, where it is here, the checkpoint."""
        try:
            checkpoint = self._files(network=False).checkpoint
        except Unavailable:
            chosen = self._chosen
            checkpoint = Checkpoint(source=chosen.checkpoint, revision=chosen.revision)
        return super().spec.model_copy(update={"checkpoint": checkpoint})

    @cached_property
    def _probe(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Latents to try the quantiser on, exact in float32, **Shape** `[T, 6]`."""
        draw = np.random.default_rng(0).normal(0, 1.5, (PROBES, 6))
        return draw.astype(np.float32).astype(np.float64)

    def _greeting(self) -> dict[str, Any]:
        greeting = super()._greeting()
        files = self._files(network=False)
        greeting["settings"] = {
            **greeting["settings"],
            "config": str(files.paths[CONFIG].absolute()),
            "weights": str(files.weights.absolute()),
            "probe": self._probe.tolist(),
        }
        return greeting

    def _check(self, answer: Mapping[str, Any]) -> None:
        """Make sure that the quantiser at hand is the one whose bitrate is stated."""
        codes = fsq.encode(self._probe, self._stages)
        got = answer.get("probe") or {}
        values = np.array(got.get("values", []))
        wanted = fsq.decode(codes, self._stages)
        if (
            not np.array_equal(got.get("codes", []), codes)
            or values.shape != wanted.shape
            or not np.allclose(values, wanted, atol=1e-5)
        ):
            raise CodecError(
                f"its quantiser is not {self._chosen.bottleneck} as in stable-codec 0.1.2. To fix: "
                "bench codec install stablecodec --force"
            )
