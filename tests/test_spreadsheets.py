"""Text that a spreadsheet would run."""

from pathlib import Path

import pytest
import soundfile as sf

from almbench.results.results import load_results
from almbench.runner.run import run_suite
from almbench.spreadsheets import as_typed, inert
from almbench.suite.config import Suite


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=1+1", "'=1+1"), ("@SUM(A1)", "'@SUM(A1)"), ("-1", "'-1"), ("+1", "'+1"), ("\tx", "'\tx"),
        ("'=1", "''=1"), ("plain", "plain"), ("'quoted'", "'quoted'"), ("", ""), ("a=b", "a=b"),
    ],
)  # fmt: skip
def test_what_looks_like_a_formula_is_quoted_and_comes_back(text: str, written: str) -> None:
    assert inert(text) == written
    assert as_typed(written) == text


def test_texts_of_clips_in_tables(tmp_path: Path, speech: list[Path]) -> None:
    samples, rate = sf.read(speech[0], dtype="int16")
    sf.write(tmp_path / "s.wav", samples[:rate], rate)
    table = tmp_path / "man.csv"
    table.write_text('id,path,speaker,text\na1,s.wav,@me,"=HYPERLINK(""http://x"",""y"")"\n')
    suite = Suite.model_validate(
        {
            "name": "s",
            "testset": [{"name": "t", "domain": "speech", "path": str(table)}],
            "codec": [{"id": "lowpass-3.5", "label": "=cmd"}],
            "metrics": {"speech": ["gain_db"]},
        }
    )
    results = run_suite(suite, tmp_path / "run", "cpu", workers=1)
    (row,) = load_results(results.folder.root).clip_rows
    assert (row.speaker, row.text) == ("@me", '=HYPERLINK("http://x","y")')
    assert row.label == "=cmd"
    content = (tmp_path / "run" / "clips.csv").read_text()
    assert ",'@me," in content
    assert ",\"'=HYPERLINK(" in content
    assert ",=" not in content
    assert ",@" not in content
