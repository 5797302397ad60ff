"""The rules of the house: what each of them does, and that none changes in silence."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf
import soxr

from almbench import policies
from almbench.audio import Samples, exact_bits, headroom_gain, read, resample, to_integers
from almbench.codecs.registry import create
from almbench.domains import SCORING_RATES
from almbench.metrics.registry import make_family, metric
from almbench.results.codec_record import CodecRecord
from almbench.results.metric_record import MetricRecord
from almbench.results.records import OriginalRow, ReconstructionRow
from almbench.results.row_files import read_rows
from almbench.results.runfolder import RunFolder
from almbench.runner.plan import PlannedTestSet
from almbench.runner.planned_codecs import PlannedCodec
from almbench.runner.worker import MetricRequest, MetricResult, ScoringJob, score_pair
from almbench.suite.config import TestSetConfig
from almbench.suite.testsets import Clip
from tests.stages import reconstruct

RATE = 24_000
SECOND = np.arange(RATE) / RATE
TONE: Samples = 0.5 * np.sin(2 * np.pi * 440 * SECOND)
NOISE: Samples = np.random.default_rng(7).uniform(-0.5, 0.5, RATE)

RECORDED = {
    1: "d060a0625d27d0f9",
    2: "4665f7b89b590dfc",
}
"""Version of the policies -> fingerprint of their values, their words and what they do."""
WHAT_TO_DO = """
The rules in almbench/policies.py, or what follows them, changed, and their version did not.
If the value of a row can come out differently, raise policies.VERSION and record
{fingerprint!r} for it in RECORDED; keep the entries of earlier versions. If only words of
policies.TEXT changed, and no value can, put {fingerprint!r} in place of the recorded one.
"""


def fingerprint() -> str:
    """A hash of the rules: their values, their words, and what they make of some sounds."""
    parts: list[Any] = [policies.TEXT, SCORING_RATES, policies.CONFIDENCE]
    parts += [policies.LENGTH_NOTE_S, policies.LEAST_LENGTH]
    parts += [policies.check_length(1.0, length) for length in np.arange(0.85, 1.2, 0.0125)]
    edges = np.array([-1.5, -1.0, -0.5, 1 / 2**16, 0.5, 1 - 2**-16, 1.0, 1 + 2**-15, 1.5])
    for bits in (16, 24):
        integers, clipped = to_integers(edges, bits)
        parts.append([integers.tolist(), clipped])
    parts += [[headroom_gain(TONE * k), policies.note_gain(1 / k)] for k in (1, 2, 3)]
    parts += [exact_bits(sound) for sound in (np.round(TONE * 2**15) / 2**15, TONE)]
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def test_no_rule_changes_without_a_new_version() -> None:
    found = fingerprint()
    assert RECORDED.get(policies.VERSION) == found, WHAT_TO_DO.format(fingerprint=found)
    assert max(RECORDED) == policies.VERSION


def test_the_version_is_part_of_every_signature(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signatures(tmp_path / "one")
    assert signatures(tmp_path / "two") == before
    monkeypatch.setattr(policies, "VERSION", policies.VERSION + 1)
    assert not before & signatures(tmp_path / "three")


def signatures(folder: Path) -> set[str]:
    """The signatures of an original, of its reconstruction and of a score."""
    # A WAV file of floats says when it was written, and so has another hash each second.
    original, reconstruction = through(folder, TONE, TONE, subtype="PCM_16")
    record = MetricRecord.of(metric("gain_db"), "gain_db", "1", {}, "")
    score = record.signature("of a reconstruction", 16_000)
    return {original.signature, reconstruction.signature, score}


def through(
    root: Path,
    original: Samples | Path,
    reconstruction: Samples,
    *,
    rate: int = RATE,
    subtype: str = "FLOAT",
) -> tuple[OriginalRow, ReconstructionRow]:
    """Send a clip through a run whose codec's output is at hand: the rows of both."""
    for name, sound in (("original", original), ("ready", reconstruction)):
        if isinstance(sound, np.ndarray):
            (root / name).mkdir(parents=True)
            sf.write(root / name / "clip.wav", sound, rate, subtype=subtype)
    source = original if isinstance(original, Path) else root / "original" / "clip.wav"
    codec = create("ready", "Ready", "reconstructions", {"path": str(root / "ready")})
    planned = PlannedCodec(codec, CodecRecord.of(codec.spec, None, precomputed=True))
    clips = [Clip("clip", source)]
    config = TestSetConfig(name="t", domain="speech")
    testset = PlannedTestSet(config, clips, [planned], [], metrics_requested=False)
    folder = RunFolder(root / "run")
    reconstruct(folder, testset)
    (row,) = read_rows(folder.root, ReconstructionRow).values()
    return read_rows(folder.root, OriginalRow)["t", "clip"], row


