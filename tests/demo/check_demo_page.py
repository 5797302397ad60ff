"""Values measured independently on the ALMTokenizer demo page's audio.

That audio may not be shared, so this is no part of the test suite. With a copy of it, laid out as
`PATH/<domain>/<system>/<clip>.wav`: `python tests/demo/check_demo_page.py PATH`.

Policy: read, resample by soxr VHQ, cut both to the shorter; nothing aligned, no level matched;
mel distance at 24 kHz. Means over the clips of the page.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pandas as pd
import pytest

from almbench.audio import Samples, read, resample
from almbench.metrics.registry import family_of, make_family

PLACE = "ALMBENCH_DEMO_PAGE"
DEMO = Path(os.environ.get(PLACE, "."))
TOLERANCE = {
    "pesq_wb": 0.02,
    "pesq_nb": 0.02,
    "stoi": 0.001,
    "estoi": 0.001,
    "visqol_speech": 0.06,
    "visqol_audio": 0.06,
    "mel_distance": 0.001,
    "mrstft_distance": 0.01,
    "si_sdr": 0.01,
    "speaker_similarity": 0.01,
}
COLUMNS = [m for m in TOLERANCE if m != "visqol_audio"]
# fmt: off
SPEECH = {  # in the order of COLUMNS
    "dac":             (2.203, 2.775, .864, .716, 2.843, .193, 1.164, -3.72, .905),
    "encodec":         (1.968, 2.477, .816, .674, 2.909, .259, 1.277, 3.49, .914),
    "mimi_3layer":     (1.453, 1.817, .757, .561, 2.152, .325, 1.521, -7.47, .761),
    "mimi_8layer":     (2.207, 2.880, .827, .694, 2.730, .260, 1.199, 3.64, .883),
    "ours":            (2.275, 2.902, .832, .700, 3.175, .347, 1.582, 5.52, .871),
    "speechtokenizer": (1.779, 2.266, .808, .635, 2.067, .389, 2.330, -0.14, .805),
    "stablecodec":     (1.907, 2.657, .816, .646, 2.043, .493, 2.618, 5.27, .823),
    "wavtokenizer":    (2.006, 2.504, .815, .656, 2.072, .221, 1.211, 1.70, .870),
}
SOUND = {  # visqol_audio (of the full band and of 24 kHz), mel_distance, mrstft_distance, si_sdr
    "dac":          (2.672, 4.115, .155, 1.209, -13.3),
    "encodec":      (2.737, 4.117, .195, 1.258, -3.9),
    "ours":         (2.622, 4.048, .170, 1.307, -26.9),
    "wavtokenizer": (2.607, 3.985, .246, 1.553, -27.3),
}
CODECS = {  # of the suite alm-demo, and their folders on the page
    "dac-1.5": "dac",
    "encodec-1.5": "encodec",
    "mimi-0.41": "mimi_3layer",
    "mimi-1.1": "mimi_8layer",
    "almtokenizer2": "almtokenizer2",
    "almtokenizer-0.41": "ours",
    "speechtokenizer-1.5": "speechtokenizer",
    "stablecodec-0.4": "stablecodec",
    "wavtokenizer-0.48": "wavtokenizer",
}
AUDIO_MODE_OF_SPEECH = {
    "dac": 4.176, "encodec": 4.127, "mimi_3layer": 3.719, "mimi_8layer": 3.962, "ours": 3.128,
    "speechtokenizer": 2.961, "stablecodec": 2.873, "wavtokenizer": 4.073,
}
ALMTOKENIZER2 = {"pesq_wb": 2.47, "pesq_nb": 2.98, "stoi": .864, "estoi": .724}
ALONE = {  # DNSMOS OVRL and DistillMOS of whole files
    "gt": (3.18, 4.09), "dac": (3.12, 3.38), "encodec": (2.72, 2.87), "mimi_8layer": (3.04, 4.01),
    "mimi_3layer": (2.71, 3.29), "ours": (3.20, 3.38), "speechtokenizer": (3.15, 3.54),
    "stablecodec": (3.14, 4.06), "wavtokenizer": (3.08, 4.05),
}
# fmt: on


def mean(metric: str, domain: str, system: str, limit: int | None = None) -> float:
    """Mean over the clips; `limit` is a rate that the reference passes through first."""
    family = make_family(family_of(metric), {})
    rate = family.rate or 24_000
    values = []
    for path in sorted((DEMO / domain / "gt").glob("*.wav")):
        reference = at_rate(path, rate, limit)
        reconstruction = at_rate(DEMO / domain / system / path.name, rate)
        length = min(len(reference), len(reconstruction))
        prepared = family.prepare(reference[:length], rate)
        values.append(family.score(prepared, reconstruction[:length], rate, [metric])[metric])
    assert len(values) == {"speech": 9, "sound": 10}[domain]
    return float(np.mean(values))


def at_rate(path: Path, rate: int, limit: int | None = None) -> Samples:
    sound = read(path)
    if limit is None:
        return resample(sound.samples, sound.rate, rate)
    return resample(resample(sound.samples, sound.rate, limit), limit, rate)


@pytest.mark.parametrize("system", SPEECH)
def test_speech(system: str) -> None:
    got = {metric: mean(metric, "speech", system) for metric in COLUMNS}
    for metric, expected in zip(COLUMNS, SPEECH[system], strict=True):
        assert got[metric] == pytest.approx(expected, abs=TOLERANCE[metric]), metric


@pytest.mark.parametrize("system", AUDIO_MODE_OF_SPEECH)
def test_speech_in_visqols_audio_mode(system: str) -> None:
    assert mean("visqol_audio", "speech", system) == pytest.approx(
        AUDIO_MODE_OF_SPEECH[system], abs=TOLERANCE["visqol_audio"]
    )


@pytest.mark.parametrize("system", ALONE)
def test_without_reference(system: str) -> None:
    """DistillMOS was measured through soxr's HQ, which moves its means by up to 0.028."""
    for metric, expected, tolerance in zip(
        ("dnsmos_ovrl", "distillmos"), ALONE[system], (0.02, 0.03), strict=True
    ):
        family = make_family(family_of(metric), {})
        sounds = [at_rate(p, 16_000) for p in sorted((DEMO / "speech" / system).glob("*.wav"))]
        values = [family.score(None, sound, 16_000, [metric])[metric] for sound in sounds]
        assert len(values) == 9
        assert np.mean(values) == pytest.approx(expected, abs=tolerance), metric


