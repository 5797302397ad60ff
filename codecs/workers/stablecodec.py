"""Worker for StableCodec: Stability AI's package stable-codec, in an environment of its own.

Settings: `config` and `weights`, the files of the checkpoint; `bottleneck`, a post-hoc preset;
`probe`, latents `[T, 6]` that the quantiser is tried on, so that almbench can tell whether it
counts as stated.
"""

import importlib.util
import json
import os
import sys
import time
import traceback
from typing import Any

import numpy as np

LEAST_S = 0.4  # loudness is measured over blocks of this length


class StableCodec:
    """The model with its post-hoc bottleneck."""

    def __init__(self, device: str, config: str, weights: str, bottleneck: str) -> None:
        """Load the model; every weight must find its place."""
        import torch
        from stable_audio_tools.models.utils import load_ckpt_state_dict
        from stable_codec import StableCodec as Model

        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        self.model = Model(model_config_path=config, device=torch.device(device))
        self.model.model.load_state_dict(load_ckpt_state_dict(weights))
        self.model.set_posthoc_bottleneck(bottleneck)

    def encode(self, sound: Any) -> tuple[list[Any], float]:
        """Encode a sound `[T]` as the package encodes a file.

        That is: padded with zeros to whole frames, then brought to -20 LUFS.

        Returns:
            Codes of each stage `[1, T', 1]`, and the gain that was applied.
        """
        import torch

        model = self.model
        if len(sound) < LEAST_S * model.sample_rate:
            raise ValueError(f"shorter than {LEAST_S} s: its loudness cannot be measured")
        raw = torch.from_numpy(sound)[None].to(model.device)
        padded = model.model.preprocess_audio_for_encoder(raw, model.sample_rate)
        level = model.volume_norm(padded.squeeze(0)).unsqueeze(0)
        peak = padded.abs().max().item()
        gain = level.abs().max().item() / peak if peak else 1.0
        _, codes = model.encode(level, posthoc_bottleneck=True)
        return codes, gain

    def decode(self, codes: list[Any], gain: float) -> Any:
        """Decode to a sound `[T]` at the level of the input."""
        sound = self.model.decode(codes, posthoc_bottleneck=True) / gain
        return sound.squeeze().float().cpu().numpy()

    def probe(self, latents: list[list[float]]) -> dict[str, Any]:
        """Quantise latents `[T, 6]`; returns codes `[K, T]` and values `[T, 6]`."""
        import torch

        quantiser = self.model.residual_fsq
        codes = quantiser.encode(torch.tensor(latents, device=self.model.device).T[None])
        values = quantiser.decode(codes)[0].T
        return {"codes": [c.flatten().tolist() for c in codes], "values": values.tolist()}


def work(codec: StableCodec, request: dict[str, str], rate: int) -> dict[str, Any]:
    """Send one clip through the codec."""
    import soundfile as sf

    sound, _ = sf.read(request["wav"], dtype="float32")
    start = time.perf_counter()
    codes, gain = codec.encode(sound)
    stacked = np.stack([stage.flatten().cpu().numpy() for stage in codes])
    middle = time.perf_counter()
    decoded = codec.decode(codes, gain)  # ends on the CPU, so the clock is right on a GPU too
    end = time.perf_counter()
    np.save(request["codes"], stacked)
    sf.write(request["decoded"], decoded[: len(sound)], rate, subtype="FLOAT")
    return {"encode_s": middle - start, "decode_s": end - middle}


def missing(device: str) -> str | None:
    """Say what the model cannot do without."""
    if device != "cuda":
        return "StableCodec needs a CUDA GPU: its sliding attention has no version for the CPU"
    if importlib.util.find_spec("flash_attn") is None:
        return (
            "flash-attn is missing, without which StableCodec's sliding attention is dropped and "
            "the sound much degraded"
        )
    return None


def start(greeting: dict[str, Any]) -> tuple[StableCodec, dict[str, Any]]:
    """Load the codec and try its quantiser."""
    settings = dict(greeting["settings"])
    probe = settings.pop("probe")
    codec = StableCodec(greeting["device"], **settings)
    return codec, codec.probe(probe)


def main() -> None:
    """Answer until there is no more input."""
    # The package prints: that belongs to the log, not among the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    greeting = json.loads(sys.stdin.readline())
    try:
        reason = missing(greeting["device"])
        if reason:
            raise RuntimeError(reason)
        codec, probed = start(greeting)
    except Exception as error:
        traceback.print_exc()
        answers.write(json.dumps({"error": str(error)}) + "\n")
        return
    import torch

    answers.write(json.dumps({"ready": True, "probe": probed}) + "\n")
    with torch.inference_mode():
        for line in sys.stdin:
            request = json.loads(line)
            try:
                answer = work(codec, request, greeting["sample_rate"])
            except Exception as error:
                traceback.print_exc()
                answer = {"error": f"{type(error).__name__}: {error}"}
            answers.write(json.dumps({"id": request["id"], **answer}) + "\n")


if __name__ == "__main__":
    main()
