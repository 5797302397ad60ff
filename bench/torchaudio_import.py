"""Import torchaudio where its compiled part cannot be loaded.

PyPI has torchaudio only as built for CUDA. Beside a CPU build of torch it installs without
complaint and fails at `import torchaudio`, and with it every package that imports it. What is
written in Python works all the same, once the package believes that it was built without the
compiled part.
"""

import sys
from types import ModuleType
from typing import Any, NoReturn


def import_torchaudio() -> None:
    """Import torchaudio, without its compiled part if that cannot be loaded.

    Does nothing where torchaudio is imported already. To be called before any package that imports
    torchaudio itself.

    Raises:
        ModuleNotFoundError: torchaudio is not installed.
    """
    try:
        import torchaudio
    except ModuleNotFoundError:
        raise
    except (ImportError, OSError):  # the loader's message for a library that is not there: OSError
        for name in [n for n in sys.modules if n.split(".")[0] == "torchaudio"]:
            del sys.modules[name]
        sys.modules["torchaudio._extension"] = _absent_extension()
        import torchaudio  # noqa: F401


def _absent_extension() -> ModuleType:
    """Describe a build without compiled part in the terms of torchaudio's own module."""
    module = ModuleType("torchaudio._extension")
    facts: dict[str, Any] = {
        "_IS_TORCHAUDIO_EXT_AVAILABLE": False,
        "_IS_ALIGN_AVAILABLE": False,
        "_check_cuda_version": lambda: None,
        "fail_if_no_align": _refuse,
    }
    module.__dict__.update(facts)
    return module


def _refuse(function: object) -> object:
    """Replace a function that needs the compiled part by one that says so."""
    del function

    def absent(*_: object, **__: object) -> NoReturn:
        raise RuntimeError("torchaudio's compiled part cannot be loaded beside this build of torch")

    return absent
