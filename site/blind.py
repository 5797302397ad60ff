"""Blind tests on static pages: ABX, and MUSHRA after Recommendation ITU-R BS.1534-3.

A page's data knows each system by a number alone; what the numbers stand for lies in a script of
its own, the key.
"""

import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from statistics import mean
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

import soundfile as sf

from almbench.audio import read
from almbench.codecs.lowpass import STOP, Lowpass, LowpassOptions
from almbench.loudness import matching_gains
from almbench.names import ORIGINAL
from almbench.results.comparison import codec_label
from almbench.site.media import Sound, publish
from almbench.site.pages import Page, Site
from almbench.site.source import Run

Kind = Literal["abx", "mushra"]
CLIPS = 8
SHORTEST, LONGEST = 1.0, 12.0  # seconds
CUTOFFS = {"anchor-3.5": 3500.0, "anchor-7": 7000.0}  # Hz, BS.1534-3, 5.1
SYSTEMS = 9  # with the hidden reference and two anchors, the 12 stimuli that the standard allows
SECONDS_A_STIMULUS = 12  # a guess at what rating one takes


class Clip(NamedTuple):
    """A clip and its test set."""

    testset: str
    clip: str


@dataclass(frozen=True)
class BlindTest:
    """A test of a domain.

    Attributes:
        kind: ABX or MUSHRA.
        id: 16 hexadecimal digits that change with anything in the test.
        clips: How many clips it has.
        stimuli: How many stimuli a clip has, or systems there are to choose from.
        anchors: How many of the stimuli are low-pass anchors.
        left_out: Labels of the systems that are not in it, each with the reason.
        lacking: How many clips are not in it because a system in it has no sound of them.
        data: The data of its page.
    """

    kind: Kind
    id: str
    clips: int
    stimuli: int
    anchors: int
    left_out: list[str]
    lacking: int
    data: dict[str, Any]

    @property
    def minutes(self) -> int:
        """Roughly what it takes, training included."""
        return round((self.clips + 1) * self.stimuli * SECONDS_A_STIMULUS / 60) + 1

    @property
    def posts_to(self) -> str:
        """The origin that results are sent to; empty for none."""
        address = urlsplit(self.data["post"])
        return f"{address.scheme}://{address.netloc}" if self.data["post"] else ""


def blind_pages(site: Site) -> Iterator[Page]:
    """Make the blind tests of each domain; their anchors and keys are written into the site.

    A domain without a clip of 1 to 12 s that can be in a test has none.

    Args:
        site: What the site is made from.
    """
    for run in site.runs:
        for domain in run.domains:
            maker = _Maker(site, run, domain)
            for test in filter(None, (maker.abx(), maker.mushra())):
                address = site.page_of(run, f"{test.kind}-{domain}")
                values = {"run": run, "domain": domain, "test": test}
                yield Page(address, f"{test.kind}.html.j2", values)


