from pathlib import Path
from shutil import copyfile

import pytest
import torch

from almbench.codecs.almtokenizer.config import TrainConfig, load_config
from almbench.samples import folder

TINY = """
seed = 5
save_every = 3
validate_every = 100

[model]
patchify = "spectral"
width = 32
decoder_width = 48
head_width = 16
encoder_layers = 1
decoder_layers = 1
codebook_size = 16
code_width = 8
prior_width = 80

[discriminator]
hops = [64]
widths = [4, 4]

[[data]]
name = "speech"
what = "a few clips"

[stage1]
steps = 6
batch = 2
min_seconds = 0.4
max_seconds = 0.6
learning_rate = 1e-3
warmup = 2
helper_layers = 1
[stage1.weights]
magnitude = 1

[stage2]
steps = 6
batch = 2
min_seconds = 0.4
max_seconds = 0.6
learning_rate = 1e-3
warmup = 2
windows = [2, 6, 10]
quantise_from = 4
helper_layers = 1
[stage2.weights]
magnitude = 1
"""


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def toml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe of a model so small that a step takes milliseconds, with every loss switched on."""
    path = tmp_path_factory.mktemp("recipe") / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="session")
def tiny(toml: Path) -> TrainConfig:
    return load_config(str(toml))


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two clips of the sample set's speech."""
    place = tmp_path_factory.mktemp("speech")
    for path in sorted((folder() / "speech").glob("*.flac"))[:2]:
        copyfile(path, place / path.name)
    return place
