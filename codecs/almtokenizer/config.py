"""Everything about the model and its training that can be chosen, in one validated place."""

import tomllib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from almbench.errors import UserError, unknown
from almbench.validation import explain

CONV_HOP = 320  # what the strides of the convolutions make


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelConfig(_Strict):
    """Shape of the model.

    Attributes:
        patchify: `conv`: strided convolutions as in Encodec, to the waveform and back. `spectral`:
            magnitudes of a short-time Fourier transform; phases are not coded but found again.
        sample_rate: Rate of the sound in Hz.
        hop: Samples a frame.
        width: Width of frames and of the query encoder.
        decoder_width: Width of the query decoder.
        encoder_layers: Layers of the query encoder.
        decoder_layers: Layers of the query decoder.
        head_width: Width of an attention head.
        attention_window: How far back attention reaches, in frames.
        codebooks: Codebooks of the residual quantiser.
        codebook_size: Entries of each.
        code_width: Width of the learned codebooks.
        prior_width: Width of the first codebook, whose entries are the centres of the prior; 0 for
            no prior: it is learned like the others.
        compression: `query`: queries gather the frames. `drop`: every w-th frame is kept and the
            rest dropped, to measure what queries are worth.
        skip: Whether the mean of a group goes past the query encoder, and the vector of a group
            past the query decoder to each of its frames, so that the Transformers need only learn
            what these lack. The published model has no such way.
        min_window: Least frames a query that the model is trained for.
        max_window: Most frames a query that the model is trained for.
    """

    patchify: Literal["conv", "spectral"] = "conv"
    sample_rate: int = Field(default=24_000, ge=1)
    hop: int = Field(default=CONV_HOP, ge=2)
    width: int = Field(default=256, ge=1)
    decoder_width: int = Field(default=512, ge=1)
    encoder_layers: int = Field(default=24, ge=1)
    decoder_layers: int = Field(default=24, ge=1)
    head_width: int = Field(default=64, ge=2)
    attention_window: int = Field(default=150, ge=1)
    codebooks: int = Field(default=3, ge=1, le=32)
    codebook_size: int = Field(default=2048, ge=2)
    code_width: int = Field(default=256, ge=1)
    prior_width: int = Field(default=768, ge=0)
    compression: Literal["query", "drop"] = "query"
    skip: bool = False
    min_window: int = Field(default=2, ge=1)
    max_window: int = Field(default=10, ge=1)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name in ("width", "decoder_width"):
            if getattr(self, name) % self.head_width:
                raise ValueError(f"{name} must be a multiple of head_width")
        if self.head_width % 2:
            raise ValueError("head_width must be even")
        if self.max_window < self.min_window:
            raise ValueError("max_window must not be below min_window")
        if self.patchify == "conv" and self.hop != CONV_HOP:
            raise ValueError(f"hop must be {CONV_HOP} where patchify is 'conv'")
        if self.code_width > self.width:
            raise ValueError("code_width must not be above width")
        return self


class PriorConfig(_Strict):
    """Where the first codebook comes from.

    Attributes:
        kind: `mel`: centres of normalised log-mel patches, a stand-in that needs no other model.
            `semantic`: wav2vec 2.0 for speech and BEATs for the rest, half of the entries each.
        wav2vec2: Folder or hub id of wav2vec 2.0, for `semantic`.
        beats: Weights of BEATs (a file), for `semantic`.
        layer: Hidden layer of wav2vec 2.0 whose features are taken.
    """

    kind: Literal["mel", "semantic"] = "mel"
    wav2vec2: str = "facebook/wav2vec2-base"
    beats: str = ""
    layer: int = 8


class DiscriminatorConfig(_Strict):
    """The discriminators, one a hop.

    Attributes:
        hops: Hop of each mel spectrogram in samples; its window is four hops.
        widths: Channels of the layers.
        bands: Mel bands.
    """

    hops: tuple[int, ...] = (32, 64, 128, 256, 512, 1024)
    widths: tuple[int, ...] = (64, 128, 256, 512, 512, 512)
    bands: int = 64


class Weights(_Strict):
    """Weights of the losses; a loss of weight 0 is not computed.

    Attributes:
        time: Distance of the waveforms.
        spectral: Distance of mel spectrograms at several scales.
        magnitude: Distance of log magnitudes, of mel bands and loudness (spectral model only).
        adversarial: Hinge loss against the discriminators.
        feature: Relative distance of the discriminators' features.
        commitment: Distance of vectors from their codebook's entries.
        mae: Distance of masked frames from what a Transformer makes of the others.
        ar: Distance of a codebook's vector from what is foreseen of it.
    """

    time: float = Field(default=0.1, ge=0)
    spectral: float = Field(default=1.0, ge=0)
    magnitude: float = Field(default=0.0, ge=0)
    adversarial: float = Field(default=1.0, ge=0)
    feature: float = Field(default=20.0, ge=0)
    commitment: float = Field(default=1.0, ge=0)
    mae: float = Field(default=1.0, ge=0)
    ar: float = Field(default=0.1, ge=0)


