"""A page a codec: its facts, what it scored, how its tokens are used, its best and worst clips."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import pandas as pd

from almbench.names import ORIGINAL
from almbench.results.comparison import Comparison, with_values
from almbench.results.tables import records
from almbench.site.media import Sound, Sounds
from almbench.site.pages import Page, Site
from almbench.site.plots import MAIN
from almbench.site.source import Run, kbps, number
from almbench.site.summary import Cell, Column, cell, column, measured_rate, sample_rate

CAUSAL = {True: "yes", False: "no", None: "not known"}
EXTREMES = 3  # best and worst clips shown, at most


@dataclass(frozen=True)
class Book:
    """Token statistics of a codebook: texts."""

    name: str
    size: str
    use: str
    perplexity: str
    ngram_bits: str


@dataclass(frozen=True)
class Heard:
    """A clip to be heard: the original, what the codec made of it, and its score."""

    clip: str
    score: str
    original: Sound
    sound: Sound


@dataclass(frozen=True)
class Extremes:
    """The clips that a codec did best and worst by a metric, best and worst first."""

    metric: dict[str, Any]
    best: list[Heard]
    worst: list[Heard]


@dataclass(frozen=True)
class Results:
    """What a codec reached on a test set.

    Attributes:
        testset: Facts of the test set, as in the manifest.
        means: Its means, a metric each.
        reason: Why there is none.
        books: Its codebooks.
        extremes: Its best and worst clips; None where there are no two to be heard.
    """

    testset: dict[str, Any]
    means: list[tuple[Column, Cell]]
    reason: str
    books: list[Book]
    extremes: Extremes | None


def codec_pages(site: Site) -> Iterator[Page]:
    """The pages of all codecs."""
    for run in site.runs:
        for codec in run.manifest["codecs"]:
            values = {
                "run": run,
                "codec": codec,
                "facts": _facts(run, codec),
                "speeds": _speeds(run, codec["id"]),
                "results": [
                    _results(run, table, codec, site.sounds[run.slug])
                    for table in run.tables
                    if any(c["id"] == codec["id"] for c in table.codecs)
                ],
            }
            yield Page(site.page_of(run, f"codec-{codec['id']}"), "codec.html.j2", values)


def _facts(run: Run, codec: dict[str, Any]) -> list[tuple[str, str]]:
    """The codec as configured; what nobody stated is left out."""
    frames, sizes = codec["frame_rate"], codec["codebook_sizes"]
    measured = measured_rate(run, codec["id"])
    tokens = frames * len(sizes) if frames and sizes else None
    checkpoint = codec.get("checkpoint") or {}
    facts = [
        ("Family", codec["family"]),
        ("Id", codec["id"]),
        ("Nominal bitrate", codec["nominal_kbps"] and f"{kbps(codec['nominal_kbps'])} kbit/s"),
        ("Measured bitrate", measured and f"{measured} kbit/s"),
        ("Sample rate", sample_rate(run, codec)),
        ("Frame rate", frames and f"{frames:.4g} Hz"),
        ("Codebooks", _codebooks(sizes)),
        ("Tokens", tokens and f"{tokens:.4g} a second"),
        ("Causal", CAUSAL[codec["causal"]]),
        ("Delay", _delay(codec)),
        ("Parameters", codec["parameters"] and f"{codec['parameters'] / 1e6:,.1f} million"),
        ("Checkpoint", _source(checkpoint)),
        ("SHA-256", checkpoint.get("sha256")),
        ("Licence", codec["licence"]),
        ("Weights", codec["weights_licence"]),
        ("Settings", ", ".join(f"{key} {value}" for key, value in codec["settings"].items())),
        ("Role", "an anchor, which is not ranked" if codec["anchor"] else ""),
    ]
    return [(name, str(text)) for name, text in facts if text]


def _codebooks(sizes: list[int]) -> str:
    if not sizes:
        return ""
    if len(set(sizes)) > 1:
        return f"{len(sizes)}, of {', '.join(map(str, sizes))} entries"
    return f"{len(sizes)} of {sizes[0]} entries{' each' if len(sizes) > 1 else ''}"


def _delay(codec: dict[str, Any]) -> str:
    samples, rate = codec["delay"], codec["sample_rate"]
    time = f" ({1000 * samples / rate:.3g} ms)" if rate else ""
    return f"{samples} samples{time}, removed" if samples else ""


def _source(checkpoint: dict[str, Any]) -> str:
    """Where the weights are from; of a local path only the name, the rest is nobody's business."""
    source = checkpoint.get("source", "")
    path = PurePath(source)
    if path.is_absolute() or source.startswith("~"):
        return f"{path.name} (local)"
    return f"{source} at {checkpoint['revision']}" if checkpoint.get("revision") else source


