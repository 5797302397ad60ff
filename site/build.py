"""Builds the static site of one or several runs."""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from almbench.listening.analysis import analyse
from almbench.listening.kinds import load_kinds
from almbench.site.blind import blind_pages
from almbench.site.card import draw_card
from almbench.site.codecpages import codec_pages
from almbench.site.listening import listening
from almbench.site.listening_results import check_belongs
from almbench.site.measured import measured_page
from almbench.site.media import publish_sounds
from almbench.site.output import Output
from almbench.site.overview import overview_pages
from almbench.site.pages import Page, Site, Writer, page_data
from almbench.site.source import read_runs
from almbench.site.summary import duration

TEMPLATES = "almbench.templates"
CARD = "card.png"


def build_site(
    runs: list[Path],
    output: Path,
    max_clips: int | None = None,
    post_url: str = "",
    listening: list[Path] | None = None,
) -> Path:
    """Build a site that can be put on any web server, or opened from the disk.

    Args:
        runs: Finished run folders, shown in this order.
        output: Folder of the site; what an earlier build left there is replaced.
        max_clips: Publish the sounds of this many clips a test set, drawn by the suite's seed.
        post_url: Where blind tests send their results, if anywhere.
        listening: Results of blind tests of these runs, files or folders, to be shown.

    Returns:
        The path of its `index.html`.

    Raises:
        UserError: A run is not finished, `output` holds things that are not of a site, or the
            results of `listening` are damaged or of something else.
    """
    read = read_runs(runs, max_clips)
    analysis = analyse(listening) if listening else None
    if analysis:
        check_belongs(analysis, read)
    card = draw_card(read)  # of all tables, so that a damaged one is found before a file is written
    out = Output(output)
    _write_static(out)
    out.write((CARD,), card)
    site = Site(read, publish_sounds(read, out), out, post_url, analysis)
    _write_pages(site, [page for writer in WRITERS for page in writer(site)])
    out.finish()
    return output / "index.html"


def _write_pages(site: Site, pages: list[Page]) -> None:
    jinja = Environment(
        loader=PackageLoader(TEMPLATES, ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    jinja.globals.update(
        runs=site.runs,
        pages={page.address for page in pages},
        page_of=site.page_of,
        home=site.home,
        link_picture=CARD,
        duration=duration,
        page_data=page_data,
        test_kinds=load_kinds(),
    )
    for page in pages:
        template = jinja.get_template(page.template)
        html = template.render(page=page.address, **page.values)
        site.out.write((page.address,), html.encode())


def _domains(site: Site) -> Iterator[Page]:
    for run in site.runs:
        for domain in run.domains:
            sounds = site.sounds[run.slug]
            tables = [listening(run, t, sounds) for t in run.tables if t.domain == domain]
            values = {"run": run, "domain": domain, "tables": tables}
            yield Page(site.page_of(run, domain), "domain.html.j2", values)


WRITERS: list[Writer] = [overview_pages, _domains, codec_pages, measured_page, blind_pages]


def _write_static(out: Output) -> None:
    for file in (files(TEMPLATES) / "static").iterdir():
        out.write(("static", file.name), file.read_bytes())
    out.write((".nojekyll",), b"")  # else GitHub Pages leaves out names that start with "_"
