"""A suite out of folders: ready reconstructions against their originals."""

import re
import tomllib
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from almbench.codecs.reconstructions import facts_of_codes
from almbench.errors import UserError
from almbench.names import ORIGINAL, ascii_name, readable
from almbench.suite.config import CodecConfig, Suite, TestSetConfig

FORM = "[LABEL=]FOLDER[@RATEkbps]"


@dataclass(frozen=True)
class Given:
    """A folder of reconstructions, and what is told of it.

    Attributes:
        folder: The folder.
        label: Name for readers; empty for the folder's.
        kbps: Bitrate in kbps as stated; None where it is not.
    """

    folder: Path
    label: str = ""
    kbps: float | None = None

    @classmethod
    def parse(cls, text: str) -> "Given":
        """Read `[LABEL=]FOLDER[@RATEkbps]`; a folder that has such a name itself is that folder.

        Raises:
            UserError: It has another form, or there is no such folder.

        >>> Given.parse("Ours=.@0.41kbps")
        Given(folder=PosixPath('.'), label='Ours', kbps=0.41)
        """
        for pattern in (
            r"(?P<folder>.+)",
            r"((?P<label>[^=]+)=)?(?P<folder>.+?)(@(?P<kbps>[^@]+))?",
        ):
            found = re.fullmatch(pattern, text, re.DOTALL)
            if found and Path(found["folder"]).expanduser().is_dir():
                facts = found.groupdict()
                kbps = _kbps(facts["kbps"], text) if facts.get("kbps") else None
                return cls(Path(facts["folder"]).expanduser(), facts.get("label") or "", kbps)
        raise UserError(f"{text} is not a folder. Allowed: {FORM}, such as Ours=wavs@0.41kbps.")


def _kbps(text: str, given: str) -> float:
    number = text.strip().removesuffix("kbps").strip()
    if not re.fullmatch(r"\d+(\.\d+)?", number) or not float(number):
        raise UserError(f"{given}: '{text}' is not a bitrate in kbps. Allowed: {FORM}.")
    return float(number)


def suite_from_folders(
    reference: Path,
    reconstructions: list[Given],
    domain: str,
    match: str = "{clip}",
    *,
    cut_longer: bool = False,
) -> Suite:
    """Make a suite that scores folders of files against a folder of originals.

    Files belong together by their names without extension. A codec is named after its folder, or,
    where the folders' names are alike, after what tells their paths apart. Codes beside the sounds
    (`NAME.npz`) that say their codebooks give a bitrate.

    Args:
        reference: Folder of the originals.
        reconstructions: Folders of reconstructions.
        domain: speech, sound or music.
        match: How reconstructions are named after the originals, such as `{clip}_recon`.
        cut_longer: Whether reconstructions much longer than their originals are cut, not failed.

    Raises:
        UserError: A folder does not exist, or is given twice.
    """
    if not reference.is_dir():
        raise UserError(f"{reference} is not a folder.")
    resolved = [given.folder.resolve() for given in reconstructions]
    if len(set(resolved)) < len(resolved):
        raise UserError("A folder of reconstructions is given twice.")
    name = ascii_name(reference.resolve().name)
    if name.lower() == ORIGINAL:
        name = f"{name}s"
    found = _labels(resolved)
    labels = [given.label or label for given, label in zip(reconstructions, found, strict=True)]
    longer = {"cut_longer": True} if cut_longer else {}
    codecs = [
        CodecConfig(
            id=id_,
            adapter="reconstructions",
            label=label,
            **_bitrate(folder, given.kbps, {"path": str(folder), "match": match, **longer}),
        )
        for id_, label, folder, given in zip(
            _ids(labels), labels, resolved, reconstructions, strict=True
        )
    ]
    testset = TestSetConfig.model_validate(
        {"name": name, "domain": domain, "path": str(reference.resolve()), "layout": "folder"}
    )
    return Suite(
        name=ascii_name("-".join(["score", name, *(codec.id for codec in codecs)])),
        title=f"Reconstructions of {readable(reference.resolve().name)}",
        testset=[testset],
        codec=codecs,
    )


def give_codes(codec: CodecConfig, folder: Path) -> bool:
    """Let a codec of ready files have its codes from a folder, if its files say their codebooks.

    Args:
        codec: The codec.
        folder: The folder of the codes, named after the clips.

    Returns:
        Whether they do: they need the size of each codebook and the frame rate.
    """
    facts = facts_of_codes(folder)
    if facts:
        bitrate = codec.options.pop("bitrate", None)
        codec.stated_kbps = bitrate / 1000 if bitrate else codec.stated_kbps
        codec.options |= {"codes": str(folder.resolve()), **facts}
    return bool(facts)


def check_same_folders(suite: Suite, held: Path) -> None:
    """Refuse to score into the run of a comparison that has other folders by the same names.

    Args:
        suite: What is to be scored.
        held: The resolved suite of the run folder, which may not be there.

    Raises:
        UserError: It has others, or is damaged.
    """
    if not held.is_file():
        return
    try:
        old = Suite.model_validate(tomllib.loads(held.read_text(encoding="utf-8")))
    except (ValueError, RecursionError, OSError) as error:
        raise UserError(
            f"{held} is damaged. To fix: remove it, if this folder is to be gone on with, or "
            "choose another -o."
        ) from error
    paths: dict[str, Any] = {testset.name: testset.path for testset in old.testset}
    paths |= {codec.id: codec.options.get("path") for codec in old.codec}
    wanted: dict[str, Any] = {testset.name: testset.path for testset in suite.testset}
    wanted |= {codec.id: codec.options["path"] for codec in suite.codec}
    for name, path in wanted.items():
        if paths.get(name, path) != path:
            raise UserError(
                f"{held.parent} compares other folders: '{name}' there is {paths[name]}, not "
                f"{path}. Choose another run folder: -o {held.parent}-2"
            )


def _bitrate(folder: Path, kbps: float | None, options: dict[str, Any]) -> dict[str, Any]:
    """Options with what tells the bitrate: the codebooks of codes beside the sounds, or as stated.

    Args:
        folder: The folder of reconstructions.
        kbps: As stated.
        options: Further options.
    """
    if codes := facts_of_codes(folder):
        return {"options": options | codes, "stated_kbps": kbps}
    return {"options": options | ({"bitrate": kbps * 1000} if kbps else {})}


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
