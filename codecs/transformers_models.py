"""The codecs that the library transformers has: how each kind of model is read, fed and decoded."""

from collections.abc import Mapping
from math import log2, prod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from almbench.audio import resample
from almbench.codecs.encodec_chunks import Chunks, decode_chunks, encode_chunks
from almbench.codecs.mimi_pieces import decode_pieces, encode_pieces
from almbench.codecs.neural import Facts
from almbench.codecs.transformers_latents import PocketTTS, VibeVoice
from almbench.codecs.transformers_model import TRANSFORMERS, Model
from almbench.errors import Unavailable

if TYPE_CHECKING:
    from torch import Tensor


class Encodec(Model):
    """Encodec of 24 kHz: 75 frames per second, up to 32 codebooks of 1024 entries.

    The model itself fills the last frame of 320 samples, by reflection, as upstream.
    """

    class_name = "EncodecModel"
    causal = True
    pads = False
    supports_batching = True
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
        depths = _depths(config["target_bandwidths"], rate, hop, size := config["codebook_size"])
        overlap = config["overlap"] if self.chunked else 0.0
        return Facts(rate, hop, size, depths[-1], depths=depths, overlap=overlap)

    def encode(self, model: Any, sounds: "Tensor", depth: int, facts: Facts) -> Any:
        """Encode; the model takes a depth as the bandwidth in kbps that it makes."""
        return model.encode(sounds, bandwidth=_kbps(depth, facts)).audio_codes[0]

    def decode(self, model: Any, coded: "Any") -> "Tensor":
        """Decode; all clips are one chunk, of no scale."""
        decoded: Tensor = model.decode(coded[None], [None]).audio_values[:, 0]
        return decoded

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
        return encode_chunks(model, sounds[0].expand(2, -1), _kbps(depth, facts))

    def decode(self, model: Any, coded: "Any") -> "Tensor":
        """Decode one clip's chunks."""
        return decode_chunks(model, coded).mean(dim=0, keepdim=True)


class Dac(Model):
    """DAC at 16, 24 or 44.1 kHz, as the checkpoint says.

    A clip is padded with zeros to whole frames. The models of 16 and 24 kHz give back 8 samples
    less than that, cut off at the end; zeros take their place where the clip filled its last frame.
    """

    class_name = "DacModel"
    supports_batching = True
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

    def encode(self, model: Any, sounds: "Tensor", depth: int, facts: Facts) -> "Tensor":
        """Encode."""
        del facts
        codes: Tensor = model.encode(sounds, n_quantizers=depth).audio_codes
        return codes

    def decode(self, model: Any, coded: "Any") -> "Tensor":
        """Decode; the only model whose sounds have no axis of channels."""
        decoded: Tensor = model.decode(audio_codes=coded).audio_values
        return decoded

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
        if sounds.shape[-1] > self.whole_s * facts.sample_rate:
            return encode_pieces(model, sounds, depth)
        codes: Tensor = model.encode(sounds, num_quantizers=depth).audio_codes
        return codes

    def decode(self, model: Any, coded: "Any") -> "Tensor":
        """Decode."""
        if coded.shape[-1] > self.whole_s * model.config.frame_rate:
            return decode_pieces(model, coded)
        return super().decode(model, coded)

    def dequantize(self, model: Any, codes: "Tensor") -> "Tensor":
        """Sum the entries."""
        vectors: Tensor = model.quantizer.decode(codes)
        return vectors


class XCodec(Model):
    """X-Codec: DAC's encoder beside HuBERT or WavLM, 50 frames per second of 1024 entries."""

    class_name = "XcodecModel"
    licenses = (f"MIT (X-Codec), {TRANSFORMERS}", "CC-BY-4.0")
    published: ClassVar = {
        f"hf-audio/xcodec-{name}": Facts(16_000, 320, 1024, 8, parameters, (1, 2, 3, 4, 8))
        for name, parameters in {
            "hubert-librispeech": 160_698_625,
            "hubert-general": 160_698_625,
            "hubert-general-balanced": 160_698_625,
            "wavlm-mls": 160_708_849,
            "wavlm-more-data": 160_708_849,
        }.items()
    }

    def read(self, config: dict[str, Any]) -> Facts:
        """Read the facts."""
        rate, size = config["sample_rate"], config["codebook_size"]
        acoustic = config.get("acoustic_model_config") or {}
        hop = prod(acoustic.get("downsampling_ratios", (8, 5, 4, 2)))
        depths = _depths(config["target_bandwidths"], rate, hop, size)
        return Facts(rate, hop, size, depths[-1], depths=depths)

    def encode(self, model: Any, sounds: "Tensor", depth: int, facts: Facts) -> "Tensor":
        """Encode; the model takes a depth as the bandwidth in kbps that it makes."""
        codes: Tensor = model.encode(sounds, bandwidth=_kbps(depth, facts)).audio_codes
        return codes


