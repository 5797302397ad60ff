"""What all result files have in common."""

import time

import pytest

from almbench.listening.result_file import check_unique


def test_a_name_given_twice_is_named() -> None:
    check_unique("clip", [])
    check_unique("clip", ["a", "b"])
    with pytest.raises(ValueError, match="clip 'b' is given twice"):
        check_unique("clip", ["a", "b", "c", "b"])


def test_many_names_take_no_time() -> None:
    begin = time.perf_counter()
    check_unique("clip", [f"talk/clip-{number}" for number in range(200_000)])
    assert time.perf_counter() - begin < 5  # by comparing all with all it took a quarter of an hour
