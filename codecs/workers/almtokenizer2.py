"""Worker for ALMTokenizer2 and ReasoningCodec: their author's code, in an environment of its own.

Settings: `model`, one of `MODELS`; `code`, the source tree; `checkpoint`, the folder of weights;
`codebook_size`, of all codebooks, or 0 for those that the code has; `steps` of the flow decoder.
"""

import argparse
import json
import os
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

import numpy as np

FIX = "To fix: bench codec install almtokenizer2 --force"
OWN = {"infer", "models", "modules", "tools", "utils"}  # what the source trees call their modules
LIMIT_S = 29.0  # of a clip: from 30 s on the code joins pieces
SEED = 0  # of the noise that the flow decoder starts from


def inside(values: dict[str, Any], folder: Path, prefix: str) -> dict[str, Any]:
    """Turn the paths of a configuration into ones below `folder`; `prefix` is what they begin with.

    Raises:
        FileNotFoundError: One of them is not there.
    """
    found = dict(values)
    for key, value in values.items():
        if not (isinstance(value, str) and key.endswith(("_path", "_config", "_resume", "_ckpt"))):
            continue
        if value in {"", "none"}:
            continue
        path = Path(value)
        if not path.exists():
            path = folder / value.removeprefix(prefix)
        if not path.exists():
            raise FileNotFoundError(f"{key} = {value} of the configuration is not in {folder}")
        found[key] = str(path.absolute())
    return found


def matches(model: Any, weights: Path) -> None:
    """Make sure that a checkpoint's tensors are in the model, as its code loads them leniently.

    Raises:
        ValueError: One is not, or a quantiser has none.
    """
    import torch

    held = torch.load(weights, map_location="cpu", weights_only=False)["model"]
    held = {key.removeprefix("module."): value for key, value in held.items()}
    own = {key: value.cpu() for key, value in model.state_dict().items()}
    for key, value in held.items():
        if key in own and not torch.equal(own[key], value.to(own[key].dtype)):
            raise ValueError(f"{key} of {weights.name} is not what the model has")
    absent = [key for key in own if "vq" in key and key not in held]
    if absent:
        raise ValueError(f"{weights.name} has no {absent[0]}")


class ALMTokenizer2:
    """ALMTokenizer2, in segments of 12 s as its author reconstructs."""

    segment = 12

    def __init__(self, device: str, code: Path, checkpoint: Path, steps: int, **_: Any) -> None:
        """Load the model."""
        import torch
        import yaml

        # Its own modules are found from its folder, and files of the code by relative paths.
        sys.path.insert(0, str(code))
        os.chdir(code)
        from infer import ALMTokenizer2 as Model

        config = yaml.safe_load((checkpoint / "config.yaml").read_text(encoding="utf-8"))
        weights = checkpoint / "ep5.checkpoint"
        self.steps = steps
        self.model = Model(
            model_path=str(weights),
            train_config=argparse.Namespace(
                **inside(config, checkpoint, "Dongchao/almtokenizer2/")
            ),
            device=torch.device(device),
        )
        matches(self.model.model, weights)

    def encode(self, sound: Any) -> Any:
        """Codes `[8, T]` of a sound `[1, T]`."""
        return self.model.sound2code(sound, 24_000, min_duration=self.segment)[0]

    def decode(self, codes: Any) -> Any:
        """Sound `[1, T]` of codes `[8, T]`."""
        return self.model.detokenize([codes[None]], min_duration=self.segment, steps=self.steps)

    def rows(self, codes: Any) -> Any:
        """Codes `[K, T]` as almbench counts them."""
        return codes.cpu().numpy()


