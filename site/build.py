"""Builds the static site of one or several runs."""

from collections.abc import Iterable
from gettext import NullTranslations
from pathlib import Path
from typing import Any

from almbench.errors import UserError
from almbench.languages import Language
from almbench.listening.analysis import analyse
from almbench.listening.kinds import load_kinds
from almbench.site.blind import blind_pages
from almbench.site.card import draw_card
from almbench.site.codecpages import codec_pages
from almbench.site.comparisons import comparison_pages, own_comparisons, run_comparisons
from almbench.site.extra import EXTRA, extra_pages, logo
from almbench.site.gallery import gallery_page
from almbench.site.language import speak, translate_script
from almbench.site.listening_results import check_belongs
from almbench.site.listeningpages import listening_pages
from almbench.site.measured import measured_page
from almbench.site.media import publish_sounds
from almbench.site.output import Output
from almbench.site.overview import overview_pages
from almbench.site.pages import Page, Site, Writer, page_data
from almbench.site.runs_index import add_to_earlier, write_index
from almbench.site.source import read_runs
from almbench.site.theme import CUSTOM_CSS, check_theme, environment, render, static_files
from almbench.site.told import told
from almbench.site.words import duration, set_name, set_title, size

CARD = "card.png"


def build_site(
    runs: list[Path],
    output: Path,
    max_clips: int | None = None,
    post_url: str = "",
    listening: list[Path] | None = None,
    theme: Path | None = None,
    css: Path | None = None,
    language: Language | None = None,
    baseline: Path | None = None,
    add: bool = False,
) -> Path:
    """Build a site that can be put on any web server, or opened from the disk.

    Args:
        runs: Finished run folders, shown in this order.
        output: Folder of the site; what an earlier build left there is replaced.
        max_clips: Publish the sounds of this many clips a test set, drawn by the suite's seed.
        post_url: Where blind tests send their results, if anywhere.
        listening: Results of blind tests of these runs, files or folders, to be shown.
        theme: Folder with templates and static files that come before those of the house.
        css: A style sheet that pages link last.
        language: The language of the interface; by default that of the first run's suite.
        baseline: A run that each other run is compared with, codec by codec; it is shown, too.
        add: Keep the runs that the site shows already, and add these.

    Returns:
        The path of its `index.html`.

    Raises:
        UserError: A run is not finished, `output` holds things that are not of a site, or the
            results of `listening` are damaged or of something else, or the theme has a mistake.
    """
    if theme:
        check_theme(theme)
    if add:
        runs = add_to_earlier(runs, output)
    if baseline and baseline.resolve() not in {run.resolve() for run in runs}:
        runs = [baseline, *runs]
    read = read_runs(runs, max_clips)
    comparisons = own_comparisons(read)
    if baseline:
        old = next(run for run in read if run.folder.root.resolve() == baseline.resolve())
        comparisons += run_comparisons(old, read)
    analysis = analyse(listening) if listening else None
    if analysis:
        check_belongs(analysis, read)
    card = draw_card(read)  # of all tables, so that a damaged one is found before a file is written
    language = language or read[0].manifest.suite.language
    out = Output(output)
    with speak(language) as catalogue:
        _write_static(out, static_files(theme, css), catalogue)
        out.write((CARD,), card)
        sounds = publish_sounds(read, out)
        site = Site(read, sounds, out, post_url, analysis, add, comparisons)
        shared = {"language": language, "custom_css": f"static/{CUSTOM_CSS}" if css else ""}
        jinja = environment(theme, catalogue)
        jinja.globals.update(_shared(site), **shared)
        pages = [page for writer in WRITERS for page in writer(site)]
        _check_addresses(pages)
        jinja.globals["pages"] = {page.address for page in pages}
        jinja.globals["extra_pages"] = [
            (page.address, page.values["title"]) for page in pages if page.template == EXTRA
        ]
        for page in pages:
            values = {"page": page.address, **page.values}
            html = render(jinja, page.template, theme, values)
            out.write((page.address,), html.encode())
        write_index(site)
    out.finish()
    return output / "index.html"


def _check_addresses(pages: list[Page]) -> None:
    taken: set[str] = set()
    for page in pages:
        if page.address.lower() in taken:
            raise UserError(
                f"Two pages of the site would be {page.address}. To fix: rename the extra page."
            )
        taken.add(page.address.lower())


def _shared(site: Site) -> dict[str, Any]:
    """What every template is given."""
    return {
        "runs": site.runs,
        "page_of": site.page_of,
        "overview_of": site.overview_of,
        "several": site.several,
        "comparisons": [
            (versus, site.comparison_of(versus), site.title_of(versus))
            for versus in site.comparisons
        ],
        "home": site.home,
        "link_picture": CARD,
        "logo": logo(site),
        "duration": duration,
        "size": size,
        "set_name": set_name,
        "set_title": set_title,
        "told": told,
        "page_data": page_data,
        "test_kinds": load_kinds(),
    }


WRITERS: list[Writer] = [
    gallery_page,
    overview_pages,
    comparison_pages,
    listening_pages,
    codec_pages,
    measured_page,
    blind_pages,
    extra_pages,
]


def _write_static(
    out: Output, static: Iterable[tuple[tuple[str, ...], bytes]], catalogue: NullTranslations
) -> None:
    for parts, content in static:
        if parts[-1].endswith(".js"):
            script = translate_script(content.decode(), catalogue)
            out.write(parts, script.encode())
        else:
            out.write(parts, content)
    out.write((".nojekyll",), b"")  # else GitHub Pages leaves out names that start with "_"
