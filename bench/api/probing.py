"""What tokens carry, as `bench probe` finds it, of runs and of codes in memory."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from almbench.codecs.codes_file import SUFFIX
from almbench.devices import choose, cpu_count
from almbench.errors import UserError
from almbench.names import safe_name
from almbench.results.probes import probe_table
from almbench.results.results import Results
from almbench.tokens.measure import Effort
from almbench.tokens.probing import Wanted
from almbench.tokens.probing import probe as compute
from almbench.tokens.token_files import Labels, TokenFolder

CodesLike = Any
"""A folder of token files; or a mapping from clip ids to codes, or to a token file's arrays."""
FORM = (
    "codes by codec and clip, {'Ours': {'clip': codes}}, each integers of shape [K, T] of K "
    "codebooks and T frames; or folders of token files by codec, {'Ours': 'tokens/'}"
)


def probe(
    run: Results | str | Path | None = None,
    measures: str | Sequence[str] | None = None,
    *,
    label: str | Sequence[str] = (),
    labels: str | Path | pd.DataFrame | None = None,
    codes: Mapping[str, CodesLike] | None = None,
    testsets: Sequence[str] = (),
    codecs: Sequence[str] = (),
    kmeans: int = 0,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    output: str | Path | None = None,
    seed: int = 0,
    device: str = "auto",
    workers: int | None = None,
) -> pd.DataFrame:
    """Measure what codes carry: labels, words, redundancy; the same as `bench probe`.

    What is found of a run goes into its folder, too, for `Results.probes` and for pages; what is
    there already is not computed anew.

    Args:
        run: Results, or a run folder; None where `codes` and `labels` are all there is.
        measures: One or more names of token measures; all by default.
        label: Columns of labels to look for in the codes; all by default.
        labels: Further labels of the clips: a CSV or a table with a column `id`, and one per label.
        codes: Codes of codecs that are not in the run, by name: a folder of token files, or a
            mapping from clip ids to arrays or tensors of **Shape** `[K, T]`, or to mappings of what
            a token file holds: `codes`, `codebook_sizes` and `frame_rate` in Hz.
        testsets: Names of test sets; all by default.
        codecs: Ids of codecs; all by default.
        kmeans: Entries of a codebook of log-mel spectra to compare with; 0 for none.
        settings: Settings of measures, by their names, such as `{"probe": {"steps": 0}}`.
        output: Folder to write to, where there is no run; by default nothing is kept.
        seed: Seed of all that is drawn.
        device: Where models are trained and neural codecs run: auto, cpu or cuda.
        workers: Processes that compute measures side by side; by default all usable cores, and one
            with CUDA, or where `evaluate` was given codecs as objects.

    Returns:
        A row per number, with the columns of `probes.csv`: its interval, chance and baseline. What
        could not be computed is a row without a value, with its reason.

    Raises:
        UserError: Something that is named does not exist or is wrong, or there are no codes.

    Example:
        >>> import numpy as np
        >>> import pandas as pd
        >>> import almbench
        >>> rng = np.random.default_rng(0)
        >>> clips = [f"c{i}" for i in range(20)]
        >>> codes = {id_: rng.integers(0, 8, (1, 30)) + 8 * (i % 2) for i, id_ in enumerate(clips)}
        >>> labels = pd.DataFrame({"id": clips, "class": ["dog", "rain"] * 10})
        >>> found = almbench.probe(
        ...     measures="probe", codes={"Ours": codes}, labels=labels,
        ...     settings={"probe": {"steps": 0}}, workers=1,
        ... )
        >>> found.loc[found["input"] == "bag", ["target", "value", "chance"]].values.tolist()
        [['class', 1.0, 0.5]]
    """
    if not isinstance(codes, Mapping | None):
        raise UserError(f"codes is {_told(codes)}. Allowed: {FORM}.")
    if run is None and not (codes and labels is not None):
        raise UserError("Give a run, or codes with labels.")
    if run is not None and output is not None:
        raise UserError("The results go into the run folder: leave output out.")
    kind = choose(device, used=True).kind
    with tempfile.TemporaryDirectory(prefix="almbench-") as temporary:
        given = run.folder.root if isinstance(run, Results) else run
        probed = compute(
            Path(given or output or f"{temporary}/out"),
            Wanted(_several(measures or ()), testsets, codecs, _several(label)),
            folders=[_folder(*pair, Path(temporary)) for pair in (codes or {}).items()],
            labels=_labels(labels),
            alone=run is None,
            kmeans=kmeans,
            settings=settings,
            effort=Effort(seed, kind),
            workers=workers or (cpu_count() if kind == "cpu" else 1),
            objects=run.objects if isinstance(run, Results) else {},
        )
        return probe_table(probed.records)


def _several(names: str | Sequence[str]) -> Sequence[str]:
    return [names] if isinstance(names, str) else names


def _labels(given: str | Path | pd.DataFrame | None) -> Labels | None:
    if isinstance(given, pd.DataFrame):
        return Labels.of(given.astype(object).where(given.notna(), "").astype(str), Path("labels"))
    return Labels.read(Path(given).expanduser()) if given is not None else None


def _folder(name: str, given: CodesLike, temporary: Path) -> TokenFolder:
    """The token files of a codec; codes in memory are written to some."""
    if isinstance(given, str | Path):
        return TokenFolder.parse(f"{name}={given}")
    if not isinstance(given, Mapping) or not given:
        raise UserError(f"The codes of '{name}' are {_told(given)}. Allowed: {FORM}.")
    folder = temporary / "codes" / safe_name(name)
    folder.mkdir(parents=True)
    for id_, of_clip in given.items():
        arrays = of_clip if isinstance(of_clip, Mapping) else {"codes": of_clip}
        try:
            held = {str(key): _array(value) for key, value in arrays.items() if value is not None}
            np.savez(folder / f"{safe_name(str(id_))}{SUFFIX}", allow_pickle=False, **held)
        except ValueError as error:  # rows that differ in length, or objects
            raise UserError(
                f"The codes of '{name}', clip '{id_}', are no array of numbers. Allowed: {FORM}."
            ) from error
    return TokenFolder.parse(f"{name}={folder}")


def _told(given: Any) -> str:
    """What was given, with its shape."""
    if hasattr(given, "shape"):
        return f"an array of shape {list(given.shape)}"
    return f"an empty {type(given).__name__}" if not given else f"a {type(given).__name__}"


def _array(value: Any) -> Any:
    return np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
