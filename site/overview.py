"""The overview of a run: what it found, first; then all results, what was compared, downloads."""

import gzip
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from almbench.results.codec_names import kbps
from almbench.results.comparison import Comparison
from almbench.results.table_rows import TABLES
from almbench.site.distributions import distributions
from almbench.site.finding import finding
from almbench.site.language import ntr, tr
from almbench.site.listening_results import listening_results
from almbench.site.means import means
from almbench.site.output import Output
from almbench.site.pages import Page, Site
from almbench.site.plots import Plot, plots
from almbench.site.remarks import remarks
from almbench.site.source import Run
from almbench.site.summary import codec_table, published
from almbench.site.token_plots import token_plots
from almbench.site.tokens import carried
from almbench.site.words import set_name, size

LARGE_TABLE = 25 * 2**20  # bytes; GitHub warns of files from 50 MiB on and refuses 100 MiB


def overview_pages(site: Site) -> Iterator[Page]:
    """The overview of each run."""
    for run in site.runs:
        values = {
            "run": run,
            "compared": compared(run),
            "findings": {table.testset: finding(table, run.own) for table in run.tables},
            "choice": _choice(run),
            "codecs": codec_table(run),
            "remarks": remarks(run),
            "means": [means(run, table) for table in run.tables],
            "drawings": _drawn(run, site.out, "", partial(plots, run)),
            "spreads": _drawn(run, site.out, "clips-", partial(distributions, run)),
            "carried": carried(run),
            "token_plots": _drawn(run, site.out, "tokens-", partial(token_plots, run)),
            "published": {table.testset: published(run, table) for table in run.tables},
            "listening": site.analysis and listening_results(site.analysis, run, site.out),
            "downloads": _downloads(run, site.out),
            "checksums": _checksums(run, site.out),
        }
        yield Page(site.overview_of(run), "index.html.j2", values)


def compared(run: Run) -> str:
    """What was compared, in a line: how many systems, at which bitrates, on what."""
    codecs = list({codec.id: codec for table in run.tables for codec in table.codecs}.values())
    anchors = sum(codec.anchor for codec in codecs)
    systems = len(codecs) - anchors
    parts = [ntr("{count} system", "{count} systems", systems)]
    rates = sorted({rate for codec in codecs if (rate := codec.nominal_kbps)})
    if rates:
        ends = dict.fromkeys(map(kbps, (rates[0], rates[-1])))
        parts.append(tr("at {rates} kbps", rates="–".join(ends)))
    if anchors:
        parts.append(ntr("and {count} anchor", "and {count} anchors", anchors))
    sets = [f"{set_name(table.of)} ({size(table.of)})" for table in run.tables]
    return tr("{what}, on {sets}", what=" ".join(parts), sets=", ".join(sets))


def _choice(run: Run) -> dict[str, list[Any]]:
    """What the rows of tables may be chosen by."""
    codecs = run.manifest.codecs
    rates = sorted({codec.nominal_kbps or 0.0 for codec in codecs})
    return {
        "domains": list(run.domains),
        "families": sorted({codec.family for codec in codecs}),
        "rates": [kbps(rate) for rate in rates if rate],
    }


def _drawn(
    run: Run, out: Output, kind: str, draw: Callable[[Comparison], list[Plot]]
) -> dict[str, list[Plot]]:
    """Draw plots of each test set and write them; returns them with their addresses."""
    drawn = {table.testset: draw(table) for table in run.tables}
    for testset, of_set in drawn.items():
        for plot in of_set:
            for theme, svg in plot.svg.items():
                name = f"{testset}-{kind}{plot.metric}-{theme}.svg"
                plot.address[theme] = out.write(("plots", run.slug, name), svg)
            for suffix, content in plot.paper.items():
                name = f"{testset}-{kind}{plot.metric}.{suffix}"
                plot.downloads[suffix] = out.write(("plots", run.slug, name), content)
    return drawn


def _downloads(run: Run, out: Output) -> list[tuple[str, str, str]]:
    """Write the tables of a run; returns address, file name and what it holds."""
    made = []
    for name, form in TABLES.items():
        path = run.folder.table(name)
        if not path.is_file():
            continue
        file = published_table(path)
        if file == path.name:
            address = out.copy(("data", run.slug, file), path)
        else:
            address = out.write(("data", run.slug, file), gzip.compress(path.read_bytes(), mtime=0))
        made.append((address, file, form.holds))
    latex = run.results.export("latex")
    address = out.write(("data", run.slug, "comparison.tex"), latex)
    return [*made, (address, "comparison.tex", "the tables of means for LaTeX, with booktabs")]


def published_table(path: Path) -> str:
    """The name of a table's file on a site: a large one is compressed, for the hosts of sites."""
    return f"{path.name}.gz" if path.stat().st_size > LARGE_TABLE else path.name


def _checksums(run: Run, out: Output) -> str:
    """Publish the checksums of a run; empty for a run that has none."""
    path = run.folder.checksums
    return out.copy(("data", run.slug, path.name), path) if path.is_file() else ""
