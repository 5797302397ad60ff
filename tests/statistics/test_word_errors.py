"""Word errors, counted by hand."""

import pytest

from almbench.statistics.word_errors import word_errors


@pytest.mark.parametrize(
    ("said", "heard", "errors"),
    [
        ("", "", 0),
        ("", "a b", 2),
        ("a b", "", 2),
        ("a b c", "a b c", 0),
        ("a b c", "a c", 1),
        ("a b c", "a b b c", 1),
        ("a b c", "c b a", 2),
        ("the cat sat on the mat", "cat sat in a mat", 3),
    ],
)
def test_errors_are_those_of_a_count_by_hand(said: str, heard: str, errors: int) -> None:
    assert word_errors(said.split(), heard.split()) == errors
