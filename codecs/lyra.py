"""Lyra V2 (Google, 2022): SoundStream for speech at 16 kHz, by LiteRT from its own three models."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from almbench.audio import Samples, fit, sha256
from almbench.codecs.base import Checkpoint, Codec, CodecSpec, Encoded, Options, from_codes
from almbench.codecs.checkpoints import Files, find
from almbench.errors import Unavailable
from almbench.packages import installed_version, missing_packages
from almbench.standard_error import quiet

RATE = 16_000
HOP = 320
CODEBOOKS = 46
SIZE = 16  # entries of a codebook
UNUSED = -1  # the index of a codebook that is not sent
ENCODER, QUANTIZER, DECODER = FILES = (
    "soundstream_encoder.tflite",
    "quantizer.tflite",
    "lyragan.tflite",
)
ORIGIN = "https://github.com/google/lyra/tree/v1.3.2/lyra/model_coeffs"


class LyraOptions(Options):
    """Options of Lyra V2.

    Attributes:
        num_codebooks: Codebooks used, at 200 bit/s each. Lyra itself offers 16 (3.2 kbps), 30
            (6 kbps) and 46 (9.2 kbps); its models take the others too.
        checkpoint: A folder with the three models, or the hub id of a copy of it.
        revision: Commit, branch or tag on the hub.
    """

    num_codebooks: int = Field(default=16, ge=1, le=CODEBOOKS)
    checkpoint: str = ""
    revision: str = "main"


class Lyra(Codec[LyraOptions]):
    """Lyra V2: 50 frames per second, up to 46 nested codebooks of 16 entries, for speech.

    The models keep the sound that came before as state, so each clip gets new interpreters:
    LiteRT's own reset leaves these states as they are.
    """

    options_type = LyraOptions

    _models: dict[str, bytes]

    @classmethod
    def missing(cls) -> str | None:
        """Say whether LiteRT is missing."""
        return missing_packages(["ai_edge_litert"], "'almbench[lyra]'")

    def fetch(self, *, network: bool = True) -> None:
        """Make sure that LiteRT and the three models are here.

        Raises:
            Unavailable: Something is missing.
        """
        super().fetch(network=network)
        self._files(network=network)

    def _files(self, *, network: bool) -> Files:
        source = self.options.checkpoint
        if not source:
            raise Unavailable(
                f"Lyra's models are not part of almbench. To fix: download {', '.join(FILES)} "
                f"from {ORIGIN} into a folder and give it: --checkpoint CODEC=FOLDER to bench run, "
                "--option checkpoint=FOLDER to bench check.",
                f"its models are to be given as a folder; they are at {ORIGIN}",
            )
        return find(source, self.options.revision, FILES, network=network)

    @property
    def encoding_key(self) -> str:
        """Depths of one checkpoint nest: each codebook codes what the ones before it left."""
        return " ".join(["lyra", *(_digests(self._found()) or [self.options.checkpoint])])

    def _found(self) -> Files | None:
        """The models, if they are here."""
        try:
            return self._files(network=False)
        except Unavailable:
            return None

    @property
    def spec(self) -> CodecSpec:
        """Facts of Lyra V2 as configured."""
        options = self.options
        files = self._found()
        encoder, quantizer = _digests(files) or (None, None)
        return CodecSpec(
            id=self.id,
            label=self.label,
            family="lyra",
            sample_rate=RATE,
            frame_rate=RATE / HOP,
            codebook_sizes=(SIZE,) * options.num_codebooks,
            causal=True,
            checkpoint=files.checkpoint if files else Checkpoint(source=ORIGIN),
            license="Apache-2.0",
            weights_license="Apache-2.0",
            settings={
                "num_codebooks": options.num_codebooks,
                "ai-edge-litert": installed_version("ai-edge-litert"),
                "encoder_sha256": encoder,
                "quantizer_sha256": quantizer,
            },
        )

    def load(self, device: str) -> None:
        """Read the models and try them on a frame.

        Raises:
            Unavailable: The files are not here, or are not Lyra's.
        """
        del device
        files = self._files(network=False)
        self._models = {name: path.read_bytes() for name, path in files.paths.items()}
        try:
            with quiet():
                frame = self._decode(self._encode(np.zeros(HOP)))
            if len(frame) != HOP:
                raise ValueError(f"a frame comes back as {len(frame)} samples, not {HOP}")
        except (ValueError, KeyError, RuntimeError) as error:
            raise Unavailable(
                f"The models in {files.weights.parent} are not those of Lyra V2: {error}. To fix: "
                f"download them again from {ORIGIN}"
            ) from error

    def unload(self) -> None:
        """Free the models."""
        self._models = {}

    def encode(self, batch: list[Samples], rate: int) -> list[Encoded]:
        """Encode clips at 16 kHz, one after the other."""
        del rate
        sizes = self.spec.codebook_sizes
        return [from_codes(self._encode(sound), sizes, len(sound)) for sound in batch]

    def decode(self, batch: list[Encoded], rate: int) -> list[Samples]:
        """Decode clips to 16 kHz one by one, also those with fewer codebooks than this codec's."""
        del rate
        return [
            fit(self._decode(item.codes), item.length) for item in batch if item.codes is not None
        ]

    def _encode(self, samples: Samples) -> NDArray[np.int64]:
        """Codes **Shape** `[K, T]` of a clip `[N]`, filled up with zeros to whole frames."""
        count = -(-len(samples) // HOP)
        frames = fit(samples, count * HOP).astype(np.float32).reshape(count, 1, HOP)
        encoder = self._runner(ENCODER)
        quantizer = self._runner(QUANTIZER, "encode")
        depth = np.array(self.options.num_codebooks, np.int32)
        codes = [
            quantizer(input_frames=encoder(input_audio=f)["output_0"], num_quantizers=depth)
            for f in frames
        ]
        columns = [code["output_0"].reshape(CODEBOOKS) for code in codes]
        return np.stack(columns, axis=1)[: self.options.num_codebooks].astype(np.int64)

    def _decode(self, codes: NDArray[np.int64]) -> Samples:
        """Sound `[T * 320]` of codes `[K, T]`."""
        sent, count = codes.shape
        indices = np.full((count, CODEBOOKS, 1, 1), UNUSED, np.int32)
        indices[:, :sent, 0, 0] = codes.T
        quantizer = self._runner(QUANTIZER, "decode")
        decoder = self._runner(DECODER)
        frames = [
            decoder(input_audio=quantizer(encoding_indices=index)["output_0"])["output_0"][0]
            for index in indices
        ]
        return np.concatenate(frames).astype(np.float64)

    def _runner(self, name: str, signature: str = "serving_default") -> Any:
        """Call one signature of a model, in an interpreter without a past."""
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(model_content=self._models[name], num_threads=1)
        return interpreter.get_signature_runner(signature)


def _digests(files: Files | None) -> list[str]:
    """Hashes of encoder and quantizer; the decoder's is that of the checkpoint."""
    paths = files.paths if files else {}
    return [sha256(paths[name]) for name in (ENCODER, QUANTIZER) if name in paths]
