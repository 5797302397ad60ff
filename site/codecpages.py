"""A page a codec: its facts, what it scored, how its tokens are used, its best and worst clips."""

from collections.abc import Iterator
from dataclasses import dataclass

from almbench.codecs.base import Checkpoint
from almbench.names import ORIGINAL
from almbench.results.codec_names import UNIT, kbps, nominal
from almbench.results.codec_record import CodecRecord
from almbench.results.comparison import Comparison
from almbench.results.costs import real_time_factor
from almbench.results.metric_record import MetricRecord
from almbench.results.tables import NOT_RUN
from almbench.results.testset_record import TestSetRecord
from almbench.site.language import ntr, tr
from almbench.site.means import Cell, Column, cell, column
from almbench.site.media import Sound, Sounds, publish_sampled, publish_token_use
from almbench.site.output import Output
from almbench.site.pages import Page, Site
from almbench.site.remarks import remarks
from almbench.site.source import Run
from almbench.site.summary import measured_rate, sample_rate
from almbench.site.tokens import Measured, Reasons, measured, reasons_of
from almbench.site.told import told
from almbench.site.words import number, significant, time_span

CAUSAL = {True: "yes", False: "no", None: "not known"}
EXTREMES = 3  # best and worst clips shown, at most


@dataclass(frozen=True)
class Book:
    """Token statistics of a codebook: texts, and why its entropy is not known."""

    name: str
    size: str
    tokens: str
    use: str
    perplexity: str
    size_bits: str
    entropy_bits: str
    ngram_bits: str
    reason: str


@dataclass(frozen=True)
class Example:
    """A clip to be heard: the original, what the codec made of it, and its score."""

    clip: str
    score: str
    original: Sound
    sound: Sound


@dataclass(frozen=True)
class Extremes:
    """The clips that a codec did best and worst by a metric, best and worst first."""

    metric: MetricRecord
    best: list[Example]
    worst: list[Example]


@dataclass(frozen=True)
class Results:
    """What a codec reached on a test set.

    Attributes:
        testset: The test set.
        means: Its means, a metric each, with the names of the codecs that tie with it.
        reason: Why there is none.
        books: Its codebooks.
        use: Where the picture of their entries' use is; empty for none.
        carried: What its tokens carry, by measure.
        gaps: Why values of that are missing, and what to know of others.
        sampled: Clips that a language model continued: their names, and where they are.
        extremes: Its best and worst clips; None where there are no two to be heard.
    """

    testset: TestSetRecord
    means: list[tuple[Column, Cell, list[str]]]
    reason: str
    books: list[Book]
    use: str
    carried: dict[str, list[Measured]]
    gaps: Reasons
    sampled: list[tuple[str, str]]
    extremes: Extremes | None


def codec_pages(site: Site) -> Iterator[Page]:
    """The pages of all codecs."""
    for run in site.runs:
        for codec in run.manifest.codecs:
            values = {
                "run": run,
                "codec": codec,
                "nominal": nominal(codec),
                "facts": _facts(run, codec),
                "speeds": _speeds(run, codec.id),
                "remarks": remarks(run, codec.id),
                "results": [
                    _results(run, table, codec, site.sounds[run.slug], site.out)
                    for table in run.tables
                    if any(c.id == codec.id for c in table.codecs)
                ],
            }
            yield Page(site.page_of(run, f"codec-{codec.id}"), "codec.html.j2", values)


def _facts(run: Run, codec: CodecRecord) -> list[tuple[str, str]]:
    """The codec as configured; what nobody stated is left out."""
    frames, sizes = codec.frame_rate, codec.codebook_sizes
    rate = measured_rate(run, codec.id)
    tokens = codec.tokens_per_second
    facts = [
        ("Family", codec.family),
        ("Id", codec.id),
        ("Nominal bitrate", _bitrate(codec)),
        ("Measured bitrate", rate and f"{rate} {UNIT}"),
        ("Sample rate", sample_rate(run, codec)),
        ("Frame rate", frames and f"{frames:.4g} Hz"),
        ("Codebooks", _codebooks(sizes)),
        ("Tokens", tokens and tr("{count} a second", count=significant(tokens))),
        ("Causal", tr(CAUSAL[codec.causal])),
        ("Delay", _delay(codec)),
        ("Latency", codec.latency_ms and f"{codec.latency_ms:.4g} ms"),
        ("Parameters", codec.parameters and f"{codec.parameters / 1e6:,.1f} million"),
        ("Checkpoint", _source(codec.checkpoint)),
        ("SHA-256", codec.checkpoint and codec.checkpoint.sha256),
        ("Licence", told(codec.license)),
        ("Weights", told(codec.weights_license)),
        ("Settings", ", ".join(f"{key} {value}" for key, value in codec.settings.items())),
        ("Role", tr("an anchor, which is not ranked") if codec.anchor else ""),
    ]
    return [(name, str(text)) for name, text in facts if text]


def _bitrate(codec: CodecRecord) -> str:
    """The nominal bitrate, and beside one that the suite states the one that follows."""
    rate, follows = nominal(codec), codec.nominal_kbps
    if codec.stated_kbps is None or follows is None or kbps(follows) == rate:
        return rate and f"{rate} {UNIT}"
    return tr(
        "{stated} kbps as stated, {follows} kbps by frame rate and codebooks",
        stated=rate, follows=kbps(follows),
    )  # fmt: skip


def _codebooks(sizes: tuple[int, ...]) -> str:
    if not sizes:
        return ""
    if len(set(sizes)) > 1:
        return tr("{count}, of {sizes} entries", count=len(sizes), sizes=", ".join(map(str, sizes)))
    return ntr(
        "{count} of {size} entries", "{count} of {size} entries each", len(sizes), size=sizes[0]
    )


