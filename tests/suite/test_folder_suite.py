"""A suite out of folders: the names of codecs, and what is scored of such folders."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from almbench.errors import UserError
from almbench.results.results import load_results
from almbench.suite.folder_suite import suite_from_folders

Bench = Callable[..., subprocess.CompletedProcess[str]]
NOISE = np.random.default_rng(1).uniform(-0.1, 0.1, 16_000)


def put(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        sf.write(path, NOISE, 16_000)


def named(tmp_path: Path, *folders: str) -> list[tuple[str, str | None]]:
    """Id and label of each codec."""
    for name in ("ref", *folders):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
    suite = suite_from_folders(tmp_path / "ref", [tmp_path / n for n in folders], "speech")
    return [(codec.id, codec.label) for codec in suite.codec]


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        (["a", "b/c"], [("a", "a"), ("c", "c")]),
        (["x/run/wavs", "y/run/wavs"], [("x", "x"), ("y", "y")]),
        (["m/1/wavs", "m/2/wavs", "n/1/wavs"], [(n, n) for n in ("m-1", "m-2", "n-1")]),
        (["wavs", "new/wavs"], [("wavs", "wavs"), ("new", "new")]),
        (["Ours v2 (best)"], [("Ours_v2_best_", "Ours v2 (best)")]),
        (["original"], [("original-2", "original")]),
        (["a b", "a?b"], [("a_b", "a b"), ("a_b-2", "a?b")]),
        (["Ours", "x/ours"], [("Ours", "Ours"), ("x-ours", "x-ours")]),
    ],
)
def test_codecs_are_named_after_their_folders(
    tmp_path: Path, folders: list[str], expected: list[tuple[str, str]]
) -> None:
    assert named(tmp_path, *folders) == expected


def test_names_in_any_script_are_kept_as_labels(tmp_path: Path) -> None:
    (one, label), (two, other) = named(tmp_path, "模型一", "模型二")
    assert (label, other) == ("模型一", "模型二")
    assert one != two
    assert one.isascii()


def test_a_folder_that_is_given_twice_or_is_none(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "a")
    with pytest.raises(UserError, match="given twice"):
        named(tmp_path, "a", "link")
    with pytest.raises(UserError, match="is not a folder"):
        suite_from_folders(tmp_path / "ref", [tmp_path / "no"], "speech")


def test_nothing_of_the_folders_vanishes(tmp_path: Path, bench: Bench) -> None:
    """Links, hidden files, names of other forms, near misses and surplus files, all in one."""
    put(tmp_path / "store" / "b.wav", tmp_path / "ref" / "cafe\u0301.wav")
    put(*(tmp_path / "ref" / name for name in ("c.wav", "._c.wav", ".ipynb_checkpoints/c-x.wav")))
    (tmp_path / "ref" / "spk").symlink_to(tmp_path / "store")
    (tmp_path / "ref" / "gone.wav").symlink_to(tmp_path / "nowhere.wav")
    put(*(tmp_path / "模型" / n for n in ("b.wav", "caf\u00e9.wav", "c_recon.wav", "gone.wav")))
    root = tmp_path / "run"
    given = ("score", tmp_path / "ref", tmp_path / "模型", "--metric", "gain_db", "-o", root)
    done = bench(*given, "--workers", "1")
    assert (done.returncode, done.stderr.count("Traceback")) == (1, 0)
    assert (
        "ref: took 4 of 5 sound files; left out: 2 hidden (._c.wav, .ipynb_checkpoints/); "
        "1 file of 模型 belongs to no clip: c_recon.wav"
    ) in done.stderr
    results = load_results(root)
    rows = {row.clip: (row.status, row.reason) for row in results.clip_rows}
    assert rows == {
        "b": ("ok", ""),
        "c": (
            "failed",
            "no file for c in 模型; near: c_recon.wav (if that is it: --match '{clip}_recon')",
        ),
        "café": ("ok", ""),
        "gone": ("failed", "original: gone.wav is a link to a file that is not there."),
    }
    assert {row.label for row in results.clip_rows} == {"模型"}
    (left,) = results.manifest.testsets[0].left_out
    assert (left.reason, left.names) == ("hidden", ("._c.wav", ".ipynb_checkpoints/"))


def test_reconstructions_named_after_the_originals(tmp_path: Path, bench: Bench) -> None:
    put(tmp_path / "ref" / "a.wav", tmp_path / "cod" / "a_recon.wav")
    given = ("score", tmp_path / "ref", tmp_path / "cod", "--metric", "gain_db")
    done = bench(*given, "--workers", "1", "--match", "{clip}_recon", "-o", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert "belong" not in done.stderr
    done = bench(*given, "--match", "recon", "-o", tmp_path / "other")
    assert done.returncode == 2
    assert "must have {clip} once, such as {clip}_recon" in done.stderr
