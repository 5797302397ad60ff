"""What `bench list` prints."""

from collections.abc import Iterable

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from almbench.cli.missing import Missing, print_missing
from almbench.cli.options import Listable
from almbench.domains import DOMAINS
from almbench.errors import Unavailable
from almbench.results.codec_names import codec_label


def print_list(what: Listable) -> None:
    """Print a list of codecs, metrics, suites or test sets."""
    console = Console(highlight=False)
    if what == "codecs":
        _print_codecs(console)
    else:
        console.print(LISTS[what]())


def _table(*columns: str) -> Table:
    """A table whose first column, the names that one types, is never cut."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for i, column in enumerate(columns):
        table.add_column(column, no_wrap=i == 0, overflow="fold")
    return table


def _domains(names: Iterable[str]) -> str:
    chosen = list(names)
    return "all" if set(chosen) == set(DOMAINS) else ", ".join(chosen)


def _print_codecs(console: Console) -> None:
    from almbench.codecs.builtin import PRESETS
    from almbench.codecs.registry import adapter_names, make_codec
    from almbench.codecs.revisions import UNPINNED

    table = _table("preset", "label", "domains", "usable")
    missing: list[Missing] = []
    licensed: dict[str, list[str]] = {}
    unpinned: dict[str, list[str]] = {}
    for id_, preset in PRESETS.items():
        codec = make_codec(id_)
        usable = "yes"
        try:
            codec.fetch(network=False)
        except Unavailable as error:
            missing.append(Missing(id_, str(error), error.cause, error.command))
            usable = "no"
        spec = codec.spec
        label = codec_label(spec)
        license_ = f"{spec.license}; weights: {spec.weights_license}".removesuffix("; weights: ")
        licensed.setdefault(license_, []).append(id_)
        if spec.checkpoint and (reason := UNPINNED.get(spec.checkpoint.source)):
            unpinned.setdefault(reason, []).append(id_)
        table.add_row(id_, escape(label), _domains(preset.domains), usable)
    console.print(table)
    console.print("Licences of the code, and of the weights of those that have any:")
    for license_, ids in licensed.items():
        console.print(f"- {escape(license_)}: {', '.join(ids)}", soft_wrap=True)
    console.print("Checkpoints pinned to no commit (their branch main is taken), and why:")
    for reason, ids in sorted(unpinned.items()):
        console.print(f"- {escape(reason)}: {', '.join(ids)}", soft_wrap=True)
    print_missing(console, missing)
    console.print(f"Adapters, for codecs with options of yours: {', '.join(adapter_names())}.")
    console.print("Any codec of transformers: hf:ORG/NAME@K (K codebooks), or hf:ORG/NAME@6kbps.")


def _metrics() -> Table:
    from almbench.metrics.registry import family_names, make_family

    table = _table("metric", "better", "rate (Hz)", "default for", "computed by", "usable here")
    for name in family_names():
        family = make_family(name, {})
        for metric in family.metrics:
            table.add_row(
                metric.name,
                {True: "higher", False: "lower", None: ""}[metric.higher_is_better],
                str(family.rate or "scoring"),
                _domains(metric.default),
                family.version(),
                escape(family.missing() or family.advice() or "yes"),
            )
    return table


def _suites() -> Table:
    from almbench.suite.load import builtin_suites, load_suite

    table = _table("suite", "title", "test sets", "codecs")
    for name in builtin_suites():
        suite = load_suite(name)
        sets = ", ".join(t.name for t in suite.testset)
        table.add_row(name, suite.title, sets, ", ".join(c.id for c in suite.codec))
    return table


def _testsets() -> Table:
    from almbench.suite.layouts import LAYOUTS
    from almbench.suite.load import builtin_suites, load_suite

    table = _table("test set", "in suite or as", "where")
    for name in builtin_suites():
        for testset in load_suite(name).testset:
            table.add_row(testset.name, f"suite {name}", escape(testset.path))
    for layout, read in LAYOUTS.items():
        what = (read.__doc__ or "").split("\n")[0]
        table.add_row(layout, "layout of your copy", escape(what))
    return table


LISTS = {"metrics": _metrics, "suites": _suites, "testsets": _testsets}
