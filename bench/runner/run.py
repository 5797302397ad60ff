"""The main job: from a suite to a run folder, stage after stage, each of which resumes."""

import sys
import time
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread

from filelock import FileLock, Timeout

from almbench.codecs.reconstructions import Reconstructions
from almbench.devices import Device, choose, cpu_count
from almbench.errors import UserError
from almbench.names import ORIGINAL
from almbench.progress import display, note
from almbench.results.checksums import write_checksums
from almbench.results.manifest import PeakMemory, RunRecord, write_manifest
from almbench.results.records import OriginalRow, ReconstructionRow, read_rows, unchanged
from almbench.results.results import Results
from almbench.results.runfolder import RunFolder
from almbench.results.tables import build_tables, write_tables
from almbench.runner.attachments import keep_attachments
from almbench.runner.calls import read_calls, recorded_call
from almbench.runner.forecast import Forecast, forecast
from almbench.runner.originals import import_originals
from almbench.runner.plan import AnyCodec, Plan, PlannedTestSet, make_plan
from almbench.runner.provenance import make_manifest, testset_record, write_suite
from almbench.runner.reconstruct import Reconstructor
from almbench.runner.scoring import Scorer
from almbench.runner.warm import WarmServer
from almbench.suite.config import Suite
from almbench.suite.testsets import Clip


@dataclass(frozen=True)
class Shard:
    """Part `index` of `count` of the clips, counted from 1."""

    index: int = 1
    count: int = 1

    @property
    def suffix(self) -> str:
        """Suffix of the shard's rows files."""
        return "" if self.count == 1 else f"-{self.index}of{self.count}"

    def of(self, clips: list[Clip]) -> list[Clip]:
        """Every `count`-th clip."""
        return clips[self.index - 1 :: self.count]


def run_suite(
    suite: Suite,
    root: Path,
    device: str = "auto",
    workers: int | None = None,
    shard: Shard = Shard(),
    objects: Mapping[str, AnyCodec] | None = None,
    server: WarmServer | None = None,
) -> Results:
    """Do all that a suite asks for and is not done yet; write rows, tables and manifest.

    Args:
        suite: A suite with its data folders filled in.
        root: The run folder; made if absent, gone on with if there.
        device: auto, cpu or cuda.
        workers: Scoring processes; all usable cores by default.
        shard: The part of the clips to do.
        objects: Adapters that are made already, by the id of their codec in the suite.
        server: Starts the scoring processes; ended with the run. One is made if none is given.

    Raises:
        UserError: Something named does not exist, or another process works on this run.
    """
    with server or WarmServer() as started:
        return _run(suite, root, device, workers or cpu_count(), shard, objects, started)


def _run(
    suite: Suite,
    root: Path,
    device: str,
    workers: int,
    shard: Shard,
    objects: Mapping[str, AnyCodec] | None,
    server: WarmServer,
) -> Results:
    plan = make_plan(suite, objects)
    used = any(
        getattr(c.codec, "uses_device", False) and not c.record.missing
        for t in plan.testsets
        for c in t.codecs
    )
    chosen = choose(device, used=used)
    folder = RunFolder(root)
    _check_folder(folder, suite.name)
    with _only_one(folder, shard):
        plan = replace(plan, suite=keep_attachments(plan.suite, folder))
        write_suite(plan, folder)
        for testset in plan.testsets:
            note(f"{testset.name}: {testset_record(testset, plan, {}).took}")
        with recorded_call(folder, chosen.name, workers, f"{shard.index}/{shard.count}"):
            run = _stages(plan, folder, chosen, workers, shard, server)
        run = run.model_copy(update={"calls": read_calls(folder)})
        manifest = make_manifest(plan, folder, run)
        write_tables(build_tables(folder, manifest), folder)
        write_manifest(manifest, folder)
        write_checksums(folder)
    return Results(folder, manifest)


def foresee(
    suite: Suite, root: Path, workers: int | None = None, shard: Shard = Shard()
) -> tuple[Plan, Forecast]:
    """Say what `run_suite` would do; nothing is written, and nothing is fetched.

    Args:
        suite: A suite with its data folders filled in.
        root: The run folder.
        workers: Scoring processes; all usable cores by default.
        shard: The part of the clips to do.

    Raises:
        UserError: As of `run_suite`.
    """
    plan = make_plan(suite, network=False)
    folder = RunFolder(root)
    _check_folder(folder, suite.name)
    workers = workers or cpu_count()
    scorer = Scorer(folder, plan.testsets, workers, shard.suffix, lambda _: None, lambda _: None)
    reconstructor = Reconstructor(folder, Device("cpu"), shard.suffix, lambda *_: None)
    work = [(testset, shard.of(testset.clips)) for testset in plan.testsets]
    return plan, forecast(folder, work, reconstructor, scorer, workers)


