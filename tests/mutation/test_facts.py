"""The list of mutants is kept: every fact is where the list says, and its tests are there."""

import pytest

from tests.mutation.facts import GROUPS, Mutant
from tests.mutation.run import ROOT, changed


@pytest.mark.parametrize("mutant", [m for mutants in GROUPS.values() for m in mutants])
def test_the_fact_is_where_the_list_says(mutant: Mutant) -> None:
    text = changed(mutant)
    assert text is not None
    assert text != (ROOT / mutant.file).read_text(encoding="utf-8")


@pytest.mark.parametrize("tests", GROUPS, ids=lambda tests: tests[0])
def test_the_tests_are_there(tests: tuple[str, ...]) -> None:
    assert (ROOT / tests[0].partition("::")[0]).exists()
