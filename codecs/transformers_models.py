"""The codecs that the library transformers has: how each kind of model is read, fed and decoded."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

from almbench.codecs.encodec_chunks import Chunks, decode_chunks, encode_chunks
from almbench.codecs.facts import Facts
from almbench.codecs.mimi_pieces import decode_pieces, encode_pieces
from almbench.codecs.rows import Rows, alone
from almbench.codecs.transformers_latents import PocketTTS, VibeVoice
from almbench.codecs.transformers_model import TRANSFORMERS, Model, depths_of, kbps_of
from almbench.codecs.transformers_xcodec import HiggsAudio, NeuCodec, XCodec, XCodec2
from almbench.codecs.wavtokenizer_rows import wavtokenizer_alone
from almbench.errors import Unavailable

if TYPE_CHECKING:
    from torch import Tensor


class Encodec(Model):
    """Encodec of 24 kHz: 75 frames per second, up to 32 codebooks of 1024 entries.

    The model itself fills the last frame of 320 samples, by reflection, as upstream. As it is
    causal, long clips may be coded in pieces.
    """

    class_name = "EncodecModel"
    causal = True
    pads = False
    supports_batching = True
    supports_padding = True
    whole_s: ClassVar[float | None] = 30.0
    # The authors have not said under which licence the weights are:
    # https://github.com/facebookresearch/encodec/issues/69
    licenses = (f"MIT (Encodec), {TRANSFORMERS}", "not stated by the authors")
    published: ClassVar = {
        "facebook/encodec_24khz": Facts(24_000, 320, 1024, 32, 14_851_810, (2, 4, 8, 16, 32))
    }
    form: ClassVar = (1, False)  # channels, and whether the sound is brought to a scale first

    def read(self, config: dict[str, Any]) -> Facts:
        """Read the facts."""
        rate, hop = config["sampling_rate"], prod(config["upsampling_ratios"])
        if (config["audio_channels"], bool(config.get("normalize"))) != self.form:
            raise Unavailable(
                "This model of Encodec is neither mono and whole, as facebook/encodec_24khz, nor "
                "stereo, in chunks and normalised, as facebook/encodec_48khz. "
                "To fix: use one of these."
            )
        depths = depths_of(config["target_bandwidths"], rate, hop, size := config["codebook_size"])
        overlap = config["overlap"] if self.chunked else 0.0
        return Facts(rate, hop, size, depths[-1], depths=depths, overlap=overlap)

    def apart(
        self, model: Any, lengths: Sequence[int], width: int
    ) -> AbstractContextManager[Rows | None]:
        """Fill up the end of each row as that of a clip."""
        return alone(model, lengths, width)

    def encode(self, model: Any, sounds: "Tensor", depth: int, facts: Facts) -> Any:
        """Encode; the model takes a depth as the bandwidth in kbps that it makes."""

        def code(sounds: "Tensor") -> "Tensor":
            codes: Tensor = model.encode(sounds, bandwidth=kbps_of(depth, facts)).audio_codes[0]
            return codes

        columns, rate = (facts.hop, 1), facts.frame_rate
        return self.whole_or_pieces(model, model.encoder, code, sounds, columns, rate)

    def decode(self, model: Any, coded: "Any") -> "Tensor":
        """Decode; all clips are one chunk, of no scale."""

        def code(codes: "Tensor") -> "Tensor":
            decoded: Tensor = model.decode(codes[None], [None]).audio_values[:, 0]
            return decoded

        hop = prod(model.config.upsampling_ratios)
        rate = model.config.sampling_rate / hop
        return self.whole_or_pieces(model, model.decoder, code, coded, (1, hop), rate)

    def codes_whole(self, config: Mapping[str, Any]) -> float | None:
        """Only a model as the published one remembers all that its pieces need."""
        causal = config.get("use_causal_conv", True) and config.get("trim_right_ratio", 1.0) == 1
        plain = config.get("norm_type", "weight_norm") == "weight_norm"
        return self.whole_s if causal and plain else None

    def dequantize(self, model: Any, codes: "Tensor") -> "Tensor":
        """Sum the entries."""
        vectors: Tensor = model.quantizer.decode(codes.transpose(0, 1))
        return vectors


class EncodecChunked(Encodec):
    """Encodec of 48 kHz: 150 frames per second, up to 16 codebooks, stereo, in scaled chunks.

    A clip is mono here: both channels get it, and their mean is taken. The bitrates that its
    authors state are those of the codes without the chunks' overlap of a hundredth, which counts
    here; the measured bitrate counts the 32 bits of each chunk's scale as well.
    """

    causal = False
    supports_batching = False
    supports_padding = False
    whole_s = None
    chunked = True
    form = (2, True)
    settings: ClassVar = {
        "channels": "mono into both, the mean of both out",
        "chunks": "1 s, overlap 1 %, a scale of 32 bits each",
    }
    published: ClassVar = {
        "facebook/encodec_48khz": Facts(
            48_000, 320, 1024, 16, 14_856_294, (2, 4, 8, 16), overlap=0.01
        )
    }

    def encode(self, model: Any, sounds: "Tensor", depth: int, facts: Facts) -> Chunks:
        """Encode one clip."""
        return encode_chunks(model, sounds[0].expand(2, -1), kbps_of(depth, facts))

    def decode(self, model: Any, coded: "Any") -> "Tensor":
        """Decode one clip's chunks."""
        return decode_chunks(model, coded).mean(dim=0, keepdim=True)


