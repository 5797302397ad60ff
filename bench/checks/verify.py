"""Verify a run that someone published: its files, its sounds, its tables and a sample of scores."""

import json
from collections.abc import Iterator
from concurrent.futures import TimeoutError as Late
from io import BytesIO
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
from pebble import ProcessExpired

from almbench.audio import sha256
from almbench.checks.finding import Finding
from almbench.errors import UserError
from almbench.metrics.registry import family_of, make_family
from almbench.results.cases import Case, RunRows, cases, original_cases, read_all
from almbench.results.checksums import files_of, read_checksums
from almbench.results.formats import TABLE_NAMES, TableName
from almbench.results.manifest import Manifest, read_manifest
from almbench.results.metric_record import MetricRecord
from almbench.results.probes import probe_table, read_probes
from almbench.results.records import OriginalRow, ReconstructionRow, ScoreRow, signature, unchanged
from almbench.results.row_files import read_rows
from almbench.results.runfolder import RunFolder
from almbench.results.table_files import csv_bytes, csv_parts
from almbench.results.tables import Tables, build_tables
from almbench.runner import worker
from almbench.runner.processes import finished, scoring_processes
from almbench.runner.scoring import time_limit
from almbench.runner.worker import MetricRequest, MetricResult, ScoringJob

TOLERANCE = 1e-6  # of a score, or of 1 where it is less: what another processor may round
SHOWN = 5  # differing cells of a table, at most


def verify(root: Path, sample: int, seed: int | None = None) -> Iterator[Finding]:
    """Verify a run folder.

    Args:
        root: The folder.
        sample: How many scores to compute anew.
        seed: Seed of the sample; None for another sample each time.

    Raises:
        UserError: It is not a finished run.
    """
    folder = RunFolder(root)
    manifest = read_manifest(folder)
    yield from _files(folder)
    yield from _manifest(folder, manifest)
    if not manifest.source:
        yield from _sounds(folder, manifest)
    try:
        tables = build_tables(folder, manifest)
        rows = read_all(folder)
        count = sum(1 for _ in _scored(rows, manifest))
    except (KeyError, ValueError) as error:
        text = f"the rows and the manifest make no tables: {type(error).__name__} {error}"
        yield Finding("tables", text, "FAIL")
        return
    yield from _tables(folder, tables)
    if manifest.source:
        text = f"{manifest.source.name} computed them; there is no sound to compute them anew from"
        yield Finding("scores", text, "info")
    else:
        chosen = set(np.random.default_rng(seed).permutation(count)[:sample].tolist())
        drawn = [one for i, one in enumerate(_scored(rows, manifest)) if i in chosen]
        yield from _scores(folder, manifest, drawn, count)


def _scored(rows: RunRows, manifest: Manifest) -> Iterator[tuple[Case, ScoreRow]]:
    """The scores that have a value, of sounds that were kept."""
    for case in chain(original_cases(rows, manifest), cases(rows, manifest)):
        if not case.testset.keeps(case.clip.id):
            continue
        for score in case.scores.values():
            if score.status == "ok" and score.metric in manifest.metrics_by_name:
                yield case, score


def _summed(check: str, wrong: list[str], right: str) -> Iterator[Finding]:
    """A finding for each thing that is wrong, or one that all is right."""
    yield from (Finding(check, one, "FAIL") for one in wrong)
    if not wrong:
        yield Finding(check, right, "pass")


def _held(path: Path, expected: str, name: str) -> str:
    """What is wrong with a file; empty for nothing."""
    if not path.is_file():
        return f"{name} is missing"
    found = sha256(path)
    return "" if found == expected else f"{name} has SHA-256 {found[:16]}, not {expected[:16]}"


def _files(folder: RunFolder) -> Iterator[Finding]:
    try:
        sums = read_checksums(folder).files
    except UserError as error:
        yield Finding("files", str(error), "FAIL")
        return
    root = folder.root.resolve()
    outside = [name for name in sums if not (root / name).resolve().is_relative_to(root)]
    wrong = [f"{name} lies outside of the run" for name in outside]
    wrong += [f"{name} has no checksum" for name in files_of(folder) if name not in sums]
    held = [_held(root / name, hash_, name) for name, hash_ in sums.items() if name not in outside]
    wrong += filter(None, held)
    yield from _summed("files", wrong, f"{len(sums)} files have their checksums")


def _manifest(folder: RunFolder, manifest: Manifest) -> Iterator[Finding]:
    suite = f"{folder.suite.name} of the manifest"
    wrong = [] if manifest.source else [_held(folder.suite, manifest.suite_sha256, suite)]
    rows = read_rows(folder.root, OriginalRow)
    for testset in manifest.testsets:
        keys = [(testset.name, clip.id) for clip in testset.clips]
        hashed = [(rows[key].clip, rows[key].samples_sha256) for key in keys if key in rows]
        if signature(hashed) != testset.data_hash:
            wrong.append(f"the clips of {testset.name} are not those that its data hash names")
    yield from _summed("manifest", list(filter(None, wrong)), "the suite and the clips are its own")


