"""Blind tests on static pages, one page per kind of test and domain.

A page's data knows each system by a number alone; what the numbers stand for lies in a script of
its own, the key.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import inf
from statistics import mean
from typing import Any
from urllib.parse import urlsplit

import soundfile as sf

from almbench.audio import read
from almbench.codecs.lowpass import Lowpass, LowpassOptions
from almbench.listening.design import Design, Material, Sound, System, TrialDesign
from almbench.listening.kinds import TestKind, load_kinds
from almbench.results.codec_names import name_codecs
from almbench.results.codec_record import CodecRecord
from almbench.site.media import publish
from almbench.site.pages import Page, Site
from almbench.site.source import Run


@dataclass(frozen=True)
class BlindTest:
    """A test of a domain.

    Attributes:
        kind: Its kind.
        id: 16 hexadecimal digits that change with anything in the test.
        design: What is in it.
        data: The data of its page.
    """

    kind: TestKind[Any]
    id: str
    design: Design
    data: dict[str, Any]

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
            material = _material(site, run, domain)
            for kind in load_kinds():
                design = kind.design(material)
                if design:
                    test = _test(site, run.title, domain, kind, design)
                    values = {"run": run, "domain": domain, "test": test}
                    yield Page(site.page_of(run, f"{kind.name}-{domain}"), kind.template, values)


def _material(site: Site, run: Run, domain: str) -> Material:
    tables = [table for table in run.tables if table.domain == domain]
    codecs = {codec.id: codec for table in tables for codec in table.codecs}
    testsets = {table.testset for table in tables}
    names = name_codecs(codecs.values())

    def lowpass(original: Sound, cutoff: float) -> Sound:
        sound = read(site.out.root / original.address)
        filter_ = Lowpass("anchor", "", LowpassOptions(cutoff=cutoff))
        filtered = filter_.decode(filter_.encode([sound.samples], sound.rate), sound.rate)[0]
        return publish(filtered, sound.rate, site.out)

    return Material(
        domain,
        run.manifest.suite.seed,
        {
            id_: System(names[id_].label, codec.anchor, _kbps(run, codec))
            for id_, codec in codecs.items()
        },
        {key: sound for key, sound in site.sounds[run.slug].items() if key[0] in testsets},
        lambda clip: sf.info(run.folder.original(*clip)).samplerate,
        lowpass,
    )


def _kbps(run: Run, codec: CodecRecord) -> float:
    """Nominal bitrate, else the measured one; infinite where there is neither."""
    if codec.nominal_kbps is not None:
        return codec.nominal_kbps
    rows = [row for row in run.clips if row.codec == codec.id]
    rates = [row.measured_kbps for row in rows if row.measured_kbps is not None]
    return mean(rates) if rates else inf


def _test(site: Site, title: str, domain: str, kind: TestKind[Any], design: Design) -> BlindTest:
    clips = [_page_data(trial) for trial in design.trials]
    definition = {"kind": kind.name, "title": title, "domain": domain, "clips": clips}
    both = json.dumps([definition, design.key], sort_keys=True)
    id_ = hashlib.sha256(both.encode()).hexdigest()[:16]
    script = f"window.Almbench.key = {json.dumps(design.key)};\n"
    site.out.write(("tests", f"{id_}.key.js"), script.encode())
    sample = clips[0]["sounds"][design.trials[0].reference or 0]
    data = {**definition, "test": id_, "volume": [sample], "post": site.post_url}
    return BlindTest(kind, id_, design, data)


def _page_data(trial: TrialDesign) -> dict[str, Any]:
    data = asdict(trial)
    if trial.reference is None:
        del data["reference"]
    return data