class Dac(Model):
    """DAC at 16, 24 or 44.1 kHz, as the checkpoint says.

    A clip is padded with zeros to whole frames. The models of 16 and 24 kHz give back 8 samples
    less than that, cut off at the end; zeros take their place where the clip filled its last frame.
    A frame sees less than half a second around it, so long clips may be coded in pieces.
    """

    class_name = "DacModel"
    supports_batching = True
    supports_padding = True
    whole_s = 30.0
    licenses = (f"MIT (DAC), {TRANSFORMERS}", "MIT")
    published: ClassVar = {
        "descript/dac_16khz": Facts(16_000, 320, 1024, 12, 74_141_697),
        "descript/dac_24khz": Facts(24_000, 320, 1024, 32, 74_653_857),
        "descript/dac_44khz": Facts(44_100, 512, 1024, 9, 76_620_777),
    }

    def read(self, config: dict[str, Any]) -> Facts:
        """Read the facts."""
        # Its hop_length may be stale: some published configurations said 512 for 320.
        hop = prod(config["downsampling_ratios"])
        return Facts(config["sampling_rate"], hop, config["codebook_size"], config["n_codebooks"])

    def apart(
        self, model: Any, lengths: Sequence[int], width: int
    ) -> AbstractContextManager[Rows | None]:
        """Fill up the end of each row as that of a clip."""
        return alone(model, lengths, width)

    def encode(self, model: Any, sounds: "Tensor", depth: int, facts: Facts) -> "Tensor":
        """Encode."""

        def code(sounds: "Tensor") -> "Tensor":
            codes: Tensor = model.encode(sounds, n_quantizers=depth).audio_codes
            return codes

        columns, rate = (facts.hop, 1), facts.frame_rate
        return self.whole_or_pieces(model, model.encoder, code, sounds, columns, rate)

    def decode(self, model: Any, coded: "Any") -> "Tensor":
        """Decode; the only model whose sounds have no axis of channels."""

        def code(codes: "Tensor") -> "Tensor":
            decoded: Tensor = model.decode(audio_codes=codes).audio_values
            return decoded

        hop = prod(model.config.downsampling_ratios)
        rate = model.config.sampling_rate / hop
        return self.whole_or_pieces(model, model.decoder, code, coded, (1, hop), rate)

    def dequantize(self, model: Any, codes: "Tensor") -> "Tensor":
        """Sum the entries."""
        vectors: Tensor = model.quantizer.from_codes(codes)[0]
        return vectors