class _Maker:
    def __init__(self, site: Site, run: Run, domain: str) -> None:
        self._site, self._run, self._domain = site, run, domain
        self._sounds = site.sounds[run.slug]
        self._seed = run.manifest.suite.seed
        tables = [table for table in run.tables if table.domain == domain]
        self._codecs = {codec.id: codec for table in tables for codec in table.codecs}
        sets = {table.testset for table in tables}
        self._clips = [
            Clip(testset, clip)
            for (testset, codec, clip), sound in self._sounds.items()
            if testset in sets and codec == ORIGINAL and _fits(sound)
        ]

    def abx(self) -> BlindTest | None:
        """Any two systems, one of which may be the original."""
        clips = self._choose([c for c in self._clips if any(self._has(c, s) for s in self._codecs)])
        systems = [ORIGINAL, *(s for s in self._codecs if any(self._has(c, s) for c in clips))]
        if not clips:
            return None
        pages = [
            {
                **self._facts(clip),
                "sounds": [
                    _stimulus(sound, sound.gain_db) if (sound := self._sound(clip, s)) else None
                    for s in systems
                ],
            }
            for clip in clips
        ]
        names = [{"id": s, "label": self._label(s)} for s in systems]
        return self._test("abx", pages, {"systems": names}, len(systems))

    def mushra(self) -> BlindTest | None:
        """Systems of the run against the hidden reference and the low anchors."""
        systems, left_out = self._systems()
        clips = self._choose(self._complete(systems))
        if not (clips and systems):
            return None
        rates = [sf.info(self._run.folder.original(*clip)).samplerate for clip in clips]
        anchors = [name for name, cutoff in CUTOFFS.items() if min(rates) >= 2 * STOP * cutoff]
        left_out += [
            f"{self._label(name)} (the clips hold no tones so high)"
            for name in CUTOFFS
            if name not in anchors
        ]
        pages, names = [], []
        for clip in clips:
            page, of_page = self._trial(clip, systems, anchors)
            pages.append(page)
            names.append(of_page)
        key = {"stimuli": names, "left_out": left_out}
        lacking = len(self._clips) - len(self._complete(systems))
        return self._test("mushra", pages, key, len(names[0]), len(anchors), lacking)

    def _trial(
        self, clip: Clip, systems: list[str], anchors: list[str]
    ) -> tuple[dict[str, Any], list[dict[str, str]]]:
        """A clip's part of the page and, in the same order, what its stimuli are."""
        heard = {s: self._sounds[clip.testset, s, clip.clip] for s in (ORIGINAL, *systems)}
        heard |= {name: self._anchor(heard[ORIGINAL], CUTOFFS[name]) for name in anchors}
        gains = matching_gains({s: sound.lufs for s, sound in heard.items()})
        # By address, which is a hash of the sound: an order that says nothing.
        order = sorted(heard, key=lambda s: (heard[s].address, s))
        page = {
            **self._facts(clip),
            "reference": order.index(ORIGINAL),
            "sounds": [_stimulus(heard[s], gains.get(s, 0.0)) for s in order],
        }
        roles = {ORIGINAL: "reference", **dict.fromkeys(anchors, "anchor")}
        names = [
            {"system": s, "role": roles.get(s, "system"), "label": self._label(s)} for s in order
        ]
        return page, names

    def _systems(self) -> tuple[list[str], list[str]]:
        """The systems of the MUSHRA test, and the labels of the others with the reasons.

        The anchors of the run are neither: the test has its own.
        """
        able = [s for s, c in self._codecs.items() if not c.anchor and s not in CUTOFFS]
        left_out = []
        while able and 2 * len(self._complete(able)) < len(self._clips):
            worst = min(able, key=lambda s: len(self._complete([s])))
            able.remove(worst)
            left_out.append(f"{self._label(worst)} (no sound for some clips)")
        chosen = self._spread(able)
        left_out += [f"{self._label(s)} (by lot)" for s in able if s not in chosen]
        return chosen, left_out

    def _complete(self, systems: list[str]) -> list[Clip]:
        """The clips that all systems have."""
        return [clip for clip in self._clips if all(self._has(clip, s) for s in systems)]

    def _spread(self, systems: list[str]) -> list[str]:
        """Draw one of each of `SYSTEMS` neighbourhoods on the axis of bitrates."""
        if len(systems) <= SYSTEMS:
            return systems
        ranked = sorted(systems, key=self._kbps)
        edges = [len(ranked) * i // SYSTEMS for i in range(SYSTEMS + 1)]
        draw = self._draw("systems")
        chosen = {draw.choice(ranked[a:b]) for a, b in pairwise(edges)}
        return [s for s in systems if s in chosen]

    def _kbps(self, system: str) -> float:
        """Nominal bitrate, else the measured one; endless where there is neither."""
        nominal = self._codecs[system].nominal_kbps
        if nominal is not None:
            return nominal
        rows = [row for row in self._run.clips if row.codec == system]
        rates = [row.measured_kbps for row in rows if row.measured_kbps is not None]
        return mean(rates) if rates else inf

    def _choose(self, clips: list[Clip]) -> list[Clip]:
        if len(clips) <= CLIPS:
            return clips
        chosen = set(self._draw("clips").sample(clips, CLIPS))
        return [clip for clip in clips if clip in chosen]

    def _draw(self, what: str) -> random.Random:
        return random.Random(f"{self._seed} {self._domain} {what}")  # noqa: S311

    def _sound(self, clip: Clip, system: str) -> Sound | None:
        return self._sounds.get((clip.testset, system, clip.clip))

    def _has(self, clip: Clip, system: str) -> bool:
        return self._sound(clip, system) is not None

    def _label(self, system: str) -> str:
        if system == ORIGINAL:
            return "Original"
        if system in CUTOFFS:
            return f"Low-pass {CUTOFFS[system] / 1000:g} kHz"
        return codec_label(self._codecs[system])

    def _facts(self, clip: Clip) -> dict[str, Any]:
        seconds = self._sounds[clip.testset, ORIGINAL, clip.clip].seconds
        return {"clip": "/".join(clip), "seconds": round(seconds, 3)}

    def _anchor(self, original: Sound, cutoff: float) -> Sound:
        """Low-pass a published original, and publish it like all sounds."""
        sound = read(self._site.out.root / original.address)
        lowpass = Lowpass("anchor", "", LowpassOptions(cutoff=cutoff))
        filtered = lowpass.decode(lowpass.encode([sound.samples], sound.rate), sound.rate)[0]
        return publish(filtered, sound.rate, self._site.out)

    def _test(
        self,
        kind: Kind,
        clips: list[dict[str, Any]],
        key: dict[str, Any],
        stimuli: int,
        anchors: int = 0,
        lacking: int = 0,
    ) -> BlindTest:
        definition = {
            "kind": kind,
            "title": self._run.title,
            "domain": self._domain,
            "clips": clips,
        }
        both = json.dumps([definition, key], sort_keys=True)
        id_ = hashlib.sha256(both.encode()).hexdigest()[:16]
        script = f"window.Almbench.key = {json.dumps(key)};\n"
        self._site.out.write(("tests", f"{id_}.key.js"), script.encode())
        original = 0 if kind == "abx" else clips[0]["reference"]
        data = {
            **definition,
            "test": id_,
            "volume": [clips[0]["sounds"][original]],
            "post": self._site.post_url,
        }
        left_out = key.get("left_out", [])
        return BlindTest(kind, id_, len(clips), stimuli, anchors, left_out, lacking, data)


def _fits(sound: Sound) -> bool:
    """Whether an original can be in a test: neither too short nor too long, nor silent."""
    return SHORTEST <= sound.seconds <= LONGEST and sound.lufs is not None


def _stimulus(sound: Sound, gain_db: float) -> dict[str, Any]:
    return {"url": sound.address, "gain": round(10 ** (gain_db / 20), 6)}
