"""`bench compare` on two seeds of one codec: trained, run and compared by the commands."""

from pathlib import Path
from shutil import copyfile

import pytest
from typer.testing import CliRunner

from almbench.cli.main import app

pytest.importorskip("accelerate", reason="training needs the extra 'train'")
pytest.importorskip("tensorboard", reason="training needs the extra 'train'")

SUITE = """
name = "seeds"
[[testset]]
name = "speech"
domain = "speech"
path = "{samples}/clips.csv"
[[codec]]
id = "almtokenizer"
[metrics]
speech = ["mel_distance", "si_sdr"]
"""
SEEDS = (1, 2)


def bench(*arguments: object, code: int = 0) -> str:
    done = CliRunner().invoke(app, [*map(str, arguments)])
    assert done.exit_code == code, (done.output, done.exception)
    return done.output


@pytest.mark.slow
@pytest.mark.usefixtures("short_start")
def test_two_seeds_of_a_codec(tmp_path: Path, toml: Path, clips: Path) -> None:
    copyfile(toml, tmp_path / "tiny.toml")
    (tmp_path / "seeds.toml").write_text(SUITE)
    for seed in SEEDS:
        trained = tmp_path / f"trained-{seed}"
        for stage in (1, 2):
            bench(
                "train", "almtokenizer", "--stage", stage, "--config", tmp_path / "tiny.toml",
                "--data", f"speech={clips}", "--set", f"seed={seed}", "-o", trained,
                "--device", "cpu", "--workers", 0,
            )  # fmt: skip
        checkpoint = f"almtokenizer={trained / 'checkpoint'}"
        run = tmp_path / f"seed-{seed}"
        bench("run", tmp_path / "seeds.toml", "--checkpoint", checkpoint, "-o", run)
    both = [tmp_path / f"seed-{seed}" for seed in SEEDS]
    found = bench("compare", *both)
    assert "Differs: codec almtokenizer, checkpoint: source=" in found
    assert "sha256=" in found
    assert found.count("Differs: ") == found.count("Differs: codec almtokenizer, ")
    for metric in ("mel_distance", "si_sdr"):
        assert f"speech, {metric}: almtokenizer against almtokenizer" in found
    assert "of 5 clips" in found
    assert "smallest difference that these clips show at 80 % power: " in found
    itself = bench("compare", both[0], both[0], "--fail-on-regression")
    assert "Differs: " not in itself
    assert itself.count("not separated: equal on all 5 clips") == 2
