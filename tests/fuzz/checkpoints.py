"""Checkpoints: safetensors and what torch.save wrote. No code of theirs is ever run."""

import io
import json
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import torch
from hypothesis import strategies as st

from almbench.codecs.almtokenizer.checkpoint import load_checkpoint, save_checkpoint
from almbench.codecs.almtokenizer.config import ModelConfig
from almbench.codecs.almtokenizer.model import ALMTokenizer
from almbench.codecs.checkpoints import Files
from almbench.codecs.pickled import fill, read_state
from tests.fuzz.cases import Kind
from tests.fuzz.edits import as_bytes, as_json

TINY = {
    "patchify": "spectral", "width": 32, "decoder_width": 48, "head_width": 16,
    "encoder_layers": 1, "decoder_layers": 1, "codebook_size": 16, "code_width": 8,
    "prior_width": 80,
}  # fmt: skip
MARK = "code-was-run"


def _make(folder: Path) -> None:
    torch.manual_seed(1)
    save_checkpoint(ALMTokenizer(ModelConfig.model_validate(TINY)), folder, "card")
    state = torch.nn.Linear(3, 2).state_dict()
    torch.save(state, folder / "zip.ckpt")
    torch.save(state, folder / "old.ckpt", _use_new_zipfile_serialization=False)


def _use(folder: Path, out: Path, name: str) -> None:
    paths = {one: folder / one for one in ("config.json", "model.safetensors")}
    if name in paths:
        load_checkpoint(Files("x", "", paths))
    else:
        files = Files("x", "", {name: folder / name})
        fill(torch.nn.Linear(3, 2), read_state(files), files)
    assert not Path(MARK).exists()


class _Harm:
    """What a pickle does when it is loaded."""

    def __init__(self, module: str, function: str, *args: Any) -> None:
        self._call = getattr(__import__(module), function), args

    def __reduce__(self) -> Any:
        return self._call


HARMS = [("os", "system", f"touch {MARK}"), ("builtins", "exec", f"open('{MARK}', 'w')"),
         ("builtins", "eval", "1"), ("torch", "load", MARK), ("os", "mkdir", MARK)]  # fmt: skip


@st.composite
def _pickles(draw: st.DrawFn) -> bytes:
    """A pickle that would run code, alone, among tensors, or in an archive as torch.save makes."""
    harm = _Harm(*draw(st.sampled_from(HARMS)))
    held: Any = draw(
        st.sampled_from([harm, {"a": harm}, [harm] * 3, {"a": torch.ones(2), "b": harm}])
    )
    protocol = draw(st.sampled_from([0, 2, 4]))
    out = io.BytesIO()
    if draw(st.booleans()):
        torch.save(held, out, pickle_protocol=2, _use_new_zipfile_serialization=draw(st.booleans()))
        return out.getvalue()
    plain = pickle.dumps({"a": harm} if isinstance(held, dict) else held, protocol)
    if draw(st.booleans()):
        return plain
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("archive/data.pkl", plain)
        archive.writestr("archive/version", "3\n")
    return out.getvalue()


@st.composite
def _safetensors(draw: st.DrawFn) -> bytes:
    """A header that says anything, of some names of the model."""
    numbers = st.integers(-1, 2**64) | st.integers(0, 64)
    tensor = st.fixed_dictionaries(
        {
            "dtype": st.sampled_from(["F16", "F32", "I64", "F99", ""]),
            "shape": st.lists(numbers, max_size=3),
            "data_offsets": st.lists(numbers, min_size=2, max_size=2),
        }
    )
    names = st.sampled_from(["a", "patchify.x", "__metadata__", "", "x" * 300])
    header = json.dumps(draw(st.dictionaries(names, tensor, max_size=3))).encode()
    length = draw(st.just(len(header)) | st.integers(0, 2**64 - 1))
    return struct.pack("<Q", length) + header + bytes(draw(st.integers(0, 64)))


KINDS = [
    Kind("checkpoints", _make, _use,
         {"config.json": as_json, "*.safetensors": as_bytes, "*.ckpt": as_bytes},
         {"*.ckpt": [_pickles()], "*.safetensors": [_safetensors()]}, each=True, cost=4),
]  # fmt: skip
