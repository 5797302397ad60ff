"""ABX: the tables and what is shown of them, from results made here."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from almbench.listening.abx import KIND
from almbench.listening.analysis import Analysis, analyse

Make = Callable[..., dict[str, Any]]
Save = Callable[[dict[str, Any]], Path]


@pytest.fixture
def analysis(abx: Make, save: Save, tmp_path: Path) -> Analysis:
    """Three pairs of speech and one of music; a listener had the first pair the other way round."""
    save(abx(1, right=12, done=16))
    save(abx(2, right=12, done=16, pair={"a": "better", "b": "original"}))
    save(abx(1, right=11, done=16, pair={"a": "original", "b": "middle"}))
    save(abx(1, right=12, done=16, pair={"a": "original", "b": "worse"}))
    save(abx(1, right=12, done=16, domain="music", test="f" * 16))
    return analyse([tmp_path / "results"])


def p_of(right: int, trials: int) -> float:
    return float(stats.binomtest(right, trials, alternative="greater").pvalue)


def test_a_pair_is_the_same_either_way_round(analysis: Analysis) -> None:
    assert [(panel.domain, panel.subject) for panel in analysis.panels] == [
        ("speech", ("original", "better")),
        ("speech", ("original", "middle")),
        ("speech", ("original", "worse")),
        ("music", ("original", "better")),
    ]
    assert [len(panel.kept) for panel in analysis.panels] == [2, 1, 1, 1]


def test_p_is_adjusted_within_a_domain(analysis: Analysis) -> None:
    table = analysis.tables["abx"]
    pooled = table[table["listener"] == "all"].set_index(["domain", "b"])["p_holm"]
    assert pooled["music", "better"] == pytest.approx(p_of(12, 16))
    assert pooled["speech", "better"] == pytest.approx(3 * p_of(24, 32))
    assert pooled["speech", "worse"] == pytest.approx(2 * p_of(12, 16))
    assert pooled["speech", "middle"] == pytest.approx(p_of(11, 16))


def test_what_is_shown_is_adjusted(analysis: Analysis) -> None:
    """12 of 16 have p = 0.038, and 0.077 among the pairs of speech."""
    speech, music = analysis.panels[2], analysis.panels[3]
    for panel, p, significant in [(speech, "0.077", False), (music, "0.038", True)]:
        (table,) = KIND.report(panel, analysis.tables)
        pooled, of_listener = table.rows
        assert pooled.cells[-2:] == ("0.038", p)
        assert pooled.significant == significant
        assert of_listener.cells[-2:] == ("0.038", "")
        assert not of_listener.significant
        shown = KIND.overall(panel, analysis.tables)
        assert (shown["Listeners"], shown["Right"], shown["p"]) == ("1", "12 of 16", p)


def test_the_original_is_no_codec(analysis: Analysis) -> None:
    clips = [f"talk/clip-{i}" for i in range(8)]
    assert KIND.clips_by_system(analysis.panels[0]) == {"better": clips}
