"""MUSHRA tests, following Recommendation ITU-R BS.1534-3."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Literal

import pandas as pd

from almbench.codecs.lowpass import STOP
from almbench.listening.design import Clip, Design, Material, Stimulus, TrialDesign
from almbench.listening.kinds import Tables, TestKind
from almbench.listening.panel import Listener, Panel
from almbench.listening.plot import draw
from almbench.listening.ratings import (
    RatedResult,
    clip_table,
    comparison_table,
    rating_table,
    system_table,
)
from almbench.listening.report import ReportRow, ReportTable, interval_text, p_text
from almbench.loudness import matching_gains
from almbench.names import ORIGINAL
from almbench.results.tables import records
from almbench.statistics.significance import ALPHA

ANCHORS = {"anchor-3.5": 3500.0, "anchor-7": 7000.0}  # Hz, BS.1534-3, 5.1
MAX_STIMULI = 12  # of a trial
MAX_SYSTEMS = MAX_STIMULI - 1 - len(ANCHORS)  # beside the hidden reference and the anchors
SECONDS_PER_STIMULUS = 12  # a guess at what rating one takes
REFERENCE_SCORE = 90  # a listener who hears the hidden reference gives it at least this
MAX_BELOW = 15  # per cent of a listener's trials


class MushraResult(RatedResult):
    """A MUSHRA test as one listener did it."""

    kind: Literal["mushra"]


class Mushra(TestKind[MushraResult]):
    """Rate systems side by side, among them the hidden reference and low-pass anchors."""

    name = "mushra"
    label = "MUSHRA"
    task = "rate the systems"
    question = "how near does each system come to the original?"
    method = "A blind test following ITU-R BS.1534-3."
    exclusions = (
        f"the hidden reference below {REFERENCE_SCORE} in more than {MAX_BELOW}\u00a0% of the "
        "trials, not finished, or taken twice"
    )
    result = MushraResult
    listener_columns = ("reference_trials", "reference_below_90")
    reference_score = REFERENCE_SCORE
    max_below = MAX_BELOW

    def design(self, material: Material) -> Design | None:
        """Systems of the run against the hidden reference and the low-pass anchors."""
        systems, left_out = _choose(material)
        clips = material.draw_clips(material.complete_clips(systems))
        if not (clips and systems):
            return None
        rate = min(material.original_rate(clip) for clip in clips)
        anchors = [name for name, cutoff in ANCHORS.items() if rate >= 2 * STOP * cutoff]
        left_out += [
            f"{_label(material, name)} (at or above half the sample rate of the clips)"
            for name in ANCHORS
            if name not in anchors
        ]
        trials, stimuli = [], []
        for clip in clips:
            trial, of_trial = _trial(material, clip, systems, anchors)
            trials.append(trial)
            stimuli.append(of_trial)
        count = len(stimuli[0])
        return Design(
            trials,
            {"stimuli": stimuli, "left_out": left_out},
            count,
            len(anchors),
            left_out,
            len(material.clips) - len(material.complete_clips(systems)),
            round((len(clips) + 1) * count * SECONDS_PER_STIMULUS / 60) + 1,  # with the training
        )

    def clips_by_system(self, panel: Panel[MushraResult]) -> dict[str, list[str]]:
        """The codecs that were rated, each with the clips it was rated on."""
        clips: dict[str, dict[str, None]] = {}
        for result in panel.kept:
            for trial in result.trials:
                for rating in trial.ratings:
                    if rating.role == "system":
                        clips.setdefault(rating.system, {})[trial.clip] = None
        return {system: list(of_system) for system, of_system in clips.items()}

    def screen(
        self, listeners: list[Listener[MushraResult]], *, screening: bool
    ) -> list[Listener[MushraResult]]:
        """Leave out incomplete results and, following BS.1534-3, who misses the hidden reference.

        That is who gives it less than 90 in more than 15 % of the trials.
        """
        all_ratings = set().union(*(_rated(listener.result) for listener in listeners))
        return [_screened(listener, all_ratings, screening) for listener in listeners]

    def tables(self, panels: list[Panel[MushraResult]]) -> Tables:
        """Means by system and by clip, paired comparisons, and all ratings."""
        rated = rating_table(panels)
        return {
            "listening": system_table(rated),
            "listening-clips": clip_table(rated),
            "comparisons": comparison_table(rated),
            "ratings": rated,
        }

    def report(self, panel: Panel[MushraResult], tables: Tables) -> list[ReportTable]:
        """The means of the systems, and their differences."""
        differences = tables["comparisons"]
        of_domain = differences[differences["domain"] == panel.domain]
        means = self.system_means(panel, tables)
        return [_means(records(means)), _differences(records(of_domain))]

    def plots(self, panel: Panel[MushraResult], tables: Tables) -> dict[str, bytes]:
        """The means of the systems."""
        means = self.system_means(panel, tables)
        return {f"listening-{panel.domain}.svg": draw(means)["light"]}

    def system_means(self, panel: Panel[MushraResult], tables: Tables) -> pd.DataFrame:
        """Mean ratings of the systems, the best first."""
        means = tables["listening"]
        return means[means["domain"] == panel.domain]


KIND = Mushra()


def _label(material: Material, system: str) -> str:
    if system in ANCHORS:
        return f"Low-pass {ANCHORS[system] / 1000:g} kHz"
    return material.label(system)


def _choose(material: Material) -> tuple[list[str], list[str]]:
    """The systems of a test, and the labels of the others with the reasons.

    The anchors of the run are neither: the test has its own.
    """
    able = [s for s, system in material.systems.items() if not system.anchor and s not in ANCHORS]
    left_out = []
    while able and 2 * len(material.complete_clips(able)) < len(material.clips):
        worst = min(able, key=lambda s: len(material.complete_clips([s])))
        able.remove(worst)
        left_out.append(f"{_label(material, worst)} (no sound for some clips)")
    chosen = material.draw_systems(able, MAX_SYSTEMS)
    left_out += [f"{_label(material, s)} (not drawn)" for s in able if s not in chosen]
    return chosen, left_out


def _trial(
    material: Material, clip: Clip, systems: list[str], anchors: list[str]
) -> tuple[TrialDesign, list[dict[str, str]]]:
    """A clip of the test and, in the order of its sounds, what they are."""
    sounds = {s: material.sounds[clip.testset, s, clip.clip] for s in (ORIGINAL, *systems)}
    sounds |= {name: material.lowpass(sounds[ORIGINAL], ANCHORS[name]) for name in anchors}
    gains = matching_gains({s: sound.lufs for s, sound in sounds.items()})
    # By address, which is a hash of the sound: an order that says nothing.
    order = sorted(sounds, key=lambda s: (sounds[s].address, s))
    stimuli = [Stimulus.of(sounds[s], gains.get(s, 0.0)) for s in order]
    roles = {ORIGINAL: "reference", **dict.fromkeys(anchors, "anchor")}
    names = [
        {"system": s, "role": roles.get(s, "system"), "label": _label(material, s)} for s in order
    ]
    return material.trial(clip, [*stimuli], order.index(ORIGINAL)), names


def _rated(result: MushraResult) -> set[tuple[str, str]]:
    return {(trial.clip, rating.system) for trial in result.trials for rating in trial.ratings}


def _screened(
    listener: Listener[MushraResult], all_ratings: set[tuple[str, str]], screening: bool
) -> Listener[MushraResult]:
    result = listener.result
    scores = [r.score for t in result.trials for r in t.ratings if r.role == "reference"]
    below = sum(score < REFERENCE_SCORE for score in scores)
    kept, note = True, ""
    if not all_ratings:
        kept, note = False, "nothing was rated"
    elif missing := len(all_ratings) - len(_rated(result)):
        kept, note = False, f"incomplete: {missing} of {len(all_ratings)} ratings are missing"
    elif not scores:
        note = "cannot be screened: there was no hidden reference"
    elif screening and 100 * below > MAX_BELOW * len(scores):
        kept = False
        note = f"hidden reference below {REFERENCE_SCORE} in {below} of {len(scores)} trials"
    counts = {"reference_trials": len(scores), "reference_below_90": below}
    return replace(listener, kept=kept, note=note, counts=counts)


def _means(rows: Iterable[dict[str, Any]]) -> ReportTable:
    return ReportTable(
        ("system", "mean", "95 % interval", "median", "ratings"),
        [
            ReportRow(
                (
                    row["label"] + ("" if row["role"] == "system" else f" ({row['role']})"),
                    f"{row['mean']:.1f}",
                    interval_text(row, ".1f"),
                    f"{row['median']:g}",
                    str(row["ratings"]),
                )
            )
            for row in rows
        ],
    )


def _differences(rows: Iterable[dict[str, Any]]) -> ReportTable:
    return ReportTable(
        ("difference", "mean", "95 % interval", "p", "p (Holm)"),
        [
            ReportRow(
                (
                    f"{row['label_a']} - {row['label_b']}",
                    "" if pd.isna(row["difference"]) else f"{row['difference']:+.1f}",
                    interval_text(row, "+.1f"),
                    p_text(row["p"]) or row["note"],
                    p_text(row["p_holm"]),
                ),
                significant=row["p_holm"] < ALPHA,
            )
            for row in rows
        ],
    )
