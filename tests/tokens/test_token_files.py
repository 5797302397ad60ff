"""Token files of a codec that is not here, from the folder to the table."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from almbench.audio import write_flac
from almbench.cli.probe_report import print_probes
from almbench.errors import UserError
from almbench.results.probes import ProbeRecord, ProbeValue
from almbench.results.runfolder import RunFolder
from almbench.results.table_files import read_table
from almbench.tokens.measure import Effort
from almbench.tokens.probing import Probed, Wanted, probe
from almbench.tokens.token_files import Labels, TokenFolder

SETTINGS = {"probe": {"steps": 0}}


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    """40 clips of 4 speakers, the first book of two being the class; clip 0 is damaged."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "tokens"
    folder.mkdir()
    rows = ["id,class,speaker"]
    for i in range(40):
        codes = np.stack([np.full(9, i % 2), rng.integers(0, 8, 9)])
        np.savez(folder / f"clip {i}.npz", codes=codes, codebook_sizes=[2, 8], frame_rate=12.5)
        rows.append(f"clip {i},{'ab'[i % 2]},s{i // 10}")
    (folder / "clip 0.npz").write_bytes(b"x")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    return folder


def run(tokens: Path, labels: str = "labels.csv", seed: int = 0) -> Probed:
    return probe(
        tokens.parent / "out",
        Wanted(["probe"], targets=["class"]),
        folders=[TokenFolder.parse(f"Ours={tokens}")],
        labels=Labels.read(tokens.parent / labels),
        alone=True,
        settings=SETTINGS,
        effort=Effort(seed),
    )


@pytest.mark.slow
def test_processes_find_what_one_finds_and_keep_it(tokens: Path) -> None:
    found = {}
    for workers in (1, 2):
        records = probe(
            tokens.parent / f"out{workers}",
            Wanted(["probe", "abx"], targets=["class"]),
            folders=[TokenFolder.parse(f"{name}={tokens}") for name in ("Ours", "Theirs")],
            labels=Labels.read(tokens.parent / "labels.csv"),
            alone=True,
            settings={"probe": {"steps": 2}},
            workers=workers,
        ).records
        found[workers] = [(r.key, r.signature, r.found) for r in records]
        table = read_table(RunFolder(tokens.parent / f"out{workers}"), "probes")
        assert table["codec"].tolist() == sorted(table["codec"])
    assert found[1] == found[2]
    assert len(found[1]) == 4
    lines = (tokens.parent / "out2/rows/probes.jsonl").read_text().splitlines()
    again = probe(
        tokens.parent / "out2",
        Wanted(["probe", "abx"], targets=["class"]),
        folders=[TokenFolder.parse(f"{name}={tokens}") for name in ("Ours", "Theirs")],
        labels=Labels.read(tokens.parent / "labels.csv"),
        alone=True,
        settings={"probe": {"steps": 2}},
        workers=2,
    ).records
    assert [(r.key, r.signature, r.found) for r in again] == found[2]
    assert (tokens.parent / "out2/rows/probes.jsonl").read_text().splitlines() == lines


