"""ABX tests: who told the two apart."""

from typing import Any

import pandas as pd

from almbench.listening.panel import Panel
from almbench.listening.submissions import AbxResult
from almbench.statistics.intervals import wilson_interval
from almbench.statistics.significance import binomial_test, holm_adjust

ALL = "all"
COLUMNS = [
    "domain", "a", "b", "listener", "listeners", "right", "trials", "proportion", "ci95_low",
    "ci95_high", "p", "p_holm",
]  # fmt: skip


def abx_table(panels: list[Panel[AbxResult]]) -> pd.DataFrame:
    """A row a pair and listener, and before them one of all listeners together (`listener` "all").

    `p` is the one-sided exact binomial p of guessing, the interval that of the proportion of right
    answers. `p_holm` adjusts the pooled p-values for the number of pairs of the domain.
    """
    rows: list[dict[str, Any]] = []
    for panel in sorted((p for p in panels if p.kept), key=_pair):
        domain, a, b = _pair(panel)
        base = {"domain": domain, "a": a, "b": b}
        each = {result.listener: (_right(result), len(result.trials)) for result in panel.kept}
        right, trials = (sum(counts) for counts in zip(*each.values(), strict=True))
        pooled = _columns(right, trials)
        rows.append({**base, "listener": ALL, "listeners": len(each), **pooled})
        rows += [
            {**base, "listener": listener, "listeners": 1, **_columns(*counts)}
            for listener, counts in each.items()
        ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    for _, group in table[table["listener"] == ALL].groupby("domain"):
        table.loc[group.index, "p_holm"] = holm_adjust(group["p"].to_numpy(float))
    return table


def _pair(panel: Panel[AbxResult]) -> tuple[str, str, str]:
    pair = panel.listeners[0].result.pair
    return panel.domain, pair.a, pair.b


def _right(result: AbxResult) -> int:
    return sum(trial.x == trial.answer for trial in result.trials)


def _columns(right: int, trials: int) -> dict[str, float | None]:
    proportion, low, high = wilson_interval(right, trials)
    return {
        "right": right,
        "trials": trials,
        "proportion": proportion,
        "ci95_low": low,
        "ci95_high": high,
        "p": binomial_test(right, trials),
    }
