"""How good a model is while it trains: a few held-out clips through it, scored as in any run."""

from pathlib import Path
from statistics import mean

import torch
from torch.nn import functional as F

from almbench.audio import Samples, fit, read, resample, write_flac
from almbench.codecs.almtokenizer.model import ALMTokenizer
from almbench.errors import UserError
from almbench.files import audio_files
from almbench.runner.worker import MetricRequest, ScoringJob, score_pair

CLIPS, SECONDS = 6, 6.0
REQUESTS = (
    MetricRequest("pesq_wb", "{}", ("pesq_wb",)),
    MetricRequest("stoi", "{}", ("stoi", "estoi")),
    MetricRequest("mel_distance", "{}", ("mel_distance",)),
)
SCORING_RATE = 16_000


class Validation:
    """Clips of a folder: the first few by name, at most six seconds of each.

    Args:
        folder: Where they lie; nothing of it should be trained on.
        output: Folder for the sounds that come out.
        rate: Rate of the model in Hz.
        clips: How many of them.

    Raises:
        UserError: There is no sound in the folder.
    """

    def __init__(self, folder: Path, output: Path, rate: int, clips: int = CLIPS) -> None:
        self.output, self.rate = output, rate
        paths = audio_files(folder)[:clips]
        if not paths:
            wrong = "no sound is there" if folder.is_dir() else "there is no such folder"
            raise UserError(f"--validation {folder}: {wrong}.")
        self.clips = {path.stem: self._read(path) for path in paths}
        for name, samples in self.clips.items():
            self._write(output / "original" / f"{name}.flac", samples)

    def __call__(self, model: ALMTokenizer, w: int | None, name: str) -> dict[str, float]:
        """Send the clips through the model with a query every `w` frames, or unquantized.

        Returns:
            The mean of each metric over the clips for which it is defined.
        """
        values: dict[str, list[float]] = {}
        for clip, samples in self.clips.items():
            path = self.output / name / f"{clip}.flac"
            self._write(path, self._pass(model, samples, w))
            original = str(self.output / "original" / f"{clip}.flac")
            job = ScoringJob("validation", clip, name, original, str(path), SCORING_RATE, REQUESTS)
            for result in score_pair(job).results:
                if result.value is not None:
                    values.setdefault(result.metric, []).append(result.value)
        return {metric: mean(found) for metric, found in values.items()}

    @torch.inference_mode()
    def _pass(self, model: ALMTokenizer, samples: Samples, w: int | None) -> Samples:
        device = next(model.parameters()).device
        sound = torch.from_numpy(samples).float().to(device)[None]
        if w is None:
            whole = F.pad(sound, (0, -sound.shape[1] % model.config.hop))
            decoded = model.unpatchify(model.patchify(whole))
        else:
            decoded = model.decode(model.encode(sound, w), w)
        return fit(decoded[0].cpu().double().numpy(), len(samples))

    def _read(self, path: Path) -> Samples:
        sound = read(path)
        return resample(sound.samples, sound.rate, self.rate)[: int(SECONDS * self.rate)]

    def _write(self, path: Path, samples: Samples) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_flac(path, samples, self.rate)
