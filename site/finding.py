"""What a test set shows, in words: who leads by what, and what its clips cannot tell apart."""

from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup, escape

from almbench.results.codec_record import CodecRecord
from almbench.results.comparison import Comparison
from almbench.results.metric_record import MetricRecord
from almbench.site.language import mtr, tr
from almbench.site.means import main_metrics
from almbench.site.words import number, size

NAMED = 3  # systems named in a row, at most


@dataclass(frozen=True)
class Standing:
    """How systems stand by a metric: ids, each list the best first.

    Attributes:
        best: The system with the best mean.
        ties: Those that are not significantly different from it.
        behind: Those that are.
    """

    best: str
    ties: tuple[str, ...]
    behind: tuple[str, ...]


def finding(table: Comparison, own: str = "") -> Markup:
    """The finding of a test set in a few sentences; names are marked up.

    Args:
        table: The comparison of the test set.
        own: Id of the codec that the comparison is about, to be named first.
    """
    systems = [codec for codec in table.codecs if not codec.anchor]
    metrics = [m for m in main_metrics(table) if m.higher_is_better is not None]
    scored = [m for m in metrics if any(table.mean(c.id, m.name) is not None for c in systems)]
    if not scored:
        return mtr("There are no scores that could be ranked.")
    said = _Words(table, own)
    if len(systems) == 1:
        reached = _listed(said.value(m, systems[0].id) for m in scored)
        return mtr(
            "{system} reaches {values}; with one system there is nothing to compare.",
            system=said.name(systems[0].id),
            values=reached,
        )
    sentences = [*_untested(said, table, scored, systems), *_tested(said, table, scored)]
    return Markup(" ").join([*sentences, *_unranked(said, table, scored, systems)])


def standing(table: Comparison, metric: MetricRecord) -> Standing | None:
    """How systems stand by a metric; None where there is no test."""
    ranked = table.ranked(metric)
    if len(ranked) < 2:
        return None
    best, *others = ranked
    ties = tuple(id_ for id_ in others if ranked[id_] & ranked[best])
    return Standing(best, ties, tuple(id_ for id_ in others if id_ not in ties))


class _Words:
    def __init__(self, table: Comparison, own: str) -> None:
        self._names, self._table, self._own = table.names, table, own

    def name(self, codec: str) -> Markup:
        return Markup('<bdi class="name">{}</bdi>').format(self._names[codec].short)

    def names(self, codecs: Iterable[str]) -> Markup:
        """Some systems, the one that the suite is about first; many are counted."""
        ordered = sorted(codecs, key=lambda id_: id_ != self._own)
        named = ordered if len(ordered) <= NAMED + 1 else ordered[:NAMED]
        more = len(ordered) - len(named)
        rest = [mtr("{count} more", count=more)] if more else []
        return _listed([*map(self.name, named), *rest])

    def value(self, metric: MetricRecord, codec: str) -> Markup:
        """A metric with the mean of a codec, such as "STOI 0.832"."""
        return Markup("{} {}").format(metric.label, self.mean(metric, codec))

    def led(self, metrics: list[MetricRecord], best: str) -> Markup:
        """Metrics, each with the mean of the best, such as "STOI (0.832)"."""
        return _listed(
            Markup("{} ({})").format(metric.label, self.mean(metric, best)) for metric in metrics
        )

    def mean(self, metric: MetricRecord, codec: str) -> str:
        """The mean of a codec, with its clips where those are not all."""
        row = self._table.cells.get((codec, metric.name))
        if row is None or row.mean is None:
            return "–"
        all_clips = len(self._table.of.clips)
        over = tr(" over {n} of {all} clips", n=row.n, all=all_clips) if row.n < all_clips else ""
        return number(row.mean, metric.digits) + over


def _tested(said: _Words, table: Comparison, metrics: list[MetricRecord]) -> Iterable[Markup]:
    """What the tests show: who is ahead of whom, then by which metrics nobody is."""
    ahead: dict[str, dict[Standing, list[MetricRecord]]] = {}
    level: dict[Standing, list[MetricRecord]] = {}
    alike: dict[tuple[str, frozenset[str], frozenset[str]], Standing] = {}
    for metric in metrics:
        if found := standing(table, metric):
            key = found.best, frozenset(found.ties), frozenset(found.behind)
            found = alike.setdefault(key, found)  # whatever the order of the others
            of_best = ahead.setdefault(found.best, {}) if found.behind else level
            of_best.setdefault(found, []).append(metric)
    for best, cases in ahead.items():
        for alone in (True, False):  # ahead of all, then of some
            if some := {found: of for found, of in cases.items() if alone is not bool(found.ties)}:
                yield _lead(said, best, some)
    if level:
        yield _level(said, level)


