"""Each kind of input, with few cases; `make fuzz CASES=10000` runs many."""

import tempfile
from pathlib import Path

import pytest

from tests.fuzz.cases import Kind, fuzz
from tests.fuzz.registry import KINDS
from tests.fuzz.run import SEED


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_odd_input_is_taken_or_refused(
    kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "ground" / "tmp"))
    monkeypatch.setenv("ALMBENCH_HOME", str(tmp_path / "ground" / "tmp" / "home"))
    report = fuzz(kind, kind.few, SEED, tmp_path / "ground", tmp_path / "kept")
    assert not report.places, f"seed {SEED}: {report.places}"
    assert report.cases >= kind.few / 2
