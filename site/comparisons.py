"""Pages of paired comparisons: a new run against an old one, a suite's own codec against others."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from almbench.errors import UserError
from almbench.loudness import matching_gains
from almbench.names import ORIGINAL
from almbench.results.compare import PairedComparison, compare_codecs, compared_metrics
from almbench.results.compare_export import to_csv
from almbench.results.differences import made_differently
from almbench.results.testset_record import TestSetRecord
from almbench.site.language import ntr, tr
from almbench.site.media import Sound
from almbench.site.pages import Page, Site, Versus
from almbench.site.source import Run
from almbench.site.told import told
from almbench.site.words import interval, number

VERDICTS = {"better": "↑ better", "worse": "↓ worse"}


@dataclass(frozen=True)
class Moved:
    """A clip that moved far.

    Attributes:
        clip: Its id.
        old: Its value in the baseline.
        new: Its value in the codec.
        sounds: Each version that can be heard: its label, the sound, and the gain in dB that brings
            it to the quietest of them.
        links: Pages that have it among all versions: address and label.
    """

    clip: str
    old: str
    new: str
    sounds: list[tuple[str, Sound, float]]
    links: list[tuple[str, str]]


@dataclass(frozen=True)
class Row:
    """A codec against a baseline by a metric; texts, empty where there is nothing to say.

    Attributes:
        metric: Label of the metric, with its unit.
        main: Whether it is a main metric of its domain.
        old: Mean of the baseline.
        new: Mean of the codec.
        difference: Their difference, with its sign.
        interval: Its 95 % interval.
        p: Its p-value, Holm-adjusted.
        counts: Wins, ties and losses.
        least: The smallest difference that the clips can show.
        verdict: What it comes to.
        note: What is to be said of that.
    """

    metric: str
    main: bool
    old: str
    new: str
    difference: str
    interval: str
    p: str
    counts: str
    least: str
    verdict: str
    note: str


@dataclass(frozen=True)
class Pair:
    """All comparisons of a codec with its baseline on a test set, and the clips that moved most."""

    testset: TestSetRecord
    old: str
    new: str
    rows: list[Row]
    moved_by: str
    moved: list[Moved]


def own_comparisons(runs: list[Run]) -> list[Versus]:
    """The comparisons of each run's own codec with the others of the run, where there are any."""
    found = []
    for run in runs:
        others = [c.id for c in run.manifest.codecs if c.id != run.own and not c.anchor]
        if run.own in run.manifest.codecs_by_id and others:
            pairs = [(other, run.own) for other in others]
            try:
                made = compare_codecs(run.results, pairs, _main(run))
            except UserError:  # nothing of it has values
                continue
            found.append(Versus(run, run, made))
    return found


def run_comparisons(old: Run, runs: list[Run]) -> list[Versus]:
    """The comparisons of each other run with an old one, codec by codec.

    Raises:
        UserError: Runs are not comparable, or share no codec.
    """
    found = []
    for new in runs:
        if new is not old:
            shared = [id_ for id_ in old.manifest.codecs_by_id if id_ in new.manifest.codecs_by_id]
            if not shared:
                raise UserError(
                    f"--compare: {new.folder.root} has no codec of {old.folder.root}. "
                    "Runs are compared by the ids of their codecs."
                )
            pairs = [(id_, id_) for id_ in shared]
            made = compare_codecs(old.results, pairs, _main(new), new.results)
            found.append(Versus(old, new, made))
    return found


def _main(run: Run) -> list[str]:
    """The main metrics of the run's domains, so that few comparisons share the level; else all."""
    names = compared_metrics(run.manifest)
    main = [n for n in names if set(run.domains) & set(run.manifest.metrics_by_name[n].headline)]
    return main or names


def comparison_pages(site: Site) -> Iterator[Page]:
    """A page for each comparison of the site."""
    for versus in site.comparisons:
        address = site.comparison_of(versus)
        csv = to_csv(versus.made, []).encode()
        name = address.removesuffix(".html") + ".csv"
        across = versus.old is not versus.new
        values = {
            "versus": versus,
            "across": across,
            "title": site.title_of(versus),
            "pairs": _pairs(site, versus),
            "summary": _summary(versus),
            "differences": made_differently(versus.old.results, versus.new.results)
            if across
            else [],
            "csv": site.out.write(("data", name), csv),
        }
        yield Page(address, "comparison.html.j2", values)


