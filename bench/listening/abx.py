"""ABX tests: can listeners hear which of two systems X is?"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Any, Literal, Self

import pandas as pd
from pydantic import Field, model_validator

from almbench.listening.design import Design, Material, Stimulus
from almbench.listening.kinds import Tables, TestKind
from almbench.listening.panel import Listener, Panel
from almbench.listening.report import ReportRow, ReportTable, interval_text, p_text
from almbench.listening.result_file import Count, ListenerResult, Side, SystemPair, Trial
from almbench.names import ORIGINAL
from almbench.results.tables import records
from almbench.statistics.intervals import wilson_interval
from almbench.statistics.significance import ALPHA, binomial_test, holm_adjust

ALL = "all"  # stands for all listeners together where a listener's number may stand
COLUMNS = [
    "domain", "a", "b", "listener", "listeners", "right", "trials", "proportion", "ci95_low",
    "ci95_high", "p", "p_holm",
]  # fmt: skip


class AbxTrial(Trial):
    """Which of the two X was, and which the listener took it for."""

    x: Side
    answer: Side
    plays: Count


class AbxResult(ListenerResult):
    """An ABX test of one pair as one listener did it; `planned` trials were fixed before."""

    kind: Literal["abx"]
    pair: SystemPair
    planned: Annotated[int, Field(ge=1)]
    trials: tuple[AbxTrial, ...]

    @model_validator(mode="after")
    def _no_more_than_planned(self) -> Self:
        if len(self.trials) > self.planned:
            raise ValueError(f"{len(self.trials)} trials, but {self.planned} were planned")
        return self

    @property
    def right(self) -> int:
        """How many answers are right."""
        return sum(trial.x == trial.answer for trial in self.trials)


class Abx(TestKind[AbxResult]):
    """Say of a sound which of two others it is, a number of times that is fixed before."""

    name = "abx"
    label = "ABX"
    task = "compare two by ear"
    question = "could listeners hear which of the two X was?"
    method = (
        "Guessing is right half of the time. p is that of the exact one-sided binomial test over "
        "all listeners, Holm-adjusted for the pairs of a domain; the interval of the share is "
        "Wilson's."
    )
    result = AbxResult
    alpha = ALPHA

    def design(self, material: Material) -> Design | None:
        """Any two systems, one of which may be the original."""
        codecs = list(material.systems)
        heard = [clip for clip in material.clips if any(material.has(clip, s) for s in codecs)]
        clips = material.draw_clips(heard)
        if not clips:
            return None
        systems = [ORIGINAL, *(s for s in codecs if any(material.has(clip, s) for clip in clips))]
        trials = []
        for clip in clips:
            sounds = [material.sound(clip, system) for system in systems]
            stimuli = [Stimulus.of(sound, sound.gain_db) if sound else None for sound in sounds]
            trials.append(material.trial(clip, stimuli))
        names = [{"id": s, "label": material.label(s)} for s in systems]
        return Design(trials, {"systems": names}, len(systems))

    def subject(self, result: AbxResult) -> tuple[str, ...]:
        """The pair that the listener chose."""
        return result.pair.a, result.pair.b

    def clips_by_system(self, panel: Panel[AbxResult]) -> dict[str, list[str]]:
        """The codecs of the pair, each with all clips."""
        clips = dict.fromkeys(trial.clip for result in panel.kept for trial in result.trials)
        return {system: list(clips) for system in panel.subject if system != ORIGINAL}

    def screen(
        self, listeners: list[Listener[AbxResult]], *, screening: bool
    ) -> list[Listener[AbxResult]]:
        """Leave out incomplete results.

        Where one stops must not depend on how it goes, or the p-value means nothing.
        """
        del screening
        screened = []
        for listener in listeners:
            done, planned = len(listener.result.trials), listener.result.planned
            note = "" if done == planned else f"incomplete: {done} of {planned} trials"
            screened.append(replace(listener, kept=not note, note=note))
        return screened

    def tables(self, panels: list[Panel[AbxResult]]) -> Tables:
        """The right answers by pair and listener."""
        return {"abx": abx_table(panels)}

    def report(self, panel: Panel[AbxResult], tables: Tables) -> list[ReportTable]:
        """The right answers of all listeners together, and of each."""
        headings = "listener", "right", "share", "95 % interval", "p", "p (Holm)"
        return [ReportTable(headings, [_report_row(row) for row in _rows(panel, tables)])]

    def overall(self, panel: Panel[AbxResult], tables: Tables) -> dict[str, str]:
        """The right answers of all listeners together."""
        (row,) = (row for row in _rows(panel, tables) if row["listener"] == ALL)
        return {
            "Listeners": str(row["listeners"]),
            "Right": f"{row['right']} of {row['trials']}",
            "Share": f"{row['proportion']:.2f}",
            "95\u00a0% interval": interval_text(row, ".2f"),
            "p": p_text(row["p_holm"]),
        }


KIND = Abx()


def abx_table(panels: list[Panel[AbxResult]]) -> pd.DataFrame:
    """One row per pair and listener, before them one of all listeners (`listener` is "all").

    `p` is that of the exact one-sided binomial test against guessing, the interval Wilson's of the
    proportion of right answers. `p_holm` is the pooled p, Holm-adjusted for the pairs of a domain.
    """
    rows: list[dict[str, Any]] = []
    for panel in sorted((p for p in panels if p.kept), key=lambda p: (p.domain, *p.subject)):
        a, b = panel.subject
        base = {"domain": panel.domain, "a": a, "b": b}
        each = {result.listener: (result.right, len(result.trials)) for result in panel.kept}
        right, trials = (sum(counts) for counts in zip(*each.values(), strict=True))
        pooled = _counts(right, trials)
        rows.append({**base, "listener": ALL, "listeners": len(each), **pooled})
        rows += [
            {**base, "listener": listener, "listeners": 1, **_counts(*counts)}
            for listener, counts in each.items()
        ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    for _, group in table[table["listener"] == ALL].groupby("domain"):
        table.loc[group.index, "p_holm"] = holm_adjust(group["p"].to_numpy(float))
    return table


def _counts(right: int, trials: int) -> dict[str, float | None]:
    proportion, low, high = wilson_interval(right, trials)
    return {
        "right": right,
        "trials": trials,
        "proportion": proportion,
        "ci95_low": low,
        "ci95_high": high,
        "p": binomial_test(right, trials),
    }


def _rows(panel: Panel[AbxResult], tables: Tables) -> Iterable[dict[str, Any]]:
    table = tables["abx"]
    a, b = panel.subject
    of_pair = (table["domain"] == panel.domain) & (table["a"] == a) & (table["b"] == b)
    return records(table[of_pair])


def _report_row(row: dict[str, Any]) -> ReportRow:
    return ReportRow(
        (
            f"all {row['listeners']}" if row["listener"] == ALL else row["listener"],
            f"{row['right']} of {row['trials']}",
            f"{row['proportion']:.2f}",
            interval_text(row, ".2f"),
            p_text(row["p"]),
            p_text(row["p_holm"]),
        ),
        significant=row["p_holm"] < ALPHA,
    )
