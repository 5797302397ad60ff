"""The command line. Heavy imports happen inside the commands, so that --help answers at once."""

import errno
import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from almbench import __version__
from almbench.cli.listen import app as listen_app
from almbench.errors import UserError

if TYPE_CHECKING:
    from almbench.suite.config import Suite

INTERRUPTED = 130

app = typer.Typer(
    name="bench",
    help="Benchmark audio codecs and tokenizers, and publish the numbers beside the sound.",
    epilog=(
        "Exit codes: 0 done; 1 done, but some clips or codecs failed; 2 the input is wrong; "
        "130 interrupted, the same command goes on."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
codec_app = typer.Typer(help="Environments of codecs that need their own.", no_args_is_help=True)
app.add_typer(codec_app, name="codec")
app.add_typer(listen_app, name="listen")
train_app = typer.Typer(help="Train a codec of one's own.", no_args_is_help=True)
app.add_typer(train_app, name="train")


class Device(StrEnum):
    """Where neural codecs run."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class Engine(StrEnum):
    """What spreads the work."""

    LOCAL = "local"


class Domain(StrEnum):
    """Domains of sound."""

    SPEECH = "speech"
    SOUND = "sound"
    MUSIC = "music"


class Thing(StrEnum):
    """What can be listed."""

    CODECS = "codecs"
    METRICS = "metrics"
    SUITES = "suites"
    TESTSETS = "testsets"


class ExportFormat(StrEnum):
    """Formats of an export."""

    CSV = "csv"
    PARQUET = "parquet"
    LATEX = "latex"
    MARKDOWN = "markdown"
    JSON = "json"


SUFFIXES = {
    ".json": ExportFormat.JSON,
    ".md": ExportFormat.MARKDOWN,
    ".parquet": ExportFormat.PARQUET,
    ".tex": ExportFormat.LATEX,
}


class TableName(StrEnum):
    """Tables of a run."""

    SUMMARY = "summary"
    CLIPS = "clips"
    METRICS = "metrics"


Output = Annotated[
    Path | None, typer.Option("-o", "--output", help="Run folder. [default: runs/<suite>]")
]
Metrics = Annotated[
    list[str] | None, typer.Option("--metric", help="Only this metric; may be repeated.")
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="FAMILY.KEY=VALUE",
        help="A metric's setting, such as speaker_similarity.backend=ecapa.",
    ),
]
Workers = Annotated[int | None, typer.Option(min=1, help="Scoring processes. [default: all cores]")]


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        typer.echo(f"almbench {__version__}")
        raise typer.Exit


@app.command()
def run(
    suite: Annotated[str, typer.Argument(help="A built-in suite or a TOML file.")] = "quick",
    output: Output = None,
    codec: Annotated[
        list[str] | None, typer.Option(help="Only this codec; may be repeated.")
    ] = None,
    testset: Annotated[
        list[str] | None, typer.Option(help="Only this test set; may be repeated.")
    ] = None,
    metric: Metrics = None,
    data: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=PATH", help="Where a data folder of the suite lies."),
    ] = None,
    checkpoint: Annotated[
        list[str] | None,
        typer.Option(metavar="CODEC=FOLDER", help="Where a codec's weights lie, if not the hub."),
    ] = None,
    setting: Set = None,
    device: Annotated[Device, typer.Option(help="Where neural codecs run.")] = Device.AUTO,
    engine: Annotated[Engine, typer.Option(help="What spreads the work.")] = Engine.LOCAL,
    workers: Workers = None,
    shard: Annotated[
        str, typer.Option(metavar="I/N", help="Do part I of N of the clips (from 1).")
    ] = "1/1",
) -> None:
    """Run a suite: reconstruct, score, write tables. Run again to go on where it stopped."""
    del engine  # there is one so far
    from almbench.runner.plan import select
    from almbench.suite.load import fill_in, load_suite, use_checkpoints

    whole = load_suite(suite)
    chosen = select(whole, codec or [], testset or [], metric or [])
    fill_in(chosen, _folders("data", "demo=/data/demo", data or []))
    folders = _folders("checkpoint", "mimi-1.1=/models/mimi", checkpoint or [])
    use_checkpoints(chosen, folders, [codec.id for codec in whole.codec])
    _apply_settings(chosen, setting or [])
    _run(chosen, output, device, workers, shard)


@app.command()
def score(
    reference: Annotated[Path, typer.Argument(help="Folder of the originals.")],
    reconstruction: Annotated[
        list[Path], typer.Argument(help="Folders of reconstructions, files named alike.")
    ],
    domain: Annotated[Domain, typer.Option(help="What the sounds are.")] = Domain.SPEECH,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Run folder. [default: runs/score-<folder>]"),
    ] = None,
    metric: Metrics = None,
    setting: Set = None,
    workers: Workers = None,
) -> None:
    """Score folders of ready files against a folder of originals; no suite needed."""
    from almbench.runner.plan import select
    from almbench.suite.folder_suite import suite_of_folders

    chosen = suite_of_folders(reference, reconstruction, domain.value)
    chosen = select(chosen, [], [], metric or [])
    _apply_settings(chosen, setting or [])
    _run(chosen, output, Device.CPU, workers, "1/1")


def _run(
    suite: "Suite", output: Path | None, device: Device, workers: int | None, shard: str
) -> None:
    from almbench.cli.report import print_outcome
    from almbench.runner.run import run_suite

    root = output or Path("runs") / suite.name
    outcome = run_suite(suite, root, device.value, workers, _shard(shard))
    raise typer.Exit(print_outcome(outcome, root))


@app.command()
def site(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, shown side by side.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the site.")] = Path(
        "public"
    ),
    max_clips: Annotated[
        int | None,
        typer.Option(min=1, help="Publish the sounds of N clips a test set, drawn by the seed."),
    ] = None,
    post_url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where blind tests send results; else one downloads."),
    ] = None,
    listening: Annotated[
        list[Path] | None,
        typer.Option(help="Results of blind tests to be shown; may be repeated."),
    ] = None,
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
    index = build_site(runs, output, max_clips, post_url or "", listening)
    typer.echo(size_line(output))
    typer.echo(f"Open {index}, or preview it with: bench serve {shlex.quote(str(output))}")


@app.command()
def serve(
    folder: Annotated[Path, typer.Argument(help="Folder of the site.")] = Path("public"),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8000,
) -> None:
    """Preview a site on 127.0.0.1 until Ctrl-C."""
    from almbench.site.serve import serve_site

    serve_site(folder, port)


@app.command()
def publish(
    site: Annotated[Path, typer.Argument(help="Folder of the site.")] = Path("public"),
    remote: Annotated[
        str, typer.Option(metavar="NAME|URL", help="A git remote, by name or address.")
    ] = "origin",
    branch: Annotated[str, typer.Option(help="Branch to put the site on.")] = "gh-pages",
    repository: Annotated[
        Path, typer.Option(metavar="PATH", help="Repository that knows the remote.")
    ] = Path(),
    message: Annotated[str | None, typer.Option(help="Message of the commit.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
) -> None:
    """Put a site on a branch of a git remote, as GitHub Pages serves it. Never forces."""
    from almbench.site.publish import publish as push

    push(site, remote, branch, repository, message, dry_run, show=typer.echo)


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    format_: Annotated[
        ExportFormat | None,
        typer.Option("--format", help="What to write. [default: by the file's suffix, else csv]"),
    ] = None,
    table: Annotated[
        TableName, typer.Option(help="Which table, for csv, parquet and json.")
    ] = TableName.SUMMARY,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File. [default: standard output]")
    ] = None,
) -> None:
    """Export tables; latex and markdown compare the codecs, a table a test set."""
    from almbench.results.export import export as make
    from almbench.results.runfolder import RunFolder

    if format_ is None:
        suffix = output.suffix if output else ""
        format_ = SUFFIXES.get(suffix, ExportFormat.CSV)
    if format_ is ExportFormat.PARQUET and output is None:
        raise UserError("Parquet is not text: name a file with -o FILE.")
    content = make(RunFolder(run), format_.value, table.value)
    if output is None:
        sys.stdout.buffer.write(content)
        return
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_bytes(content)
    except OSError as error:
        raise UserError(f"-o {output} cannot be written: {error.strerror}.") from error
    typer.echo(f"Wrote {output}", err=True)


@app.command()
def check(
    codec: Annotated[str, typer.Argument(help="A ready-made codec, or an adapter's name.")],
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Option of the adapter; may be repeated."),
    ] = None,
    device: Annotated[Device, typer.Option(help="Where neural codecs run.")] = Device.AUTO,
) -> None:
    """Check an adapter: shapes, length, bitrate, determinism, batches, delay, odd sounds."""
    from almbench.checks.adapter import print_check

    raise typer.Exit(print_check(codec, option or [], device.value))


@app.command(name="list")
def list_(
    thing: Annotated[Thing, typer.Argument(help="What to list.")],
) -> None:
    """List what there is, what is usable here, and what is missing for the rest."""
    from almbench.cli.report import print_list

    print_list(thing.value)


@codec_app.command()
def install(
    name: Annotated[str, typer.Argument(help="An environment, such as stablecodec.")],
    python: Annotated[
        str | None, typer.Option(help="Interpreter to make it with. [default: this one]")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Make it anew.")] = False,
) -> None:
    """Install the environment of an external codec below $ALMBENCH_HOME (~/.cache/almbench)."""
    from almbench.codecs.environments import install as make

    make(name, python, force=force, show=typer.echo)


@train_app.command()
def almtokenizer(
    stage: Annotated[int, typer.Option(min=1, max=2, help="Stage of training.")],
    data: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=PATH", help="Where a data folder of the recipe lies."),
    ] = None,
    config: Annotated[str, typer.Option(help="A recipe: small, paper, or a TOML file.")] = "small",
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Folder. [default: runs/almtokenizer-<recipe>]"),
    ] = None,
    validation: Annotated[
        Path | None, typer.Option(help="Folder of held-out speech to be scored now and then.")
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change the recipe, as stage2.steps=500."),
    ] = None,
    device: Annotated[Device, typer.Option(help="Where to train.")] = Device.AUTO,
    workers: Annotated[int, typer.Option(min=0, help="Processes that read sound.")] = 1,
) -> None:
    """Train ALMTokenizer: stage 1, then stage 2. Run again to go on where it stopped."""
    from almbench.training.session import start

    folders = _folders("data", "speech=/data/librispeech", data or [])
    start(config, setting or [], stage, folders, output, validation, device.value, workers)


def _folders(option: str, example: str, pairs: list[str]) -> dict[str, Path]:
    folders = {}
    for pair in pairs:
        name, equals, path = pair.partition("=")
        if not (name and equals and path):
            raise UserError(f"--{option} '{pair}' is not NAME=PATH, such as {example}.")
        folder = Path(path).expanduser().resolve()
        if not folder.exists():
            raise UserError(f"--{option} {name}: {path} does not exist.")
        folders[name] = folder
    return folders


def _apply_settings(suite: "Suite", pairs: list[str]) -> None:
    for pair in pairs:
        path, equals, value = pair.partition("=")
        family, dot, key = path.partition(".")
        if not (family and dot and key and equals):
            raise UserError(
                f"--set '{pair}' is not FAMILY.KEY=VALUE, such as speaker_similarity.backend=ecapa."
            )
        suite.settings.setdefault(family, {})[key] = value


def _shard(text: str) -> Any:
    from almbench.runner.run import Shard

    index, _, count = text.partition("/")
    if not (index.isdigit() and count.isdigit() and 1 <= int(index) <= int(count)):
        raise UserError(f"--shard '{text}' is not I/N with 1 <= I <= N, such as 1/4.")
    return Shard(int(index), int(count))


def main() -> None:
    """Run the command line; every error of the user's is one message and exit code 2."""
    try:
        code = app(standalone_mode=False)
    except UserError as error:
        _fail(str(error))
    except (KeyboardInterrupt, typer.Abort):
        _interrupted()
    except OSError as error:
        if error.errno not in {
            errno.ENOSPC,
            errno.EDQUOT,
            errno.EACCES,
            errno.EPERM,
            errno.EROFS,
            errno.ENOTDIR,
            errno.EISDIR,
            errno.EEXIST,
            errno.ENOENT,
        }:
            raise
        where = f" ({error.filename})" if error.filename else ""
        _fail(
            f"{error.strerror}{where}. What is done is kept; mend this and run the command again."
        )
    except Exception as error:
        # Typer's usage errors carry their own formatting and exit code.
        if not hasattr(error, "show"):
            raise
        error.show()
        sys.exit(getattr(error, "exit_code", 2))
    if code == INTERRUPTED:  # Typer turns Ctrl-C into this code without a word
        _interrupted()
    sys.exit(code or 0)


def _fail(message: str) -> None:
    typer.secho("Error: ", fg="red", bold=True, err=True, nl=False)
    typer.echo(message, err=True)
    sys.exit(2)


def _interrupted() -> None:
    command = shlex.join(["bench", *sys.argv[1:]])
    typer.echo(f"\nInterrupted. Nothing done is lost; to go on, run again: {command}", err=True)
    sys.exit(INTERRUPTED)
