import pytest

from almbench.errors import UserError
from almbench.keyvalue import as_json, parse_pairs, split_key

FORM, EXAMPLE = "NAME=PATH", "vctk=/data/VCTK"


def test_pairs_are_read_and_the_last_of_equal_keys_counts() -> None:
    pairs = ["a=1", "b=x=y", "a=2", "c= "]
    assert parse_pairs("--data", pairs, FORM, EXAMPLE) == {"a": "2", "b": "x=y", "c": " "}
    assert parse_pairs("--data", [], FORM, EXAMPLE) == {}


@pytest.mark.parametrize("pair", ["", "a", "=", "a=", "=b"])
def test_what_is_no_pair_is_named_with_its_form_and_a_right_one(pair: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_pairs("--data", ["a=1", pair], FORM, EXAMPLE)
    assert str(caught.value) == f"--data '{pair}' is not NAME=PATH, such as vctk=/data/VCTK."


def test_paths_of_windows_are_values() -> None:
    pairs = [r"demo=C:\data\new", r"share=\\server\a=b"]
    assert parse_pairs("--data", pairs, FORM, EXAMPLE) == {
        "demo": r"C:\data\new",
        "share": r"\\server\a=b",
    }


def test_keys_are_split_into_so_many_parts() -> None:
    assert split_key("--set", "a.b", 2, FORM, EXAMPLE) == ["a", "b"]
    assert split_key("--set", "a.b.c", 0, FORM, EXAMPLE) == ["a", "b", "c"]
    assert split_key("--set", "a", 0, FORM, EXAMPLE) == ["a"]
    assert split_key("--set", "a", 1, FORM, EXAMPLE) == ["a"]


@pytest.mark.parametrize(
    ("key", "parts"), [("", 0), ("a.", 0), (".a", 2), ("a..b", 3), ("a", 2), ("a.b.c", 2)]
)
def test_a_key_of_another_form_is_named(key: str, parts: int) -> None:
    with pytest.raises(UserError) as caught:
        split_key("--set", key, parts, "KEY=VALUE", "a.b=1")
    assert str(caught.value) == f"--set '{key}' is not KEY=VALUE, such as a.b=1."


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1), ("1.5", 1.5), ("true", True), ("null", None), ('"1"', "1"), ("[1, 2]", [1, 2]),
        ('{"a": 1}', {"a": 1}), ("voip", "voip"), ("1,2", "1,2"), ("True", "True"), ("", ""),
    ],
)  # fmt: skip
def test_values_are_json_or_text(text: str, value: object) -> None:
    found = as_json(text)
    assert found == value
    assert type(found) is type(value)
