"""Numbers in words, from small to large."""

import pytest

from almbench.results.testset_record import TestSetRecord
from almbench.site.words import duration, set_name, set_title, significant, time_span


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (2e-6, "0.002 ms"),
        (0.0283, "28.3 ms"),
        (0.5, "500 ms"),
        (0.99949, "999 ms"),
        (0.9996, "1 s"),
        (2.84, "2.84 s"),
        (99.96, "100 s"),
        (2840.0, "2,840 s"),
    ],
)
def test_a_short_time_is_in_seconds_from_one_second_up(seconds: float, text: str) -> None:
    assert time_span(seconds) == text


def test_no_number_has_an_exponent() -> None:
    for power in range(-8, 9):
        assert "e" not in significant(1.234 * 10.0**power)


def test_durations() -> None:
    assert [duration(s) for s in (1.0, 119.94, 120.0, 3599.6)] == [
        "1.0 s", "119.9 s", "2 min 0 s", "60 min 0 s"
    ]  # fmt: skip


def test_only_names_of_domains_are_capitalized() -> None:
    for name, title in [("speech", "Speech"), ("libriTTS", "libriTTS"), ("music", "music")]:
        testset = TestSetRecord.model_construct(name=name, domain="speech")
        assert (set_name(testset), set_title(testset)) == (name, title)
