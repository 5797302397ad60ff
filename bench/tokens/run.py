"""Compute token measures of codecs, in several processes; what is done already is kept."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from typing import Any
from uuid import uuid4

from pebble import ProcessExpired

from almbench.errors import UserError
from almbench.progress import note, stage
from almbench.results.codec_record import ORIGINALS
from almbench.results.failures import Fault, together
from almbench.results.probes import ProbeRecord, probe_table, read_probes
from almbench.results.row_files import Writer
from almbench.results.runfolder import RunFolder
from almbench.results.table_files import write_probes
from almbench.runner.processes import finished, scoring_processes
from almbench.tokens.measure import Effort, Measure
from almbench.tokens.sources import TokenSource
from almbench.tokens.units import DONE, Outcome, Unit, compute


def run_measures(
    folder: RunFolder,
    sources: Sequence[TokenSource],
    measures: Sequence[Measure[Any]],
    targets: Sequence[str],
    effort: Effort,
    workers: int = 1,
) -> list[ProbeRecord]:
    """Compute measures of codecs, write the records and the table `probes.csv`.

    Args:
        folder: Where the records are, and those of before.
        sources: The codecs on their test sets.
        measures: The measures.
        targets: Columns of labels; empty for each measure's own choice.
        effort: Seed and device.
        workers: Processes, each of which computes one measure of a codec at a time.

    Returns:
        The records of these sources and measures, those of before included.

    Raises:
        UserError: A process died, as where memory is short.
    """
    known = {record.key: record for record in read_probes(folder)}
    units = list(_units(sources, measures, targets, effort))
    found: dict[tuple[str, ...], ProbeRecord] = {}
    faults: dict[Fault, None] = {}
    before = {key: r.signature for key, r in known.items() if r.status in DONE}
    with (
        stage("Probing", len(units), "measures") as shown,
        Writer(folder.root, ProbeRecord) as rows,
    ):
        for unit, outcome in _computed(units, before, workers):
            faults.update(dict.fromkeys(outcome.faults))
            if outcome.record is None:
                shown.keep()
            else:
                rows.write(outcome.record)
                shown.advance()
            found[unit.key] = outcome.record or known[unit.key]
    for line in together(faults):
        note(f"Left out: {line}")
    write_probes(probe_table(read_probes(folder)), folder)
    return [found[unit.key] for unit in units]


def _units(
    sources: Sequence[TokenSource],
    measures: Sequence[Measure[Any]],
    targets: Sequence[str],
    effort: Effort,
) -> Iterator[Unit]:
    call = uuid4().hex
    by_set: dict[str, list[TokenSource]] = {}
    for source in sources:
        by_set.setdefault(source.clips.testset, []).append(source)
    for of_set in by_set.values():
        clips = of_set[0].clips
        chosen = [(m, t) for m in measures for t in m.targets(clips, targets)]
        for measure, target in chosen:
            if clips.read_sound and type(measure).baseline is not Measure.baseline:
                yield Unit(measure, target, clips, ORIGINALS.label, effort, call)
        for source in of_set:
            for measure, target in chosen:
                if source.has_codes or not measure.needs_codes:
                    yield Unit(measure, target, source, source.label, effort, call)


def _computed(
    units: Sequence[Unit], before: dict[tuple[str, ...], str], workers: int
) -> Iterator[tuple[Unit, Outcome]]:
    """Compute units, in the order in which they are done."""
    count = min(workers, len(units))
    if count < 2:
        for unit in units:
            yield unit, compute(unit, before.get(unit.key, ""))
        return
    with scoring_processes(count) as pool:
        left: dict[Future[Outcome], Unit] = {
            pool.schedule(compute, args=[unit, before.get(unit.key, "")]): unit for unit in units
        }
        while left:
            for future in finished(pool, left):
                try:
                    outcome = future.result()
                except ProcessExpired as error:
                    raise UserError(
                        f"A process that computed {left[future].told} ended at once: {error}. What "
                        "is done is kept. To fix: free memory, or take fewer processes "
                        f"({count} now, --workers 1 at least), and run again."
                    ) from error
                yield left.pop(future), outcome