@pytest.mark.parametrize("system", SOUND)
def test_sound(system: str) -> None:
    full, limited, mel, mrstft, si_sdr = SOUND[system]
    assert mean("visqol_audio", "sound", system) == pytest.approx(full, abs=0.06)
    assert mean("visqol_audio", "sound", system, 24_000) == pytest.approx(limited, abs=0.06)
    assert mean("mel_distance", "sound", system) == pytest.approx(mel, abs=0.001)
    assert mean("mrstft_distance", "sound", system) == pytest.approx(mrstft, abs=0.01)
    assert mean("si_sdr", "sound", system) == pytest.approx(si_sdr, abs=0.05)


@pytest.mark.parametrize("domain", ["speech", "sound"])
def test_every_clip_of_dac_is_eight_samples_early(domain: str) -> None:
    family = make_family("lag_ms", {})
    for path in sorted((DEMO / domain / "gt").glob("*.wav")):
        reference, dac = at_rate(path, 24_000), at_rate(DEMO / domain / "dac" / path.name, 24_000)
        length = min(len(reference), len(dac))
        lag = family.score(reference[:length], dac[:length], 24_000, ["lag_ms"])["lag_ms"]
        assert lag == pytest.approx(-8 / 24, abs=0.1), path.name


def test_encodec_is_in_step_and_stablecodec_changes_the_level() -> None:
    assert mean("lag_ms", "speech", "encodec") == pytest.approx(0, abs=0.02)
    family = make_family("gain_db", {})
    gains = []
    for path in sorted((DEMO / "speech/gt").glob("*.wav")):
        reference = at_rate(path, 24_000)
        other = at_rate(DEMO / "speech/stablecodec" / path.name, 24_000)
        length = min(len(reference), len(other))
        gains.append(
            family.score(reference[:length], other[:length], 24_000, ["gain_db"])["gain_db"]
        )
    assert (min(gains), max(gains)) == pytest.approx((-3.5, 6.6), abs=0.05)


def test_the_suite_alm_demo(bench: Callable[..., CompletedProcess[str]], tmp_path: Path) -> None:
    done = bench("run", "alm-demo", "--data", f"demo={DEMO}", "-o", tmp_path / "alm")
    assert done.returncode == 0, done.stdout + done.stderr
    table: Any = pd.read_csv(tmp_path / "alm" / "summary.csv")
    means = table.set_index(["testset", "codec", "metric"])["mean"]
    for codec, system in CODECS.items():
        if system == "almtokenizer2":
            for metric, value in ALMTOKENIZER2.items():
                got = means["speech", codec, metric]
                assert got == pytest.approx(value, abs=TOLERANCE[metric]), metric
            continue
        for metric, value in list(zip(COLUMNS, SPEECH[system], strict=True))[:5]:
            got = means["speech", codec, metric]
            assert got == pytest.approx(value, abs=TOLERANCE[metric]), (codec, metric)
        if system in SOUND:
            _, visqol, mel, *_ = SOUND[system]
            assert means["sound", codec, "visqol_audio"] == pytest.approx(visqol, abs=0.06)
            assert means["sound", codec, "mel_distance"] == pytest.approx(mel, abs=0.01)

    clips: Any = pd.read_csv(tmp_path / "alm" / "clips.csv")
    clips = clips.set_index(["testset", "codec"])
    assert clips.loc[("speech", "dac-1.5"), "lag_ms"].between(-0.45, -0.25).all()
    assert clips.loc[("speech", "stablecodec-0.4"), "gain_db"].max() > 6
    longer = clips.loc[("speech", "mimi-1.1"), "reason"].dropna()
    assert longer.str.contains("longer").sum() == 2
    assert clips["nominal_kbps"].round(4).unique().tolist() == [
        1.5, 0.48, 0.3877, 1.1, 0.4125, 1.3,
    ]  # fmt: skip


def main() -> int:
    """Run the tests of this file on the folder that the command line names."""
    if len(sys.argv) != 2:
        print(f"usage: python {sys.argv[0]} PATH", file=sys.stderr)
        return 2
    place = Path(sys.argv[1]).resolve()
    if not (place / "speech" / "gt").is_dir():
        print(f"Skipped: there is no speech/gt in {place}, so it has not the demo page's audio.")
        return 0
    os.environ[PLACE] = str(place)
    return int(pytest.main(["-q", __file__]))


if __name__ == "__main__":
    sys.exit(main())
