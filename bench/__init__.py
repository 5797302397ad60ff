"""Benchmark neural audio codecs and tokenizers, and publish the numbers beside the sound.

The public interface, imported only when it is used:

- `score`: metrics of one reconstruction against its original.
- `evaluate`: codecs over test sets, with everything that `bench run` does.
- `probe`: what codes carry, as a language model sees them.
- `load_results`: the results of a run.
- `load_codec`: a codec to encode and decode with.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from almbench.version import __version__

if TYPE_CHECKING:
    from almbench.api.codec import LoadedCodec, load_codec
    from almbench.api.evaluation import evaluate
    from almbench.api.probing import probe
    from almbench.api.scoring import Scores, score
    from almbench.errors import AlmbenchError
    from almbench.results.results import Results, load_results

__all__ = [
    "AlmbenchError",
    "LoadedCodec",
    "Results",
    "Scores",
    "__version__",
    "evaluate",
    "load_codec",
    "load_results",
    "probe",
    "score",
]
_HOMES = {
    "AlmbenchError": "almbench.errors",
    "LoadedCodec": "almbench.api.codec",
    "Results": "almbench.results.results",
    "Scores": "almbench.api.scoring",
    "evaluate": "almbench.api.evaluation",
    "load_codec": "almbench.api.codec",
    "load_results": "almbench.results.results",
    "probe": "almbench.api.probing",
    "score": "almbench.api.scoring",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'almbench' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