def stored(root: Path, codec: str = "ready") -> Path:
    """The stored FLAC of `through`."""
    return RunFolder(root / "run").audio("t", codec, "clip")


def score(root: Path, name: str, scoring_rate: int = 24_000) -> MetricResult:
    """A metric of the pair that `through` stored."""
    request = MetricRequest(name, "{}", (name,))
    job = ScoringJob(
        "t", "clip", "ready", str(stored(root, "original")), str(stored(root)),
        scoring_rate, (request,),
    )  # fmt: skip
    (result,) = score_pair(job).results
    return result


def test_sound_channels_are_averaged_and_counted(tmp_path: Path) -> None:
    source = tmp_path / "stereo.wav"
    sf.write(source, np.stack([TONE, -0.5 * TONE], axis=1), RATE, subtype="FLOAT")
    original, _ = through(tmp_path, source, 0.25 * TONE)
    assert original.channels == 2
    assert read(stored(tmp_path, "original")).samples == pytest.approx(0.25 * TONE, abs=2**-23)
    assert sf.info(stored(tmp_path, "original")).channels == 1


def test_sound_rates_are_changed_by_soxr_at_very_high_quality() -> None:
    best = soxr.resample(NOISE, RATE, 16_000, quality="VHQ")
    assert (resample(NOISE, RATE, 16_000) == best).all()
    assert np.abs(resample(NOISE, RATE, 16_000) - soxr.resample(NOISE, RATE, 16_000)).max() > 1e-9


def test_sound_beyond_full_scale_is_clipped_and_counted(tmp_path: Path) -> None:
    loud = TONE.copy()
    loud[100:107] = 1.5
    loud[200:203] = -1.5
    _, row = through(tmp_path, TONE, loud)
    out = read(stored(tmp_path)).samples
    assert (row.status, row.clipped) == ("ok", 10)
    assert out[100:107].tolist() == pytest.approx([1 - 2**-15] * 7, abs=2**-15)
    assert out[200:203].tolist() == [-1.0] * 3


def test_sound_of_an_original_beyond_full_scale_keeps_its_shape(tmp_path: Path) -> None:
    loud = 3.6 * TONE  # peaks at 1.8
    original, row = through(tmp_path, loud, loud / 2)
    assert original.gain == pytest.approx(1 / 1.8)
    assert original.note == (
        "the original peaks 5.11 dB above full scale: all versions of the clip are stored lower "
        "by that"
    )
    assert (row.status, row.clipped, row.note) == ("ok", 0, "")
    held, half = (read(stored(tmp_path, name)).samples for name in ("original", "ready"))
    assert held == pytest.approx(loud / 1.8, abs=2**-22)
    assert half == pytest.approx(loud / 3.6, abs=2**-22)
    assert score(tmp_path, "gain_db").value == pytest.approx(-20 * np.log10(2), abs=1e-4)
    found = score(tmp_path, "si_sdr").value
    assert found is not None
    assert found > 120  # what rounding to 24 bits leaves


def test_sound_of_an_original_at_full_scale_is_left_alone(tmp_path: Path) -> None:
    edge = np.clip(3 * TONE, -1, 1)
    original, _ = through(tmp_path, edge, TONE)
    assert (original.gain, original.note) == (1.0, "")


