"""Codecs over test sets, as `bench run` does it, with codecs and sounds from Python."""

import itertools
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import soundfile as sf
from pydantic import ValidationError
from rich.markup import escape

from almbench.arrays import SoundLike, to_sound
from almbench.audio import EXTENSIONS, Samples
from almbench.codecs.base import Codec
from almbench.codecs.function import FunctionCodec
from almbench.codecs.reconstructions import Reconstructions
from almbench.codecs.registry import preset
from almbench.domains import Domain, check_domain
from almbench.errors import UserError
from almbench.names import ascii_name, safe_name
from almbench.progress import console
from almbench.results.failures import failures, unavailable
from almbench.results.results import Results
from almbench.runner.plan import select
from almbench.runner.planned_codecs import OBJECT, AnyCodec
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
    metrics: str | Sequence[str] | None = None,
    *,
    output: str | Path | None = None,
    device: str = "auto",
    batch: int | None = None,
    workers: int | None = None,
    limit: int | None = None,
    domain: Domain = "speech",
    sample_rate: int | None = None,
) -> Results:
    """Run codecs over test sets: reconstruct, score, and make the tables.

    Args:
        codecs: One codec or several; a mapping names them. A codec is the id of a built-in preset
            (`bench list codecs`), `hf:ORG/NAME@K`, an adapter object, or a function `(samples,
            sample_rate) -> samples` of mono sound, both **Shape** `[T]`.
        testsets: What to run them over: the path of a folder, a glob or a CSV manifest, or several
            of them; a list of sounds; or a mapping from clip names to sounds. A sound is an array
            or tensor of **Shape** `[T]` or `[C, T]` at `sample_rate`, a pair of such samples and
            their rate in Hz, or a file.
        metrics: One or more names of metrics; by default the domain's.
        output: Run folder. The same call goes on where it stopped, and `bench site` makes a page of
            it. By default a temporary one, which goes when the results go.
        device: Where neural codecs run: auto, cpu or cuda.
        batch: How many clips go through a neural codec at once; by default 16 on a GPU, 1 on a CPU.
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
    try:
        objects, configs = _codecs(codecs)
        sets = _TestSets(Path(temporary.name) / "sounds", domain, limit, sample_rate)
        suite = Suite(name=SUITE, codec=configs, testset=sets.of(testsets))
    except ValidationError as error:
        raise UserError(explain(error, Suite, "almbench.evaluate")) from error
    suite = select(suite, [], [], [metrics] if isinstance(metrics, str) else list(metrics or []))
    fill_in(suite, {})
    root = Path(output) if output is not None else Path(temporary.name) / "run"
    results = run_suite(suite, root, device, workers, objects=objects, batch=batch)
    results.objects = objects
    _tell(results)
    if output is None:
        results.keep(temporary)
    return results


def _tell(results: Results) -> None:
    """Say on standard error, below the progress, what failed and what could not be used."""
    clips = results.clip_rows
    for line in failures(clips):
        console.print(f"[red]Failed[/] {escape(line)}")
    for codec, reason in unavailable(clips).items():
        console.print(f"[yellow]Unavailable[/] {escape(f'{codec}: {reason}')}")


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
            configs.append(_preset(name, codec))
            continue
        made = codec if isinstance(codec, Codec | Reconstructions) else _function(name, codec)
        id_ = ascii_name(name or made.id)
        objects[id_] = made
        configs.append(CodecConfig(id=id_, adapter=OBJECT, label=made.label))
    return objects, configs


def _preset(name: str | None, id_: str) -> CodecConfig:
    if name in {None, id_}:
        return CodecConfig(id=id_)
    chosen = preset(id_)
    return CodecConfig(
        id=ascii_name(name), adapter=chosen.adapter, label=name, options=dict(chosen.options)
    )


def _function(name: str | None, function: Any) -> FunctionCodec:
    if not callable(function):
        raise UserError(
            f"{function!r} is no codec. Allowed: the id of a built-in preset, hf:ORG/NAME@K, an "
            "adapter object, or a function of (samples, sample_rate)."
        )
    return FunctionCodec(function, ascii_name(name) if name else "", name or "")


class _TestSets:
    """Makes test sets of what a caller hands over; bare sounds go into one set of their own."""

    def __init__(
        self, folder: Path, domain: Domain, limit: int | None, sample_rate: int | None
    ) -> None:
        self._folder, self._domain = folder, domain
        self._limit, self._rate = limit, sample_rate
        self._sounds: list[tuple[str, Path]] = []
        self._sets: list[TestSetConfig] = []

    def of(self, given: TestSetLike) -> list[TestSetConfig]:
        if isinstance(given, str | Path):
            given = [given]
        named = given.items() if isinstance(given, Mapping) else ((None, one) for one in given)
        for name, one in named:
            if isinstance(one, str | Path) and Path(one).suffix.lower() not in EXTENSIONS:
                self._add(name or Path(one).stem, str(one))
            else:
                id_ = name or f"{len(self._sounds):03d}"
                self._sounds.append((id_, self._store(id_, one)))
        if self._sounds:
            table = self._folder / "clips.csv"
            rows = pd.DataFrame(self._sounds, columns=["id", "path"])
            rows.to_csv(table, index=False)
            self._add("sounds", str(table))
        return self._sets

    def _add(self, name: str, path: str) -> None:
        taken = {testset.name for testset in self._sets}
        base = ascii_name(name)
        free = (base if not count else f"{base}-{count}" for count in itertools.count())
        self._sets.append(
            TestSetConfig(
                name=next(name for name in free if name not in taken),
                domain=self._domain,
                path=str(Path(path).expanduser().absolute()),
                limit=self._limit,
            )
        )

    def _store(self, id_: str, sound: SoundLike) -> Path:
        """The file of a sound; samples are written to one."""
        if isinstance(sound, str | Path):
            return Path(sound).expanduser().absolute()
        rate = self._rate
        if isinstance(sound, tuple) and len(sound) == 2 and isinstance(sound[1], int):
            sound, rate = sound
        held = to_sound(sound, rate, f"sound '{id_}'")
        path = self._folder / f"{safe_name(id_)}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        sf.write(path, held.samples, held.rate, subtype="DOUBLE")
        return path