def test_a_folder_of_token_files_and_a_table_of_labels_do(
    tokens: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    probed = run(tokens)
    table = read_table(RunFolder(tokens.parent / "out"), "probes")
    rows = table[table["input"] == "bag"].set_index("book")
    assert rows.loc[["1", "all"], "value"].tolist() == [1.0, 1.0]
    assert rows.loc["1", "n"] == 39
    assert set(table["codec"]) == {"Ours"}
    assert set(table["testset"]) == {"labels"}
    assert print_probes(probed) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "labels probe_accuracy class" in printed
    assert " Ours bag 1 [1, 1] 39 0.5 " in printed  # of all codebooks; single ones are in the file
    assert printed.count(" Ours bag ") == 1
    assert " book " not in printed
    assert " baseline " not in printed  # columns that would be empty
    single = table["book"].str.isdecimal() & table["value"].notna()
    assert f"with {single.sum()} values of single codebooks" in printed
    assert "No value labels probe_accuracy class vectors of Ours: the codec was given" in printed


def test_numbers_are_not_cut_where_lines_are_short(
    tokens: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    print_probes(run(tokens))
    printed = capsys.readouterr().out
    assert "[1, 1]" in printed
    assert "…" not in printed


@pytest.mark.parametrize("columns", [80, 66])
def test_names_are_folded_at_spaces_alone(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    found = [
        ProbeValue(
            measure="stability", input=input_, value=0.08333, ci95_low=0.08333, ci95_high=0.08334,
            n=24, chance=0.05031,
        )
        for input_ in ("own output, 2 passes", "low-pass 3.5 kHz")
    ]  # fmt: skip
    label = "ALMTokenizer (large) (0.41 kbps)"
    record = ProbeRecord(
        testset="talk",
        codec="a",
        label=label,
        family="stability",
        status="ok",
        signature="",
        found=tuple(found),
    )
    print_probes(Probed(RunFolder(Path("out")), [record]))
    lines = capsys.readouterr().out.split("Table:")[0].splitlines()
    assert max(map(len, lines)) == columns
    words = " ".join(lines).split()
    for text in (label, "own output, 2 passes", "low-pass 3.5 kHz", "[0.0833, 0.0833] 24 0.0503"):
        assert set(text.split()) <= set(words)


def test_a_value_without_an_interval_has_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    why = "no interval: it takes two speakers"
    value = ProbeValue(measure="abx_error_within", input="vectors", value=1.0, n=8, reason=why)
    record = ProbeRecord(
        testset="talk",
        codec="a",
        family="abx",
        target="word",
        status="ok",
        signature="",
        found=(value,),
    )
    print_probes(Probed(RunFolder(Path("out")), [record]))
    printed = capsys.readouterr().out
    assert f"Note talk abx_error_within word: {why}" in printed
    assert "95 % interval" not in printed


def test_what_is_done_is_kept_until_something_changes(tokens: Path) -> None:
    lines = tokens.parent / "out" / "rows" / "probes.jsonl"
    first = run(tokens).records
    assert run(tokens).records == first
    assert len(lines.read_text().splitlines()) == 1
    assert run(tokens, seed=1).records != first
    np.savez(tokens / "clip 0.npz", codes=np.zeros((2, 3), np.int64), codebook_sizes=[2, 8],
             frame_rate=12.5)  # fmt: skip
    assert run(tokens, seed=1).records[0].found[0].n == 40
    assert len(lines.read_text().splitlines()) == 3


def test_the_originals_are_heard_where_the_table_names_them(tokens: Path) -> None:
    table = pd.read_csv(tokens.parent / "labels.csv")
    table["path"] = [f"{name}.flac" for name in table["id"]]
    for i, path in enumerate(table["path"]):
        sound = np.sin(np.arange(4000) * (0.1, 0.5)[i % 2]) / 2
        write_flac(tokens.parent / path, sound, 16_000)
    table.to_csv(tokens.parent / "heard.csv", index=False)
    run(tokens, "heard.csv")
    rows = read_table(RunFolder(tokens.parent / "out"), "probes")
    heard = rows[(rows["codec"] == "original") & (rows["input"] == "bag")]
    assert heard["value"].tolist() == [1.0]
    ours = rows[(rows["codec"] == "Ours") & (rows["input"] == "bag")]
    assert ours["baseline"].tolist() == [1.0] * 3


def test_files_that_do_not_go_together_are_refused(tokens: Path) -> None:
    np.savez(tokens / "clip 3.npz", codes=np.ones((3, 4), int))
    with pytest.raises(UserError, match=r"clip_3 has codebook_sizes none, frame_rate none\."):
        run(tokens)


def test_codes_that_look_transposed_are_shown_with_their_shape(tokens: Path) -> None:
    for i, path in enumerate(sorted(tokens.iterdir())):
        np.savez(path, codes=np.ones((20 + i, 2), int))
    with pytest.raises(UserError, match=r"20, 21, 22 and 37 more codebooks.*\[20, 2\] looks like"):
        run(tokens)


@pytest.mark.parametrize("codes", [np.full((2, 4), 9), np.ones((3, 4), int)])
def test_codes_that_are_not_of_the_codebooks_are_left_out(
    tokens: Path, codes: np.ndarray[tuple[int, int], np.dtype[np.int64]]
) -> None:
    np.savez(tokens / "clip 3.npz", codes=codes, codebook_sizes=[2, 8], frame_rate=12.5)
    assert run(tokens).records[0].found[0].n == 38


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"codes": np.array([[3, -2]])}, "are negative, -2 the smallest"),
        ({"codes": np.ones((2, 3))}, "are float64, not integers"),
        ({"codes": np.ones(3, int)}, "store one codebook as codes[None]"),
        ({"tokens": np.ones((2, 3), int)}, "has no array 'codes'; it has: tokens"),
        ({"codes": np.ones((3, 2), int), "codebook_sizes": [2, 8]}, "transpose them"),
        ({"codes": np.ones(3, int), "codebook_sizes": 8}, "give codes[None]"),
        ({"codes": np.full((2, 3), 8), "codebook_sizes": [2, 8]}, "it has 0 to 1"),
    ],
)
def test_a_codec_none_of_whose_token_files_can_be_used_is_a_failure(
    tokens: Path, arrays: dict[str, Any], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in tokens.iterdir():
        np.savez(path, allow_pickle=False, **arrays)
    probed = run(tokens)
    assert print_probes(probed) == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert "none of its codes can be used; the first: labels/" in printed
    assert words in probed.records[0].reason


def test_wrong_input_is_named(tokens: Path) -> None:
    with pytest.raises(UserError, match="is not a folder"):
        TokenFolder.parse("Ours=nowhere")
    (tokens.parent / "none").mkdir()
    with pytest.raises(UserError, match="no token files"):
        TokenFolder.parse(str(tokens.parent / "none"))
    (tokens.parent / "other.csv").write_text("id,class\nzebra,a\n")
    with pytest.raises(UserError, match="names no clip of --codes"):
        run(tokens, "other.csv")
    (tokens.parent / "odd.csv").write_text("name,class\nzebra,a\n")
    with pytest.raises(UserError, match="no column 'id' or 'path'"):
        Labels.read(tokens.parent / "odd.csv")
    (tokens.parent / "semicolons.csv").write_text("id;class\nzebra;a\n")
    with pytest.raises(UserError, match=r"it has: id;class\. Columns are separated by commas"):
        Labels.read(tokens.parent / "semicolons.csv")
    with pytest.raises(UserError, match="is a folder; labels are in a CSV file"):
        Labels.read(tokens)
    (tokens.parent / "twice.csv").write_text("id,class\nclip 1,a\nclip 1,b\n")
    with pytest.raises(UserError, match="twice"):
        Labels.read(tokens.parent / "twice.csv")
