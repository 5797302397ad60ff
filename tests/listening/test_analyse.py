from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

Json = dict[str, Any]
Make = Callable[..., Json]
Save = Callable[[Json], Path]
Rate = Callable[[np.random.Generator], dict[str, dict[str, int]]]
Bench = Callable[..., Any]
Listen = Callable[..., Any]


def flat(scores: list[dict[str, dict[str, int]]], system: str) -> np.ndarray[Any, Any]:
    """A system's mean over the clips, one per listener."""
    return np.array([np.mean([of_clip[system] for of_clip in s.values()]) for s in scores])


def test_a_panel_from_files_to_tables(
    tmp_path: Path, bench: Bench, mushra: Make, save: Save, careful: Rate, careless: Rate
) -> None:
    rng = np.random.default_rng(5)
    good = [careful(rng) for _ in range(12)]
    bad = [careless(rng) for _ in range(4)]
    for i, scores in enumerate([*good, *bad]):
        save(mushra(i + 1, scores))
    done = bench("listen", "analyse", tmp_path / "results", "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "Small test (12 listeners, 4 left out)" in done.stdout
    assert "Better - Middle" in done.stdout

    who = pd.read_csv(tmp_path / "out/listeners.csv", dtype={"listener": str})
    assert list(who["kept"]) == [True] * 12 + [False] * 4
    assert who["note"].iloc[12:].str.fullmatch(r"hidden reference below 90 in \d of 8 trials").all()
    slipped = [sum(of["original"] < 90 for of in s.values()) for s in [*good, *bad]]
    assert list(who["reference_below_90"]) == slipped
    assert max(slipped[:12]) == 1  # 12.5 % of the trials: a slip is forgiven

    systems = pd.read_csv(tmp_path / "out/listening.csv").set_index("system")
    assert list(systems.index[:2]) == ["original", "better"]
    for system in ("better", "middle", "anchor-7", "original"):
        values = flat(good, system)
        row = systems.loc[system]
        low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
        assert (row["listeners"], row["clips"], row["ratings"]) == (12, 8, 96)
        assert row["mean"] == pytest.approx(values.mean())
        assert (row["ci95_low"], row["ci95_high"]) == pytest.approx((low, min(high, 100)))
    assert systems.loc["better", "median"] == np.median(
        [of_clip["better"] for s in good for of_clip in s.values()]
    )

    pairs = pd.read_csv(tmp_path / "out/comparisons.csv")
    assert list(zip(pairs["system_a"], pairs["system_b"], strict=True)) == [
        ("better", "middle"),
        ("better", "worse"),
        ("middle", "worse"),
    ]
    p = [
        stats.ttest_rel(flat(good, a), flat(good, b)).pvalue
        for a, b in zip(pairs["system_a"], pairs["system_b"], strict=True)
    ]
    assert list(pairs["p"]) == pytest.approx(p)
    order = sorted(p)
    by_hand = [3 * order[0], max(3 * order[0], 2 * order[1])]
    by_hand.append(max(by_hand[1], order[2]))
    assert sorted(pairs["p_holm"]) == pytest.approx(by_hand)

    clips = pd.read_csv(tmp_path / "out/listening-clips.csv")
    one = clips[(clips["clip"] == "talk/clip-3") & (clips["system"] == "worse")].iloc[0]
    assert one["mean"] == pytest.approx(np.mean([s["talk/clip-3"]["worse"] for s in good]))
    ratings = pd.read_csv(tmp_path / "out/ratings.csv")
    assert len(ratings) == 16 * 8 * 6
    assert ratings["kept"].sum() == 12 * 8 * 6
    drawing = (tmp_path / "out/listening-speech.svg").read_text()
    assert "Better" in drawing
    assert len(drawing) < 20_000


def test_no_screening_keeps_all_and_two_runs_are_equal(
    tmp_path: Path, listen: Listen, mushra: Make, save: Save, careful: Rate, careless: Rate
) -> None:
    rng = np.random.default_rng(6)
    for i in range(3):
        save(mushra(i + 1, careful(rng)))
    save(mushra(4, careless(rng)))
    for out in ("one", "two"):
        done = listen("analyse", tmp_path / "results", "--no-screening", "-o", tmp_path / out)
        assert done.returncode == 0, done.stderr
    assert pd.read_csv(tmp_path / "one/listening.csv")["listeners"].eq(4).all()
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_screening_at_the_very_limit(
    tmp_path: Path, listen: Listen, mushra: Make, save: Save
) -> None:
    """15 % of 20 trials are 3: three slips are kept, four are not; 90 itself is no slip."""
    for listener, slips in [(1, 3), (2, 4)]:
        scores = {
            f"talk/{i}": {"original": 89 if i < slips else 90, "better": 50 + i} for i in range(20)
        }
        save(mushra(listener, scores))
    listen("analyse", tmp_path / "results", "-o", tmp_path / "out")
    assert list(pd.read_csv(tmp_path / "out/listeners.csv")["kept"]) == [True, False]


def test_abx(tmp_path: Path, listen: Listen, abx: Make, save: Save) -> None:
    save(abx(1, right=12, done=16))
    save(abx(2, right=7, done=16))
    save(abx(3, right=9, done=9))  # went when it went well
    other = {"a": "original", "b": "worse"}
    save(abx(1, right=16, done=16, pair=other))
    done = listen("analyse", tmp_path / "results", "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "incomplete: 9 of 16 trials" in done.stdout
    table = pd.read_csv(tmp_path / "out/abx.csv", dtype={"listener": str})
    pooled = table[table["listener"] == "all"].set_index("b")
    assert list(pooled["right"]) == [19, 16]
    assert list(pooled["trials"]) == [32, 16]
    p = stats.binomtest(19, 32, alternative="greater").pvalue
    assert pooled.loc["better", "p"] == pytest.approx(p)
    assert pooled.loc["worse", "p"] == pytest.approx(2**-16)
    assert pooled.loc["worse", "p_holm"] == pytest.approx(2 * 2**-16)
    assert pooled.loc["better", "p_holm"] == pytest.approx(p)
    each = table[(table["b"] == "better") & (table["listener"] != "all")]
    assert list(each["p"]) == pytest.approx([0.0384, 0.7728], abs=5e-5)
    assert not (tmp_path / "out/listening.csv").exists()


def test_one_listener_has_means_and_nothing_more(
    tmp_path: Path, listen: Listen, mushra: Make, save: Save, careful: Rate
) -> None:
    path = save(mushra(1, careful(np.random.default_rng(1))))
    done = listen("analyse", path, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "a single listener" in done.stdout
    systems = pd.read_csv(tmp_path / "out/listening.csv")
    assert systems["mean"].notna().all()
    assert systems[["ci95_low", "ci95_high"]].isna().all(axis=None)
    pairs = pd.read_csv(tmp_path / "out/comparisons.csv")
    assert pairs["difference"].notna().all()
    assert pairs[["p", "p_holm"]].isna().all(axis=None)


def test_equal_ratings(tmp_path: Path, listen: Listen, mushra: Make, save: Save) -> None:
    for i in range(4):
        same = {"original": 100, "better": 50, "middle": 50, "worse": 40}
        save(mushra(i, {"talk/a": same, "talk/b": same}))
    done = listen("analyse", tmp_path / "results", "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    pairs = pd.read_csv(tmp_path / "out/comparisons.csv").set_index(["system_a", "system_b"])
    assert pairs.loc[("better", "middle"), "p"] == 1.0
    assert pairs["p"].isna().loc[("better", "worse")]
    assert pairs.loc[("better", "worse"), "note"] == "all listeners differ alike: no t"
    assert pairs.loc[("better", "worse"), "difference"] == 10


def test_no_hidden_reference_is_said(
    tmp_path: Path, listen: Listen, mushra: Make, save: Save
) -> None:
    for i in range(3):
        save(mushra(i, {"talk/a": {"better": 70 + i, "worse": 30}}))
    done = listen("analyse", tmp_path / "results", "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("cannot be screened: there was no hidden reference") == 3
    assert pd.read_csv(tmp_path / "out/listening.csv")["listeners"].eq(3).all()


def test_incomplete_results_and_nobody_left(
    tmp_path: Path, listen: Listen, mushra: Make, save: Save, careful: Rate, careless: Rate
) -> None:
    rng = np.random.default_rng(3)
    whole = careless(rng)
    save(mushra(1, whole))
    part = careful(rng)
    save(mushra(2, {clip: part[clip] for clip in list(part)[:5]}))
    save(mushra(3, {}))
    done = listen("analyse", tmp_path / "results", "-o", tmp_path / "out")
    assert done.returncode == 1
    assert "incomplete: 18 of 48 ratings are missing" in done.stdout
    assert "No listener is left" in done.stdout
    assert not pd.read_csv(tmp_path / "out/listeners.csv")["kept"].any()
    assert pd.read_csv(tmp_path / "out/listening.csv").empty


def test_only_empty_results(tmp_path: Path, listen: Listen, mushra: Make, save: Save) -> None:
    save(mushra(1, {}))
    done = listen("analyse", tmp_path / "results", "-o", tmp_path / "out")
    assert done.returncode == 1
    assert "nothing was rated" in done.stdout


def test_a_system_that_lacks_a_clip_is_compared_over_the_rest(
    tmp_path: Path, listen: Listen, mushra: Make, save: Save
) -> None:
    for i, (x, y) in enumerate([(60, 50), (70, 65), (80, 60)]):
        scores = {
            "talk/a": {"original": 100, "better": x, "worse": y},
            "talk/b": {"original": 100, "better": 10},
        }
        save(mushra(i, scores))
    listen("analyse", tmp_path / "results", "-o", tmp_path / "out")
    pair = pd.read_csv(tmp_path / "out/comparisons.csv").iloc[0]
    assert pair["clips"] == 1
    assert pair["difference"] == pytest.approx((10 + 5 + 20) / 3)


def test_the_same_listener_twice(tmp_path: Path, listen: Listen, mushra: Make, save: Save) -> None:
    first = {"talk/a": {"original": 100, "better": 60}}
    second = {"talk/a": {"original": 100, "better": 90}}
    save(mushra(1, second, finished="2026-11-21T10:00:00+00:00"))
    early = save(mushra(1, first))
    other = save(mushra(2, first))
    paths = [tmp_path / "results", other]  # a file that the folder holds too counts once
    done = listen("analyse", *paths, "-o", tmp_path / "out")
    assert f"same listener as {early.name}, which was finished first and counts" in done.stdout
    systems = pd.read_csv(tmp_path / "out/listening.csv").set_index("system")
    assert systems.loc["better", "mean"] == 60
    assert systems.loc["better", "listeners"] == 2


def test_domains_stand_side_by_side_but_tests_do_not_mix(
    tmp_path: Path, listen: Listen, mushra: Make, save: Save
) -> None:
    scores = {"talk/a": {"original": 100, "better": 60, "worse": 40}}
    one = save(mushra(1, scores))
    save(mushra(1, scores, domain="music", test="f" * 16))
    done = listen("analyse", tmp_path / "results", "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert list(pd.read_csv(tmp_path / "out/listening.csv")["domain"].unique()) == [
        "music",
        "speech",
    ]
    two = save(mushra(2, scores, test="e" * 16, title="Another"))
    done = listen("analyse", tmp_path / "results", "-o", tmp_path / "out")
    assert done.returncode == 2
    for words in (one.name, two.name, "'Another'", "in a folder of their own"):
        assert words in done.stderr


def test_a_test_without_listeners_among_others(
    tmp_path: Path, listen: Listen, mushra: Make, save: Save
) -> None:
    save(mushra(1, {"talk/a": {"original": 100, "better": 60}}))
    save(mushra(1, {"talk/a": {"original": 10, "better": 60}}, domain="music", test="f" * 16))
    done = listen("analyse", tmp_path / "results", "-o", tmp_path / "out")
    assert done.returncode == 1
    assert "MUSHRA, speech: Small test (1 listener)" in done.stdout
    assert "MUSHRA, music: Small test (0 listeners, 1 left out)" in done.stdout


def score(value: object) -> Callable[[Json], None]:
    return lambda r: r["trials"][0]["ratings"][1].update(score=value)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (score(101), "trials[0].ratings[1].score = 101: Input should be less than or equal to 100"),
        (score(50.5), "trials[0].ratings[1].score = 50.5"),
        (score("50"), "trials[0].ratings[1].score = '50'"),
        (score(True), "trials[0].ratings[1].score = True"),
        (score(None), "trials[0].ratings[1].score"),
        (lambda r: r.pop("test"), "The key 'test' is missing"),
        (lambda r: r.update(tset=""), "Did you mean 'test'?"),
        (lambda r: r.update(test="../../etc"), "test = '../../etc'"),
        (lambda r: r.update(domain="speach"), "Did you mean 'speech'?"),
        (lambda r: r.update(kind="mushrooms"), "Did you mean 'mushra'?"),
        (lambda r: r.update(format="almbench-listening-0"), 'no "format": "almbench-listening-1"'),
        (lambda r: r.update(finished="yesterday"), "finished = 'yesterday'"),
        (lambda r: r["trials"].append(r["trials"][0]), "Clip 'talk/a' is given twice"),
        (lambda r: r["trials"][0]["ratings"][0].update(role="system"), "cannot have the role"),
        (lambda r: r["trials"][0]["ratings"][1].update(system="../x"), "system = '../x'"),
    ],
)
def test_mistakes_name_the_file_and_the_field(
    tmp_path: Path,
    listen: Listen,
    mushra: Make,
    save: Save,
    spoil: Callable[[Json], None],
    words: str,
) -> None:
    result = mushra(1, {"talk/a": {"original": 100, "better": 60}})
    spoil(result)
    path = save(result)
    done = listen("analyse", path, "-o", tmp_path / "out")
    assert done.returncode == 2
    assert path.name in done.stderr
    assert words in done.stderr
    assert not (tmp_path / "out").exists()


def test_long_texts_are_refused(listen: Listen, mushra: Make, save: Save, tmp_path: Path) -> None:
    scores = {"talk/a": {"original": 100, "better": 60}}
    for length, code in [(2_000, 0), (2_001, 2)]:
        path = save(mushra(1, scores, equipment="x" * length))
        assert listen("analyse", path, "-o", tmp_path / "out").returncode == code


@pytest.mark.parametrize("first", "=+-@")
def test_no_text_is_a_formula(
    tmp_path: Path, listen: Listen, mushra: Make, save: Save, first: str
) -> None:
    result = mushra(1, {"talk/a": {"original": 100, "better": 60}})
    save(result | {"name": f"{first}1+1", "equipment": f"1{first}1"})
    listen("analyse", tmp_path / "results", "-o", tmp_path / "out")
    who = pd.read_csv(tmp_path / "out/listeners.csv").iloc[0]
    assert (who["name"], who["equipment"]) == (f"'{first}1+1", f"1{first}1")


def test_abx_mistakes(listen: Listen, abx: Make, save: Save) -> None:
    for result, words in [
        (abx(1, right=3, done=5, planned=4), "5 trials, but 4 were planned"),
        (abx(1, right=3, done=5, pair={"a": "better", "b": "better"}), "'better' is given twice"),
    ]:
        done = listen("analyse", save(result))
        assert (done.returncode, words in done.stderr) == (2, True), done.stderr


def test_paths_that_hold_no_result(tmp_path: Path, listen: Listen) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.json").write_text('{"format": ')
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    for name, words in [
        ("missing", "does not exist"),
        ("empty", "holds no results (*.json)"),
        ("broken.json", "is not valid JSON"),
        ("bytes.json", "is not valid JSON"),
        ("deep.json", "is not valid JSON"),
        ("list.json", "is not the result of a blind test"),
    ]:
        done = listen("analyse", tmp_path / name)
        assert (done.returncode, words in done.stderr) == (2, True), done.stderr
        assert name in done.stderr


def test_what_systems_leave_behind_is_no_result(
    tmp_path: Path, listen: Listen, mushra: Make, save: Save, careful: Rate
) -> None:
    file = save(mushra(1, careful(np.random.default_rng(0))))
    for name in (f"._{file.name}", "__MACOSX/r.json", ".ipynb_checkpoints/r-checkpoint.json"):
        (file.parent / name).parent.mkdir(exist_ok=True)
        (file.parent / name).write_bytes(b"\x00\x05\x16\x07")
    done = listen("analyse", file.parent, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert len(pd.read_csv(tmp_path / "out/listeners.csv")) == 1
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone" / "._r.json").write_bytes(b"\x00\x05\x16\x07")
    done = listen("analyse", tmp_path / "alone")
    assert (done.returncode, "holds no results (*.json)" in done.stderr) == (2, True), done.stderr


def test_strange_texts_neither_break_nor_reach_the_terminal(
    tmp_path: Path, listen: Listen, mushra: Make, save: Save
) -> None:
    result = mushra(1, {"talk/[red]a": {"original": 100, "better": 60, "worse": 20}})
    result |= {"title": "[bold]T\x1b[31m</script> $x^2$", "name": "שלום 😀", "equipment": "=1+1"}
    for rating in result["trials"][0]["ratings"]:
        rating["label"] = f"<b>{rating['system']}[/]\x1b]0;x\x07 $\\alpha$ 音"
    done = listen("analyse", save(result), "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert "[bold]T [31m</script>" in done.stdout
    svg = (tmp_path / "out/listening-speech.svg").read_text()
    assert "<b>" not in svg
    who = pd.read_csv(tmp_path / "out/listeners.csv")
    assert who["name"].iloc[0] == "שלום 😀"
    assert who["equipment"].iloc[0] == "'=1+1"  # no formula in a spreadsheet
