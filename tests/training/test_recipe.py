"""Recipes, and what is said of a mistake in one."""

from pathlib import Path

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from almbench.cli.main import app
from almbench.codecs.almtokenizer.config import ModelConfig
from almbench.errors import UserError
from almbench.training.data import open_folders
from almbench.training.recipe import load_config, presets

MINIMAL = """
[[data]]
name = "speech"
[stage1]
steps = 2
[stage2]
steps = 3
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(MINIMAL)
    return path


@pytest.mark.parametrize("name", ["large", "medium", "paper", "small"])
def test_the_presets_load(name: str) -> None:
    config = load_config(name)
    assert name in presets()
    assert config.model.sample_rate / config.model.hop == 75
    assert (config.model.codebooks, config.model.codebook_size) == (3, 2048)
    assert set(config.stage2.windows) == set(range(2, 11))
    assert config.stage1.masked == (0.2, 0.3)


def test_a_preset_that_is_printed_is_a_recipe(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["train", "recipe", "large"])
    assert done.exit_code == 0
    (tmp_path / "mine.toml").write_text(done.stdout)
    assert load_config(str(tmp_path / "mine.toml")) == load_config("large")
    with pytest.raises(UserError, match="Did you mean 'large'"):
        CliRunner().invoke(app, ["train", "recipe", "lager"], catch_exceptions=False)


def test_large_runs_as_cuda_graphs() -> None:
    stage = load_config("large").stage2
    assert stage.min_seconds == stage.max_seconds
    assert not stage.weights.adversarial
    assert not stage.weights.feature


def test_the_paper_has_its_published_shape() -> None:
    model = load_config("paper").model
    assert model.patchify == "conv"
    assert (model.encoder_layers, model.decoder_layers) == (24, 24)
    assert (model.width, model.decoder_width) == (256, 512)
    assert load_config("paper").discriminator.hops == (32, 64, 128, 256, 512, 1024)
    assert load_config("paper").discriminator.widths == (64, 128, 256, 512, 512, 512)


def test_a_file_says_only_what_differs(recipe: Path) -> None:
    config = load_config(str(recipe))
    assert (config.stage1.steps, config.stage2.steps) == (2, 3)
    assert config.model == ModelConfig()


def test_an_unknown_recipe_names_those_there_are() -> None:
    with pytest.raises(UserError, match=r"no recipe 'smal'.*Did you mean 'small'.*paper"):
        load_config("smal")


def test_a_folder_is_no_recipe(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="path to a TOML file"):
        load_config(str(tmp_path))


@pytest.mark.parametrize("content", [b"steps = [", b"\xff\xfe = 1"])
def test_what_is_no_toml_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.toml"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"odd\.toml is not valid TOML"):
        load_config(str(path))


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("stage2.step=4", "There is no key 'step'. Did you mean 'steps'?"),
        ("model.width=100", "width must be a multiple of head_width"),
        ("model.width=0", "model.width = 0"),
        ("model.head_width=5", "multiple of head_width"),
        ("model.patchify=wavelet", "Allowed: 'conv' or 'spectral'"),
        ("model.max_window=1", "max_window must not be below min_window"),
        ("model.hop=160", "hop must be 320"),
        ("model.code_width=300", "code_width must not be above width"),
        ("stage2.windows=[2,11]", "stage2.windows must lie between 2 and 10"),
        ("stage2.windows=[]", "stage2.windows"),
        ("stage1.steps=0", "stage1.steps = 0"),
        ("stage1.steps=many", "stage1.steps = 'many'"),
        ("stage1.max_seconds=0.5", "max_seconds must not be below min_seconds"),
        ("stage1.masked=[0.5,0.2]", "masked"),
        ("stage1.masked=[0.5,2]", "masked"),
        ("stage2.min_seconds=0.1", "stage2.min_seconds"),
        ("model.lookahead=-1", "model.lookahead = -1"),
        ("stage2.cooldown=0", "stage2.cooldown = 0"),
        ("stage1.noise_db=3", "stage1.noise_db = 3"),
        ("stage2.average=1.0", "stage2.average = 1.0"),
        ("data=[]", "data"),
        ("stage1=3", "stage1"),
    ],
)
def test_mistakes_are_told_with_the_file_and_the_key(
    recipe: Path, setting: str, words: str
) -> None:
    with pytest.raises(UserError) as caught:
        load_config(str(recipe), [setting])
    assert words.lower() in str(caught.value).lower()
    assert str(recipe) in str(caught.value)


def test_a_missing_part_is_named(tmp_path: Path) -> None:
    path = tmp_path / "half.toml"
    path.write_text("[stage1]\nsteps = 1\n")
    with pytest.raises(UserError, match=r"(?s)'data' is missing.*'stage2' is missing"):
        load_config(str(path))


@pytest.mark.parametrize("setting", ["stage1.steps", "=5", "stage1.=5", ".steps=5", "a..b=1"])
def test_a_setting_without_key_or_value_is_refused(recipe: Path, setting: str) -> None:
    with pytest.raises(UserError, match=r"is not KEY=VALUE, such as stage2\.steps=500"):
        load_config(str(recipe), [setting])


def test_a_setting_below_what_is_no_table_is_refused(recipe: Path) -> None:
    with pytest.raises(UserError, match="the recipe has no table 'steps'"):
        load_config(str(recipe), ["stage1.steps.more=5"])
    with pytest.raises(UserError, match="the recipe has no table 'data'"):
        load_config(str(recipe), ["data.name=x"])


def test_settings_are_read_as_toml_or_else_as_words(recipe: Path) -> None:
    config = load_config(
        str(recipe),
        [
            "stage2.weights.ar=0",
            "stage2.windows=[6, 6]",
            "prior.beats=/some where/beats.pt",
            'prior.wav2vec2="here"',
            "stage2.steps=7",
            "stage2.steps=8",
        ],
    )
    assert config.stage2.weights.ar == 0
    assert config.stage1.weights.ar > 0
    assert config.stage2.windows == (6, 6)
    assert config.prior.beats == "/some where/beats.pt"
    assert config.prior.wav2vec2 == "here"
    assert config.stage2.steps == 8  # the last one counts


def test_codebooks_of_a_checkpoint_are_not_fitted_again(recipe: Path) -> None:
    assert load_config(str(recipe), ["initial=some/where"]).initial == "some/where"
    with pytest.raises(UserError, match="quantize_from must be 0"):
        load_config(str(recipe), ["initial=some/where", "stage2.quantize_from=5"])


def test_a_recipe_does_not_change(recipe: Path) -> None:
    config = load_config(str(recipe))
    with pytest.raises(ValidationError):
        config.seed = 3


def test_spectral_models_take_other_hops(recipe: Path) -> None:
    settings = ["model.patchify=spectral", "model.hop=160"]
    assert load_config(str(recipe), settings).model.hop == 160


def test_an_optional_folder_may_be_left_out(tmp_path: Path) -> None:
    small = load_config("small")
    both = small.with_data(["speech", "sound"])
    alone = small.with_data(["speech"])
    assert [data.name for data in both.data] == ["speech", "sound"]
    assert [data.name for data in alone.data] == ["speech"]
    # Runs from before there were optional folders go on: what is saved of a recipe is the same.
    assert "optional" not in both.model_dump_json()
    with pytest.raises(UserError, match=r"^The recipe needs folders of sound: --data speech=PATH"):
        open_folders(small.with_data([]).data, {})
    with pytest.raises(UserError, match=r"--data speech=PATH \(.*\), --data sound=PATH \(.*\), --"):
        open_folders(load_config("paper").with_data([]).data, {})
    only = MINIMAL.replace('"speech"', '"speech"\noptional = true')
    (tmp_path / "only.toml").write_text(only)
    with pytest.raises(UserError, match="needs folders of sound: --data speech=PATH"):
        open_folders(load_config(str(tmp_path / "only.toml")).with_data([]).data, {})


def test_the_help_names_the_folders_of_every_recipe() -> None:
    done = CliRunner().invoke(app, ["train", "almtokenizer", "--help"], env={"COLUMNS": "200"})
    words = " ".join(done.output.replace("│", " ").split())
    for name in presets():
        data = load_config(name).data
        *needed, last = [one.name for one in data if not one.optional]
        said = f"{name}: {', '.join(needed)} and {last}" if needed else f"{name}: {last}"
        for one in data:
            said += f", and {one.name} if there is any" if one.optional else ""
        assert said in words
