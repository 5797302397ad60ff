"""What differs between two runs: what they were made with and from, and their values."""

from collections.abc import Collection, Iterator, Mapping

import numpy as np

from almbench.codecs.base import CodecSpec
from almbench.names import some
from almbench.results.records import OriginalRow
from almbench.results.results import Results
from almbench.results.row_files import read_rows

NONE = "not there"


def made_differently(old: Results, new: Results) -> list[str]:
    """What could not be the same in two runs of one suite, a line each, the old one first."""
    return [
        *_program(old, new),
        *_codecs(old, new),
        *_metrics(old, new),
        *_clips(old, new),
    ]


def _differing(what: str, old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[str]:
    for name in dict.fromkeys([*old, *new]):
        before, after = _text(old.get(name)), _text(new.get(name))
        if before != after:
            yield f"{what}{name}: {before}, now {after}"


def _text(value: object) -> str:
    return NONE if value is None or value == "" else str(value)


def _program(old: Results, new: Results) -> Iterator[str]:
    a, b = old.manifest, new.manifest
    facts = [
        {
            "almbench": m.almbench,
            "its commit": m.commit,
            "policies": m.policies.version,
            "Python": m.machine.python,
            "system": m.machine.system,
            "processor": m.machine.processor,
            "device": m.run.device,
            "seed": m.suite.seed,
        }
        for m in (a, b)
    ]
    yield from _differing("", *facts)
    yield from _differing("package ", a.packages, b.packages)


def _codecs(old: Results, new: Results) -> Iterator[str]:
    """Facts of codecs: checkpoints and their hashes, settings, whether they can be used."""
    a, b = old.manifest.codecs_by_id, new.manifest.codecs_by_id
    for id_ in dict.fromkeys([*a, *b]):
        if id_ not in a or id_ not in b:
            where = "the first run" if id_ in a else "the second"
            yield f"codec {id_} is in {where} only"
            continue
        names = [*CodecSpec.model_fields, "missing"]
        before, after = ({n: getattr(run[id_], n) for n in names} for run in (a, b))
        yield from _differing(f"codec {id_}, ", before, after)


def _metrics(old: Results, new: Results) -> Iterator[str]:
    a, b = old.manifest.metrics_by_name, new.manifest.metrics_by_name
    yield from _in_one_only("metrics", a, b)
    for fact in ("version", "settings", "missing"):
        before, after = ({n: getattr(run[n], fact) for n in a if n in b} for run in (a, b))
        yield from _differing(f"{fact} of metric ", before, after)


def _clips(old: Results, new: Results) -> Iterator[str]:
    """Clips that only one has, or whose samples are others."""
    rows = [read_rows(run.folder.root, OriginalRow).values() for run in (old, new)]
    a, b = ({f"{row.testset}/{row.clip}": row for row in of_run} for of_run in rows)
    yield from _in_one_only("clips", a, b)
    common = [key for key in a if key in b]
    before, after = ({k: f"SHA-256 {run[k].samples_sha256[:16]}" for k in common} for run in (a, b))
    yield from _differing("clip ", before, after)


def _in_one_only(what: str, a: Collection[str], b: Collection[str]) -> Iterator[str]:
    """How many one run has and the other has not, and the first of them."""
    for where, own, other in (("first", a, b), ("second", b, a)):
        if only := [name for name in own if name not in other]:
            yield f"{what} of the {where} run only: {len(only)} ({some(only)})"


def values_differ(old: Results, new: Results) -> tuple[int, int, list[str]]:
    """Compare the values of two runs.

    Returns:
        How many values both have, how many of them are equal, and for each metric that has others,
        the largest difference.
    """
    both = equal = 0
    largest: dict[str, tuple[float, str]] = {}
    for testset, metric in old.by_metric:
        before, after = old.by_metric.of(testset, metric), new.by_metric.of(testset, metric)
        differences = (before - after.reindex_like(before)).abs().to_numpy(float)
        both += int(np.count_nonzero(~np.isnan(differences)))
        equal += int(np.count_nonzero(differences == 0))
        most = float(np.nanmax(differences, initial=0.0))
        if most > largest.get(metric, (0.0, ""))[0]:
            row, column = np.argwhere(differences == most)[0]
            where = f"{testset}/{before.index[row]}/{before.columns[column]}"
            largest[metric] = most, where
    lines = [f"{m}: up to {d:.3g} ({where})" for m, (d, where) in largest.items()]
    return both, equal, lines
