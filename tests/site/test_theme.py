import re
from pathlib import Path

import pytest

from almbench.errors import UserError
from almbench.site.build import build_site

ROOT = Path(__file__).resolve().parents[2]
BASE = """{% extends "almbench/base.html.j2" %}
{% block footer %}<footer><p>Our lab. {{ self.title() }}</p></footer>{% endblock %}
"""


@pytest.fixture
def theme(tmp_path: Path) -> Path:
    (tmp_path / "theme" / "static" / "fonts").mkdir(parents=True)
    return tmp_path / "theme"


def test_a_theme_replaces_blocks_and_files_of_every_page(
    run: Path, site: Path, theme: Path, tmp_path: Path
) -> None:
    (theme / "base.html.j2").write_text(BASE)
    (theme / "measured.html.j2").write_text("<p>{{ runs[0].title }}</p>")
    (theme / "static" / "favicon.svg").write_text("<svg/>")
    (theme / "static" / "fonts" / "a.woff2").write_bytes(b"font")
    css = tmp_path / "lab.css"
    css.write_text("nav { color: red }")
    built = build_site([run], tmp_path / "site", theme=theme, css=css).parent
    for name in ("index", "speech", "codec-opus-6", "abx-speech"):
        html = (built / f"{name}.html").read_text()
        assert "<footer><p>Our lab. " in html
        assert "Made with almbench" not in html
        links = [line for line in html.splitlines() if 'rel="stylesheet"' in line]
        assert links[-1] == '<link rel="stylesheet" href="static/custom.css">'
    assert (built / "measured.html").read_text() == "<p>Small &amp; &lt;quick&gt;</p>"  # escaped
    assert (built / "static" / "favicon.svg").read_text() == "<svg/>"
    assert (built / "static" / "fonts" / "a.woff2").read_bytes() == b"font"
    assert (built / "static" / "custom.css").read_text() == "nav { color: red }"
    for name in ("card.js", "style.css"):
        assert (built / "static" / name).read_bytes() == (site / "static" / name).read_bytes()


def test_the_theme_of_the_documentation_works(run: Path, theme: Path, tmp_path: Path) -> None:
    docs = (ROOT / "docs" / "site.md").read_text()
    for name, content in re.findall(r"\n`lab/(\S+)`\n\n```\w+\n(.*?)```\n", docs, re.DOTALL):
        (theme / name).write_text(content)
    built = build_site([run], tmp_path / "site", theme=theme).parent
    html = (built / "measured.html").read_text()
    assert '<a href="https://example.org">Our lab</a>. 1 run.' in html
    assert '<link rel="stylesheet" href="static/lab.css">' in html
    assert "--prose: Lab" in (built / "static" / "lab.css").read_text()


def test_a_site_without_a_theme_drops_what_the_theme_brought(
    run: Path, theme: Path, tmp_path: Path
) -> None:
    (theme / "static" / "lab.css").write_text("")
    build_site([run], tmp_path / "site", theme=theme)
    assert (tmp_path / "site" / "static" / "lab.css").is_file()
    build_site([run], tmp_path / "site")
    assert not (tmp_path / "site" / "static" / "lab.css").exists()


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("<p>\n{% if %}", r"index.html.j2, line 2: Expected an expression"),
        ("<p>\n\n{{ nothing.at_all }}", r"index.html.j2, line 3: 'nothing' is undefined"),
        ("{{ 1 // 0 }}", r"index.html.j2, line 1: ZeroDivisionError: "),
        ('{% extends "bas.html.j2" %}', r"index.html.j2, line 1: .*bas.html.j2"),
    ],
)
def test_a_mistake_in_a_theme_is_said_with_its_place(
    run: Path, theme: Path, tmp_path: Path, template: str, said: str
) -> None:
    (theme / "index.html.j2").write_text(template)
    with pytest.raises(UserError, match=said):
        build_site([run], tmp_path / "site", theme=theme)


def test_what_is_no_theme_is_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no such folder"):
        build_site([run], tmp_path / "site", theme=tmp_path / "none")
    with pytest.raises(UserError, match="neither templates"):
        build_site([run], tmp_path / "site", theme=run)
    with pytest.raises(UserError, match=r"no\.css cannot be read: No such file"):
        build_site([run], tmp_path / "site", css=tmp_path / "no.css")