class Mimi(Model):
    """Mimi: 12.5 frames per second, up to 32 codebooks of 2048 entries, the first of them semantic.

    A clip is padded with zeros to whole frames of 1920 samples. Left to itself, the model would
    repeat its last state, which makes the last frame depend on the other clips of a batch. As the
    model is causal, padding by more frames changes nothing of those before, and long clips may be
    coded in pieces.
    """

    class_name = "MimiModel"
    causal = True
    supports_batching = True
    supports_padding = True
    whole_s = 30.0
    licenses = (f"MIT (Moshi), {TRANSFORMERS}", "CC-BY-4.0")
    published: ClassVar = {"kyutai/mimi": Facts(24_000, 1920, 2048, 32, 79_308_609)}

    def read(self, config: dict[str, Any]) -> Facts:
        """Read the facts."""
        # One more layer halves the rate of the strided ones. Published configurations leave the
        # number of codebooks to the default.
        hop = 2 * prod(config["upsampling_ratios"])
        books = config.get("num_quantizers", 32)
        return Facts(config["sampling_rate"], hop, config["codebook_size"], books)

    def encode(self, model: Any, sounds: "Tensor", depth: int, facts: Facts) -> "Tensor":
        """Encode."""
        if self.is_long(sounds.shape[-1] // facts.hop, facts.frame_rate):
            return encode_pieces(model, sounds, depth)
        codes: Tensor = model.encode(sounds, num_quantizers=depth).audio_codes
        return codes

    def decode(self, model: Any, coded: "Any") -> "Tensor":
        """Decode."""
        if self.is_long(coded.shape[-1], model.config.frame_rate):
            return decode_pieces(model, coded)
        return super().decode(model, coded)

    def dequantize(self, model: Any, codes: "Tensor") -> "Tensor":
        """Sum the entries."""
        vectors: Tensor = model.quantizer.decode(codes)
        return vectors


class WavTokenizer(Model):
    """WavTokenizer in the layout of transformers: one codebook of 4096 entries.

    Clips go in unpadded, as the encoder extends them by reflection. What spans a whole clip in the
    decoder, its norms and attention, is kept to each clip of a batch.
    """

    class_name = "WavTokenizerModel"
    pads = False
    supports_batching = True
    supports_padding = True
    licenses = (f"MIT (WavTokenizer), {TRANSFORMERS}", "MIT")
    published: ClassVar = {
        f"swiss-ai/wavtokenizer-{name}": Facts(24_000, hop, 4096, 1, parameters)
        for name, hop, parameters in (
            ("large-unify-40token", 600, 72_111_714),
            ("large-speech-75token-v2", 320, 71_750_146),
            ("medium-speech-75token-v2", 320, 71_750_146),
            ("small-speech-40token", 600, 72_111_714),
            ("small-speech-75token", 320, 71_750_146),
        )
    }

    def read(self, config: dict[str, Any]) -> Facts:
        """Read the facts."""
        hop = prod(config["upsampling_ratios"])
        return Facts(config["sampling_rate"], hop, config["codebook_size"], 1)

    def apart(
        self, model: Any, lengths: Sequence[int], width: int
    ) -> AbstractContextManager[Rows | None]:
        """Fill up the end of each row as that of a clip."""
        return wavtokenizer_alone(model, lengths, width)

    def encode(self, model: Any, sounds: "Tensor", depth: int, facts: Facts) -> "Tensor":
        """Encode."""
        del depth, facts
        codes: Tensor = model.encode(sounds).audio_codes
        return codes

    def decode(self, model: Any, coded: "Any") -> "Tensor":
        """Decode; the head may leave out the axis of channels."""
        decoded: Tensor = model.decode(coded).audio_values
        return decoded.reshape(len(decoded), -1)


MODELS: Mapping[str, Model] = {
    "encodec": Encodec(),
    "encodec_48khz": EncodecChunked(),
    "dac": Dac(),
    "mimi": Mimi(),
    "xcodec": XCodec(),
    "xcodec2": XCodec2(),
    "neucodec": NeuCodec(),
    "higgs_audio_v2_tokenizer": HiggsAudio(),
    "wavtokenizer": WavTokenizer(),
    "pocket_tts_audio_tokenizer": PocketTTS(),
    "vibevoice_acoustic_tokenizer": VibeVoice(),
}
"""The kinds of model, by the `model_type` of their configurations; Encodec's has two."""


def kind_of(config: dict[str, Any]) -> str | None:
    """Which of `MODELS` a configuration describes, or another type; None if it names no type."""
    kind = config.get("model_type")
    if kind == "encodec" and config.get("chunk_length_s"):
        return "encodec_48khz"
    return None if kind is None else str(kind)
