"""The quick suite as a user runs, checks and repeats it: two codecs, a clip a domain."""

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT, Bench

pytestmark = pytest.mark.slow
FEW = ("--codec=almtokenizer", "--codec=opus-6", "--testset=speech", "--testset=music")
CORRIGENDUM = "PESQ-WB is without Corrigendum 2 of P.862.2"


def test_the_quick_suite_verifies_and_repeats(bench: Bench, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="ALMTokenizer needs the extra 'neural'")
    run, again, suite = (tmp_path / name for name in ("quick", "again", "quick.toml"))
    whole = (ROOT / "bench/suite/builtin/quick.toml").read_text()
    suite.write_text(whole.replace("[[testset]]", "[[testset]]\nlimit = 1"))
    done = bench("run", suite, *FEW, "-o", run)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 ok (clips x codecs)" in done.stdout
    # Once below the table of speech, which alone has PESQ.
    assert " ".join(done.stdout.split()).count(CORRIGENDUM) == 1
    for form in ("markdown", "latex"):
        exported = bench("export", run, "--format", form).stdout
        assert exported.count(CORRIGENDUM) == 1

    checked = bench("verify", run, "--sample", 4, "--seed", 1)
    assert checked.returncode == 0, checked.stdout
    assert "scores come out the same again" in checked.stdout
    assert checked.stdout.rstrip().endswith("The run is what it says.")

    repeated = bench("run", "--from", run, "-o", again)
    assert repeated.returncode == 0, repeated.stdout + repeated.stderr
    assert "Not the same" not in repeated.stdout
    counts = re.search(r"Repeated: (\d+) of (\d+) values are the same\.", repeated.stdout)
    assert counts is not None
    assert counts[1] == counts[2]
    assert int(counts[2]) > 35
