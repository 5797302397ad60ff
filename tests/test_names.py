from hashlib import sha256

import pytest

from almbench.names import LONGEST, ascii_name, safe_name


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
        ("cafe\u0301", "café"),
        ("हिन्दी", "हिन्दी"),  # vowel signs and virama are marks, not letters
        ("ภาษาไทยที่", "ภาษาไทยที่"),
        ("模型一", "模型一"),
        ("caf\udce9", "café"),
        ("con", "_con"),
        ("AUX.backup", "_AUX.backup"),
        ("console", "console"),
        ("com1.wav", "_com1.wav"),
        ("LPT³", "_LPT³"),
        ("a. ", "a._"),
        ("a...", "a"),
        ("a:b", "a_b"),
        (r"C:\x\y", "C___x__y"),
        ("a|b?c*d<e>f", "a_b_c_d_e_f"),
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


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("codec-a", "codec-a"),
        ("My codec (v2)", "My_codec_v2_"),
        ("Größe", "Groe-" + sha256("Größe".encode()).hexdigest()[:8]),
        ("café", "cafe"),
        ("模型一", "set-" + sha256("模型一".encode()).hexdigest()[:8]),
        ("aux", "aux-" + sha256(b"aux").hexdigest()[:8]),
        ("", "set-" + sha256(b"").hexdigest()[:8]),
    ],
)
def test_ascii_names(text: str, name: str) -> None:
    assert ascii_name(text) == name


def test_ascii_names_stay_distinct_and_short() -> None:
    names = {ascii_name(text) for text in ("模型一", "模型二", "x" * 70, "x" * 71, "x" * 72)}
    assert len(names) == 5
    assert max(map(len, names)) == 70
