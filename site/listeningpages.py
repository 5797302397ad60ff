"""The pages to listen on: one a domain with all its clips, one a clip, and the data they load."""

from collections.abc import Iterator
from typing import Any

from almbench.site.clipcard import draw_clip_card
from almbench.site.listening import Clip, Listening, Version, listening
from almbench.site.output import Output, link
from almbench.site.pages import Page, Site, page_data
from almbench.site.source import Run
from almbench.site.views import HEIGHT, WIDTH

PLAIN = 24  # clips with players on a domain's page where no script runs; the others are linked


def listening_pages(site: Site) -> Iterator[Page]:
    """A page of each domain, a page of each clip that can be heard, and their data.

    Args:
        site: What the site is made from; the data is written into its folder.
    """
    for run in site.runs:
        for domain in [] if run.manifest.source else run.domains:  # imported scores have no sound
            sounds = site.sounds[run.slug]
            sets = [listening(run, t, sounds) for t in run.tables if t.domain == domain]
            if not any(of_set.clips for of_set in sets):  # none were kept
                continue
            about: dict[str, Any] = {"run": run, "domain": domain, "view_size": (WIDTH, HEIGHT)}
            data = [_set_data(run, of_set, _write_scores(site.out, run, of_set)) for of_set in sets]
            yield Page(
                site.page_of(run, domain),
                "domain.html.j2",
                {**about, "sets": sets, "plain": PLAIN, "data": {"sets": data}},
            )
            for of_set, facts in zip(sets, data, strict=True):
                for clip, line in zip(of_set.clips, facts["clips"], strict=True):
                    _write_data(site.out, ("clips", f"{clip.key}.js"), _clip_data(clip))
                    if clip.sounds:
                        one = {"sets": [{**facts, "clips": [line]}]}
                        picture = _write_card(site, run.title, clip)
                        values = {**about, "set": of_set, "clip": clip, "data": one}
                        values |= {"picture": picture}
                        yield Page(f"clip-{clip.key}.html", "clip.html.j2", values)


def _write_card(site: Site, title: str, clip: Clip) -> str:
    """Write the picture of a clip for previews of links, which need the site's address."""
    if not site.home:
        return ""
    content = draw_clip_card(clip, title, site.out.root)
    return site.out.write(("clips", f"{clip.key}.jpg"), content)


def _set_data(run: Run, of_set: Listening, sources: list[str]) -> dict[str, Any]:
    """What a page knows of a test set at once; scores and sounds are loaded when wanted."""
    metrics = [
        {
            "name": column.name,
            "label": column.label,
            "unit": column.unit,
            "arrow": column.arrow,
            "better": metric.higher_is_better,
            "digits": metric.digits,
            "source": source,
        }
        for metric, column, source in zip(of_set.metrics, of_set.columns, sources, strict=True)
    ]
    systems = [
        {"id": s.id, "label": s.label, "rate": s.rate, "anchor": s.anchor, "own": s.id == run.own}
        for s in of_set.systems
    ]
    return {
        "name": of_set.testset.name,
        "systems": systems,
        "metrics": metrics,
        "headline": of_set.headline,
        "clips": [_line(clip) for clip in of_set.clips],
    }


def _line(clip: Clip) -> list[Any]:
    silent = {i: v.reason for i, v in enumerate(clip.versions) if v.sound is None}
    line = [clip.name, clip.key, clip.text, clip.speaker, clip.seconds]
    return [*line, silent] if silent else line


def _write_scores(out: Output, run: Run, of_set: Listening) -> list[str]:
    """Write the scores of each metric, a list a clip with one a system; returns their addresses."""
    addresses = []
    for i, metric in enumerate(of_set.metrics):
        scores = [
            [version.scores[i].value if version.scores else None for version in clip.versions]
            for clip in of_set.clips
        ]
        parts = ("scores", run.slug, f"{of_set.testset.name}-{metric.name}.js")
        addresses.append(_write_data(out, parts, scores))
    return addresses


def _clip_data(clip: Clip) -> dict[str, Any]:
    systems = [version.system for version in clip.versions]
    return {
        "versions": [_version(version) for version in clip.versions],
        "changes": [
            [words, [systems.index(system) for system in changed]]
            for words, changed in clip.changes
        ],
    }


def _version(version: Version) -> dict[str, Any]:
    sound = version.sound
    if sound is None:
        return {"reason": version.reason}
    return {
        "url": sound.address,
        "view": sound.view,
        **({"codes": sound.codes} if sound.codes else {}),
        "gain": sound.gain_db if sound.matched else None,
        "measured": version.system.measured,
        "note": version.note,
        "scores": [[score.text, score.reason] for score in version.scores],
    }


def _write_data(out: Output, parts: tuple[str, ...], value: Any) -> str:
    """Write data as a script, which a page can load from a server and from the disk alike."""
    name = page_data(link(*parts))
    return out.write(parts, f"Almbench.receive({name}, {page_data(value)});\n".encode())