def _speeds(run: Run, codec: str) -> list[tuple[str, str]]:
    """How fast the codec ran, and where; nothing of what was not run here."""
    rows = run.clips[run.clips["codec"] == codec]
    found = []
    for name, title in (("encode_rtf", "Encoding"), ("decode_rtf", "Decoding")):
        timed = rows[rows[name].notna() & rows["duration_s"].notna()]
        if len(timed):
            rtf = (timed[name] * timed["duration_s"]).sum() / timed["duration_s"].sum()
            found.append((title, f"{rtf:.3g} s a second of sound, {1 / rtf:,.3g} times real time"))
    if not found:
        return []
    facts = run.manifest["run"]
    here = facts.get("codecs", {}).get(codec, {})
    found.append(
        ("On", f"{here.get('device', facts['device'])}; {run.manifest['machine']['processor']}")
    )
    if here.get("peak_device_mb"):
        found.append(("Memory of the device", f"{here['peak_device_mb']:,.0f} MB"))
    others = sorted({by for by in rows.get("encoded_with", pd.Series(dtype=object)).dropna() if by})
    if others:
        found.append(("Encoded by", f"{', '.join(others)}, whose first codebooks are the same"))
    return found


def _results(run: Run, table: Comparison, codec: dict[str, Any], sounds: Sounds) -> Results:
    shown = [(column(m), cell(run, table, codec["id"], m)) for m in with_values(table)]
    means = [(head, of_codec) for head, of_codec in shown if of_codec.text]
    rows = run.clips[(run.clips["testset"] == table.testset) & (run.clips["codec"] == codec["id"])]
    reasons = [row["reason"] for row in records(rows) if row["reason"]]
    return Results(
        run.testset(table.testset),
        means,
        "" if means else codec["missing"] or next(iter(reasons), "not run yet"),
        _books(table, codec),
        _extremes(run, table, codec["id"], sounds),
    )


def _books(table: Comparison, codec: dict[str, Any]) -> list[Book]:
    def text(metric: str, digits: int, factor: float = 1) -> str:
        row = table.cells.get((codec["id"], metric))
        return "" if row is None or pd.isna(row["mean"]) else number(factor * row["mean"], digits)

    return [
        Book(
            str(k),
            str(size),
            text(f"codebook_use_k{k}", 1, 100),
            text(f"codebook_perplexity_k{k}", 1),
            text(f"ngram_bits_k{k}", 2),
        )
        for k, size in enumerate(codec["codebook_sizes"], start=1)
        if (codec["id"], f"codebook_use_k{k}") in table.cells
    ]


def _extremes(run: Run, table: Comparison, codec: str, sounds: Sounds) -> Extremes | None:
    """The best and worst of the clips that can be heard, by the first main metric that has any."""
    ranked = [m for m in table.metrics if m["higher_is_better"] is not None]
    main = [m for name in MAIN[table.domain] for m in ranked if m["name"] == name]
    for metric in [*main, *ranked]:
        found = []
        for (testset, clip, by), of_clip in run.scores.items():
            row, key = of_clip.get(metric["name"]), (testset, codec, clip)
            if (testset, by) == (table.testset, codec) and row and key in sounds:
                original = sounds.get((testset, ORIGINAL, clip))
                if original and not pd.isna(row["value"]):
                    score = number(row["value"], metric["digits"])
                    found.append((row["value"], Heard(clip, score, original, sounds[key])))
        if len(found) >= 2:
            found.sort(key=lambda pair: pair[0], reverse=metric["higher_is_better"])
            heard = [of_clip for _, of_clip in found]
            count = min(EXTREMES, len(heard) // 2)
            return Extremes(metric, heard[:count], heard[-count:][::-1])
    return None
