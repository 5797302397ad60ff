"""A suite out of folders: ready reconstructions against their originals."""

from pathlib import Path

from almbench.errors import UserError
from almbench.names import ORIGINAL, safe_name
from almbench.suite.config import CodecConfig, Suite, TestSetConfig


def suite_from_folders(reference: Path, reconstructions: list[Path], domain: str) -> Suite:
    """Make a suite that scores folders of files against a folder of originals.

    Files belong together by their names without extension. A codec is named after its folder.

    Args:
        reference: Folder of the originals.
        reconstructions: Folders of reconstructions.
        domain: speech, sound or music.

    Raises:
        UserError: A folder does not exist, or is given twice.
    """
    for folder in [reference, *reconstructions]:
        if not folder.is_dir():
            raise UserError(f"{folder} is not a folder.")
    resolved = [folder.resolve() for folder in reconstructions]
    if len(set(resolved)) < len(resolved):
        raise UserError("A folder of reconstructions is given twice.")
    name = _name(reference.resolve().name)
    codecs = [
        CodecConfig(id=id_, adapter="reconstructions", label=id_, options={"path": str(folder)})
        for id_, folder in zip(_ids(resolved), resolved, strict=True)
    ]
    testset = TestSetConfig.model_validate(
        {"name": name, "domain": domain, "path": str(reference.resolve()), "layout": "folder"}
    )
    return Suite(
        name=f"score-{name}",
        title=f"Reconstructions of {reference.name}",
        testset=[testset],
        codec=codecs,
    )


def _ids(folders: list[Path]) -> list[str]:
    """Name codecs after their folders, with the parent's name where two are alike."""
    short = [_name(folder.name) for folder in folders]
    if len({id_.lower() for id_ in [*short, ORIGINAL]}) == len(short) + 1:
        return short
    return [_name(f"{folder.parent.name}-{folder.name}") for folder in folders]


def _name(text: str) -> str:
    name = safe_name(text).encode("ascii", errors="ignore").decode().lstrip("._-")
    return name[:70] or "set"
