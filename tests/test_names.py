from hashlib import sha256

import pytest

from almbench.names import LONGEST, safe_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("p225_001", "p225_001"),
        ("a b", "a_b"),
        ("x/y", "x__y"),
        ("../../etc/passwd", "__..__etc__passwd"),
        ("<script>alert('1')</script>", "_script_alert_1___script_"),
        ('"quoted"', "_quoted_"),
        ("naïve", "naïve"),
        (".hidden", "hidden"),
        ("", "_"),
        ("...", "_"),
        (r"a\b", "a__b"),
        ("X.x", "X.x"),
        ("a+b=c", "a_b_c"),
    ],
)
def test_names_are_safe(text: str, name: str) -> None:
    assert safe_name(text) == name


def test_long_names_stay_distinct_and_short() -> None:
    a, b = safe_name("é" * 300 + "a"), safe_name("é" * 300 + "b")
    assert a != b
    assert LONGEST == 120
    assert safe_name("a" * 120) == "a" * 120
    assert safe_name("a" * 121) == "a" * 111 + "-" + sha256(b"a" * 121).hexdigest()[:8]
    assert len(a.encode()) <= LONGEST
