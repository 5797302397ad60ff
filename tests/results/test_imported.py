"""Scores of VERSA and Codec-SUPERB as runs, from files as those tools write them."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from almbench.checks.verify import verify
from almbench.cli.main import app
from almbench.errors import UserError
from almbench.results.compare import compare_codecs
from almbench.results.results import Results, load_results

# As VERSA's scorer writes: JSON lines, Infinity, texts and objects among the numbers.
VERSA_A = """\
{"key": "1.wav", "mcd": 5.91, "f0corr": 0.88, "sir": Infinity, "si_snr": -20.2, "pesq": 1.5, \
"stoi": 0.94, "utmos": 3.9, "spk_similarity": 0.8, "language": {"en": 0.98}, "vad_info": []}
{"key": "3.wav", "mcd": 6.23, "f0corr": NaN, "sir": Infinity, "si_snr": -13.4, "pesq": 0.0, \
"stoi": 0.91, "utmos": 3.1, "spk_similarity": 0.7, "language": {"en": 0.97}, "vad_info": []}
{"key": "a/2", "mcd": 5.89, "f0corr": 0.86, "sir": Infinity, "si_snr": -36.4, "pesq": 2.2, \
"stoi": 0.95, "utmos": 3.5, "spk_similarity": 0.9, "language": {"en": 0.99}, "vad_info": []}
"""
VERSA_B = """\
{"key": "1.wav", "mcd": 5.1, "stoi": 0.96, "whisper_wer_delete": 0, "whisper_hyp_text": "oh"}
{"key": "3.wav", "mcd": 5.3, "stoi": 0.94, "whisper_wer_delete": 2, "whisper_hyp_text": "ah"}
"""
MEANS = {
    "dac_24k": {
        "Speech": {"mel": 0.35, "pesq": 4.2, "pesq-wb": 4.2, "stoi": 0.98, "f0corr": 0.97},
        "overall": {"mel": 0.38, "stoi": 0.94},
        "Audio": {"mel": 0.29, "stoi": 0.96},
        "Music": {"mel": 0.5, "stoi": float("nan")},
    },
    "unicodec_24k": {"Speech": {"mel": 0.84, "stoi": 0.85}, "Audio": {"mel": 1.36, "stoi": 0.51}},
    "audiodec": {"error": "Please install\nAudioDec first.", "message": "Loading failed."},
    "s3tokenizer": {"encode_only": True, "message": "This codec only supports encoding."},
}


def bench(*arguments: object) -> Any:
    return CliRunner().invoke(app, [*map(str, arguments)])


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    for path, text in zip(paths, (VERSA_A, VERSA_B), strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


def imported(tmp_path: Path, *arguments: object) -> Results:
    done = bench("import", *arguments, "-o", tmp_path / "run")
    assert done.exit_code in {0, 1}, (done.output, done.exception)
    return load_results(tmp_path / "run")


def cells(results: Results) -> dict[tuple[str, str, str, str], tuple[float | None, str, str]]:
    return {
        (row.testset, row.clip, row.codec, row.metric): (row.value, row.status, row.reason)
        for row in results.metric_rows
    }


def test_versa(tmp_path: Path, files: list[Path]) -> None:
    results = imported(tmp_path, f"enc={files[0]}", files[1], "--testset", "vctk", "--rate", 16_000)
    found = cells(results)
    assert found["vctk", "1.wav", "enc", "pesq_wb"] == (1.5, "ok", "")
    assert found["vctk", "a__2", "enc", "versa_utmos"] == (3.5, "ok", "")
    failed = found["vctk", "3.wav", "enc", "pesq_wb"]
    assert failed == (None, "failed", "VERSA gives 0, which stands for a failure of PESQ")
    assert found["vctk", "1.wav", "enc", "versa_sir"] == (None, "skipped", "VERSA gives inf")
    assert found["vctk", "3.wav", "enc", "versa_f0corr"] == (None, "skipped", "VERSA gives nan")
    missing = (None, "skipped", "VERSA gives no value")
    assert found["vctk", "a__2", "b", "stoi"] == found["vctk", "1.wav", "b", "pesq_wb"] == missing
    means = {(r.codec, r.metric): (r.mean, r.n) for r in results.summary_rows}
    assert means["b", "stoi"] == pytest.approx((0.95, 2))
    assert means["enc", "pesq_wb"] == pytest.approx((1.85, 2))

    metrics = results.manifest.metrics_by_name
    assert "language" not in str(list(metrics))
    assert (metrics["stoi"].label, metrics["stoi"].version) == ("STOI", "stoi by VERSA")
    assert metrics["versa_utmos"].label == "utmos (VERSA)"
    better = {name: metrics[f"versa_{name}"].higher_is_better for name in ("utmos", "mcd")}
    assert better == {"utmos": True, "mcd": False}
    assert metrics["versa_si_snr"].caveat == ""
    assert not metrics["versa_whisper_wer_delete"].compared
    source = results.manifest.source
    assert source is not None
    assert (source.name, list(source.files)) == ("VERSA", ["a.jsonl", "b.jsonl"])
    assert "Left out: language, vad_info, whisper_hyp_text (no numbers)." in (
        results.manifest.suite.description
    )


def test_pesq_of_unknown_or_low_rate_keeps_its_name(tmp_path: Path, files: list[Path]) -> None:
    names = imported(tmp_path, files[0]).manifest.metrics_by_name
    assert "pesq_wb" not in names
    assert "narrow band below" in names["versa_pesq"].caveat
    low = bench("import", files[0], "--rate", 8000, "-o", tmp_path / "low")
    assert "versa_pesq" in low.output


def test_codec_superb(tmp_path: Path) -> None:
    (tmp_path / "tiny.json").write_text(json.dumps(MEANS), encoding="utf-8")
    results = imported(tmp_path, tmp_path / "tiny.json")
    assert {t.name: t.domain for t in results.manifest.testsets} == {
        "speech": "speech", "audio": "sound", "music": "music",
    }  # fmt: skip
    found = cells(results)
    assert found["audio", "all-clips", "dac_24k", "codec_superb_stoi"] == (0.96, "ok", "")
    assert found["speech", "all-clips", "unicodec_24k", "codec_superb_pesq_wb"][1] == "skipped"
    assert found["music", "all-clips", "dac_24k", "codec_superb_stoi"][1] == "failed"
    rows = {(r.testset, r.codec, r.metric): r for r in results.summary_rows}
    mean = rows["speech", "dac_24k", "codec_superb_mel"]
    assert (mean.mean, mean.ci95_low) == (0.35, None)
    assert mean.reason == "no interval: the source gives means alone"
    status = {(r.testset, r.codec): (r.status, r.reason) for r in results.clip_rows}
    assert status["music", "audiodec"] == ("unavailable", "Please install AudioDec first.")
    assert status["speech", "s3tokenizer"][1] == "This codec only supports encoding."
    assert results.manifest.testsets[0].size == "all clips of the source"
    assert "means over all clips of the source" in results.to_latex()
    assert "overall (mixes domains)" in results.manifest.suite.description
    names = set(results.manifest.metrics_by_name)
    assert names >= {"codec_superb_mel", "codec_superb_f0corr"}
    assert not names & {"stoi", "pesq_wb", "mel_distance"}


def test_codec_superb_of_older_files(tmp_path: Path) -> None:
    old = {"encodec_hf": {"mel": 1.3, "sisdr": -1.6}, "dac": {"mel": 0.6, "sisdr": -10.7}}
    (tmp_path / "old.json").write_text(json.dumps(old), encoding="utf-8")
    results = imported(tmp_path, tmp_path / "old.json", "--domain", "music")
    assert cells(results)["music", "all-clips", "dac", "codec_superb_sisdr"] == (-10.7, "ok", "")
    metric = results.manifest.metrics_by_name["codec_superb_sisdr"]
    assert (metric.higher_is_better, metric.domains) == (False, ("music",))


def test_it_compares_with_its_like_alone(tmp_path: Path, files: list[Path]) -> None:
    results = imported(tmp_path, *files)
    (row,) = results.compare("a", "b", "stoi")
    assert (row.n, row.difference) == pytest.approx((2, 0.025))
    assert row.moved[0].sound is None
    other = Results(results.folder, results.manifest.model_copy(update={"source": None}))
    with pytest.raises(UserError, match="scores by almbench and by VERSA"):
        compare_codecs(other, [("a", "a")], ["stoi"], results)
    again = bench("compare", tmp_path / "run", tmp_path / "run", "--metric", "stoi")
    assert "equal on all 3 clips" in again.output


def test_it_verifies_and_is_not_repeated(tmp_path: Path, files: list[Path]) -> None:
    imported(tmp_path, *files)
    found = list(verify(tmp_path / "run", 5))
    assert {f.check: f.verdict for f in found} == {
        "files": "pass", "manifest": "pass", "tables": "pass", "scores": "info",
    }  # fmt: skip
    scores = tmp_path / "run" / "summary.csv"
    scores.write_text(scores.read_text(encoding="utf-8").replace("0.9", "0.8"), encoding="utf-8")
    assert "FAIL" in {f.verdict for f in verify(tmp_path / "run", 5)}
    with pytest.raises(UserError, match="nothing to run again"):
        raise bench("run", "--from", tmp_path / "run").exception


def test_export_as_versa_and_back(tmp_path: Path, files: list[Path]) -> None:
    results = imported(tmp_path, *files, "--rate", 16_000)
    lines = [json.loads(line) for line in results.to_versa("a").splitlines()]
    assert [line["key"] for line in lines] == ["1.wav", "3.wav", "a__2"]
    assert (lines[0]["pesq"], lines[0]["stoi"], lines[0]["utmos"]) == (1.5, 0.94, 3.9)
    assert lines[1]["pesq"] is None
    assert next(iter(lines[0])) == "key"
    written = tmp_path / "again.jsonl"
    done = bench("export", tmp_path / "run", "--codec", "a", "-o", written)
    assert done.exit_code == 0
    bench("import", f"a={written}", "--rate", 16_000, "-o", tmp_path / "back")
    back = cells(load_results(tmp_path / "back"))
    assert back["speech", "a__2", "a", "pesq_wb"][0] == 2.2
    with pytest.raises(UserError, match="name it with --codec: a, b"):
        results.to_versa()
    with pytest.raises(UserError, match="There is no test set 'x' in the run"):
        results.to_versa("a", "x")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{not json}\n", r"a.jsonl, line 1 is not JSON"),
        ('{"stoi": 1}\n{"stoi": 1}\n', r'line 1 is not of VERSA: it has no utterance as "key"'),
        ('{"key": "1"}\n{"key": "1"}\n', r"has the utterance '1' twice"),
        ("", "there are no scores in it"),
        ('{"dac": 1}', r"is not of Codec-SUPERB: 'dac' has no means by metric"),
        ('{"dac": {"error": "gone"}}', "there are no scores in it"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=said):
        raise bench("import", path, "-o", tmp_path / "run").exception
    assert not (tmp_path / "run").exists()


def test_folders_and_names_are_checked(tmp_path: Path, files: list[Path]) -> None:
    imported(tmp_path, files[0])
    for arguments, said in (
        ([files[0], "-o", tmp_path / "run"], "holds something already"),
        ([f"a={files[0]}", f"a={files[1]}"], "Two files are named a"),
        ([tmp_path / "none.jsonl"], "is not a file"),
    ):
        with pytest.raises(UserError, match=said):
            raise bench("import", *arguments).exception
