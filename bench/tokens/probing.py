"""What `bench probe` does: codes of a run, or of folders, through token measures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from almbench.errors import UserError, unknown
from almbench.progress import note
from almbench.results.checksums import write_checksums
from almbench.results.manifest import Manifest, read_manifest
from almbench.results.probes import ProbeRecord
from almbench.results.runfolder import RunFolder
from almbench.runner.planned_codecs import AnyCodec
from almbench.tokens.gaps import without_codes, without_files, without_labels
from almbench.tokens.kmeans import kmeans_source
from almbench.tokens.measure import USUAL, ClipSet, Effort, Measure
from almbench.tokens.registry import make_measure, measure_names
from almbench.tokens.run import run_measures
from almbench.tokens.sources import TokenSource, clips_of_run, run_codecs, sources_of_run
from almbench.tokens.token_files import Labels, TokenFolder, clips_of_files

NO_CODES = (
    "There are no codes to probe: no codec of the run has codes of its clips. To fix: give token "
    "files, named after the clips, by --codes [NAME=]FOLDER."
)


@dataclass(frozen=True)
class Wanted:
    """What of it all is wanted; an empty sequence is all.

    Attributes:
        measures: Names of measures.
        testsets: Names of test sets.
        codecs: Ids of codecs.
        targets: Columns of labels.
    """

    measures: Sequence[str] = ()
    testsets: Sequence[str] = ()
    codecs: Sequence[str] = ()
    targets: Sequence[str] = ()


@dataclass(frozen=True)
class Probed:
    """What was computed.

    Attributes:
        folder: Where the records and `probes.csv` are.
        records: The records that were asked for.
        not_continued: Why codecs have no continuations, where these were asked for.
    """

    folder: RunFolder
    records: list[ProbeRecord]
    not_continued: list[str] = field(default_factory=list)


def probe(
    root: Path,
    wanted: Wanted = Wanted(),
    *,
    folders: Sequence[TokenFolder] = (),
    labels: Labels | None = None,
    alone: bool = False,
    kmeans: int = 0,
    continued: int = 0,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    effort: Effort = USUAL,
    workers: int = 1,
    objects: Mapping[str, AnyCodec] | None = None,
) -> Probed:
    """Compute token measures, and write their records and `probes.csv` into a folder.

    Args:
        root: A run folder; with `alone`, the folder to write into.
        wanted: What of it all is wanted.
        folders: Token files of codecs that are not in the run.
        labels: Further labels of the clips.
        alone: Whether there is no run: `folders` and `labels` are all that is known.
        kmeans: Entries of a codebook of log-mel spectra to put beside the codecs; 0 for none.
        continued: How many clips of each codec a language model continues, to be heard.
        settings: Settings of measures, by their names.
        effort: Seed and device.
        workers: Processes, each of which computes one measure of a codec at a time.
        objects: Codecs of the run that are objects in this process, by their ids, which therefore
            does all by itself.

    Raises:
        UserError: A name is unknown, there are no codes, or a process died.
    """
    known = measure_names()
    for kind, names in (("measure", wanted.measures), ("measure", settings or ())):
        for name in names:
            if name not in known:
                raise UserError(unknown(kind, name, known))
    made = [make_measure(name, (settings or {}).get(name, {})) for name in wanted.measures or known]
    folder = RunFolder(root)
    manifest = None if alone else read_manifest(folder)
    sources = (
        _of_run(folder, manifest, folders, labels, effort, objects or {})
        if manifest
        else _of_files(folders, labels)
    )
    needed = all(measure.needs_codes for measure in made)
    chosen = [s for s in _chosen(sources, wanted, made) if s.has_codes or not needed]
    if not chosen:
        raise UserError(NO_CODES)
    every, sets = _sets(sources), _sets(chosen)
    gaps = [*without_codes(manifest, chosen, made, wanted.codecs)] if manifest else []
    gaps += [line for given in folders for line in without_files(given, every)]
    gaps += without_labels(labels, every, sets) if labels else []
    for line in gaps:
        note(line)
    if kmeans:
        chosen += [kmeans_source(clips, kmeans, effort.seed) for clips in sets]
    records = run_measures(folder, chosen, made, wanted.targets, effort, 1 if objects else workers)
    reasons = _continued(folder, chosen, continued, settings or {}, effort) if continued else []
    if folder.checksums.is_file():
        write_checksums(folder)
    return Probed(folder, records, reasons)


def _sets(sources: Sequence[TokenSource]) -> list[ClipSet]:
    return list({source.clips.testset: source.clips for source in sources}.values())


def _continued(
    folder: RunFolder,
    sources: Sequence[TokenSource],
    clips: int,
    settings: Mapping[str, Mapping[str, Any]],
    effort: Effort,
) -> list[str]:
    from almbench.tokens.continuation import write_continuations

    model = make_measure("language", settings.get("language", {}))
    if missing := model.missing():
        raise UserError(missing)
    with_codes = [source for source in sources if source.has_codes]
    return write_continuations(folder, with_codes, model.settings, effort, clips)


def _of_files(folders: Sequence[TokenFolder], labels: Labels | None) -> list[TokenSource]:
    if not folders or labels is None:
        raise UserError("Without a run folder, --codes FOLDER and --labels FILE are needed.")
    clips = clips_of_files(folders, labels, labels.path.stem)
    return [folder.source(clips) for folder in folders]


def _of_run(
    folder: RunFolder,
    manifest: Manifest,
    folders: Sequence[TokenFolder],
    labels: Labels | None,
    effort: Effort,
    objects: Mapping[str, AnyCodec],
) -> list[TokenSource]:
    clipsets = clips_of_run(folder, manifest)
    ids = [clip.id for clips in clipsets for clip in clips.clips]
    for given in folders:
        given.check(ids)
    if labels:
        labels.check(ids, "the run")
        clipsets = [labels.added_to(clips) for clips in clipsets]
    sources: list[TokenSource] = []
    codecs = run_codecs(folder, manifest)
    codecs |= {id_: partial(_itself, codec) for id_, codec in objects.items()}
    for clips in clipsets:
        sources += sources_of_run(folder, manifest, clips, codecs, effort.device)
        here = {clip.id for clip in clips.clips}
        sources += [given.source(clips) for given in folders if here & set(given.files)]
    return sources


def _itself(codec: AnyCodec) -> AnyCodec:
    return codec


def _chosen(
    sources: list[TokenSource], wanted: Wanted, measures: Sequence[Measure[Any]]
) -> list[TokenSource]:
    """The sources of some test sets and codecs."""
    labels = {name for source in sources for name in source.clips.columns}
    labels |= {name for m in measures for s in sources for name in m.targets(s.clips, ())} - {""}
    for kind, names, known in (
        ("test set", wanted.testsets, {source.clips.testset for source in sources}),
        ("codec", wanted.codecs, {source.codec for source in sources}),
        ("label", wanted.targets, labels),
    ):
        for name in names:
            if name not in known:
                raise UserError(unknown(kind, name, known, "among those with codes"))
    return [
        source
        for source in sources
        if source.clips.testset in (wanted.testsets or [source.clips.testset])
        and source.codec in (wanted.codecs or [source.codec])
    ]
