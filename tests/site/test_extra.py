import shutil
from pathlib import Path

import pytest

from almbench.errors import UserError
from almbench.runner.run import run_suite
from almbench.site.build import build_site
from almbench.suite.load import load_suite
from almbench.suite.markdown import pictures, title

PAGE = """# About *this* `run`

<script>alert(1)</script> [web](https://example.org/) [bad](javascript:alert(1))

![A plot](img/p%20q.png) ![far](https://example.org/x.png)

| a | b |
|---|--:|
| 1 | 2 |
"""


@pytest.fixture
def suite(data: Path, tmp_path: Path) -> Path:
    shutil.copytree(data, tmp_path / "suite")
    (tmp_path / "suite" / "img").mkdir()
    (tmp_path / "suite" / "img" / "p q.png").write_bytes(b"png")
    (tmp_path / "suite" / "Lab.svg").write_text("<svg/>")
    (tmp_path / "suite" / "About us.md").write_text(PAGE)
    text = (data / "suite.toml").read_text().split('[[testset]]\nname = "noise"')
    codecs = text[1][text[1].index("[[codec]]") : text[1].index("[metrics]")]
    head = 'logo = "Lab.svg"\nextra_pages = ["About us.md"]\nlanguage = "zh"\n'
    path = tmp_path / "suite" / "own.toml"
    path.write_text(head + text[0] + codecs + '[metrics]\nspeech = ["gain_db"]\n')
    return path


def test_pages_and_logo_go_with_the_run_and_onto_the_site(suite: Path, tmp_path: Path) -> None:
    root = tmp_path / "run"
    run_suite(load_suite(str(suite)), root, "cpu", 1)
    shutil.rmtree(suite.parent / "img")
    (suite.parent / "About us.md").unlink()
    (suite.parent / "Lab.svg").unlink()
    run_suite(load_suite(str(root / "suite.toml")), root, "cpu", 1)  # what it names is in the run
    built = build_site([root], tmp_path / "site").parent
    html = (built / "about_us.html").read_text()
    assert "<h1>About <em>this</em> <code>run</code></h1>" in html
    assert "<title>About this run: " in html
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html
    assert 'href="javascript' not in html
    assert '<a href="https://example.org/">web</a>' in html
    assert '<img src="pages/small/img/p%20q.png" alt="A plot">' in html
    assert (built / "pages" / "small" / "img" / "p q.png").read_bytes() == b"png"
    assert '<td class="num">2</td>' in html
    assert "style=" not in html
    index = (built / "index.html").read_text()
    assert '<a href="about_us.html">About this run</a>' in index
    assert 'src="pages/small/Lab.svg"' in index
    assert '<html lang="zh">' in index
    (root / "pages" / "Lab.svg").unlink()
    with pytest.raises(UserError, match=r"lacks pages/Lab\.svg"):
        build_site([root], tmp_path / "site")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("Lab.svg", "Lab.exe"), "logo.*A file's name ends in .svg, .png"),
        (("Lab.svg", "none.svg"), "logo: the file .*none.svg does not exist"),
        (("About us.md", "none.md"), "extra_pages: the file .*none.md does not exist"),
        (("About us.md", "page.txt"), r"A file's name ends in \.md"),
    ],
)
def test_a_suite_with_a_wrong_file_is_refused(
    suite: Path, change: tuple[str, str], said: str
) -> None:
    suite.write_text(suite.read_text().replace(*change))
    with pytest.raises(UserError, match=said):
        load_suite(str(suite))


def test_a_missing_picture_is_named(suite: Path, tmp_path: Path) -> None:
    (suite.parent / "img" / "p q.png").unlink()
    with pytest.raises(UserError, match=r"About us.md shows the picture img/p q.png"):
        run_suite(load_suite(str(suite)), tmp_path / "run", "cpu", 1)


def test_a_page_of_a_taken_name_is_refused(suite: Path, tmp_path: Path) -> None:
    (suite.parent / "Speech.md").write_text("# Words")
    suite.write_text(suite.read_text().replace("About us.md", "Speech.md"))
    run_suite(load_suite(str(suite)), tmp_path / "run", "cpu", 1)
    with pytest.raises(UserError, match=r"Two pages of the site would be speech.html"):
        build_site([tmp_path / "run"], tmp_path / "site")


def test_what_a_page_shows_and_is_called() -> None:
    assert pictures("![](a.png) ![](../b.png) ![](//host/c.png) ![](/d.png) ![](a.png)") == [
        "a.png",
        "../b.png",
    ]
    assert title("text\n\n## A `b` *c*\n\n# d") == "A b c"
    assert title("text") == ""