def _sounds(folder: RunFolder, manifest: Manifest) -> Iterator[Finding]:
    rows = [unchanged(row) for row in read_rows(folder.root, OriginalRow).values()]
    rows += read_rows(folder.root, ReconstructionRow).values()
    held, gone = [], 0
    for row in rows:
        path = folder.audio(row.testset, row.codec, row.clip)
        testset = manifest.testsets_by_name.get(row.testset)
        if row.status != "ok":
            continue
        if testset and not testset.keeps(row.clip) and not path.is_file():
            gone += 1
        else:
            held.append(_held(path, row.audio_sha256, str(path.relative_to(folder.root))))
    if gone:
        text = f"{gone} sounds were not kept, so nobody can hear them or compute their scores anew"
        yield Finding("sounds", text, "info")
    yield from _summed(
        "sounds", list(filter(None, held)), f"{len(held)} sounds are those of the rows"
    )


def _tables(folder: RunFolder, tables: Tables) -> Iterator[Finding]:
    wrong = []
    made: dict[TableName, pd.DataFrame] = {name: getattr(tables, name) for name in TABLE_NAMES}
    if probed := read_probes(folder):
        made["probes"] = probe_table(probed)
    elif folder.table("probes").is_file():
        wrong.append("no rows make probes.csv")
    for name, table in made.items():
        path = folder.table(name)
        if not path.is_file():
            wrong.append(f"{path.name} is missing")
        elif not _holds(path, table):
            wrong += _differences(path, csv_bytes(table))
    yield from _summed("tables", wrong, "the rows and the manifest make the same bytes")


def _holds(path: Path, table: pd.DataFrame) -> bool:
    """Whether a file is a table as CSV, byte for byte."""
    with path.open("rb") as file:
        same = all(file.read(len(piece)) == piece for piece in csv_parts(table))
        return same and not file.read(1)


def _differences(path: Path, content: bytes) -> list[str]:
    """The first cells of a table that differ from the one that the rows make."""
    made = pd.read_csv(BytesIO(content), dtype=str, keep_default_na=False)
    try:
        held = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (ValueError, UnicodeDecodeError) as error:
        return [f"{path.name} cannot be read: {error}"]
    if list(held.columns) != list(made.columns):
        return [f"{path.name} has other columns than the rows make"]
    if len(held) != len(made):
        return [f"{path.name} has {len(held)} rows; the run's rows make {len(made)}"]
    places = np.argwhere((held != made).to_numpy())
    if not len(places):
        return [f"{path.name} has the right cells and other bytes"]
    told = [
        f"{path.name} line {row + 2}, {held.columns[column]}: {held.iloc[row, column]!r}, "
        f"and the rows make {made.iloc[row, column]!r}"
        for row, column in places[:SHOWN]
    ]
    more = len(places) - len(told)
    return [*told, f"{path.name}: {more} more cells differ"] if more > 0 else told


def _scores(
    folder: RunFolder, manifest: Manifest, chosen: list[tuple[Case, ScoreRow]], count: int
) -> Iterator[Finding]:
    """Compute scores anew, of so many that there are, each in a process that may die."""
    wrong, right, other = [], 0, []
    with scoring_processes(1) as pool:
        for case, score in chosen:
            metric = manifest.metrics_by_name[score.metric]
            if reason := _incomparable(metric):
                other.append(f"{metric.name}: {reason}")
                continue
            job = _job(folder, case, metric)
            try:
                future = pool.schedule(worker.score_pair, [job], timeout=time_limit(job))
                while not finished(pool, [future]):
                    pass
                again = future.result().results[0]
            except (ProcessExpired, Late) as error:
                again = MetricResult(metric.name, None, "failed", type(error).__name__, 0.0)
            if fault := _compare(score, again):
                wrong.append(f"{case.testset.name}/{case.clip.id} by {case.codec.id}: {fault}")
            else:
                right += 1
    yield from (Finding("scores", reason, "info") for reason in dict.fromkeys(other))
    yield from _summed("scores", wrong, f"{right} of {count} scores come out the same again")


def _incomparable(metric: MetricRecord) -> str:
    """Why a score cannot be computed here as it was; empty where it can."""
    try:
        family = make_family(family_of(metric.name), metric.settings)
    except UserError as error:
        return str(error)
    if missing := family.missing():
        return missing
    if family.version() != metric.version:
        return f"computed by {metric.version}, and here is {family.version()}"
    return ""


def _job(folder: RunFolder, case: Case, metric: MetricRecord) -> ScoringJob:
    settings = json.dumps(metric.settings, sort_keys=True)
    return ScoringJob(
        testset=case.testset.name,
        clip=case.clip.id,
        codec=case.codec.id,
        text=case.clip.text,
        original=str(folder.original(case.testset.name, case.clip.id)),
        reconstruction=str(folder.audio(case.testset.name, case.codec.id, case.clip.id)),
        scoring_rate=case.testset.scoring_rate or 0,  # only imported runs have none
        requests=(MetricRequest(family_of(metric.name), settings, (metric.name,)),),
        duration_s=case.original.duration_s or 0.0,
    )


def _compare(score: ScoreRow, again: MetricResult) -> str:
    if again.value is None:
        return f"{score.metric} is {score.value}, and has no value here: {again.reason}"
    if score.value is None:
        return ""
    if abs(again.value - score.value) > TOLERANCE * max(1.0, abs(score.value)):
        return f"{score.metric} is {score.value}, and comes out as {again.value}"
    return ""
