"""A run as a MUSHRA test for webMUSHRA: a configuration, and the sounds as WAV files.

webMUSHRA's guide for experimenters, https://github.com/audiolabs/webMUSHRA/blob/master/doc/experimenter.md
"""

import hashlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import escape

from almbench.audio import Samples, fit, read, resample, to_integers
from almbench.domains import Domain
from almbench.errors import UserError, unknown
from almbench.interrupts import interrupts_deferred
from almbench.listening.design import MAX_CLIP_S, MIN_CLIP_S
from almbench.listening.mushra import MAX_SYSTEMS
from almbench.loudness import loudness, matching_gains
from almbench.names import ORIGINAL, safe_name
from almbench.results.manifest import SuiteRecord
from almbench.results.results import load_results
from almbench.results.runfolder import RunFolder
from almbench.results.table_rows import ClipRow
from almbench.suite.testsets import draw

RATE = 48_000  # Hz: what devices play at, so that no browser resamples by means of its own
FITTING = f"{MIN_CLIP_S:g} to {MAX_CLIP_S:g} s"


@dataclass(frozen=True)
class Exported:
    """A test of a domain.

    Attributes:
        config: The configuration.
        clips: How many clips it has.
        systems: How many systems a clip is heard through.
        notes: What is not in it, and why.
    """

    config: Path
    clips: int
    systems: int
    notes: list[str]


def export_webmushra(root: Path, output: Path, codecs: list[str], max_clips: int) -> list[Exported]:
    """Write a webMUSHRA test of each domain of a run.

    The folder's content goes into webMUSHRA's own: `configs/NAME.yaml` and the sounds below
    `configs/resources/NAME`. All sounds have one rate, those of a clip one length and one loudness;
    webMUSHRA makes the anchors. The run's own anchors are left out.

    Args:
        root: The run folder.
        output: Where to write.
        codecs: Only these; all by default.
        max_clips: So many clips per domain, drawn by the suite's seed.

    Raises:
        UserError: The folder is not a finished run, there is no such codec, a domain has more
            systems than a trial can hold, or nothing can be tested.
    """
    results = load_results(root)
    specs = results.manifest.codecs_by_id
    for id_ in codecs:
        if id_ not in specs:
            raise UserError(unknown("codec", id_, specs, f"in {root}"))
    chosen = codecs or [id_ for id_, codec in specs.items() if not codec.anchor]
    of_domains: dict[Domain, list[ClipRow]] = {}
    for row in results.clip_rows:
        of_domains.setdefault(row.domain, []).append(row)
    tests = [_Test(results.folder, rows, chosen) for rows in of_domains.values()]
    tests = [test for test in tests if test.complete]
    if not tests:
        raise UserError(
            f"{root} has nothing to test: no clip of {FITTING} has a sound of all of "
            f"{', '.join(chosen) or 'no codec'}. To fix: choose codecs with --codec."
        )
    for test in tests:
        test.check()
    return [test.write(output, results.manifest.suite, max_clips) for test in tests]


class _Test:
    """The test of a domain, from its rows of `clips.csv`."""

    def __init__(self, folder: RunFolder, rows: list[ClipRow], chosen: list[str]) -> None:
        self._folder, self._domain, self.notes = folder, rows[0].domain, list[str]()
        clips = list(dict.fromkeys((row.testset, row.clip) for row in rows))
        fitting = [clip for clip in clips if self._fits(*clip)]
        self._systems = []
        for system in chosen:
            if any(self._has(*clip, system) for clip in fitting):
                self._systems.append(system)
            elif any(row.codec == system for row in rows):
                self.notes.append(f"{system} left out: it has no sound")
        self.complete = [c for c in fitting if self._is_complete(*c)] if self._systems else []
        if lost := len(clips) - len(fitting):
            self.notes.append(f"{lost} clips left out: not of {FITTING}")
        if lost := len(fitting) - len(self.complete):
            self.notes.append(f"{lost} clips left out: some system has no sound of them")

    def check(self) -> None:
        """Refuse more systems than listeners can compare."""
        if len(self._systems) > MAX_SYSTEMS:
            raise UserError(
                f"The domain {self._domain} has {len(self._systems)} systems; a MUSHRA trial holds "
                f"{MAX_SYSTEMS} beside the reference and the anchors. To fix: choose some with "
                f"--codec: {', '.join(self._systems)}."
            )

    def write(self, output: Path, suite: SuiteRecord, max_clips: int) -> Exported:
        by_id = {"/".join(clip): clip for clip in self.complete}
        ids = draw(list(by_id), max_clips, suite.seed)
        if len(ids) < len(by_id):
            self.notes.append(f"{len(ids)} of {len(by_id)} clips drawn: --max-clips takes more")
        name = f"{safe_name(suite.name).lower()}-{self._domain}"
        resources = Path("configs", "resources", name)
        trials = []
        for id_ in ids:
            files = {
                system: _write_wav(output, resources, samples)
                for system, samples in self._sounds(*by_id[id_]).items()
            }
            trials.append({"id": id_, "reference": files.pop(ORIGINAL), "stimuli": files})
        config = output / "configs" / f"{name}.yaml"
        config.parent.mkdir(parents=True, exist_ok=True)
        title = f"{suite.title or suite.name}: {self._domain}"
        config.write_text(_render(name, title, trials), encoding="utf-8")
        return Exported(config, len(ids), len(self._systems), self.notes)

    def _fits(self, testset: str, clip: str) -> bool:
        path = self._folder.original(testset, clip)
        return path.is_file() and MIN_CLIP_S <= sf.info(path).duration <= MAX_CLIP_S

    def _is_complete(self, testset: str, clip: str) -> bool:
        return all(self._has(testset, clip, system) for system in self._systems)

    def _has(self, testset: str, clip: str, system: str) -> bool:
        return self._folder.audio(testset, system, clip).is_file()

    def _sounds(self, testset: str, clip: str) -> dict[str, Samples]:
        """The versions of a clip, of one rate, one length and, by attenuation, one loudness."""
        resampled = {}
        for system in (ORIGINAL, *self._systems):
            sound = read(self._folder.audio(testset, system, clip))
            resampled[system] = resample(sound.samples, sound.rate, RATE)
        length = len(resampled[ORIGINAL])
        aligned = {system: fit(samples, length) for system, samples in resampled.items()}
        gains = matching_gains({s: loudness(samples, RATE) for s, samples in aligned.items()})
        return {s: samples * 10 ** (gains.get(s, 0.0) / 20) for s, samples in aligned.items()}


def _write_wav(output: Path, folder: Path, samples: Samples) -> str:
    """Write a sound under a name that tells nothing; returns its path as webMUSHRA wants it."""
    integers, _ = to_integers(samples, 16)
    buffer = BytesIO()
    with interrupts_deferred():
        sf.write(buffer, integers.astype(np.int16), RATE, format="WAV", subtype="PCM_16")
    content = buffer.getvalue()
    path = folder / f"{hashlib.sha256(content).hexdigest()[:16]}.wav"
    (output / folder).mkdir(parents=True, exist_ok=True)
    (output / path).write_bytes(content)
    return path.as_posix()


def _render(name: str, title: str, trials: list[dict[str, Any]]) -> str:
    jinja = Environment(
        loader=PackageLoader("almbench.templates", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # webMUSHRA puts the content of pages into the document as HTML.
    welcome = f"<b>{escape(title)}</b>"
    template = jinja.get_template("webmushra.yaml.j2")
    return template.render(name=name, title=title, welcome=welcome, trials=trials) + "\n"
