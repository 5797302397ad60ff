import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from almbench.errors import UserError
from almbench.plugins import Registry

MODULE = """
class Base: pass
class Square(Base): pass
class Circle(Base): pass
class Other: pass
"""


@pytest.fixture
def shapes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An installed distribution, whose entry points a test writes."""
    (tmp_path / "shapes_for_test.py").write_text(MODULE)
    info = tmp_path / "more_shapes-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: more-shapes\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield info / "entry_points.txt"
    sys.modules.pop("shapes_for_test", None)


def make_registry() -> Registry[type]:
    return Registry("shape", "almbench.shapes", {"square": "shapes_for_test:Square"}, (Sized,))


class Sized:
    """Stands for a base that the classes of the module do not have."""


def test_names_are_known_without_an_import_and_new_packages_after_a_refresh(shapes: Path) -> None:
    registry = make_registry()
    assert registry.names() == ["square"]
    shapes.write_text("[almbench.shapes]\ncircle = shapes_for_test:Circle\n")
    assert registry.names() == ["square"]
    registry.refresh()
    assert registry.names() == ["square", "circle"]
    assert "shapes_for_test" not in sys.modules


def test_a_class_is_loaded_once_asked_for_and_checked_against_the_base(shapes: Path) -> None:
    with pytest.raises(UserError, match=r"'square' \(shapes_for_test:Square, of almbench"):
        make_registry().load("square")
    module = sys.modules["shapes_for_test"]
    bases = (module.Base,)
    registry: Registry[type] = Registry("shape", "s", {"square": "shapes_for_test:Square"}, bases)
    assert registry.load("square") is module.Square
    with pytest.raises(UserError, match=r"no shape 'sqare'\. Did you mean 'square'\?"):
        registry.load("sqare")
    with pytest.raises(UserError, match=r"not a subclass of shapes_for_test\.Base\."):
        Registry("shape", "s", {"other": "shapes_for_test:Other"}, bases).load("other")


def test_a_second_registration_names_both_packages(shapes: Path) -> None:
    shapes.write_text("[almbench.shapes]\nsquare = shapes_for_test:Circle\n")
    words = r"Square \(of almbench\) and shapes_for_test:Circle \(of more-shapes\)\. To fix"
    with pytest.raises(UserError, match=words):
        make_registry().names()
