"""A checkpoint as `bench train almtokenizer` writes it, and the adapter that loads it."""

import json
from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
import soundfile as sf
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner, Result

from almbench.audio import Samples
from almbench.cli.main import app
from almbench.codecs.almtokenizer.adapter import ALMTokenizerCodec
from almbench.codecs.almtokenizer.checkpoint import (
    load_checkpoint,
    parameters,
    read_model_config,
    save_checkpoint,
)
from almbench.codecs.almtokenizer.model import ALMTokenizer
from almbench.codecs.checkpoints import Files
from almbench.codecs.registry import create
from almbench.errors import Unavailable, UserError
from almbench.training.recipe import TrainConfig
from almbench.training.state import read_state

pytest.importorskip("accelerate", reason="training needs the extra 'train'")
pytest.importorskip("tensorboard", reason="training needs the extra 'train'")
pytestmark = pytest.mark.usefixtures("short_start")

RATE, HOP = 24_000, 320
NAMES = ("config.json", "model.safetensors")
Train = Callable[..., Result]


@pytest.fixture(scope="module")
def train(toml: Path, clips: Path) -> Train:
    """Run `bench train almtokenizer` with the tiny recipe."""

    def run(stage: int, output: Path, *more: object, config: Path = toml) -> Result:
        given = ["--config", config, "--data", f"speech={clips}", "-o", output]
        fixed = ["--stage", stage, "--device", "cpu", "--workers", 0]
        arguments = ["train", "almtokenizer", *fixed, *given, *more]
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory, train: Train, clips: Path) -> Path:
    """The folder of both stages, trained by the command, with a validation."""
    place = tmp_path_factory.mktemp("run")
    assert train(1, place).exit_code == 0
    done = train(2, place, "--validation", clips)
    assert done.exit_code == 0, done.output
    return place


@pytest.fixture(scope="module")
def checkpoint(output: Path) -> Path:
    return output / "checkpoint"


@pytest.fixture
def copy(checkpoint: Path, tmp_path: Path) -> Path:
    """A copy of the checkpoint to damage."""
    return Path(copytree(checkpoint, tmp_path / "copy"))


@pytest.fixture(scope="module")
def talk(clips: Path) -> Samples:
    samples, rate = sf.read(sorted(clips.glob("*.flac"))[0])
    assert rate == RATE
    return np.asarray(samples[:30_001])


def make(checkpoint: Path | str, **options: object) -> ALMTokenizerCodec:
    codec = create("c", "C", "almtokenizer", {"checkpoint": str(checkpoint), **options})
    assert isinstance(codec, ALMTokenizerCodec)
    return codec


def loaded(checkpoint: Path, **options: object) -> ALMTokenizerCodec:
    codec = make(checkpoint, **options)
    codec.fetch(network=False)
    codec.load("cpu")
    return codec


def files(folder: Path) -> Files:
    return Files(str(folder), "", {name: folder / name for name in NAMES})


def test_the_command_writes_a_checkpoint_and_what_led_to_it(output: Path) -> None:
    names = {path.name for path in (output / "checkpoint").iterdir()}
    assert names == {"config.json", "model.safetensors", "README.md", "curves.png"}
    assert {"stage1.pt", "stage2.pt"} <= {path.name for path in output.iterdir()}
    for stage in (1, 2):
        assert list((output / "logs" / f"stage{stage}").glob("events.out.tfevents.*"))
    made = {path.parent.name for path in (output / "samples" / "stage2").rglob("*.flac")}
    assert made == {"original", "w2", "w6", "w10"}


def test_the_logs_hold_losses_and_validation(output: Path) -> None:
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    log = events.EventAccumulator(str(output / "logs" / "stage2"))
    log.Reload()
    tags = set(log.Tags()["scalars"])
    losses = ("time", "spectral", "magnitude", "commitment", "ar", "adversarial", "feature")
    assert {f"loss/{name}" for name in losses} <= tags
    assert {f"{metric}/w6" for metric in ("stoi", "mel_distance")} <= tags
    assert [event.step for event in log.Scalars("stoi/w6")] == [6]
    assert all(-1 <= event.value <= 1 for event in log.Scalars("stoi/w6"))


def test_the_card_says_what_it_is(checkpoint: Path) -> None:
    card = (checkpoint / "README.md").read_text()
    assert "3 codebooks of 16 entries" in card
    assert "24 kHz, 75 frames a second" in card
    assert "acoustic stand-in" in card
    assert "from 6 steps of stage 1: 6 steps of stage 2" in card
    assert "| speech | 0.00 | 2 |" in card


