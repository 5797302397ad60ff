"""The main job: from a suite to a run folder, stage after stage, each of which resumes."""

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from almbench.devices import Device, choose, cpu_count
from almbench.errors import UserError, unknown
from almbench.names import ORIGINAL
from almbench.progress import note
from almbench.results.checksums import write_checksums
from almbench.results.manifest import write_manifest
from almbench.results.results import Results
from almbench.results.row_files import join_parts
from almbench.results.run_record import RunRecord
from almbench.results.runfolder import RunFolder
from almbench.results.table_files import write_tables
from almbench.results.tables import build_tables
from almbench.runner.attachments import keep_attachments
from almbench.runner.calls import read_calls
from almbench.runner.claims import Claims
from almbench.runner.forecast import Forecast, forecast
from almbench.runner.keeping import Keeping, Kept
from almbench.runner.ledger import KINDS, Ledger
from almbench.runner.left_out import unlisted
from almbench.runner.plan import Plan, make_plan
from almbench.runner.planned_codecs import AnyCodec
from almbench.runner.provenance import make_manifest, suite_text, testset_record, write_suite
from almbench.runner.reconstruct import Reconstructor
from almbench.runner.scoring import Scorer
from almbench.runner.warm import WarmServer
from almbench.runner.work import Share, Work
from almbench.suite.config import Suite
from almbench.suite.load import load_suite


def run_suite(
    suite: Suite,
    root: Path,
    device: str = "auto",
    workers: int | None = None,
    objects: Mapping[str, AnyCodec] | None = None,
    server: WarmServer | None = None,
    batch: int | None = None,
) -> Results:
    """Do all that a suite asks for and is not done yet; write rows, tables and manifest.

    Other processes that run the same suite in the same folder share the work.

    Args:
        suite: A suite with its data folders filled in.
        root: The run folder; made if absent, gone on with if there.
        device: auto, cpu or cuda.
        workers: Scoring processes; all usable cores by default.
        objects: Adapters that are made already, by the id of their codec in the suite.
        server: Starts the scoring processes; ended with the run. One is made if none is given.
        batch: How many clips go through a codec at once; by default 1 on a CPU, 16 on a GPU.

    Raises:
        UserError: Something named does not exist, or another process works on this run and was
            asked for something else.
    """
    with server or WarmServer(suite.scored) as started:
        plan = make_plan(suite, objects)
        chosen = choose_device(plan, device, batch)
        folder = RunFolder(root)
        _check_folder(folder, suite.name)
        with joined(plan, folder) as (plan, claims):
            for testset in plan.testsets:
                note(f"{testset.name}: {testset_record(testset, plan, {}).took}")
            record = _work(plan, folder, chosen, workers, claims, started)
            return finish(plan, folder, record, claims)


def _work(
    plan: Plan,
    folder: RunFolder,
    device: Device,
    workers: int | None,
    claims: Claims,
    server: WarmServer,
) -> RunRecord:
    """Do what is to be done, and remove what need not stay."""
    work = Work(plan, folder, device, workers or cpu_count(), claims, server)
    record = work.run()
    with claims.held():
        if not (work.keeping.keeps_all or claims.others()):
            note(_kept_line(plan, work.keeping.tidy()))
    return record


def _kept_line(plan: Plan, kept: Kept) -> str:
    stays = sum(len(testset.kept or ()) for testset in plan.testsets)
    clips = sum(len(testset.clips) for testset in plan.testsets)
    line = (
        f"Kept the sounds of {stays} of {clips} clips (--keep-audio {plan.suite.keep_audio}) and "
        f"the codes and scores of all; {kept.gone} sounds are gone"
    )
    if kept.held:
        line += f"; {kept.held} more are there, as scores that they need may come another time"
    return line


