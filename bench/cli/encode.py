"""`bench encode` and `bench decode`: sounds to codes and back, file by file."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from almbench.cli.options import (
    CheckpointOption,
    Device,
    DeviceOption,
    OptionOption,
    usable_codec,
)
from almbench.errors import UserError

if TYPE_CHECKING:
    from almbench.api.codec import LoadedCodec
    from almbench.codecs.base import Codec

SOUNDS = (".wav", ".flac")
CODES = (".npz",)
CodecOption = Annotated[
    str,
    typer.Option(
        "--codec", metavar="CODEC", help="A built-in preset, an adapter, or hf:ORG/NAME@K."
    ),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Write over files that exist.")]


def encode(
    files: Annotated[list[Path], typer.Argument(metavar="SOUND", help="Sound files.")],
    codec: CodecOption,
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE.npz|FOLDER",
            help="Where the codes go; several sounds need a folder.",
        ),
    ],
    checkpoint: CheckpointOption = None,
    option: OptionOption = None,
    device: DeviceOption = "auto",
    force: ForceOption = False,
) -> None:
    """Encode sound files to codes (.npz), as a run stores them."""
    targets = _targets(files, output, CODES, force=force)
    made = usable_codec(codec, option, checkpoint)
    if not made.spec.codebook_sizes:
        raise UserError(
            f"Codec '{codec}' has no codebooks: what its encoder makes has a form of its own, and "
            "is no codes. Its sound comes from a run (bench run), or from Python: "
            f"almbench.load_codec('{codec}').reconstruct('{files[0]}')"
        )

    def one(loaded: "LoadedCodec", sound: Path, codes: Path) -> str:
        encoded = loaded.encode_file(sound, codes)
        assert encoded.codes is not None  # noqa: S101 - for the type checker
        (books, frames), spec = encoded.codes.shape, loaded.spec
        seconds = encoded.length / (loaded.sample_rate or 1)
        kbps = (encoded.bits or 0) / 1000 / seconds if seconds else 0.0
        return (
            f"{codes}: codes [{books}, {frames}] of {spec.id} for {seconds:.2f} s, {kbps:.2f} kbps"
        )

    raise typer.Exit(_each(targets, made, device, one))


def decode(
    files: Annotated[list[Path], typer.Argument(metavar="CODES", help="Files of codes (.npz).")],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE.wav|FOLDER",
            help="Where the sound goes (.wav or .flac); several need a folder.",
        ),
    ],
    codec: Annotated[
        str | None,
        typer.Option(
            "--codec",
            metavar="CODEC",
            help="A built-in preset, an adapter, or hf:ORG/NAME@K. (default: as the files say)",
        ),
    ] = None,
    checkpoint: CheckpointOption = None,
    option: OptionOption = None,
    device: DeviceOption = "auto",
    force: ForceOption = False,
) -> None:
    """Decode codes that bench encode or a run wrote, or your own, to sound."""
    targets = _targets(files, output, SOUNDS, force=force)
    codec = codec or _codec_of(files)
    made = usable_codec(codec, option, checkpoint)
    if not made.spec.codebook_sizes:
        raise UserError(f"Codec '{codec}' has no codebooks: there are no codes to decode.")

    def one(loaded: "LoadedCodec", codes: Path, sound: Path) -> str:
        decoded = loaded.decode_file(codes, sound)
        return f"{sound}: {decoded.seconds:.2f} s at {decoded.rate} Hz"

    raise typer.Exit(_each(targets, made, device, one))


def _codec_of(files: list[Path]) -> str:
    """The preset or adapter that files of codes say they are of.

    Raises:
        UserError: A file cannot be read or names none, its codec is none of these, or two differ.
    """
    from almbench.codecs.builtin import PRESETS
    from almbench.codecs.codes_file import read_facts
    from almbench.codecs.registry import adapter_names
    from almbench.errors import CodecError, in_a_line

    said: dict[str, Path] = {}
    for path in files:
        try:
            name = read_facts(path).codec
        except CodecError as error:
            raise UserError(f"{path}: {error}") from error
        if name not in {*PRESETS, *adapter_names()}:
            of = f"is of '{in_a_line(name, 200)}', which is no codec here" if name else "names none"
            raise UserError(f"Which codec? {path} {of}. To fix: give --codec CODEC.")
        said.setdefault(name, path)
    if len(said) > 1:
        (one, first), (other, second), *_ = said.items()
        raise UserError(
            f"{first} is of '{one}' and {second} of '{other}'. To fix: decode the files of one "
            "codec at a time."
        )
    return next(iter(said))


def _targets(
    files: list[Path], output: Path, suffixes: Collection[str], *, force: bool
) -> dict[Path, Path]:
    """Say which file each file becomes.

    Raises:
        UserError: A file is not there, or a target cannot be, exists, or is that of two.
    """
    for path in files:
        if not path.is_file():
            what = "a folder: give its files" if path.is_dir() else "not there"
            raise UserError(f"{path} is {what}.")
    first = next(iter(suffixes))
    into = output.is_dir() or not output.suffix
    if not into and output.suffix.lower() not in suffixes:
        allowed = " or ".join(suffixes)
        raise UserError(f"-o {output} is neither a folder nor a file that ends in {allowed}.")
    if not into and len(files) > 1:
        raise UserError(f"-o {output} is one file, for {len(files)}: give a folder.")
    targets = {path: output / f"{path.stem}{first}" if into else output for path in files}
    taken: dict[Path, Path] = {}
    for path, target in targets.items():
        if (other := taken.setdefault(target, path)) != path:
            raise UserError(f"{other} and {path} would both become {target}.")
        if target.exists() and (not force or target.resolve() == path.resolve()):
            raise UserError(f"{target} is there already. To write over it: --force")
    return targets


def _each(
    targets: dict[Path, Path],
    codec: "Codec[Any]",
    device: Device,
    one: "Callable[[LoadedCodec, Path, Path], str]",
) -> int:
    """Do one file after the other; what one does wrong is said, and the others go on.

    Returns:
        The exit code: 0, or 1 where some failed, or 2 where all did.
    """
    from almbench.api.codec import LoadedCodec
    from almbench.checks.describe import describe_error

    failed = 0
    with LoadedCodec(codec, device) as loaded:
        for path, target in targets.items():
            try:
                typer.echo(one(loaded, path, target))
            except OSError:
                raise  # a full disk is no fault of this file
            except Exception as error:  # what an adapter does wrong costs this file
                failed += 1
                reason = describe_error(error, codec).removeprefix(f"{path.name} ")
                typer.echo(f"Error: {path.name}: {reason}", err=True)
    return 2 if failed == len(targets) else 1 if failed else 0
