"""A recipe: everything about training that can be chosen, in one validated place."""

import tomllib
from collections.abc import Collection, Sequence
from importlib.resources import files
from math import cos, pi
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from almbench.codecs.almtokenizer.config import ModelConfig, StrictModel
from almbench.errors import UserError, unknown
from almbench.keyvalue import parse_pairs, split_key
from almbench.validation import explain

EXAMPLE = "stage2.steps=500"


class PriorConfig(StrictModel):
    """Where the first codebook comes from.

    Attributes:
        kind: `mel`: centres of normalized log-mel patches, a stand-in that needs no other model.
            `semantic`: wav2vec 2.0 for speech and BEATs for the rest, half of the entries each.
        wav2vec2: Folder or hub id of wav2vec 2.0, for `semantic`.
        beats: Weights of BEATs (a file), for `semantic`.
        layer: Hidden layer of wav2vec 2.0 whose features are taken.
    """

    kind: Literal["mel", "semantic"] = "mel"
    wav2vec2: str = "facebook/wav2vec2-base"
    beats: str = ""
    layer: int = 8


class DiscriminatorConfig(StrictModel):
    """The discriminators, one per hop.

    Attributes:
        hops: Hop of each mel spectrogram in samples; its window is four hops.
        widths: Channels of the layers.
        bands: Mel bands.
    """

    hops: tuple[int, ...] = (32, 64, 128, 256, 512, 1024)
    widths: tuple[int, ...] = (64, 128, 256, 512, 512, 512)
    bands: int = 64


class Weights(StrictModel):
    """Weights of the losses; a loss of weight 0 is not computed.

    Attributes:
        time: Distance of the waveforms.
        spectral: Distance of mel spectrograms at several scales.
        magnitude: Distance of log magnitudes, of mel bands and loudness (spectral model only).
        level: Distance of the levels of mel bands over longer times (spectral model only).
        envelope: How little the envelopes of third-octave bands correlate (spectral model only).
        adversarial: Hinge loss against the discriminators.
        feature: Relative distance of the discriminators' features.
        commitment: Distance of vectors from their codebook's entries.
        mae: Distance of masked frames from what a Transformer makes of the others.
        ar: Distance of a codebook's vector from what is predicted of it.
    """

    time: float = Field(default=0.1, ge=0)
    spectral: float = Field(default=1.0, ge=0)
    magnitude: float = Field(default=0.0, ge=0)
    level: float = Field(default=0.0, ge=0)
    envelope: float = Field(default=0.0, ge=0)
    adversarial: float = Field(default=1.0, ge=0)
    feature: float = Field(default=20.0, ge=0)
    commitment: float = Field(default=1.0, ge=0)
    mae: float = Field(default=1.0, ge=0)
    ar: float = Field(default=0.1, ge=0)


class StageConfig(StrictModel):
    """A stage of training.

    Attributes:
        steps: Steps of the optimizer.
        batch: Crops per step and process.
        min_seconds: Least length of a crop.
        max_seconds: Most length of a crop.
        learning_rate: At its height, after the warm-up.
        warmup: Steps of linear warm-up.
        cooldown: Share of the steps, at the end, over which the learning rate falls along a cosine
            to `last_rate`. With less than 1, it is held before.
        last_rate: The last learning rate, as a share of its height.
        clip: Largest norm of the gradient.
        average: Decay of the moving average of the weights, which is what is published.
        adversarial_from: First step of the adversarial losses.
        quantize_from: First step with the quantizer (stage 2); before it, queries pass as they are.
        windows: Frames per query, drawn from these at each step (stage 2).
        masked: Least and most share of frames that the MAE loss masks (stage 1).
        auxiliary_layers: Layers of the Transformers that only losses use (MAE, AR).
        speed: Largest change of speed and pitch of a crop, as a share; 0 for none.
        gain_db: Largest change of level in dB, up or down.
        equalizer_db: Largest gain and cut of a random smooth equalizer in dB; 0 for none.
        noise_db: Most level of white noise that is added, in dB of full scale; it is drawn from
            the 40 dB below. None for none.
        weights: Weights of the losses.
    """

    steps: int = Field(ge=1)
    batch: int = Field(default=8, ge=1)
    min_seconds: float = Field(default=1.0, gt=0)
    max_seconds: float = Field(default=5.0, gt=0)
    learning_rate: float = Field(default=2e-4, gt=0)
    warmup: int = Field(default=500, ge=0)
    cooldown: float = Field(default=1.0, gt=0, le=1)
    last_rate: float = Field(default=0.1, ge=0, le=1)
    clip: float = Field(default=1.0, gt=0)
    average: float = Field(default=0.999, ge=0, lt=1)
    adversarial_from: int = Field(default=0, ge=0)
    quantize_from: int = Field(default=0, ge=0)
    windows: tuple[int, ...] = Field(default=(2, 3, 4, 5, 6, 7, 8, 9, 10), min_length=1)
    masked: tuple[float, float] = (0.2, 0.3)
    auxiliary_layers: int = Field(default=6, ge=1)
    speed: float = Field(default=0.0, ge=0, lt=0.5)
    gain_db: float = Field(default=0.0, ge=0)
    equalizer_db: float = Field(default=0.0, ge=0)
    noise_db: float | None = Field(default=None, le=0)
    weights: Weights = Weights()

    def rate_share(self, step: int) -> float:
        """The learning rate of a step, as a share of its height."""
        if step < self.warmup:
            return (step + 1) / self.warmup
        after = max(self.warmup, round(self.steps * (1 - self.cooldown)))
        done = (step - after) / max(1, self.steps - after)
        falls = (1 + cos(pi * min(1, max(0, done)))) / 2
        return self.last_rate + (1 - self.last_rate) * falls

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.max_seconds < self.min_seconds:
            raise ValueError("max_seconds must not be below min_seconds")
        low, high = self.masked
        if not 0 <= low <= high <= 1:
            raise ValueError("masked must be two shares from 0 to 1, the lesser first")
        return self


