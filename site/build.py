"""Builds the static site of one or several runs."""

from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from almbench.export import export
from almbench.progress import stage
from almbench.site.listening import Addresses, audio_parts, listening
from almbench.site.output import Output
from almbench.site.plots import Plot, plots
from almbench.site.source import Run, read_runs
from almbench.site.summary import circumstances, codec_table, duration, means
from almbench.suite import ORIGINAL
from almbench.tables import NAMES

TEMPLATES = "almbench.templates"


def build_site(runs: list[Path], output: Path) -> Path:
    """Build a site that can be put on any web server, or opened from the disk.

    Args:
        runs: Finished run folders, shown in this order.
        output: Folder of the site; what an earlier build left there is replaced.

    Returns:
        The path of its `index.html`.

    Raises:
        UserError: A run is not finished, or `output` holds things that are not of a site.
    """
    read = read_runs(runs)
    out = Output(output)
    _write_static(out)
    audio = _publish_audio(read, out)
    write = _Pages(read, out)
    write.index({run.slug: _plots(run, out) for run in read})
    for run in read:
        for domain in run.domains:
            write.domain(run, domain, audio[run.slug])
    out.finish()
    return output / "index.html"


class _Pages:
    def __init__(self, runs: list[Run], out: Output) -> None:
        self._runs, self._out = runs, out
        self._jinja = Environment(
            loader=PackageLoader(TEMPLATES, ""),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._jinja.globals.update(runs=runs, page_of=self._page, duration=duration)

    def index(self, plots_of: dict[str, dict[str, list[Plot]]]) -> None:
        sections = [
            {
                "run": run,
                "codecs": codec_table(run),
                "means": [means(run, table) for table in run.tables],
                "plots": plots_of[run.slug],
                "circumstances": circumstances(run),
                "downloads": _downloads(run, self._out),
            }
            for run in self._runs
        ]
        self._write("index.html", "index.html.j2", sections=sections)

    def domain(self, run: Run, domain: str, audio: Addresses) -> None:
        tables = [listening(run, t, audio) for t in run.tables if t.domain == domain]
        name = self._page(run, domain)
        self._write(name, "domain.html.j2", run=run, domain=domain, tables=tables)

    def _page(self, run: Run, domain: str) -> str:
        return f"{domain}.html" if len(self._runs) == 1 else f"{run.slug}-{domain}.html"

    def _write(self, name: str, template: str, **values: Any) -> None:
        html = self._jinja.get_template(template).render(page=name, **values)
        self._out.write((name,), html.encode())


def _write_static(out: Output) -> None:
    for file in (files(TEMPLATES) / "static").iterdir():
        out.write(("static", file.name), file.read_bytes())
    out.write((".nojekyll",), b"")  # else GitHub Pages leaves out names that start with "_"


def _publish_audio(runs: list[Run], out: Output) -> dict[str, Addresses]:
    """Copy every sound that there is; returns the addresses a run."""
    found = [
        (run, (table.testset, codec, clip), path)
        for run in runs
        for table in run.tables
        for codec in [ORIGINAL, *(c["id"] for c in table.codecs)]
        for clip in run.clips.loc[run.clips["testset"] == table.testset, "clip"].unique()
        if (path := run.folder.audio(table.testset, codec, clip)).is_file()
    ]
    addresses: dict[str, Addresses] = {run.slug: {} for run in runs}
    with stage("Copying", len(found), "sounds") as bar:
        for run, key, path in found:
            addresses[run.slug][key] = out.copy(audio_parts(run, *key), path)
            bar.advance()
    return addresses


def _plots(run: Run, out: Output) -> dict[str, list[Plot]]:
    """Draw the plots of each test set and write them; returns them with their addresses."""
    drawn = {table.testset: plots(table) for table in run.tables}
    for testset, of_set in drawn.items():
        for plot in of_set:
            for theme, svg in plot.svg.items():
                name = f"{testset}-{plot.metric}-{theme}.svg"
                plot.address[theme] = out.write(("plots", run.slug, name), svg)
    return drawn


def _downloads(run: Run, out: Output) -> list[tuple[str, str, str]]:
    """Write the tables of a run; returns address, file name and what it holds."""
    holds = {
        "clips": "a row a clip and codec: rates, speeds, status and every metric",
        "metrics": "a row a value: status, reason, version and rate",
        "summary": "a row a mean: its interval, count and failures",
    }
    made = []
    for name in NAMES:
        address = out.copy(("data", run.slug, f"{name}.csv"), run.folder.table(name))
        made.append((address, f"{name}.csv", holds[name]))
    latex = export(run.folder, "latex", "summary")
    address = out.write(("data", run.slug, "comparison.tex"), latex)
    return [*made, (address, "comparison.tex", "the tables of means for LaTeX, with booktabs")]