class ReasoningCodec:
    """ReasoningCodec of UniAudio 2: reasoning codes at 5 Hz, reconstruction codes at 12.5 Hz."""

    segment = 30

    def __init__(
        self,
        device: str,
        code: Path,
        checkpoint: Path,
        steps: int,
        *,
        weights: str,
        codebook_size: int,
    ) -> None:
        """Load the model, with codebooks of another size where one is given."""
        import torch
        import yaml

        sys.path.insert(0, str(code))
        os.chdir(code)
        package = "tools.tokenizer.ReasoningCodec_film"
        folder = code / package.replace(".", "/")
        from tools.tokenizer.ReasoningCodec_film import reason_tokenizer
        from tools.tokenizer.ReasoningCodec_film.models import AudioDiffusion1D as parts  # noqa: N813 - a module

        if codebook_size:
            quantiser = parts.ResidualVQ
            parts.ResidualVQ = lambda **options: quantiser(
                **{**options, "codebook_size": codebook_size}
            )
        text = (folder / "codec_infer_config.yaml").read_text(encoding="utf-8")
        config = inside(yaml.safe_load(text), checkpoint, "uniaudio2_ckpt/")
        self.steps = steps
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
            yaml.safe_dump(config, file)
            file.flush()
            self.model = reason_tokenizer.ReasoningTokenizer(
                train_config=file.name,
                model_path=str(checkpoint / weights),
                music_ssl_folder=str(folder / "modules/our_MERT_BESTRQ/mert_fairseq"),
                device=torch.device(device),
            )
        matches(self.model.model, checkpoint / weights)

    def encode(self, sound: Any) -> tuple[Any, Any]:
        """Reasoning codes `[8, T5]` and reconstruction codes `[8, T12]` of a sound `[1, T]`."""
        reasoning, rest = self.model.audio2token(sound, 24_000, min_duration=self.segment)
        return reasoning[0], rest[0]

    def decode(self, codes: tuple[Any, Any]) -> Any:
        """Sound `[1, T]` of both."""
        return self.model.detokenize(
            *codes, return_reasoning_text=False, min_duration=self.segment, steps=self.steps
        )

    def rows(self, codes: tuple[Any, Any]) -> Any:
        """Both in frames of 25 Hz, `[16, T]`: a code at 5 Hz lasts five, one at 12.5 Hz two."""
        return at_25_hz(codes[0].cpu().numpy(), codes[1].cpu().numpy())


def at_25_hz(reasoning: Any, rest: Any) -> Any:
    """Codes `[8, T5]` at 5 Hz and `[8, T12]` at 12.5 Hz, held as long as they last, `[16, T]`."""
    held = np.repeat(reasoning, 5, axis=1), np.repeat(rest, 2, axis=1)
    frames = min(part.shape[1] for part in held)
    return np.concatenate([part[:, :frames] for part in held])


MODELS = {"almtokenizer2": ALMTokenizer2, "reasoningcodec": ReasoningCodec}


def work(codec: Any, request: dict[str, str], device: str, rate: int) -> dict[str, Any]:
    """Send one clip through the codec."""
    import soundfile as sf
    import torch

    sound, _ = sf.read(request["wav"], dtype="float32")
    if len(sound) > LIMIT_S * rate:
        raise ValueError(f"longer than {LIMIT_S:.0f} s")
    torch.manual_seed(SEED)
    start = time.perf_counter()
    codes = codec.encode(torch.from_numpy(sound)[None].to(device))
    rows = codec.rows(codes)  # on the CPU, so the clock is right on a GPU too
    middle = time.perf_counter()
    decoded = codec.decode(codes).squeeze().float().cpu().numpy()
    end = time.perf_counter()
    np.save(request["codes"], rows)
    sf.write(request["decoded"], decoded[: len(sound)], rate, subtype="FLOAT")
    return {"encode_s": middle - start, "decode_s": end - middle}


def load(greeting: dict[str, Any]) -> Any:
    """Load the model that is asked for; what is missing becomes a sentence.

    Raises:
        RuntimeError: Something is missing.
    """
    settings = dict(greeting["settings"])
    model = MODELS[settings.pop("model")]
    code, checkpoint = Path(settings.pop("code")), Path(settings.pop("checkpoint"))
    if not code.is_dir():
        raise RuntimeError(f"the source tree {code} is missing. {FIX}")
    try:
        return model(greeting["device"], code, checkpoint, **settings)
    except ModuleNotFoundError as error:
        name = error.name or ""
        if name.partition(".")[0] in OWN:
            raise RuntimeError(f"the source tree {code} has no module {name}") from error
        raise RuntimeError(f"the package {name} is missing. {FIX}") from error


def main() -> None:
    """Answer until there is no more input."""
    # The code prints: that belongs to the log, not among the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    greeting = json.loads(sys.stdin.readline())
    try:
        codec = load(greeting)
    except Exception as error:
        traceback.print_exc()
        answers.write(json.dumps({"error": str(error)}) + "\n")
        return
    answers.write(json.dumps({"ready": True}) + "\n")
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = work(codec, request, greeting["device"], greeting["sample_rate"])
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps({"id": request["id"], **answer}) + "\n")


if __name__ == "__main__":
    main()
