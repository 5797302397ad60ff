import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from almbench.results.latex import escape, label, to_latex
from tests.results.test_comparison import table

DOCUMENT = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage{booktabs}
\usepackage[paperwidth=60in,textwidth=58in]{geometry}
\begin{document}
%s
\end{document}
"""
ALL = "".join(chr(c) for c in range(33, 127))


def rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.endswith(r"\\")]
    return [[cell.strip() for cell in line.removesuffix(r"\\").split(" & ")] for line in lines]


def test_a_table_has_arrows_units_bitrates_and_marks() -> None:
    text = to_latex(table())
    head, a, b, _, _, low = rows(text)
    assert head == [
        "Codec",
        r"\shortstack[r]{Bitrate\\(kbps)}",
        r"\shortstack[r]{up $\uparrow$\\(MOS)}",
        r"down $\downarrow$",
        r"\shortstack[r]{fact\\(ms)}",
    ]
    assert a == ["A", "0.41", "1.00", r"\textbf{0.10}", "0.00"]  # alone the best
    assert b == ["B", "--", r"3.00\rlap{$^{=}$}", "--", "5.00"]  # c ties with it
    assert low == ["LOW", "--", "4.00", "0.00", "3.00"]  # an anchor
    assert "0.20 (n=4)" in text
    assert r"\caption{Test set t: means over 0 clips. Bold: the best, where none ties" in text
    assert "$^{=}$: ties for the best" in text


def test_a_minus_is_one() -> None:
    made = table()
    key = ("b", "fact")
    made.cells[key] = replace(made.cells[key], mean=-1.5)
    assert rows(to_latex(made))[2][-1] == "$-$1.50"


def test_names_are_text() -> None:
    assert escape("a\n b_{1}~^<|>\\") == (
        r"a b\_\{1\}\textasciitilde{}\textasciicircum{}\textless{}\textbar{}\textgreater{}"
        r"\textbackslash{}"
    )
    assert label("a b/ü_1.") == "a-b--_1."


@pytest.mark.slow
def test_tables_compile(tmp_path: Path) -> None:
    latex = shutil.which("pdflatex")
    if not latex:
        pytest.skip("pdflatex is missing: apt install texlive-latex-recommended")
    made = table()
    nasty = replace(
        made,
        of=made.of.model_copy(update={"name": ALL}),
        names={id_: replace(name, title=ALL + name.title) for id_, name in made.names.items()},
    )
    texts = [to_latex(made), to_latex(nasty)]
    (tmp_path / "paper.tex").write_text(DOCUMENT % "\n".join(texts))
    done = subprocess.run(
        [latex, "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Missing character" not in done.stdout
    if extract := shutil.which("pdftotext"):
        subprocess.run([extract, "-layout", "paper.pdf"], cwd=tmp_path, check=True)
        shown = (tmp_path / "paper.txt").read_text()
        assert "↑" in shown
        assert ALL + "A" in shown.replace("’", "'").replace("‘", "`")
