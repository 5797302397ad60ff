import runpy
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from almbench.checks import conformance as module
from almbench.checks.case import Case, Sounds
from almbench.checks.conformance import Conformance, conformance
from almbench.checks.conformance_cases import CASES
from almbench.errors import MetricUndefined, Unavailable, UserError
from almbench.metrics.bitstream import BITSTREAM_METRICS
from almbench.metrics.registry import metric_names
from tests.conftest import Bench

ROOT = Path(__file__).resolve().parents[2]
NOT_HERE = {"utmos", "nisqa_mos", "nisqa_noi", "nisqa_dis", "nisqa_col", "nisqa_loud"}  # no weights
SLOW = {"visqol_audio"}  # its first call compiles


def test_every_metric_has_a_case_but_what_only_counts_and_those_without_their_weights() -> None:
    own = set(metric_names()) | {metric.name for metric in BITSTREAM_METRICS}
    assert own - {"measured_kbps"} - NOT_HERE <= {case.metric for case in CASES}


def test_every_case_conforms_or_says_what_it_needs() -> None:
    names = sorted({case.metric for case in CASES} - SLOW)
    found = list(conformance(names, None))
    page = "\n".join(runpy.run_path(str(ROOT / "docs/generate.py"))["conformance_page"](found))
    first, last = page.split("## Skipped")
    for one in found:
        assert f"| `{one.case.metric}` | {one.case.name} | " in (last if one.skipped else first)
    assert "| distortion at 12 dB | 12.000000 | 12.000000 | +" in first
    assert " | by hand | Le Roux et al. 2019, zero mean |" in first
    assert [one for one in found if one.failed] == []
    computed = {one.case.metric for one in found if one.got is not None}
    assert computed == set(names) - {"visqol_speech"}
    for one in found:
        assert one.version
        assert one.skipped == (one.got is None)
        assert not one.skipped or "(--files)" in one.reason


def test_files_of_the_user_are_used(tmp_path: Path) -> None:
    sound = Sounds(None).speech
    (tmp_path / "below").mkdir()
    for name in ("speech.wav", "speech_bab_0dB.wav"):
        sf.write(tmp_path / "below" / name, sound, 16_000)
    wide, narrow = (
        next(one for one in conformance([metric], tmp_path) if one.case.name == "speech_bab_0dB")
        for metric in ("pesq_wb", "pesq_nb")
    )
    assert wide.failed  # these are not the files of the package: a copy is perfect
    assert wide.difference == pytest.approx(4.6439 - 1.0832, abs=1e-3)
    assert narrow.difference == pytest.approx(4.5486 - 1.6072, abs=1e-3)


def outcome(compute: object) -> Conformance:
    case = Case("gain_db", "x", "by hand", 0.5, compute)  # type: ignore[arg-type]
    return module._try(case, Sounds(None))


def test_what_fails_and_what_is_skipped() -> None:
    def undefined(_: Sounds) -> tuple[float, float]:
        raise MetricUndefined("silent")

    def missing(_: Sounds) -> tuple[float, float]:
        raise Unavailable("not installed")

    assert not outcome(lambda _: (1.0, 1.5)).failed
    assert outcome(lambda _: (1.0, 1.51)).failed
    assert outcome(lambda _: (1.0, 0.49)).failed
    assert outcome(lambda _: (1.0, np.nan)).failed
    assert (outcome(undefined).failed, outcome(undefined).reason) == (True, "silent")
    assert (outcome(missing).failed, outcome(missing).skipped) == (False, True)


def test_a_metric_without_a_case_is_refused_with_the_names() -> None:
    with pytest.raises(UserError, match="Did you mean 'si_sdr'"):
        list(conformance(["si_sd"], None))


def test_the_command_prints_and_fails(bench: Bench, tmp_path: Path) -> None:
    done = bench("conformance", "gain_db", "si_sdr")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 conform, 0 do not, 0 skipped." in done.stdout
    assert "12.000000" in done.stdout
    for name in ("speech.wav", "speech_bab_0dB.wav"):
        sf.write(tmp_path / name, Sounds(None).speech, 16_000)
    done = bench("conformance", "pesq_nb", "--files", tmp_path)
    assert done.returncode == 1
    assert "FAIL" in done.stdout
    assert "1 conform, 1 do not" in done.stdout
    assert bench("conformance", "nothing").returncode == 2
