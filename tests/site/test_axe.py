"""Every kind of page, judged by axe-core for barriers to people with disabilities."""

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


# Every pair of a site, a size and a theme.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "size", "theme"),
    [
        pytest.param("site", DESKTOP, "dark", id="site-desktop-dark"),
        pytest.param("site", PHONE, "light", id="site-phone-light"),
        pytest.param("nasty_site", DESKTOP, "light", id="nasty-desktop-light"),
        pytest.param("nasty_site", PHONE, "dark", id="nasty-phone-dark"),
    ],
)
def test_no_page_has_a_barrier(
    name: str, size: dict[str, int], theme: str, browser: Any, request: pytest.FixtureRequest
) -> None:
    folder: Path = request.getfixturevalue(name)
    pages = sorted(folder.glob("*.html"))
    assert {page.name.split("-")[0] for page in pages} >= {"index.html", "codec", "measured.html"}
    context = browser.new_context(viewport=size, color_scheme=theme, bypass_csp=True)
    page = context.new_page()
    found = {}
    for path in pages:
        page.goto(path.as_uri())
        violations = Axe().run(page).response["violations"]
        found[path.name] = [(v["id"], v["nodes"][0]["html"][:200]) for v in violations]
    context.close()
    assert not any(found.values()), found
