"""The picture of a training's curves."""

from pathlib import Path

import pytest
from PIL import Image

from almbench.training.curves import draw_curves, read_scalars

pytest.importorskip("tensorboard")


def log(logs: Path, tag: str, steps: list[int], value: float) -> None:
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(logs)) as writer:
        for step in steps:
            writer.add_scalar(tag, value, step)


def test_steps_that_are_taken_again_count_once(tmp_path: Path) -> None:
    log(tmp_path, "loss/magnitude", [50, 100, 150], 2.0)
    log(tmp_path, "loss/magnitude", [150, 200], 1.0)  # from the state of step 100 on
    steps, values = read_scalars(tmp_path)["loss/magnitude"]
    assert steps.tolist() == [50, 100, 150, 200]
    assert values.tolist() == [2.0, 2.0, 1.0, 1.0]


def test_each_score_that_was_logged_has_a_panel(tmp_path: Path) -> None:
    log(tmp_path, "loss/magnitude", [50], 2.0)
    assert draw_curves(tmp_path, tmp_path / "one.png")
    log(tmp_path, "stoi/w6", [50], 0.7)
    assert draw_curves(tmp_path, tmp_path / "two.png")
    one, two = (Image.open(tmp_path / name) for name in ("one.png", "two.png"))
    assert one.height == two.height
    assert two.width - one.width == pytest.approx(330, abs=2)  # 3 inches at 110 dots each
    assert len(set(one.convert("L").tobytes())) > 10, "something is drawn"


def test_logs_without_losses_make_no_picture(tmp_path: Path) -> None:
    log(tmp_path, "stoi/w6", [50], 0.7)
    assert not draw_curves(tmp_path, tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()