class HiggsAudio(XCodec):
    """Higgs Audio v2's tokenizer: built as X-Codec, 25 frames per second at 24 kHz."""

    class_name = "HiggsAudioV2TokenizerModel"
    packages = ("torchaudio",)
    licenses = (
        f"Apache-2.0 (Higgs Audio), {TRANSFORMERS}",
        "Boson Higgs Audio 2 Community License",
    )
    published: ClassVar = {
        "bosonai/higgs-audio-v2-tokenizer": Facts(24_000, 960, 1024, 8, 200_343_777, (2, 4, 6, 8))
    }


class XCodec2(Model):
    """X-Codec 2: one code of 65536 values (eight digits of four) 50 times a second, at 16 kHz.

    The library's feature extractor makes the encoder's input: it adds a sample of silence and then
    pads to whole frames, so that a clip of whole frames gets one more.
    """

    class_name = "Xcodec2Model"
    extractor: ClassVar[str] = "Xcodec2FeatureExtractor"
    pads = False
    packages = ("torchaudio",)
    licenses = (f"CC-BY-NC-4.0 (X-Codec 2), {TRANSFORMERS}", "CC-BY-NC-4.0")
    published: ClassVar = {"HKUSTAudio/xcodec2-hf": Facts(16_000, 320, 4**8, 1, 629_281_706)}

    def read(self, config: dict[str, Any]) -> Facts:
        """Read the facts."""
        levels = prod(config.get("quantization_levels", (4,) * 8))
        hop = prod(config.get("downsampling_ratios", (2, 2, 4, 4, 5)))
        return Facts(config.get("sampling_rate", 16_000), hop, levels, 1)

    def encode(self, model: Any, sounds: "Tensor", depth: int, facts: Facts) -> "Tensor":
        """Encode what the library's feature extractor makes of the sounds."""
        del depth
        return self.features_to_codes(model, sounds[:, 0].cpu().numpy(), facts.hop)

    def features_to_codes(self, model: Any, sounds: Any, hop: int) -> "Tensor":
        """Encode sounds `[B, T]` at the encoder's rate."""
        import transformers

        extract = getattr(transformers, self.extractor)(hop_length=hop)
        rate = extract.sampling_rate
        features = extract(list(sounds), sampling_rate=rate, return_tensors="pt").to(model.device)
        names = ("input_values", "input_features", "input_features_mask")
        codes: Tensor = model.encode(**{name: features[name] for name in names}).audio_codes
        return codes


class NeuCodec(XCodec2):
    """NeuCodec: X-Codec 2 with a decoder of 24 kHz; the encoder hears 16 kHz (soxr, VHQ)."""

    class_name = "NeuCodecModel"
    extractor = "NeuCodecFeatureExtractor"
    licenses = (f"Apache-2.0 (NeuCodec), {TRANSFORMERS}", "Apache-2.0")
    settings: ClassVar = {"encoder_input": "16000 Hz, resampled by soxr"}
    published: ClassVar = {"neuphonic/neucodec": Facts(24_000, 480, 4**8, 1, 629_937_706)}

    def read(self, config: dict[str, Any]) -> Facts:
        """Read the facts."""
        inside = super().read(config)
        rate = config.get("output_sampling_rate", 24_000)
        hop = inside.hop * rate // config.get("input_sampling_rate", 16_000)
        return Facts(rate, hop, inside.codebook_size, 1)

    def encode(self, model: Any, sounds: "Tensor", depth: int, facts: Facts) -> "Tensor":
        """Encode at the encoder's own rate."""
        del depth
        rate = model.config.input_sampling_rate
        heard = [
            resample(one.astype(np.float64), facts.sample_rate, rate).astype(np.float32)
            for one in sounds[:, 0].cpu().numpy()
        ]
        return self.features_to_codes(model, heard, facts.hop * rate // facts.sample_rate)


class WavTokenizer(Model):
    """WavTokenizer in the layout of transformers: one codebook of 4096 entries.

    Clips go in unpadded, as the encoder extends them by reflection, and one at a time: the
    decoder's norms and attention span the whole clip.
    """

    class_name = "WavTokenizerModel"
    pads = False
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

    def encode(self, model: Any, sounds: "Tensor", depth: int, facts: Facts) -> "Tensor":
        """Encode."""
        del depth, facts
        codes: Tensor = model.encode(sounds).audio_codes
        return codes

    def decode(self, model: Any, coded: "Any") -> "Tensor":
        """Decode; the head may leave out the axis of channels."""
        decoded: Tensor = model.decode(coded).audio_values
        return decoded.reshape(len(decoded), -1)


def _kbps(depth: int, facts: Facts) -> float:
    """The bandwidth that so many codebooks make, as a configuration lists it."""
    return round(depth * facts.kbps_a_codebook, 6)


def _depths(bandwidths: list[float], rate: int, hop: int, size: int) -> tuple[int, ...]:
    """How many codebooks each bandwidth in kbps allows."""
    books = {int(1000 * kbps * hop / rate / log2(size) + 1e-9) for kbps in bandwidths}
    return tuple(sorted(books))


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
