"""What comes out of a codec into the run folder: the sound as FLAC, and the codes."""

import numpy as np
from numpy.typing import NDArray

from almbench import policies
from almbench.audio import Sound, exact_bits, sha256, write_flac
from almbench.codecs.codes_file import CodesFacts, write_codes
from almbench.codecs.reconstructions import Reconstructions
from almbench.errors import AudioError, CodecError, Unavailable, describe
from almbench.results.records import ReconstructionRow, Status
from almbench.results.runfolder import RunFolder
from almbench.runner.tasks import Outcome, Task

CUT = "; to cut such files: bench score --cut-longer, or cut_longer = true of the codec"


def store(folder: RunFolder, outcome: Outcome) -> ReconstructionRow:
    """Store a sound and its codes; returns the row."""
    task, sound, error = outcome.task, outcome.sound, outcome.error
    path = folder.audio(task.testset, task.planned.record.id, task.clip)
    note = ""
    ready = isinstance(task.planned.codec, Reconstructions)
    if sound is not None:
        try:
            check = _check_sound(sound, task)
            note = "; ".join(filter(None, [outcome.note, sound.note, check]))
        except CodecError as unfit:
            error = unfit
    if sound is None or error is not None:
        path.unlink(missing_ok=True)
        status: Status = "unavailable" if isinstance(error, Unavailable) else "failed"
        return task.row(status, reason=describe(error))
    bit_depth = exact_bits(sound.samples) if ready else task.original.bit_depth
    try:
        clipped = write_flac(path, sound.samples, sound.rate, bit_depth)
    except AudioError as unfit:
        path.unlink(missing_ok=True)
        return task.row("failed", reason=str(unfit))
    if outcome.codes is not None:
        _store_codes(folder, task, outcome.codes, sound)
    stored = {"rate": sound.rate, "clipped": clipped, "audio_sha256": sha256(path)}
    return task.row("ok", note=note, **stored, **outcome.facts)


def _store_codes(folder: RunFolder, task: Task, codes: NDArray[np.int64], sound: Sound) -> None:
    record = task.planned.record
    bit_depth = task.original.bit_depth or 16
    facts = CodesFacts.of(record, sound.rate, len(sound.samples), bit_depth)
    write_codes(folder.codes(task.testset, record.id, task.clip), codes, facts)


def _check_sound(sound: Sound, task: Task) -> str:
    """Check a reconstruction before it is stored; returns what to note of it."""
    if not np.isfinite(sound.samples).all():
        raise CodecError("the reconstruction holds NaN or infinite samples")
    codec, wanted_s = task.planned.codec, task.original.duration_s or 0.0
    ready = codec if isinstance(codec, Reconstructions) else None
    cuts = ready is not None and ready.options.cut_longer
    fine, note = policies.check_length(wanted_s, sound.seconds, cut_longer=cuts)
    if not fine:
        raise CodecError(note + CUT if ready and sound.seconds > wanted_s else note)
    return note