class DataConfig(StrictModel):
    """A folder to learn from.

    Attributes:
        name: The name that `--data NAME=PATH` gives a folder to.
        what: What should be in it, for those who are asked for it.
        share: Share of the crops, in proportion to the other folders'.
        speech: Whether it is speech. Speakers are then drawn equally often, however much of each
            there is. A file's speaker is what its path in the folder begins with, up to the first
            `/` or `-`, as in LibriSpeech.
        optional: Whether the folder may be left out; the others then have its share.
    """

    name: str
    what: str = ""
    share: float = Field(default=1.0, gt=0)
    speech: bool = True
    optional: bool = Field(default=False, exclude=True)  # what is used counts, not what might be


class TrainConfig(StrictModel):
    """A recipe.

    Attributes:
        seed: Seed of weights, crops, windows and masks.
        save_every: Steps between saved states.
        validate_every: Steps between validations.
        initial: Checkpoint to go on from, a hub id or a folder, or `almtokenizer-large`: stage 2
            begins with its weights and codebooks, and stage 1 is not needed.
        bfloat16: Whether a CPU computes products in bfloat16 too, as GPUs do wherever they can.
        model: Shape of the model.
        prior: Where the first codebook comes from.
        discriminator: The discriminators.
        data: What to learn from.
        stage1: Patchify and UnPatchify as an autoencoder.
        stage2: Everything but Patchify, with the quantizer.
    """

    seed: int = 0
    save_every: int = Field(default=1000, ge=1)
    validate_every: int = Field(default=5000, ge=1)
    initial: str = ""
    bfloat16: bool = False
    model: ModelConfig = ModelConfig()
    prior: PriorConfig = PriorConfig()
    discriminator: DiscriminatorConfig = DiscriminatorConfig()
    data: tuple[DataConfig, ...] = Field(min_length=1)
    stage1: StageConfig
    stage2: StageConfig

    @model_validator(mode="after")
    def _initial_is_quantized(self) -> Self:
        if self.initial and self.stage2.quantize_from:
            raise ValueError("stage2.quantize_from must be 0 where training goes on from initial")
        return self

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

    def with_data(self, given: Collection[str]) -> Self:
        """The recipe without the optional folders that are not given.

        Args:
            given: Names of those that are.
        """
        used = tuple(data for data in self.data if data.name in given or not data.optional)
        return self.model_copy(update={"data": used or self.data})


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
    for key, value in parse_pairs("--set", settings, "KEY=VALUE", EXAMPLE).items():
        _change(data, key, value)
    try:
        return TrainConfig.model_validate(data)
    except ValidationError as error:
        raise UserError(explain(error, TrainConfig, str(path))) from error


def _change(data: dict[str, Any], key: str, value: str) -> None:
    *path, last = split_key("--set", key, 0, "KEY=VALUE", EXAMPLE)
    try:
        given = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        given = value
    for name in path:
        inner = data.setdefault(name, {})
        if not isinstance(inner, dict):
            raise UserError(f"--set '{key}={value}': the recipe has no table '{name}'.")
        data = inner
    data[last] = given