def test_what_is_scored_is_stored_without_loss(tmp_path: Path) -> None:
    coarse = np.round(TONE * 2**15) / 2**15
    for name, subtype in [("a", "PCM_16"), ("b", "PCM_24")]:
        original, _ = through(tmp_path / name, TONE, TONE, subtype=subtype)
        assert sf.info(stored(tmp_path / name, "original")).subtype == subtype
        assert sf.info(stored(tmp_path / name)).subtype == subtype
        assert original.bit_depth == int(subtype[-2:])
        result = score(tmp_path / name, "si_sdr")
        assert "copy of the reference" in result.reason
    through(tmp_path / "c", coarse, TONE, subtype="FLOAT")  # floats that 16 bit hold exactly
    assert sf.info(stored(tmp_path / "c", "original")).subtype == "PCM_16"
    assert sf.info(stored(tmp_path / "c")).subtype == "PCM_24"
    assert (read(stored(tmp_path / "c", "original")).samples == coarse).all()
    source = read(tmp_path / "b" / "original" / "clip.wav").samples
    assert (read(stored(tmp_path / "b", "original")).samples == source).all()


@pytest.mark.parametrize(
    ("seconds", "fine", "note"),
    [
        (0.899, False, "reconstruction lasts 0.899 s of 1.000 s, less than 90%"),
        (0.0, False, "reconstruction lasts 0.000 s of 1.000 s, less than 90%"),
        (0.9, True, ""),  # 100 ms shorter, no more
        (0.95, True, ""),
        (1.0, True, ""),
        (1.0995, True, ""),
        (1.102, False, "reconstruction lasts 1.102 s of 1.000 s, more than 110%"),
        (3.0, False, "reconstruction lasts 3.000 s of 1.000 s, more than 110%"),
    ],
)
def test_length_of_one_second(seconds: float, fine: bool, note: str) -> None:
    assert policies.check_length(1.0, seconds) == (fine, note)


def test_length_of_ten_seconds() -> None:
    assert policies.check_length(10.0, 9.95) == (True, "")
    assert policies.check_length(10.0, 9.5) == (
        True,
        "reconstruction is 0.500 s shorter than the original; cut",
    )
    assert not policies.check_length(10.0, 8.999)[0]
    assert policies.check_length(0.0, 0.1) == (True, "")  # 100 ms are not more than 100 ms
    note = "reconstruction is 0.900 s longer than the original; cut"
    assert policies.check_length(10.0, 10.9) == (True, note)
    assert not policies.check_length(10.0, 11.01)[0]
    assert policies.check_length(0.2, 0.28) == (True, "")  # a frame more


def test_length_much_longer_is_cut_where_that_is_asked_for() -> None:
    note = "reconstruction is 2.000 s longer than the original; cut"
    assert policies.check_length(1.0, 3.0, cut_longer=True) == (True, note)
    assert not policies.check_length(1.0, 0.5, cut_longer=True)[0]


def test_sound_of_a_low_rate_is_noted() -> None:
    assert policies.note_band(16_000, 16_000) == ""
    assert policies.note_band(8_000, 16_000) == (
        "the original has a rate of 8000 Hz: its band of 4 kHz limits scores that are meant for "
        "16 kHz"
    )


