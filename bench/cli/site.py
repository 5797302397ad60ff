"""`bench site`, `bench serve` and `bench publish`."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from almbench.errors import UserError
from almbench.languages import Language


def site(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN", help="Run folders, shown side by side.")
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FOLDER", help="Folder of the site.")
    ] = Path("public"),
    max_clips: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Publish the sounds of N clips a test set, drawn by the seed."
        ),
    ] = None,
    post_url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where blind tests send results; else one downloads."),
    ] = None,
    listening: Annotated[
        list[Path] | None,
        typer.Option(metavar="PATH", help="Results of blind tests to be shown; may be repeated."),
    ] = None,
    theme: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder of templates and static files that come before the built-in.",
        ),
    ] = None,
    css: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Style sheet that pages link last.")
    ] = None,
    language: Annotated[
        Language | None,
        typer.Option(help="Language of the interface. (default: the suite's)"),
    ] = None,
    compare: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="A run that every other is compared with, in pairs."),
    ] = None,
    add: Annotated[
        bool, typer.Option("--add", help="Keep the runs that the site shows already.")
    ] = False,
) -> None:
    """Render runs as a static site: tables, plots, pages to listen, and blind tests."""
    from almbench.site.build import build_site
    from almbench.site.output import size_line
    from almbench.suite.config import check_url

    if post_url:
        try:
            check_url(post_url)
        except ValueError as error:
            raise UserError(f"--post-url '{post_url}': {error}.") from error
    index = build_site(
        runs,
        output,
        max_clips,
        post_url or "",
        listening,
        theme,
        css,
        language,
        baseline=compare,
        add=add,
    )
    typer.echo(size_line(output))
    typer.echo(f"Open {index}, or preview it with: bench serve {shlex.quote(str(output))}")


def serve(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of the site.")] = Path(
        "public"
    ),
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="PORT", help="Port; 0 takes a free one.")
    ] = 8000,
) -> None:
    """Preview a site on 127.0.0.1 until Ctrl-C."""
    from almbench.site.serve import serve_site

    serve_site(folder, port)


def publish(
    site: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of the site.")] = Path(
        "public"
    ),
    remote: Annotated[
        str, typer.Option(metavar="NAME|URL", help="A git remote, by name or address.")
    ] = "origin",
    branch: Annotated[
        str, typer.Option(metavar="BRANCH", help="Branch to put the site on.")
    ] = "gh-pages",
    repository: Annotated[
        Path, typer.Option(metavar="PATH", help="Repository that knows the remote.")
    ] = Path(),
    message: Annotated[
        str | None, typer.Option(metavar="MESSAGE", help="Message of the commit.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
) -> None:
    """Put a site on a branch of a git remote, as GitHub Pages serves it. Never forces."""
    from almbench.site.publish import publish as push

    push(site, remote, branch, repository, message, dry_run, show=typer.echo)
