from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

from almbench.results.records import ScoreRow, signature
from almbench.results.row_files import Writer, iter_rows, join_parts, read_rows, write_part


def row(clip: str, value: float) -> ScoreRow:
    return ScoreRow(
        testset="t", clip=clip, codec="c", metric="m", value=value, status="ok", signature="s"
    )


def test_rows_come_back_and_the_latest_wins(tmp_path: Path) -> None:
    with Writer(tmp_path, ScoreRow) as writer:
        for each in (row("a", 1.0), row("b", 0.1 + 0.2), row("a", 3.0)):
            writer.write(each)
    rows = read_rows(tmp_path, ScoreRow)
    assert {key[1]: r.value for key, r in rows.items()} == {"a": 3.0, "b": 0.1 + 0.2}


def test_the_rows_of_parts_merge_and_those_of_the_highest_number_win(tmp_path: Path) -> None:
    with Writer(tmp_path, ScoreRow) as writer:  # as versions before parts left them
        writer.write(row("a", 1.0))
    write_part(tmp_path, [row("b", 2.0), row("c", 2.0)], 2, "ffff")
    write_part(tmp_path, [row("a", 4.0), row("b", 4.0)], 10, "aaaa")
    write_part(tmp_path, [row("b", 3.0)], 9, "zzzz")
    rows = read_rows(tmp_path, ScoreRow)
    assert {key[1]: r.value for key, r in rows.items()} == {"a": 4.0, "b": 4.0, "c": 2.0}
    for _ in range(2):
        join_parts(tmp_path, ScoreRow)
        assert [path.name for path in (tmp_path / "rows").iterdir()] == ["scores.jsonl"]
        assert read_rows(tmp_path, ScoreRow) == rows


def test_a_torn_line_costs_only_itself(tmp_path: Path) -> None:
    with Writer(tmp_path, ScoreRow) as writer:
        writer.write(row("a", 1.0))
        writer.write(row("b", 2.0))
    path = tmp_path / "rows" / "scores.jsonl"
    path.write_bytes(path.read_bytes()[:-20])  # killed while writing
    with Writer(tmp_path, ScoreRow) as writer:
        writer.write(row("c", 3.0))
    assert [key[1] for key in read_rows(tmp_path, ScoreRow)] == ["a", "c"]


def test_no_rows_at_all(tmp_path: Path) -> None:
    assert read_rows(tmp_path, ScoreRow) == {}


def test_a_signature_depends_on_content_not_on_order_of_keys() -> None:
    assert signature({"a": 1, "b": 2}) == signature({"b": 2, "a": 1})
    assert signature(1, "2") != signature(1, 2)
    assert signature("ab") != signature("a", "b")
    text = '["a",{"b":[1,0.5,null]}]'  # canonical JSON
    assert signature("a", {"b": (1, 0.5, None)}) == sha256(text.encode()).hexdigest()[:16]


def test_rows_are_read_whole_while_their_parts_are_joined(tmp_path: Path) -> None:
    write_part(tmp_path, [row("a", 1.0)], 1, "aaaa")
    write_part(tmp_path, [row("b", 2.0)], 2, "bbbb")
    write_part(tmp_path, [row("a", 3.0)], 3, "cccc")
    reading = iter_rows(tmp_path, ScoreRow)
    latest = {(first := next(reading)).clip: first.value}
    join_parts(tmp_path, ScoreRow)
    latest |= {each.clip: each.value for each in reading}
    assert latest == {"a": 3.0, "b": 2.0}


def test_readers_miss_nothing_while_parts_come_and_are_joined(tmp_path: Path) -> None:
    written = 0

    def write() -> None:
        nonlocal written
        for number in range(1, 301):
            write_part(tmp_path, [row(str(number), float(number))], number, "unit")
            written = number
            if number % 3 == 0:
                join_parts(tmp_path, ScoreRow)

    with ThreadPoolExecutor(1) as threads:
        writing = threads.submit(write)
        while not writing.done():
            least = written
            assert len(read_rows(tmp_path, ScoreRow)) >= least
        writing.result()
    assert len(read_rows(tmp_path, ScoreRow)) == 300
