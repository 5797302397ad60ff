"""The overview: what was compared, the results, and downloads."""

from collections.abc import Callable, Iterator
from functools import partial

from almbench.results.codec_names import kbps
from almbench.results.comparison import Comparison
from almbench.results.table_rows import TABLES
from almbench.site.distributions import distributions
from almbench.site.listening_results import listening_results
from almbench.site.output import Output
from almbench.site.pages import Page, Site
from almbench.site.plots import Plot, plots
from almbench.site.source import Run
from almbench.site.summary import codec_table, means, published


def overview_pages(site: Site) -> Iterator[Page]:
    """The overview of all runs."""
    sections = [
        {
            "run": run,
            "codecs": codec_table(run),
            "means": [means(run, table) for table in run.tables],
            "plots": _drawn(run, site.out, "", partial(plots, run)),
            "distributions": _drawn(run, site.out, "clips-", partial(distributions, run)),
            "published": {table.testset: published(run, table) for table in run.tables},
            "listening": site.analysis and listening_results(site.analysis, run, site.out),
            "downloads": _downloads(run, site.out),
        }
        for run in site.runs
    ]
    codecs = [codec for run in site.runs for codec in run.manifest.codecs]
    choice = {
        "domains": list(dict.fromkeys(domain for run in site.runs for domain in run.domains)),
        "families": sorted({codec.family for codec in codecs}),
        "rates": [
            kbps(rate) for rate in sorted({c.nominal_kbps for c in codecs if c.nominal_kbps})
        ],
    }
    yield Page("index.html", "index.html.j2", {"sections": sections, "choice": choice})


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
        address = out.copy(("data", run.slug, f"{name}.csv"), run.folder.table(name))
        made.append((address, f"{name}.csv", form.holds))
    latex = run.results.export("latex")
    address = out.write(("data", run.slug, "comparison.tex"), latex)
    return [*made, (address, "comparison.tex", "the tables of means for LaTeX, with booktabs")]
