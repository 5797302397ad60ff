"""How often a run was called, and for how long: the file `calls.jsonl` of its folder."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from pydantic import ValidationError

from almbench.results.manifest import CallRecord
from almbench.results.records import open_lines
from almbench.results.runfolder import RunFolder


@contextmanager
def recorded_call(folder: RunFolder, device: str, workers: int, shard: str) -> Iterator[None]:
    """Record a call of a run: that it began, and, however it ends, its seconds.

    Args:
        folder: The run folder, which is there.
        device: What neural codecs run on.
        workers: Scoring processes.
        shard: The part of the clips, such as "1/4"; "1/1" for all.
    """
    started = datetime.now(UTC).isoformat(timespec="milliseconds")
    call = CallRecord(started=started, shard=shard, device=device, workers=workers)
    begin = time.perf_counter()
    _append(folder, call)
    try:
        yield
    finally:
        seconds = round(time.perf_counter() - begin, 3)
        _append(folder, call.model_copy(update={"seconds": seconds}))


def _append(folder: RunFolder, call: CallRecord) -> None:
    with open_lines(folder.calls) as file:
        file.write(call.model_dump_json() + "\n")


def read_calls(folder: RunFolder) -> tuple[CallRecord, ...]:
    """Read the calls of a run, in their order; damaged lines are passed over."""
    calls: dict[tuple[str, str], CallRecord] = {}
    for line in folder.calls.read_bytes().splitlines() if folder.calls.is_file() else []:
        try:
            call = CallRecord.model_validate_json(line)
        except ValidationError:
            continue
        calls[call.started, call.shard] = call
    return tuple(calls.values())
