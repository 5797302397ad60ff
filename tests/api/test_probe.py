"""`almbench.probe` of runs, of codecs that are objects, and of codes in memory."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import almbench
from almbench.audio import Samples, write_flac
from almbench.errors import UserError
from almbench.tokens.probing import Wanted
from almbench.tokens.probing import probe as compute
from almbench.tokens.token_files import Labels, TokenFolder

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")

TABLE = pd.DataFrame({"id": ["x"]})
PLAIN: dict[str, dict[str, Any]] = {"probe": {"steps": 0}}


@pytest.fixture
def codes() -> dict[str, Any]:
    """Twenty clips whose second book holds the class."""
    rng = np.random.default_rng(0)
    return {
        f"a clip/{i}": np.stack([rng.integers(0, 9, 30), rng.integers(0, 4, 30) + 4 * (i % 2)])
        for i in range(20)
    }


@pytest.fixture
def labels(codes: dict[str, Any]) -> pd.DataFrame:
    """Their classes, and a column with gaps."""
    rows = [("ab"[i % 2], i % 3 if i else None) for i in range(20)]
    return pd.DataFrame(rows, columns=["class", "number"]).assign(id=list(codes))


def test_codes_in_memory_have_the_values_of_token_files(
    codes: dict[str, Any], labels: pd.DataFrame, tmp_path: Path
) -> None:
    found = almbench.probe(
        None, "probe", label="class", codes={"Ours": codes}, labels=labels, settings=PLAIN,
        workers=1,
    )  # fmt: skip
    bags = found[found["input"] == "bag"].set_index("book")["value"]
    assert bags["2"] == bags["all"] == 1.0
    assert bags["1"] < 0.9
    held = {
        id_: {"codes": torch.from_numpy(one), "codebook_sizes": (9, 8), "frame_rate": 25.0}
        for id_, one in codes.items()
    }
    again = almbench.probe(
        None, ["probe", "language"], label=["class"], codes={"Ours": held}, labels=labels,
        settings={**PLAIN, "language": {"steps": 2, "windows": 2}},
        output=tmp_path / "out", workers=1,
    )  # fmt: skip
    assert again.loc[again["input"] == "bag", "value"].tolist() == bags.tolist()
    per_second = again[again["measure"] == "lm_bits_per_second"]
    assert (per_second["value"] > 0).all()
    (tmp_path / "files").mkdir()
    for i, one in enumerate(codes.values()):
        np.savez(tmp_path / "files" / f"{i}.npz", codes=one)
    labels.assign(id=range(20)).to_csv(tmp_path / "labels.csv", index=False)
    of_files = compute(
        tmp_path / "of-files",
        Wanted(["probe"], targets=["class"]),
        folders=[TokenFolder.parse(f"Ours={tmp_path / 'files'}")],
        labels=Labels.read(tmp_path / "labels.csv"),
        alone=True,
        settings=PLAIN,
    )
    values = [v.value for r in of_files.records for v in r.found if v.input == "bag"]
    assert values == bags.tolist()


def test_gaps_are_no_labels(codes: dict[str, Any], labels: pd.DataFrame) -> None:
    found = almbench.probe(
        None, "probe", label="number", codes={"Ours": codes}, labels=labels, settings=PLAIN,
        workers=1,
    )  # fmt: skip
    assert set(found["n"]) == {19, 0}  # 0 of the vectors, which there are not


@pytest.mark.slow
def test_what_was_evaluated_is_probed_with_its_objects(tmp_path: Path) -> None:
    rows = ["id,path,class"]
    for i in range(6):
        noise = np.cumsum(np.random.default_rng(i).standard_normal(24_000)) / 200
        write_flac(tmp_path / f"c{i}.flac", noise * (0.02 if i % 2 else 0.5), 24_000)
        rows.append(f"c{i},c{i}.flac,{'ab'[i % 2]}")
    (tmp_path / "clips.csv").write_text("\n".join(rows))

    def halve(samples: Samples, sample_rate: int) -> Samples:
        assert sample_rate > 0
        return samples / 2

    from almbench.codecs.registry import create

    given = {"half": halve, "mine": create("mine", "Mine", "almtokenizer", {}), "b": "almtokenizer"}
    results = almbench.evaluate(
        given, str(tmp_path / "clips.csv"), "gain_db", output=tmp_path / "run", device="cpu"
    )
    few = {**PLAIN, "stability": {"clips": 1, "seconds": 0.5}}
    found = almbench.probe(results, ["probe", "stability"], settings=few, device="cpu")
    assert set(found["codec"]) == {"mine", "b", "original"}
    both = found[found["codec"] != "original"].pivot_table(
        index=["measure", "input", "book"], columns="codec", values="value"
    )
    assert both["mine"].tolist() == both["b"].tolist()
    assert "stability" in both.index.get_level_values(0)
    assert len(results.probes()) == len(found)
    loaded = almbench.probe(
        tmp_path / "run", "stability", codecs=["mine"], seed=1, workers=1, device="cpu"
    )
    assert loaded["reason"].tolist() == [
        "the codec was an object in Python, which is not here; almbench.probe takes what "
        "almbench.evaluate returned"
    ]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({}, "Give a run, or codes with labels"),
        ({"codes": {"a": {"x": [[0]]}}}, "Give a run, or codes with labels"),
        ({"run": "nowhere", "output": "x"}, "leave output out"),
        ({"run": "nowhere"}, "nowhere"),
        ({"codes": {"a": {}}, "labels": TABLE}, "are an empty dict. Allowed: codes by codec and"),
        ({"codes": np.zeros((2, 9)), "labels": TABLE}, r"codes is an array of shape \[2, 9\]"),
        (
            {"codes": {"x": np.zeros((2, 9))}, "labels": TABLE},
            r"'x' are an array of shape \[2, 9\]\. Allowed: .* of shape \[K, T\]",
        ),
        ({"codes": {"a": {"x": [[0], [1, 2]]}}, "labels": TABLE}, "clip 'x', are no array of num"),
        ({"codes": {"a": {"x": {"codes": {}}}}, "labels": TABLE}, "clip 'x', are no array of num"),
        ({"codes": {"a": {"x": [[0]]}}, "labels": pd.DataFrame({"y": ["x"]})}, "no column 'id'"),
        ({"codes": {"a": {"x": [[0]]}}, "labels": pd.DataFrame({"id": ["y"]})}, "names no clip"),
        ({"measures": "wer", "run": "nowhere"}, "There is no measure 'wer'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_a_line(call: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        almbench.probe(**call)