def test_length_longer_is_cut_and_noted_not_failed(tmp_path: Path) -> None:
    two = np.tile(TONE, 2)
    tail = np.concatenate([two, 0.9 * NOISE[: RATE // 8]])
    _, row = through(tmp_path, two, tail)
    assert (row.status, row.note) == (
        "ok",
        "reconstruction is 0.125 s longer than the original; cut",
    )
    assert len(read(stored(tmp_path)).samples) == len(tail)  # stored as it came
    assert score(tmp_path, "gain_db").value == pytest.approx(0, abs=1e-3)  # the tail is not judged


def test_length_shorter_is_cut_too_and_much_shorter_fails(tmp_path: Path) -> None:
    loud_end = np.concatenate([TONE[: RATE * 95 // 100], 2 * TONE[RATE * 95 // 100 :]])
    _, row = through(tmp_path / "a", loud_end, TONE[: RATE * 95 // 100])
    assert (row.status, row.note) == ("ok", "")
    assert score(tmp_path / "a", "gain_db").value == pytest.approx(0, abs=1e-3)
    _, row = through(tmp_path / "b", TONE, TONE[: RATE * 89 // 100])
    assert row.status == "failed"
    assert row.reason == "reconstruction lasts 0.890 s of 1.000 s, less than 90%"
    assert not stored(tmp_path / "b").exists()


def test_delay_and_level_are_reported_and_not_corrected(tmp_path: Path) -> None:
    envelope = 0.5 + 0.5 * np.sin(2 * np.pi * 3 * SECOND)
    sound = envelope * NOISE
    late = 0.5 * np.concatenate([np.zeros(RATE // 50), sound[: -RATE // 50]])
    through(tmp_path, sound, late)
    # By way of any scoring rate: the sound comes to the metric at the metric's own.
    for scoring_rate in (16_000, 24_000):
        lag = score(tmp_path, "lag_ms", scoring_rate)
        assert lag.value == pytest.approx(20, abs=0.1)
        assert (lag.status, lag.reason) == ("ok", "")
    assert score(tmp_path, "gain_db").value == pytest.approx(-6.02, abs=0.1)
    found = score(tmp_path, "si_sdr").value
    assert found is not None
    assert found < -10  # the shift costs what it costs


def test_bandwidth_every_domain_has_its_scoring_rate() -> None:
    assert SCORING_RATES == {"speech": 16_000, "sound": 24_000, "music": 24_000}
    for domain, rate in SCORING_RATES.items():
        config = TestSetConfig.model_validate({"name": "t", "domain": domain})
        assert PlannedTestSet(config, [], [], [], metrics_requested=False).scoring_rate == rate
        config = config.model_copy(update={"scoring_rate": 48_000})
        assert PlannedTestSet(config, [], [], [], metrics_requested=False).scoring_rate == 48_000


@pytest.mark.parametrize("name", ["mel_distance", "gain_db"])  # at the scoring rate, and at 24 kHz
def test_bandwidth_beyond_the_scoring_rate_is_not_judged(tmp_path: Path, name: str) -> None:
    above = TONE + 0.4 * np.sin(2 * np.pi * 10_000 * SECOND)
    through(tmp_path, TONE, above)
    judged, unheard = score(tmp_path, name, 24_000).value, score(tmp_path, name, 16_000).value
    assert judged is not None
    assert unheard is not None
    assert judged > 0.05
    assert abs(unheard) < judged / 5


def test_failure_is_never_a_number(tmp_path: Path) -> None:
    through(tmp_path, TONE, np.zeros(RATE))
    result = score(tmp_path, "gain_db")
    assert (result.value, result.status) == (None, "failed")
    assert result.reason == "the reconstruction is silent"
    through(tmp_path / "copy", TONE, TONE, subtype="PCM_16")
    result = score(tmp_path / "copy", "si_sdr")  # infinite: nothing is wrong, and there is no value
    assert (result.value, result.status) == (None, "skipped")
    assert "copy of the reference" in result.reason


def test_every_rule_is_in_words_with_its_figures() -> None:
    assert list(policies.TEXT) == [
        "Sound", "What is scored", "Length", "Delay and level", "Bandwidth", "Bitrate", "Failure",
        "Statistics",
    ]  # fmt: skip
    for rule, figures in {
        "What is scored": ["16 bit", "24"],
        "Length": ["100 ms", "90%", "110%"],
        "Bandwidth": ["16 kHz for speech", "24 kHz for sound, 24 kHz for music"],
        "Statistics": ["95%", "5%", "Holm", "paired t-test", "CR2", "Bell and McCaffrey"],
    }.items():
        for figure in figures:
            assert figure in policies.TEXT[rule]


def test_identity_what_does_not_change_a_value_is_no_part_of_a_signature() -> None:
    family = make_family("gain_db", {})
    record = MetricRecord.of(metric("gain_db"), "gain_db", family.version(), {}, "")
    elsewhere = record.model_copy(update={"missing": "not here", "label": "Gain", "note": "n"})
    assert record.signature("r", 16_000) == elsewhere.signature("r", 16_000)
    changed = [
        record.signature("other", 16_000),
        record.signature("r", 24_000),
        *(
            record.model_copy(update=update).signature("r", 16_000)
            for update in ({"name": "x"}, {"version": "2"}, {"settings": {"a": 1}})
        ),
    ]
    assert len({record.signature("r", 16_000), *changed}) == 6
