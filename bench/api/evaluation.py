"""Codecs over test sets, as `bench run` does it, with codecs and sounds from Python."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import soundfile as sf
from pydantic import ValidationError

from almbench.api.arrays import SoundLike, to_sound
from almbench.audio import Samples
from almbench.codecs.base import Codec
from almbench.codecs.function import FunctionCodec
from almbench.codecs.reconstructions import Reconstructions
from almbench.codecs.registry import adapter_names
from almbench.domains import DOMAINS, Domain, check_domain
from almbench.errors import UserError, unknown
from almbench.names import safe_name
from almbench.results.results import Results
from almbench.runner.plan import AnyCodec, select
from almbench.runner.run import run_suite
from almbench.suite.config import CodecConfig, Suite, TestSetConfig
from almbench.suite.load import fill_in
from almbench.validation import explain

CodecLike = str | Codec[Any] | Reconstructions | Callable[[Samples, int], Any]
"""A built-in preset's id, an adapter object, or a function of samples and sample rate."""
TestSetLike = Any
"""A folder, a glob or a CSV manifest by path; sounds by name; or a list of sounds."""
SUITE = "evaluate"


def evaluate(
    codecs: CodecLike | Sequence[CodecLike] | Mapping[str, CodecLike],
    testsets: TestSetLike,
    metrics: Sequence[str] | None = None,
    *,
    output: str | Path | None = None,
    device: str = "auto",
    workers: int | None = None,
    limit: int | None = None,
    domain: Domain = "speech",
    sample_rate: int | None = None,
) -> Results:
    """Run codecs over test sets: reconstruct, score, and make the tables.

    Args:
        codecs: One codec or several; a mapping names them. A codec is the id of a built-in preset
            (`bench list codecs`), an adapter object, or a function `(samples, sample_rate) ->
            samples` of mono sound, both **Shape** `[T]`.
        testsets: What to run them over: the path of a folder, a glob or a CSV manifest, or several
            of them; a list of sounds; or a mapping from clip names to sounds. A sound is an array
            or tensor of **Shape** `[T]` or `[C, T]` at `sample_rate`, a pair of such samples and
            their rate in Hz, or a file.
        metrics: Names of metrics; those of the domain by default.
        output: Run folder. The same call goes on where it stopped, and `bench site` makes a page of
            it. By default a temporary one, which goes when the results go.
        device: Where neural codecs run: auto, cpu or cuda.
        workers: Scoring processes; all usable cores by default.
        limit: Take so many clips of each test set.
        domain: speech, sound or music: which metrics by default, and which scoring rate.
        sample_rate: Sample rate of sounds given as bare samples, in Hz.

    Returns:
        The results; what could not be computed is an empty cell with its reason.

    Raises:
        UserError: Something that is named does not exist or is wrong.

    Example:
        >>> import numpy as np
        >>> import almbench
        >>> noise = np.random.default_rng(0).normal(0, 0.1, 16_000)
        >>> def halve(samples, sample_rate):
        ...     return samples / 2
        >>> results = almbench.evaluate(
        ...     {"half": halve}, {"noise": noise}, ["gain_db"], sample_rate=16_000
        ... )
        >>> means = results.summary().set_index("metric")["mean"]
        >>> round(float(means["gain_db"]), 1)
        -6.0
    """
    check_domain(domain)
    temporary = tempfile.TemporaryDirectory(prefix="almbench-")
    root = Path(temporary.name)
    objects, configs = _codecs(codecs)
    chosen = {} if metrics is None else dict.fromkeys(DOMAINS, list(metrics))
    where = Path(output) if output is not None else root / "run"
    sounds = where / "sounds" if output is not None else root / "sounds"
    given = {"name": SUITE, "codec": configs, "metrics": chosen}
    try:
        found = _testsets(testsets, domain, limit, sounds, sample_rate)
        suite = Suite.model_validate({**given, "testset": found})
    except ValidationError as error:
        raise UserError(explain(error, Suite, "almbench.evaluate")) from error
    suite = select(suite, [], [], list(metrics or []))
    fill_in(suite, {})
    results = run_suite(suite, where, device, workers, objects=objects)
    results.keep(temporary)
    return results


def _codecs(
    codecs: CodecLike | Sequence[CodecLike] | Mapping[str, CodecLike],
) -> tuple[dict[str, AnyCodec], list[CodecConfig]]:
    """The adapters that are objects already, by their ids; and what the suite says of each."""
    named: list[tuple[str | None, CodecLike]]
    if isinstance(codecs, Mapping):
        named = list(codecs.items())
    elif isinstance(codecs, Sequence) and not isinstance(codecs, str):
        named = [(None, codec) for codec in codecs]
    else:
        named = [(None, codecs)]
    objects: dict[str, AnyCodec] = {}
    configs: list[CodecConfig] = []
    for name, codec in named:
        if isinstance(codec, str):
            adapter = codec if name and name != codec and codec in adapter_names() else None
            configs.append(CodecConfig(id=name or codec, adapter=adapter))
            continue
        made = codec if isinstance(codec, Codec | Reconstructions) else _function(name, codec)
        id_ = name or made.id
        objects[id_] = made
        configs.append(CodecConfig(id=id_, adapter="python", label=made.label))
    return objects, configs
