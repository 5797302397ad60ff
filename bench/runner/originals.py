"""Stage one: import the clips, so that the run folder holds all that is heard and scored."""

import hashlib
from collections.abc import Callable, Sequence

from almbench import policies
from almbench.audio import Sound, as_original, read, sha256, write_flac
from almbench.errors import AudioError
from almbench.results.records import OriginalRow, signature
from almbench.results.runfolder import RunFolder
from almbench.runner.ledger import Ledger
from almbench.runner.units import Unit, blocks
from almbench.suite.testsets import Clip


def original_units(testset: str, clips: Sequence[Clip]) -> dict[Unit, Sequence[Clip]]:
    """The units of importing a test set."""
    return {
        Unit(OriginalRow, testset, (), tuple(clip.id for clip in block)): block
        for block in blocks(clips)
    }


class Importer:
    """Stores each clip as mono FLAC and records its hash; what is there already is kept.

    Args:
        folder: The run folder.
        ledger: What is done, and the claims.
        advance: Called after each clip, with whether it was there already.
        is_spared: Whether the sound of a clip's row is needed no more.
    """

    def __init__(
        self,
        folder: RunFolder,
        ledger: Ledger,
        advance: Callable[[bool], None],
        is_spared: Callable[[OriginalRow, Clip], bool] = lambda *_: False,
    ) -> None:
        """Begin with nothing to do."""
        self._folder = folder
        self._ledger = ledger
        self._advance = advance
        self._is_spared = is_spared

    def run(self, units: dict[Unit, Sequence[Clip]]) -> None:
        """Import the clips of units; those of them that other workers have are left in `units`."""
        for unit, clips in list(units.items()):
            signed = {clip.id: sign(clip) for clip in clips}
            if all(self._is_settled(unit, clip, signed[clip.id]) for clip in clips):
                for _ in clips:
                    self._advance(True)
            elif self._ledger.take(unit):
                self._import_unit(unit, clips, signed)
            else:
                continue
            del units[unit]

    def _import_unit(self, unit: Unit, clips: Sequence[Clip], signed: dict[str, str]) -> None:
        rows: list[OriginalRow] = []
        try:
            for clip in clips:
                settled = self._is_settled(unit, clip, signed[clip.id])
                if not settled:
                    rows.append(_import(self._folder, unit.testset, clip, signed[clip.id]))
                self._advance(settled)
        finally:
            self._ledger.finish(unit, rows)

    def _is_settled(self, unit: Unit, clip: Clip, signed: str) -> bool:
        row = self._ledger.originals.get((unit.testset, clip.id))
        if row is None or row.signature != signed:
            return False
        if self._ledger.is_fresh(row) or is_kept(self._folder, row, signed):
            return True
        path = self._folder.original(unit.testset, clip.id)
        return row.status == "ok" and not path.is_file() and self._is_spared(row, clip)


def sign(clip: Clip) -> str:
    """Hash all that can change what is stored of a clip."""
    return signature(policies.VERSION, _source_hash(clip))


def _source_hash(clip: Clip) -> str:
    try:
        return sha256(clip.path) if clip.path.is_file() else ""
    except OSError:
        return ""  # reading it says why


def is_kept(folder: RunFolder, row: OriginalRow | None, signed: str) -> bool:
    """Whether the row of an earlier run still holds and its sound is there."""
    if row is None or row.status != "ok" or row.signature != signed:
        return False
    path = folder.original(row.testset, row.clip)
    return path.is_file() and sha256(path) == row.audio_sha256


def _import(folder: RunFolder, testset: str, clip: Clip, signed: str) -> OriginalRow:
    path = folder.original(testset, clip.id)
    try:
        sound = read(clip.path)
        samples, gain, bit_depth = as_original(sound.samples)
        write_flac(path, samples, sound.rate, bit_depth)
    except AudioError as error:
        path.unlink(missing_ok=True)
        return OriginalRow(
            testset=testset, clip=clip.id, status="failed", reason=str(error), signature=signed
        )
    return OriginalRow(
        testset=testset,
        clip=clip.id,
        status="ok",
        signature=signed,
        duration_s=sound.seconds,
        rate=sound.rate,
        channels=sound.channels,
        bit_depth=bit_depth,
        gain=gain,
        note="; ".join(filter(None, [sound.note, policies.note_gain(gain)])),
        samples_sha256=_samples_hash(sound),
        audio_sha256=sha256(path),
    )


def _samples_hash(sound: Sound) -> str:
    hashed = hashlib.sha256(str(sound.rate).encode())
    hashed.update(sound.samples.astype("<f4").tobytes())
    return hashed.hexdigest()
