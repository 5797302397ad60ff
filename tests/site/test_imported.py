"""The site of scores without sound."""

import re
from pathlib import Path

from tests.conftest import Bench
from tests.results.test_imported import VERSA_A, VERSA_B


def test_pages_without_sound(tmp_path: Path, bench: Bench) -> None:
    for name, text in (("a", VERSA_A), ("b", VERSA_B)):
        (tmp_path / f"{name}.jsonl").write_text(text, encoding="utf-8")
    bench("import", "a.jsonl", "b.jsonl", "-o", "run", cwd=tmp_path)
    done = bench("site", "run", "-o", "public", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    site = tmp_path / "public"
    pages = {path.name: path.read_text(encoding="utf-8") for path in site.glob("*.html")}
    assert set(pages) == {"index.html", "measured.html", "codec-a.html", "codec-b.html"}
    for page in pages.values():
        for address in re.findall(r'(?:href|src)="([^"#:]+)["#]', page):
            assert (site / address).exists(), address
    assert "no sound" in pages["index.html"]
    assert "Scores that VERSA computed, from a.jsonl, b.jsonl." in pages["index.html"]
    assert "https://github.com/wavlab-speech/versa" in pages["measured.html"]