def _delay(codec: CodecRecord) -> str:
    samples, rate = codec.delay, codec.sample_rate
    time = f" ({time_span(samples / rate)})" if rate else ""
    return tr("{samples} samples{time}, removed", samples=samples, time=time) if samples else ""


def _source(checkpoint: Checkpoint | None) -> str:
    """Where the weights are from; the manifest keeps of a local path only the name."""
    if checkpoint is None:
        return ""
    source = checkpoint.source
    if not checkpoint.revision:
        return source
    return tr("{source} at {revision}", source=source, revision=checkpoint.revision)


def _speeds(run: Run, codec: str) -> list[tuple[str, str]]:
    """How fast the codec ran, and where; nothing of what was not run here."""
    rows = [row for row in run.clips if row.codec == codec]
    found = []
    for title, rtf in (
        ("Encoding", real_time_factor(rows, lambda row: row.encode_rtf)),
        ("Decoding", real_time_factor(rows, lambda row: row.decode_rtf)),
    ):
        if rtf is not None:
            found.append(
                (
                    title,
                    tr(
                        "{time} a second of sound, {times} times real time",
                        time=time_span(rtf),
                        times=significant(1 / rtf),
                    ),
                )
            )
    if not found:
        return []
    usage = run.manifest.run.codecs.get(codec)
    device = usage.device if usage else run.manifest.run.device
    machine = f"{device}; {run.manifest.machine.processor}"
    if usage and usage.threads:
        machine += "; " + ntr("{count} thread", "{count} threads", usage.threads)
    found.append(("On", machine))
    if usage and usage.peak_device_mb:
        found.append(("Memory of the device", f"{usage.peak_device_mb:,.0f} MB"))
    elif usage and usage.peak_process_mb:
        found.append(("Memory of the process", f"{usage.peak_process_mb:,.0f} MB"))
    if usage and usage.encode_macs is not None and usage.decode_macs is not None:
        encode, decode = (f"{macs / 1e9:,.3g}" for macs in (usage.encode_macs, usage.decode_macs))
        text = tr("{encode} to encode, {decode} to decode", encode=encode, decode=decode)
        found.append(("GMAC a second of sound", text))
    elif usage and usage.macs_reason:
        text = tr("not counted: {reason}", reason=usage.macs_reason)
        found.append(("GMAC a second of sound", text))
    others = sorted({row.encoded_with for row in rows if row.encoded_with})
    if others:
        found.append(
            (
                "Encoded by",
                tr("{codecs}, whose first codebooks are the same", codecs=", ".join(others)),
            )
        )
    return found


def _results(
    run: Run, table: Comparison, codec: CodecRecord, sounds: Sounds, out: Output
) -> Results:
    means = [
        (column(table, metric), of_codec, [table.names[id_].short for id_ in ties])
        for metric in table.filled
        if (of_codec := cell(table, codec.id, metric)).text
        for ties in [table.ties(codec.id, metric)]
    ]
    rows = [r for r in run.clips if (r.testset, r.codec) == (table.testset, codec.id)]
    reasons = [row.reason for row in rows if row.reason]
    return Results(
        table.of,
        means,
        "" if means else codec.missing or told(next(iter(reasons), NOT_RUN)),
        _books(table, codec),
        publish_token_use(run, table.testset, codec, out),
        measured(run, table.testset, codec.id),
        reasons_of(run, table.testset, codec.id),
        publish_sampled(run, table.testset, codec.id, out),
        _extremes(run, table, codec.id, sounds),
    )


def _books(table: Comparison, codec: CodecRecord) -> list[Book]:
    def text(metric: str, digits: int, factor: float = 1) -> str:
        mean = table.mean(codec.id, metric)
        return "" if mean is None else number(factor * mean, digits)

    return [
        Book(
            str(k),
            str(size),
            text(f"tokens_k{k}", 0),
            text(f"codebook_use_k{k}", 1, 100),
            text(f"codebook_perplexity_k{k}", 1),
            text(f"size_bits_k{k}", 2),
            text(f"entropy_bits_k{k}", 2),
            text(f"ngram_bits_k{k}", 2),
            table.cells[codec.id, f"entropy_bits_k{k}"].reason
            if (codec.id, f"entropy_bits_k{k}") in table.cells
            else "",
        )
        for k, size in enumerate(codec.codebook_sizes, start=1)
        if (codec.id, f"codebook_use_k{k}") in table.cells
    ]


def _extremes(run: Run, table: Comparison, codec: str, sounds: Sounds) -> Extremes | None:
    """The best and worst of the clips that can be heard, by the first main metric that has any."""
    ranked = [m for m in table.metrics if m.higher_is_better is not None]
    for metric in sorted(ranked, key=lambda m: table.domain not in m.headline):
        found = []
        for (testset, clip, by), of_clip in run.scores.items():
            row, key = of_clip.get(metric.name), (testset, codec, clip)
            if (testset, by) == (table.testset, codec) and row and key in sounds:
                original = sounds.get((testset, ORIGINAL, clip))
                if original and row.value is not None:
                    score = number(row.value, metric.digits)
                    found.append((row.value, Example(clip, score, original, sounds[key])))
        if len(found) >= 2:
            found.sort(key=lambda pair: pair[0], reverse=bool(metric.higher_is_better))
            heard = [of_clip for _, of_clip in found]
            count = min(EXTREMES, len(heard) // 2)
            return Extremes(metric, heard[:count], heard[-count:][::-1])
    return None
