"""How often a run was called, and for how long: the folder `calls` of its folder."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from pydantic import ValidationError

from almbench.atomic import write_atomically
from almbench.results.run_record import CallRecord, UsageRecord
from almbench.results.runfolder import RunFolder


@contextmanager
def recorded_call(
    folder: RunFolder, device: str, workers: int, worker: str
) -> Iterator[dict[str, UsageRecord]]:
    """Record a call of a run: that it began, and, however it ends, its seconds.

    Args:
        folder: The run folder.
        device: What neural codecs run on.
        workers: Scoring processes.
        worker: Which process it is: several may work on a run at once.

    Yields:
        What codecs took of the machine, by their id, to be filled by the caller.
    """
    now = datetime.now(UTC)
    path = folder.calls / f"{now:%Y%m%dT%H%M%S.%f}-{worker}.json"
    started = now.isoformat(timespec="milliseconds")
    call = CallRecord(started=started, worker=worker, device=device, workers=workers)
    begin = time.perf_counter()
    write_atomically(path, call.model_dump_json().encode())
    usage: dict[str, UsageRecord] = {}
    try:
        yield usage
    finally:
        seconds = round(time.perf_counter() - begin, 3)
        done = call.model_copy(update={"seconds": seconds, "codecs": usage})
        write_atomically(path, done.model_dump_json().encode())


def read_calls(folder: RunFolder) -> tuple[CallRecord, ...]:
    """Read the calls of a run, in their order; damaged ones are passed over."""
    calls = []
    for path in sorted(folder.calls.glob("*.json")):
        try:
            calls.append(CallRecord.model_validate_json(path.read_bytes()))
        except ValidationError:
            continue
    return tuple(calls)