def test_the_weights_are_the_averages_in_half_precision(output: Path) -> None:
    average = read_state(output / "stage2.pt")["average"]
    weights = load_file(output / "checkpoint" / "model.safetensors")
    assert {weight.dtype for weight in weights.values()} == {torch.float16}
    assert not any(name.endswith((".counts", ".sums")) for name in weights)
    for name, weight in weights.items():
        if name != "unpatchify.levels.bias":  # all of it is moved to put the level right
            torch.testing.assert_close(weight.float(), average[name], rtol=1e-3, atol=1e-6)
    model = load_checkpoint(files(output / "checkpoint"))
    assert {p.dtype for p in model.state_dict().values()} == {torch.float32}
    for name, weight in weights.items():
        assert torch.equal(model.state_dict()[name], weight.float()), name


def test_running_a_finished_stage_again_changes_nothing(
    output: Path, checkpoint: Path, train: Train
) -> None:
    before = (checkpoint / "model.safetensors").read_bytes()
    assert train(2, output).exit_code == 0
    assert (checkpoint / "model.safetensors").read_bytes() == before


@pytest.mark.parametrize("kind", ["conv", "spectral"])
def test_saving_and_loading_keeps_the_codes(tiny: TrainConfig, tmp_path: Path, kind: str) -> None:
    torch.manual_seed(0)
    model = ALMTokenizer(tiny.model.model_copy(update={"patchify": kind})).eval()
    with torch.no_grad():
        for weight in model.state_dict().values():
            weight.copy_(weight.half())  # what half precision can hold
    save_checkpoint(model, tmp_path, "card")
    found = load_checkpoint(files(tmp_path)).eval()
    assert found.config == model.config
    sound = 0.1 * torch.randn(1, 4000)
    with torch.inference_mode():
        codes = model.encode(sound, 3)
        assert torch.equal(found.encode(sound, 3), codes)
        assert torch.equal(found.decode(codes, 3), model.decode(codes, 3))
    assert parameters(files(tmp_path)) == sum(p.numel() for p in model.parameters())


def at_full_size(checkpoint: Path, folder: Path) -> Path:
    """The checkpoint with codebooks of 2,048 entries each, as published ones have."""
    weights = load_file(checkpoint / "model.safetensors")
    for name, weight in weights.items():
        if name.endswith(".entries"):
            weights[name] = weight.repeat(128, 1) + 0.01 * torch.randn(2048, weight.shape[1]).half()
    save_file(weights, folder / "model.safetensors")
    facts = json.loads((checkpoint / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**facts, "codebook_size": 2048}))
    return folder


@pytest.mark.parametrize("window", [2, 3, 6, 10])
@pytest.mark.parametrize("depth", [1, 3])
def test_rates(checkpoint: Path, tmp_path: Path, talk: Samples, window: int, depth: int) -> None:
    codec = loaded(at_full_size(checkpoint, tmp_path), window=window, num_codebooks=depth)
    spec = codec.spec
    assert spec.sample_rate == RATE
    assert spec.frame_rate == pytest.approx(75 / window)
    assert spec.codebook_sizes == (2048,) * depth
    assert spec.nominal_kbps == pytest.approx(75 / window * depth * 11 / 1000)
    [encoded] = codec.encode([talk], RATE)
    groups = -(-len(talk) // (window * HOP))
    assert encoded.codes is not None
    assert encoded.codes.shape == (depth, groups)
    assert encoded.bits == pytest.approx(groups * depth * 11)
    [decoded] = codec.decode([encoded], RATE)
    assert decoded.shape == talk.shape
    assert decoded.dtype == np.float64
    assert np.isfinite(decoded).all()


def test_window_6_has_412_bits_a_second(checkpoint: Path, tmp_path: Path) -> None:
    spec = make(at_full_size(checkpoint, tmp_path)).spec
    assert spec.frame_rate == 12.5
    assert spec.nominal_kbps == 0.4125
    assert spec.settings["window"] == 6


def test_the_spec_names_the_checkpoint(checkpoint: Path) -> None:
    spec = make(checkpoint).spec
    assert spec.checkpoint is not None
    assert spec.checkpoint.source == str(checkpoint)
    assert len(spec.checkpoint.sha256) == 64
    model = load_checkpoint(files(checkpoint))
    assert spec.parameters == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("length", [1, HOP, 6 * HOP, 6 * HOP + 1])
def test_any_length_and_silence(checkpoint: Path, length: int) -> None:
    codec = loaded(checkpoint)
    for samples in (np.zeros(length), 0.1 * np.ones(length)):
        [encoded] = codec.encode([samples], RATE)
        [decoded] = codec.decode([encoded], RATE)
        assert decoded.shape == (length,)
        assert np.isfinite(decoded).all()


def test_a_batch_is_as_its_members_alone(checkpoint: Path, talk: Samples) -> None:
    codec = loaded(checkpoint)
    assert codec.supports_batching
    clips = [talk[:8000], talk[8000:16_000], np.zeros(8000)]
    together = codec.encode(clips, RATE)
    sounds = codec.decode(together, RATE)
    for clip, encoded, sound in zip(clips, together, sounds, strict=True):
        [alone] = codec.encode([clip], RATE)
        np.testing.assert_array_equal(alone.codes, encoded.codes)
        np.testing.assert_allclose(codec.decode([alone], RATE)[0], sound, atol=2e-4)


def test_fewer_codebooks_take_the_first_codes(checkpoint: Path, talk: Samples) -> None:
    [whole] = loaded(checkpoint).encode([talk], RATE)
    [some] = loaded(checkpoint, num_codebooks=2).encode([talk], RATE)
    assert whole.codes is not None
    np.testing.assert_array_equal(some.codes, whole.codes[:2])


def test_codes_nest_for_one_window_only(checkpoint: Path) -> None:
    one, fewer, other = (
        make(checkpoint, **options).encoding_key
        for options in ({}, {"num_codebooks": 1}, {"window": 3})
    )
    assert one == fewer
    assert one != other


@pytest.mark.parametrize("window", [1, 11])
def test_other_windows_are_refused(checkpoint: Path, window: int) -> None:
    with pytest.raises(UserError, match=rf"window = {window}, .*windows of 2 to 10"):
        make(checkpoint, window=window).fetch(network=False)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"window": 0}, r"window = 0"),
        ({"windw": 3}, r"no key 'windw'.*Did you mean 'window'"),
        ({"num_codebooks": 0}, r"num_codebooks = 0"),
    ],
)
def test_odd_options_are_refused(checkpoint: Path, options: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words):
        make(checkpoint, **options)