def work_on(
    root: Path,
    device: str,
    workers: int | None,
    share: Share,
    server: WarmServer,
    batch: int | None = None,
) -> None:
    """Take part in a run that `bench submit` or an engine has begun; write no tables.

    Args:
        root: The run folder.
        device: auto, cpu or cuda.
        workers: Scoring processes; all usable cores by default.
        share: Which units to do.
        server: Starts the scoring processes; ended with the work.
        batch: How many clips go through a codec at once.

    Raises:
        UserError: There is no run, it has no such codec, or it is being gone on with for something
            else.
    """
    folder = RunFolder(root)
    if not folder.suite.is_file():
        raise UserError(f"{root} is no run folder: {folder.suite.name} is missing.")
    plan = make_plan(load_suite(str(folder.suite)))
    known = [ORIGINAL, *dict.fromkeys(c.record.id for t in plan.testsets for c in t.codecs)]
    for name in share.codecs or ():
        if name not in known:
            raise UserError(unknown("codec", name, known, f"in the run {root}"))
    chosen = choose_device(plan, device, batch)
    with server, joined(plan, folder) as (plan, claims):
        work = Work(plan, folder, chosen, workers or cpu_count(), claims, server, share)
        work.run()
        note(f"Units of work done here: {work.done}")


def begin_run(suite: Suite, root: Path) -> Plan:
    """Make the run folder of a suite, for workers to come.

    Raises:
        UserError: As of `run_suite`.
    """
    plan = make_plan(suite)
    folder = RunFolder(root)
    _check_folder(folder, suite.name)
    with joined(plan, folder) as (plan, _):
        return plan


def choose_device(plan: Plan, device: str, batch: int | None = None) -> Device:
    """Look up the device for a plan: auto, cpu or cuda, and how many clips go at once."""
    used = any(
        getattr(c.codec, "uses_device", False) and not c.record.missing
        for t in plan.testsets
        for c in t.codecs
    )
    return choose(device, used=used, batch=batch)


@contextmanager
def joined(plan: Plan, folder: RunFolder) -> Iterator[tuple[Plan, Claims]]:
    """Take part in the work on a run folder, which is made if it is not there.

    Yields:
        The plan with its pages in the run folder, and the claims.

    Raises:
        UserError: Other processes work on it, and were asked for something else.
    """
    folder.root.mkdir(parents=True, exist_ok=True)
    claims = Claims(folder.root)
    with ExitStack() as stack:
        with claims.held():
            prepared = replace(plan, suite=keep_attachments(plan.suite, folder))
            if claims.others() and folder.suite.read_bytes() != suite_text(prepared):
                raise UserError(
                    f"Another process is working on {folder.root} with other codecs, test sets, "
                    "metrics or settings. To fix: give the same, and both share the work; or wait "
                    "for it; or choose another -o."
                )
            write_suite(prepared, folder)
            stack.enter_context(claims)
        yield prepared, claims


def finish(plan: Plan, folder: RunFolder, run: RunRecord, claims: Claims) -> Results:
    """Write manifest and tables of all that is done by now."""
    with claims.held():
        if not claims.others():
            for torn in folder.root.rglob(".*.part"):  # of processes that were killed while writing
                torn.unlink(missing_ok=True)
            for kind in KINDS:
                join_parts(folder.root, kind)
        calls = read_calls(folder)
        ids = {c.record.id for t in plan.testsets for c in t.codecs}
        usage = {id_: used for call in calls for id_, used in call.codecs.items() if id_ in ids}
        run = run.model_copy(update={"calls": calls, "codecs": usage})
        manifest = make_manifest(plan, folder, run)
        write_tables(build_tables(folder, manifest), folder)
        write_manifest(manifest, folder)
        write_checksums(folder)
    return Results(folder, manifest)


def foresee(suite: Suite, root: Path, workers: int | None = None) -> tuple[Plan, Forecast]:
    """Say what `run_suite` would do; nothing is written, and nothing is fetched.

    Args:
        suite: A suite with its data folders filled in.
        root: The run folder.
        workers: Scoring processes; all usable cores by default.

    Raises:
        UserError: As of `run_suite`.
    """
    plan = make_plan(suite, network=False)
    folder = RunFolder(root)
    _check_folder(folder, suite.name)
    workers = workers or cpu_count()
    ledger = Ledger(folder)
    scorer = Scorer(folder, plan.testsets, workers, ledger, lambda _: None, lambda _: None)
    reconstructor = Reconstructor(folder, Device("cpu"), ledger, is_settled=scorer.is_settled)
    keeping = Keeping(folder, plan.testsets, ledger, scorer, reconstructor)
    found = forecast(folder, plan.testsets, reconstructor, scorer, workers, keeping)
    rows = ledger.reconstructions.values(), ledger.scores.values()
    found.left_out = unlisted(*rows, plan.testsets)
    return plan, found


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