def _stages(
    plan: Plan, folder: RunFolder, device: Device, workers: int, shard: Shard, server: WarmServer
) -> RunRecord:
    begin_s = time.perf_counter()
    work: list[tuple[PlannedTestSet, list[Clip]]] = [(t, shard.of(t.clips)) for t in plan.testsets]
    with display() as begin:
        bar = begin("Originals", sum(len(clips) for _, clips in work), "clips")
        import_originals(
            folder,
            [(t.name, c) for t, cs in work for c in cs],
            shard.suffix,
            lambda kept: (bar.keep if kept else bar.advance)(),
        )
        usable = [(t, len(cs) * len(t.usable)) for t, cs in work]
        cases = begin("Reconstructing", sum(count for _, count in usable), "clips")
        scores = begin(
            "Scoring",
            sum(n * Scorer.scores_of(t) for t, n in usable)
            + sum(len(cs) * Scorer.scores_of(t, ORIGINAL) for t, cs in work),
            "scores",
        )
        scorer = Scorer(folder, plan.testsets, workers, shard.suffix, scores.advance, scores.keep)
        originals = read_rows(folder.root, OriginalRow)
        for testset, clips in work:
            for clip in clips:
                scorer.offer(unchanged(originals[testset.name, clip.id]))
        out = {c.record.id for t in plan.testsets for c in t.codecs if c.record.missing}

        def on_row(row: ReconstructionRow, kept: bool) -> None:
            if row.codec not in out:
                (cases.keep if kept else cases.advance)()
                scorer.offer(row)

        reconstructor = Reconstructor(folder, device, shard.suffix, on_row)
        start = time.perf_counter()
        if device.kind == "cpu" and _times_codecs(plan):
            # One after the other: scoring beside it would slow the codecs that are being timed.
            server.context()
            reconstructor.run(work)
            scorer.close()
            start = time.perf_counter()
            scores.begin()
            scorer.run(server)
        else:
            _beside(reconstructor, work, scorer, server)
        seconds = time.perf_counter() - start
    server.stop()  # whose processes count among the children then
    return RunRecord(
        device=device.name,
        workers=workers,
        seconds=round(time.perf_counter() - begin_s, 3),
        scored_pairs=scorer.times.pairs,
        scoring_s=round(seconds, 3),
        scoring_busy_s=round(scorer.times.busy, 3),
        scoring_loading_s=round(scorer.times.loading, 3),
        scoring_in_metrics_s=round(scorer.times.in_metrics, 3),
        codecs=reconstructor.usage,
        peak_memory_mb=_peak_memory(),
    )


def _times_codecs(plan: Plan) -> bool:
    """Whether a codec runs, and not only ready files are read."""
    usable = (codec for testset in plan.testsets for codec in testset.usable)
    return any(not isinstance(codec.codec, Reconstructions) for codec in usable)


def _beside(
    reconstructor: Reconstructor,
    work: list[tuple[PlannedTestSet, list[Clip]]],
    scorer: Scorer,
    server: WarmServer,
) -> None:
    """Reconstruct in a thread, which waits for the device or for files, and score meanwhile."""
    errors: list[BaseException] = []

    def reconstruct() -> None:
        try:
            reconstructor.run(work)
        except BaseException as error:
            errors.append(error)
        finally:
            scorer.close()

    thread = Thread(target=reconstruct, daemon=True)
    thread.start()
    scorer.run(server)
    thread.join()
    if errors:
        raise errors[0]


def _peak_memory() -> PeakMemory | None:
    """Peak resident memory of this process, and of the largest of its children; none on Windows."""
    try:
        import resource
    except ImportError:
        return None
    unit = 2**20 if sys.platform == "darwin" else 2**10  # macOS counts in bytes, others in KiB
    return PeakMemory(
        main=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit,
        largest_worker=resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // unit,
    )


def _check_folder(folder: RunFolder, name: str) -> None:
    """Refuse to mix a run with other files, or with the run of another suite."""
    if folder.root.exists() and not folder.root.is_dir():
        raise UserError(f"{folder.root} is a file; -o takes a folder.")
    if folder.suite.is_file():
        try:
            held = tomllib.loads(folder.suite.read_text(encoding="utf-8"))["name"]
        except (ValueError, KeyError, RecursionError, OSError) as error:
            raise UserError(
                f"{folder.suite} is damaged. To fix: remove it, if this folder is to be gone on "
                "with, or choose another -o."
            ) from error
        if held != name:
            raise UserError(
                f"{folder.root} holds a run of suite '{held}', not '{name}'. Choose another -o."
            )
    elif folder.root.is_dir() and any(p.name[0] != "." for p in folder.root.iterdir()):
        raise UserError(f"{folder.root} holds other files than a run. Choose another -o.")


@contextmanager
def _only_one(folder: RunFolder, shard: Shard) -> Iterator[None]:
    """Hold the run folder, so that two processes do not do the same work twice."""
    folder.root.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.root / f".lock{shard.suffix}")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise UserError(
            f"Another process is working on {folder.root}. Wait for it, or choose another -o."
        ) from error
    try:
        yield
    finally:
        lock.release()