class StageConfig(_Strict):
    """A stage of training.

    Attributes:
        steps: Steps of the optimiser.
        batch: Crops a step and process.
        min_seconds: Least length of a crop.
        max_seconds: Most length of a crop.
        learning_rate: At its height, after the warm-up; falls to a tenth along a cosine.
        warmup: Steps of linear warm-up.
        clip: Largest norm of the gradient.
        average: Decay of the moving average of the weights, which is what is published.
        adversarial_from: First step of the adversarial losses.
        quantise_from: First step with the quantiser (stage 2); before it, queries pass as they are.
        windows: Frames a query are drawn from these, each step anew (stage 2).
        masked: Least and most share of frames that the MAE loss masks (stage 1).
        helper_layers: Layers of the Transformers that only losses use (MAE, AR).
        speed: Largest change of speed and pitch of a crop, as a share; 0 for none.
        gain_db: Largest change of level in dB, up or down.
        weights: Weights of the losses.
    """

    steps: int = Field(ge=1)
    batch: int = Field(default=8, ge=1)
    min_seconds: float = Field(default=1.0, gt=0)
    max_seconds: float = Field(default=5.0, gt=0)
    learning_rate: float = Field(default=2e-4, gt=0)
    warmup: int = Field(default=500, ge=0)
    clip: float = Field(default=1.0, gt=0)
    average: float = Field(default=0.999, ge=0, lt=1)
    adversarial_from: int = Field(default=0, ge=0)
    quantise_from: int = Field(default=0, ge=0)
    windows: tuple[int, ...] = Field(default=(2, 3, 4, 5, 6, 7, 8, 9, 10), min_length=1)
    masked: tuple[float, float] = (0.2, 0.3)
    helper_layers: int = Field(default=6, ge=1)
    speed: float = Field(default=0.0, ge=0, lt=0.5)
    gain_db: float = Field(default=0.0, ge=0)
    weights: Weights = Weights()

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.max_seconds < self.min_seconds:
            raise ValueError("max_seconds must not be below min_seconds")
        low, high = self.masked
        if not 0 <= low <= high <= 1:
            raise ValueError("masked must be two shares from 0 to 1, the lesser first")
        return self


class DataConfig(_Strict):
    """A folder to learn from.

    Attributes:
        name: The name that `--data NAME=PATH` gives a folder to.
        what: What should be in it, for those who are asked for it.
        share: Share of the crops, in proportion to the other folders'.
        speech: Whether it is speech.
    """

    name: str
    what: str = ""
    share: float = Field(default=1.0, gt=0)
    speech: bool = True


class TrainConfig(_Strict):
    """A recipe.

    Attributes:
        seed: Seed of weights, crops, windows and masks.
        save_every: Steps between saved states.
        validate_every: Steps between validations.
        model: Shape of the model.
        prior: Where the first codebook comes from.
        discriminator: The discriminators.
        data: What to learn from.
        stage1: Patchify and UnPatchify as an autoencoder.
        stage2: Everything but Patchify, with the quantiser.
    """

    seed: int = 0
    save_every: int = Field(default=1000, ge=1)
    validate_every: int = Field(default=5000, ge=1)
    model: ModelConfig = ModelConfig()
    prior: PriorConfig = PriorConfig()
    discriminator: DiscriminatorConfig = DiscriminatorConfig()
    data: tuple[DataConfig, ...] = Field(min_length=1)
    stage1: StageConfig
    stage2: StageConfig

    @model_validator(mode="after")
    def _windows_fit(self) -> Self:
        low, high = self.model.min_window, self.model.max_window
        if any(not low <= w <= high for w in self.stage2.windows):
            raise ValueError(f"stage2.windows must lie between {low} and {high}")
        least = max(self.stage2.windows) * self.model.hop / self.model.sample_rate
        if self.stage2.min_seconds < least:
            raise ValueError(
                f"stage2.min_seconds must be {least:g} at least, the longest of stage2.windows"
            )
        return self


def presets() -> dict[str, Path]:
    """The recipes that come with the program: name -> TOML file."""
    folder = Path(str(files("almbench.training") / "recipes"))
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def load_config(name_or_path: str, settings: Sequence[str] = ()) -> TrainConfig:
    """Load a recipe by name or from a TOML file.

    Args:
        name_or_path: Name or file.
        settings: Changes, each `KEY=VALUE` with a dotted key and a value as in TOML.

    Raises:
        UserError: There is none, or it has a mistake; the message names the key.
    """
    path = presets().get(name_or_path, Path(name_or_path))
    if not path.is_file():
        raise UserError(
            unknown("recipe", name_or_path, presets()) + " Or give a path to a TOML file."
        )
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid TOML: {error}") from error
    for setting in settings:
        _change(data, setting)
    try:
        return TrainConfig.model_validate(data)
    except ValidationError as error:
        raise UserError(explain(error, TrainConfig, str(path))) from error


def _change(data: dict[str, Any], setting: str) -> None:
    key, equals, value = setting.partition("=")
    *way, last = key.split(".")
    if not (equals and all(way) and last):
        raise UserError(f"--set '{setting}' is not KEY=VALUE, such as stage2.steps=500.")
    try:
        given = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        given = value
    for name in way:
        inner = data.setdefault(name, {})
        if not isinstance(inner, dict):
            raise UserError(f"--set '{setting}': the recipe has no table '{name}'.")
        data = inner
    data[last] = given