def _summary(versus: Versus) -> str:
    """How many comparisons came to what, in words."""
    count = Counter(row.verdict for row in versus.made)
    parts = [
        *([tr("{count} better", count=count["better"])] if count["better"] else []),
        *([tr("{count} worse", count=count["worse"])] if count["worse"] else []),
    ]
    if count["not separated"]:
        parts.append(tr("{count} that these clips do not separate", count=count["not separated"]))
    if count["not tested"]:
        parts.append(tr("{count} without a test", count=count["not tested"]))
    total = len(versus.made)
    words = ", ".join(parts)
    return ntr("{count} comparison: {words}", "{count} comparisons: {words}", total, words=words)


def _pairs(site: Site, versus: Versus) -> list[Pair]:
    groups: dict[tuple[str, str, str], list[PairedComparison]] = {}
    for made in versus.made:
        groups.setdefault((made.testset, made.baseline, made.codec), []).append(made)
    pairs = []
    metrics = versus.new.manifest.metrics_by_name
    for (testset, baseline, codec), group in groups.items():
        rows = sorted(group, key=lambda row: row.domain not in metrics[row.metric].headline)
        pairs.append(
            Pair(
                versus.new.manifest.testsets_by_name[testset],
                versus.old.names[baseline].label,
                versus.new.names[codec].label,
                [_row(versus, made) for made in rows],
                metrics[rows[0].metric].label,
                _moved(site, versus, rows[0]),
            )
        )
    return pairs


def _row(versus: Versus, made: PairedComparison) -> Row:
    metric = versus.new.manifest.metrics_by_name[made.metric]

    def text(value: float | None, sign: bool = False) -> str:
        if value is None:
            return ""
        plus = "+" if sign and value > 0 else ""
        return plus + number(value, metric.digits)

    return Row(
        f"{metric.label} ({metric.unit})" if metric.unit else metric.label,
        made.domain in metric.headline,
        text(made.baseline_mean),
        text(made.mean),
        text(made.difference, sign=True),
        interval(made.ci95_low, made.ci95_high, metric.digits),
        "" if made.p_holm is None else _p(made.p_holm),
        f"{made.wins} / {made.ties} / {made.losses}",
        text(made.smallest_difference),
        tr(VERDICTS.get(made.verdict, made.verdict)),
        told(made.note),
    )


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _moved(site: Site, versus: Versus, made: PairedComparison) -> list[Moved]:
    """The clips that moved most, with what can be heard of them."""
    digits = versus.new.manifest.metrics_by_name[made.metric].digits
    old, new = versus.old, versus.new
    across = old is not new
    found = []
    for moved in made.moved:
        if moved.value == moved.baseline_value:
            continue
        labels = [
            (new, ORIGINAL, tr("Original")),
            (
                old,
                made.baseline,
                tr("Old: {title}", title=old.title) if across else old.names[made.baseline].short,
            ),
            (
                new,
                made.codec,
                tr("New: {title}", title=new.title) if across else new.names[made.codec].short,
            ),
        ]
        heard = [
            (codec if codec == ORIGINAL else label, label, sound)
            for run, codec, label in labels
            if (sound := site.sounds[run.slug].get((made.testset, codec, moved.clip)))
        ]
        links = [
            (f"{site.page_of(run, made.domain)}#{_place(moved.clip, codec)}", label)
            for run, codec, label in labels[1:]
            if (made.testset, codec, moved.clip) in site.sounds[run.slug]
        ]
        before, after = number(moved.baseline_value, digits), number(moved.value, digits)
        gains = matching_gains({name: sound.lufs for name, _, sound in heard})
        sounds = [(label, sound, gains.get(name, 0.0)) for name, label, sound in heard]
        found.append(Moved(moved.clip, before, after, sounds, links))
    return found


def _place(clip: str, codec: str) -> str:
    return urlencode({"clip": clip, "system": codec})
