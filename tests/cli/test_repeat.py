"""`bench run --from`: a run repeated, and what it says could not be the same."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from almbench.results.differences import made_differently, values_differ
from almbench.results.results import load_results
from tests.conftest import Bench


@pytest.fixture
def run(small: Path, bench: Bench, tmp_path: Path) -> Path:
    only = ["--codec=opus-6", "--metric=mel_distance", "--metric=gain_db"]
    done = bench("run", small, "-o", tmp_path / "run", *only)
    assert done.returncode == 0, done.stdout + done.stderr
    return tmp_path / "run"


def test_a_run_repeats_and_says_what_differs(run: Path, bench: Bench, tmp_path: Path) -> None:
    again = tmp_path / "again"
    done = bench("run", "--from", run, "-o", again)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Repeated: 6 of 6 values are the same." in done.stdout
    assert "Not the same" not in done.stdout
    for name in ("metrics", "summary"):  # the same bytes but for the speeds
        old, new = ((r / f"{name}.csv").read_text(encoding="utf-8") for r in (run, again))
        seconds = re.compile(r",\d+\.\d+(e-\d+)?(?=,[0-9a-f]{16},)")
        assert seconds.sub("", old) == seconds.sub("", new)

    clip = min((tmp_path / "data").glob("*.wav"))
    samples, rate = sf.read(clip, dtype="int16")
    sf.write(clip, np.concatenate([samples[100:], samples[:100]]), rate)
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    manifest["packages"]["numpy"] = "1.0"
    manifest["codecs"][0]["checkpoint"] = {"source": "a/b", "revision": "", "sha256": "f" * 64}
    manifest["metrics"][0]["version"] = "an older one"
    (run / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    shutil.rmtree(again)
    done = bench("run", "--from", run, "-o", again)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "package numpy: 1.0, now " in done.stdout
    assert f"clip talk/{clip.stem}: SHA-256 " in done.stdout
    assert "codec opus-6, checkpoint: source=" in done.stdout
    assert "version of metric mel_distance: an older one, now" in done.stdout
    assert re.search(r"Repeated: [1-5] of 6 values are the same", done.stdout)
    assert re.search(rf"mel_distance: up to \S+ \(talk/{clip.stem}/opus-6\)", done.stdout)


def test_codecs_and_clips_that_only_one_run_has(run: Path, tmp_path: Path) -> None:
    other = shutil.copytree(run, tmp_path / "other")
    manifest = json.loads((other / "manifest.json").read_text(encoding="utf-8"))
    manifest["codecs"][0]["id"] = "opus-7"
    manifest["testsets"][0]["codecs"] = ["opus-7"]
    (other / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    rows = other / "rows" / "originals.jsonl"
    first, *rest = rows.read_text(encoding="utf-8").splitlines()
    rows.write_text("\n".join(rest) + "\n", encoding="utf-8")
    clip = json.loads(first)["clip"]
    old, new = load_results(run), load_results(other)
    assert made_differently(old, new) == [
        "codec opus-6 is in the first run only",
        "codec opus-7 is in the second only",
        f"clips of the first run only: 1 (talk/{clip})",
    ]
    manifest["metrics"] = [m for m in manifest["metrics"] if m["name"] != "mel_distance"]
    manifest["testsets"][0]["metrics"].remove("mel_distance")
    (other / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert "metrics of the second run only: 1 (mel_distance)" in made_differently(
        load_results(other), old
    )
    assert made_differently(old, old) == []
    assert values_differ(old, old) == (6, 6, [])


def test_what_cannot_be_repeated_is_refused(run: Path, bench: Bench, tmp_path: Path) -> None:
    both = bench("run", "quick", "--from", run)
    assert (both.returncode, "not both" in both.stderr) == (2, True)
    itself = bench("run", "--from", run, "-o", run)
    assert (itself.returncode, "choose another -o" in itself.stderr) == (2, True)
    none = bench("run", "--from", tmp_path / "data")
    assert (none.returncode, "not a finished run" in none.stderr) == (2, True)
