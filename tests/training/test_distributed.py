"""Training on two processes with the real launcher: as one process with twice the batch."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from almbench.codecs.almtokenizer.checkpoint import save_checkpoint
from almbench.codecs.almtokenizer.model import ALMTokenizer
from almbench.training.recipe import TrainConfig
from almbench.training.state import read_state

pytest.importorskip("accelerate", reason="training needs the extra 'train'")
pytest.importorskip("tensorboard", reason="training needs the extra 'train'")


@pytest.mark.slow
def test_two_processes_end_as_one_with_twice_the_batch(
    toml: Path, tiny: TrainConfig, clips: Path, tmp_path: Path
) -> None:
    torch.manual_seed(1)
    begun = ALMTokenizer(tiny.model)
    save_checkpoint(begun, tmp_path / "begun", "# Begun\n")
    bench = Path(sys.executable).with_name("bench")

    def trained(processes: int, batch: int) -> torch.Tensor:
        """All that five steps change, as one vector."""
        launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", processes]
        output = tmp_path / f"{processes}x{batch}"
        command = [
            sys.executable, *(launcher if processes > 1 else []), bench,
            "train", "almtokenizer", "--stage", "2", "--config", toml,
            "--data", f"speech={clips}", "-o", output, "--device", "cpu", "--workers", "0",
            "--set", f"initial={tmp_path / 'begun'}", "--set", f"stage2.batch={batch}",
            "--set", "stage2.steps=5", "--set", "stage2.quantize_from=0",
            "--set", "stage2.weights.adversarial=0", "--set", "stage2.weights.feature=0",
        ]  # fmt: skip
        subprocess.run([*map(str, command)], check=True, capture_output=True)
        after = read_state(output / "stage2.pt")["stage"]
        before = begun.state_dict()
        changes = [after[f"model.{name}"] - before[name].half().float() for name in sorted(before)]
        return torch.cat([change.flatten() for change in changes])

    one, two = trained(1, 4), trained(2, 2)
    # Not to the last digit: some losses divide by a sum over the batch of their own process.
    assert (two - one).abs().sum() < 0.02 * one.abs().sum()
    half = trained(1, 2)
    assert (half - one).abs().sum() > 0.1 * one.abs().sum()
