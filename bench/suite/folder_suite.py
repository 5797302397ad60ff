"""A suite out of folders: ready reconstructions against their originals."""

from itertools import takewhile
from pathlib import Path

from almbench.errors import UserError
from almbench.names import ORIGINAL, ascii_name, readable
from almbench.suite.config import CodecConfig, Suite, TestSetConfig


def suite_from_folders(
    reference: Path, reconstructions: list[Path], domain: str, match: str = "{clip}"
) -> Suite:
    """Make a suite that scores folders of files against a folder of originals.

    Files belong together by their names without extension. A codec is named after its folder, or,
    where the folders' names are alike, after what tells their paths apart.

    Args:
        reference: Folder of the originals.
        reconstructions: Folders of reconstructions.
        domain: speech, sound or music.
        match: How reconstructions are named after the originals, such as `{clip}_recon`.

    Raises:
        UserError: A folder does not exist, or is given twice.
    """
    for folder in [reference, *reconstructions]:
        if not folder.is_dir():
            raise UserError(f"{folder} is not a folder.")
    resolved = [folder.resolve() for folder in reconstructions]
    if len(set(resolved)) < len(resolved):
        raise UserError("A folder of reconstructions is given twice.")
    name = ascii_name(reference.resolve().name)
    labels = _labels(resolved)
    codecs = [
        CodecConfig(
            id=id_,
            adapter="reconstructions",
            label=label,
            options={"path": str(folder), "match": match},
        )
        for id_, label, folder in zip(_ids(labels), labels, resolved, strict=True)
    ]
    testset = TestSetConfig.model_validate(
        {"name": name, "domain": domain, "path": str(reference.resolve()), "layout": "folder"}
    )
    return Suite(
        name=f"score-{name}",
        title=f"Reconstructions of {readable(reference.resolve().name)}",
        testset=[testset],
        codec=codecs,
    )


def _labels(folders: list[Path]) -> list[str]:
    """The folders' names, or, where two are alike, what is between the common ends of the paths."""
    names = [readable(folder.name) for folder in folders]
    if len({name.casefold() for name in names}) == len(names):
        return names
    paths = [folder.parts for folder in folders]
    first = _shared(paths)
    last = _shared([parts[first:][::-1] for parts in paths])
    between = [parts[first : len(parts) - last] for parts in paths]
    return [
        readable("-".join(parts) or folder.name)
        for parts, folder in zip(between, folders, strict=True)
    ]


def _shared(paths: list[tuple[str, ...]]) -> int:
    """How many parts all paths begin with."""
    alike = takewhile(lambda parts: len(set(parts)) == 1, zip(*paths, strict=False))
    return sum(1 for _ in alike)


def _ids(labels: list[str]) -> list[str]:
    """Ids of codecs by their labels, all different, also where case does not count."""
    ids: list[str] = []
    for label in labels:
        base = id_ = ascii_name(label)
        number = 1
        while id_.casefold() in {ORIGINAL, *(taken.casefold() for taken in ids)}:
            number += 1
            id_ = f"{base}-{number}"
        ids.append(id_)
    return ids
