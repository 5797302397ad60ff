"""`bench import`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from almbench.domains import Domain
from almbench.errors import UserError

if TYPE_CHECKING:
    from almbench.results.imported import Foreign


def import_(
    scores: Annotated[
        list[str],
        typer.Argument(
            metavar="[CODEC=]FILE",
            help="Utterance scores of VERSA (JSON lines), one file per codec, named after its file "
            "unless told; or one JSON file of Codec-SUPERB.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FOLDER",
            help="Run folder. (default: runs/import-<first file>)",
        ),
    ] = None,
    domain: Annotated[
        Domain, typer.Option(help="What the sounds are, where the file does not say.")
    ] = "speech",
    testset: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name of the test set, for VERSA. (default: the domain)"),
    ] = None,
    rate: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="HZ",
            help="Sample rate of the sounds that VERSA scored: from 16000 on, its pesq is pesq_wb.",
        ),
    ] = None,
) -> None:
    """Make a run of scores that VERSA or Codec-SUPERB computed, to be compared and shown."""
    from almbench.cli.outcome import console, print_outcome
    from almbench.results.imported import write_imported
    from almbench.results.results import load_results

    foreign = _read(scores, domain, testset or domain, rate)
    root = output or Path("runs") / f"import-{foreign.files[0].stem}"
    write_imported(foreign, root, rate)
    mapped = [f"{m.key} ({m.same_as})" for m in foreign.metrics.values() if m.same_as]
    own = [m.name(foreign.source) for m in foreign.metrics.values() if not m.same_as]
    told = {
        "Defined as here": mapped,
        f"Defined by {foreign.source.name}": own,
        "Left out": foreign.left_out,
    }
    for what, names in told.items():
        if names:
            console.print(f"{what}: {', '.join(names)}", markup=False)
    raise typer.Exit(print_outcome(load_results(root)))


def _read(scores: list[str], domain: Domain, testset: str, rate: int | None) -> "Foreign":
    from almbench.names import safe_name
    from almbench.results.codec_superb import read_codec_superb
    from almbench.results.versa import read_versa

    files: dict[str, Path] = {}
    for text in scores:
        name, equals, path = text.partition("=")
        file = Path(path if equals else text)
        codec = safe_name(name if equals else file.stem)
        if codec in files:
            raise UserError(f"Two files are named {codec}: name the codecs, as in a={file}.")
        if not file.is_file():
            raise UserError(f"{file} is not a file.")
        files[codec] = file
    if len(files) == 1 and (content := _as_one_object(file)) is not None:
        return read_codec_superb(file, content, domain)
    return read_versa(files, safe_name(testset), domain, rate)


def _as_one_object(file: Path) -> dict[str, object] | None:
    """What a file of Codec-SUPERB holds; None where it is none: JSON lines, or a line of VERSA."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except json.JSONDecodeError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{file} cannot be read: {error}.") from error
    return content if isinstance(content, dict) and "key" not in content else None
