"""The first page of a site of several runs: each with what it found."""

from collections.abc import Iterator

from almbench.site.finding import finding
from almbench.site.overview import compared
from almbench.site.pages import Page, Site


def gallery_page(site: Site) -> Iterator[Page]:
    """The page that lists the runs; none where there is one run, whose overview comes first."""
    if site.several:
        entries = [
            {
                "run": run,
                "compared": compared(run),
                "findings": {table.testset: finding(table, run.own) for table in run.tables},
            }
            for run in site.runs
        ]
        yield Page("index.html", "gallery.html.j2", {"entries": entries})