def _lead(said: _Words, best: str, cases: dict[Standing, list[MetricRecord]]) -> Markup:
    parts = [_part(said, found, said.led(metrics, best)) for found, metrics in cases.items()]
    values = {"system": said.name(best), "parts": _listed(parts)}
    ties = {id_ for found in cases for id_ in found.ties}
    if len(ties) == 1:
        return mtr(
            "{system} is ahead {parts}; these clips do not separate it from {other}.",
            other=said.name(*ties),
            **values,
        )
    if ties:
        return mtr(
            "{system} is ahead {parts}; these clips do not separate it from the others.", **values
        )
    return mtr("{system} is ahead {parts}.", **values)


def _part(said: _Words, found: Standing, led: Markup) -> Markup:
    """Whom the best is ahead of, the shorter way."""
    if found.ties and len(found.ties) < len(found.behind):
        return mtr("of all but {systems} on {metrics}", systems=said.names(found.ties), metrics=led)
    if not found.ties and len(found.behind) > 1:
        return mtr("of all others on {metrics}", metrics=led)
    return mtr("of {systems} on {metrics}", systems=said.names(found.behind), metrics=led)


def _level(said: _Words, cases: dict[Standing, list[MetricRecord]]) -> Markup:
    systems = {id_ for found in cases for id_ in (found.best, *found.ties)}
    if len(systems) == 2:
        led = _listed(escape(metric.label) for metrics in cases.values() for metric in metrics)
        first, second = next((found.best, found.ties[0]) for found in cases)
        return mtr(
            "On {metrics} these clips do not separate {first} from {second}.",
            metrics=led,
            first=said.name(first),
            second=said.name(second),
        )
    led = _listed(
        Markup("{} ({} {})").format(
            metric.label, said.name(found.best), said.mean(metric, found.best)
        )
        for found, metrics in cases.items()
        for metric in metrics
    )
    return mtr("On {metrics} these clips separate no system from the best.", metrics=led)


def _untested(
    said: _Words, table: Comparison, metrics: list[MetricRecord], systems: list[CodecRecord]
) -> Iterable[Markup]:
    """Metrics by which no test was possible: the best by the mean alone."""
    alone: dict[str, list[MetricRecord]] = {}
    for metric in metrics:
        if standing(table, metric) is None:
            means = {c.id: table.mean(c.id, metric.name) for c in systems}
            scored = {id_: mean for id_, mean in means.items() if mean is not None}
            choose = max if metric.higher_is_better else min
            alone.setdefault(choose(scored, key=scored.__getitem__), []).append(metric)
    for best, of_these in alone.items():
        size_ = tr("means") if table.of.means else size(table.of)
        yield mtr(
            "{system} has the best mean on {metrics}; from {clips} alone there is no test.",
            system=said.name(best),
            metrics=said.led(of_these, best),
            clips=size_,
        )


def _unranked(
    said: _Words, table: Comparison, metrics: list[MetricRecord], systems: list[CodecRecord]
) -> Iterable[Markup]:
    """Systems without any score, and those with fewer clips than others, which are not ranked."""
    without = [c.id for c in systems if all(table.mean(c.id, m.name) is None for m in metrics)]
    if without:
        yield mtr("No scores: {systems}.", systems=said.names(without))
    tested = [m for m in metrics if standing(table, m)]
    fewer = [
        c.id
        for c in systems
        if any(c.id not in table.ranked(m) and table.mean(c.id, m.name) is not None for m in tested)
    ]
    if fewer:
        yield mtr("Scored on fewer clips, so not ranked: {systems}.", systems=said.names(fewer))


def _listed(parts: Iterable[Markup]) -> Markup:
    """A list in words: "A", "A and B", "A, B and C"."""
    *first, last = map(escape, parts)
    if not first:
        return last
    return mtr("{first} and {last}", first=mtr(", ").join(first), last=last)