def test_more_codebooks_than_there_are_are_refused(checkpoint: Path) -> None:
    with pytest.raises(UserError, match=r"num_codebooks = 4.*has 3 codebooks.*1 to 3"):
        make(checkpoint, num_codebooks=4).fetch(network=False)


def refuses(folder: Path, words: str) -> None:
    with pytest.raises(Unavailable, match=words) as caught:
        loaded(folder)
    assert "To fix: " in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    refuses(copy, name.replace(".", r"\."))


@pytest.mark.parametrize("content", [b"", b"no json {", b"[1, 2]", b"\xff\xff"])
def test_a_damaged_configuration_is_named(copy: Path, content: bytes) -> None:
    (copy / "config.json").write_bytes(content)
    refuses(copy, r"config\.json")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": "mimi"}, "no configuration of an ALMTokenizer"),
        ({"format": 2}, "that this version reads"),
        ({"width": "broad"}, "width"),
        ({"width": 33}, "multiple of head_width"),
        ({"depth": 3}, "depth"),
    ],
)
def test_a_configuration_of_something_else_is_named(
    copy: Path, change: dict[str, object], words: str
) -> None:
    path = copy / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    refuses(copy, words)


def test_cut_weights_are_named(copy: Path) -> None:
    path = copy / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    refuses(copy, r"model\.safetensors does not hold the weights")


def test_pickled_weights_are_never_read(copy: Path) -> None:
    torch.save({"x": torch.zeros(1)}, copy / "model.safetensors")
    refuses(copy, r"model\.safetensors does not hold the weights")


def test_weights_of_another_shape_are_named(copy: Path) -> None:
    path = copy / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "codebook_size": 32}))
    refuses(copy, "size mismatch")


@pytest.mark.parametrize(("extra", "words"), [(True, "not known"), (False, "is missing")])
def test_lacking_and_odd_weights_are_named(copy: Path, extra: bool, words: str) -> None:
    path = copy / "model.safetensors"
    weights = load_file(path)
    if extra:
        weights["more"] = torch.zeros(1)
    else:
        del weights["query_encoder.query"]
    save_file(weights, path)
    refuses(copy, words)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    refuses(tmp_path / "nowhere", "does not exist")


def test_the_configuration_comes_back(checkpoint: Path, tiny: TrainConfig) -> None:
    assert read_model_config(files(checkpoint)) == tiny.model


def fails(result: Result, words: str) -> None:
    assert result.exit_code != 0
    assert isinstance(result.exception, UserError)
    assert words in str(result.exception)


def test_the_command_refuses_stage_2_without_stage_1(train: Train, tmp_path: Path) -> None:
    fails(train(2, tmp_path), "--stage 1 first")
    assert not (tmp_path / "checkpoint").exists()


def test_the_command_refuses_another_recipe(train: Train, output: Path) -> None:
    fails(train(1, output, "--set", "seed=8"), "belongs to another recipe")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--data", "music=."], "no data name 'music'"),
        (["--data", "speech"], "not NAME=PATH"),
        (["--data", "speech=/nowhere"], "does not exist"),
        (["--set", "stage1.step=3"], "Did you mean 'steps'?"),
        (["--set", "stage1.steps"], "is not KEY=VALUE"),
    ],
)
def test_the_command_names_mistakes(
    train: Train, tmp_path: Path, more: list[str], words: str
) -> None:
    fails(train(1, tmp_path, *more), words)


def test_the_command_names_an_empty_folder_of_validation(train: Train, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    fails(train(1, tmp_path / "run", "--validation", tmp_path / "empty"), "no sound is there")
