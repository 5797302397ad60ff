"""The command line. Heavy imports happen inside the commands, so that --help answers at once."""

import errno
import os
import shlex
import sys
from io import TextIOWrapper
from typing import Annotated, NoReturn

import typer

from almbench.caches import ensure_matplotlib_cache
from almbench.cli import (
    check,
    codec,
    compare,
    conformance,
    encode,
    fetch,
    import_,
    listen,
    probe,
    rate_distortion,
    run,
    site,
    submit,
    tables,
    train,
    verify,
)
from almbench.cli.command import Command, Group
from almbench.devices import share_cores
from almbench.errors import AlmbenchError, is_control
from almbench.version import __version__

INTERRUPTED = 130
# What the user's disk or rights are to blame for; anything else is a fault of the program.
DISK_FAULTS = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EEXIST,
    errno.ENOENT,
    errno.ENAMETOOLONG,
    errno.ELOOP,
}

app = typer.Typer(
    name="bench",
    cls=Group,
    help="Benchmark audio codecs and tokenizers, and publish the numbers beside the sound.",
    epilog=(
        "Exit codes: 0 done; 1 done, but some clips or codecs failed; 2 the input is wrong; "
        "130 interrupted, the same command goes on."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    run.run,
    run.score,
    submit.submit,
    submit.work,
    site.site,
    site.serve,
    site.publish,
    tables.export,
    compare.compare,
    rate_distortion.rate_distortion,
    probe.probe,
    check.check,
    encode.encode,
    encode.decode,
    fetch.fetch,
    conformance.conformance,
    verify.verify,
):
    app.command(cls=Command)(command)
app.command(name="import", cls=Command)(import_.import_)
app.command(name="list", cls=Command)(tables.list_)
app.add_typer(codec.app, name="codec")
app.add_typer(listen.app, name="listen")
app.add_typer(train.app, name="train")


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        typer.echo(f"almbench {__version__}")
        raise typer.Exit


def main() -> NoReturn:
    """Run the command line; every error of the user's is one message and exit code 2."""
    _speak_utf_8()
    ensure_matplotlib_cache()
    share_cores(os.environ)
    try:
        code = app(standalone_mode=False)
    except AlmbenchError as error:
        _fail(str(error))
    except (KeyboardInterrupt, typer.Abort):
        _interrupted()
    except OSError as error:
        if error.errno not in DISK_FAULTS:
            raise
        where = f" ({error.filename})" if error.filename else ""
        _fail(f"{error.strerror}{where}. What is done is kept; fix this and rerun the command.")
    except Exception as error:
        # Typer's usage errors carry their own formatting and exit code.
        if not hasattr(error, "show"):
            raise
        if hasattr(error, "message"):
            error.message = str(error.message).removeprefix("Value error, ")  # pydantic's words
        error.show()
        sys.exit(getattr(error, "exit_code", 2))
    if code == INTERRUPTED:  # Typer turns Ctrl-C into this code without a word
        _interrupted()
    sys.exit(code or 0)


def _speak_utf_8() -> None:
    """Begin anew in Python's UTF-8 mode where names of files would be taken for another encoding.

    What the terminal cannot show is replaced.
    """
    if sys.getfilesystemencoding() != "utf-8" and os.environ.get("PYTHONUTF8") != "1":
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def _fail(message: str) -> NoReturn:
    plain = False if os.environ.get("NO_COLOR") else None  # None: as the terminal can
    typer.secho("Error: ", fg="red", bold=True, err=True, nl=False, color=plain)
    shown = "".join(char if char == "\n" or not is_control(char) else "?" for char in message)
    typer.echo(shown, err=True)
    sys.exit(2)


def _interrupted() -> NoReturn:
    command = shlex.join(["bench", *sys.argv[1:]])
    typer.echo(f"\nInterrupted. Nothing done is lost; to go on, run again: {command}", err=True)
    sys.exit(INTERRUPTED)
