"""`almbench.evaluate`, `load_results` and `load_codec`, on small real sound."""

import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest
import soundfile as sf
import torch

import almbench
from almbench.audio import Samples, read, resample
from almbench.codecs.registry import create
from almbench.samples import folder


@pytest.fixture(scope="module")
def clips() -> dict[str, tuple[Samples, int]]:
    """Two clips of speech, a second each, with their rates."""
    found = {}
    for path in sorted((folder() / "speech").glob("*.flac"))[:2]:
        sound = read(path)
        found[path.stem] = (sound.samples[: sound.rate], sound.rate)
    return found


def halve(samples: Samples, sample_rate: int) -> Samples:
    assert sample_rate > 0
    return samples / 2


def as_tensor(samples: Samples, sample_rate: int) -> torch.Tensor:
    del sample_rate
    return torch.from_numpy(samples)[None] / 4


def faulty(samples: Samples, sample_rate: int) -> Samples:
    raise ValueError(f"boom at {sample_rate} Hz of {len(samples)} samples")


def short(samples: Samples, sample_rate: int) -> Samples:
    del sample_rate
    return samples[: len(samples) // 2]


def broken(samples: Samples, sample_rate: int) -> str:
    del samples, sample_rate
    return "no sound"


def mean(results: almbench.Results, codec: str, metric: str) -> float:
    table = results.summary()
    row = table[(table["codec"] == codec) & (table["metric"] == metric)]
    return float(row["mean"].iloc[0])


def test_names_objects_and_functions(clips: dict[str, Any]) -> None:
    opus = create("mine", "My Opus", "opus", {"bitrate": 24_000})
    codecs = {"One half": halve, "quarter": as_tensor, "loud": opus, "low": "opus-6"}
    results = almbench.evaluate(codecs, clips, ["gain_db", "stoi"], workers=1)
    assert [codec.id for codec in results.manifest.codecs] == ["One_half", "quarter", "loud", "low"]
    assert mean(results, "One_half", "gain_db") == pytest.approx(-6.02, abs=0.01)
    assert mean(results, "quarter", "gain_db") == pytest.approx(-12.04, abs=0.01)
    assert mean(results, "loud", "stoi") > mean(results, "low", "stoi") > 0.5
    assert mean(results, "low", "measured_kbps") == pytest.approx(6, rel=0.1)
    assert set(results.clips()["clip"]) == set(clips)
    assert results.clips()["status"].tolist() == ["ok"] * 8
    assert set(results.metrics()["metric"]) >= {"gain_db", "stoi", "measured_kbps"}
    assert "One half &" in results.to_latex()
    assert "quarter" in results.to_markdown()


def test_a_function_that_fails_costs_its_rows(
    clips: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    results = almbench.evaluate([halve, short, broken, faulty], clips, "gain_db", workers=1)
    status = results.clips().set_index(["codec", "clip"])["status"].unstack()
    assert (status.loc["halve"] == "ok").all()
    assert (status.loc[["short", "broken", "faulty"]] == "failed").all().all()
    reasons = results.clips().set_index("codec")["reason"]
    assert "samples of" in reasons["short"].iloc[0]
    assert "the function's output" in reasons["broken"].iloc[0]
    assert "boom" in reasons["faulty"].iloc[0]
    assert "(test_evaluate.py, line" in reasons["faulty"].iloc[0]
    told = capsys.readouterr().err
    assert "/de-wind, en-gb-harbour by broken: " in told
    assert " by faulty: ValueError: boom" in told
    assert " by halve: " not in told


def test_a_run_folder_is_kept_and_gone_on_with(clips: dict[str, Any], tmp_path: Path) -> None:
    def run(*codecs: Any) -> almbench.Results:
        found: almbench.Results = almbench.evaluate(
            list(codecs), clips, ["gain_db"], output=tmp_path / "run", workers=1
        )
        return found

    assert run(halve).manifest.run.scored_pairs == 2
    assert run(halve).manifest.run.scored_pairs == 0
    assert run(halve, as_tensor).manifest.run.scored_pairs == 2
    again = almbench.load_results(tmp_path / "run")
    assert again.summary().equals(run(halve, as_tensor).summary())
    assert again.manifest.suite.name == "evaluate"


def test_without_an_output_the_folder_goes_with_the_results(clips: dict[str, Any]) -> None:
    results = almbench.evaluate(halve, clips, ["gain_db"], workers=1)
    root = results.folder.root
    assert (root / "summary.csv").is_file()
    del results
    assert not root.exists()


def test_folders_tables_lists_and_a_limit(clips: dict[str, Any], tmp_path: Path) -> None:
    place = tmp_path / "speech files"
    place.mkdir()
    for name, (samples, rate) in clips.items():
        sf.write(place / f"{name}.wav", samples, rate)
    (tmp_path / "table.csv").write_text(f"path,id\nspeech files/{min(clips)}.wav,only\n")
    bare = [samples[:8000] for samples, _ in clips.values()]
    results = almbench.evaluate(
        halve, [place, tmp_path / "table.csv", *bare], ["gain_db"], limit=1, sample_rate=48_000
    )
    assert [(t.name, len(t.clips)) for t in results.manifest.testsets] == [
        ("speech_files", 1),
        ("table", 1),
        ("sounds", 1),
    ]


def test_wrong_arguments_are_the_callers_mistake(clips: dict[str, Any], tmp_path: Path) -> None:
    cases: list[tuple[Any, Any, dict[str, Any], str]] = [
        ("opus-7", clips, {}, "Did you mean opus-6,"),
        (halve, tmp_path / "nowhere", {}, "does not exist"),
        (3, clips, {}, "is no codec"),
        (halve, clips, {"metrics": ["stoy"]}, "Did you mean 'stoi'"),
        (halve, clips, {"domain": "voice"}, "There is no domain 'voice'"),
        ([halve, halve], clips, {}, "given twice"),
        (halve, {}, {}, "testset"),
        ({"original": halve}, clips, {}, "'original' is reserved"),
    ]
    for codecs, testsets, more, message in cases:
        with pytest.raises(almbench.AlmbenchError, match=message):
            almbench.evaluate(codecs, testsets, **more)


def test_a_script_needs_no_guard(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        dedent("""
        import almbench, numpy
        print("once")
        noise = numpy.random.default_rng(0).normal(0, 0.1, 8000)
        found = almbench.evaluate(lambda x, rate: -x, [noise], ["gain_db"], sample_rate=8000)
        print(found.summary()["codec"][0])
        """)
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["once", "lambda"]


def test_importing_the_package_stays_light() -> None:
    code = "import sys, almbench; print([m for m in sys.modules if m in HEAVY])"
    heavy = {"numpy", "pandas", "torch", "scipy", "pydantic", "soundfile", "rich", "typer"}
    done = subprocess.run(
        [sys.executable, "-c", code.replace("HEAVY", repr(heavy))],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there() -> None:
    for name in almbench.__all__:
        assert getattr(almbench, name)
    with pytest.raises(AttributeError, match="no attribute 'scores'"):
        _ = almbench.scores


def test_a_codec_encodes_and_decodes(clips: dict[str, Any]) -> None:
    samples, rate = next(iter(clips.values()))
    with almbench.load_codec("almtokenizer") as codec:
        encoded = codec.encode(samples, rate)
        assert encoded.codes is not None
        assert encoded.codes.shape[0] == len(codec.spec.codebook_sizes)
        assert codec.sample_rate == 24_000
        decoded = codec.decode(encoded)
        assert len(decoded) == len(resample(samples, rate, 24_000))
        from_codes = codec.decode(encoded.codes)
        both = min(len(decoded), len(from_codes))
        assert np.allclose(from_codes[: both - 1000], decoded[: both - 1000], atol=1e-3)
        whole = codec.reconstruct(samples, rate)
        assert len(whole) == len(samples)
        with pytest.raises(almbench.AlmbenchError, match=r"integers of shape \[3, T\]"):
            codec.decode(encoded.codes.T)
        with pytest.raises(almbench.AlmbenchError, match="counted from 0"):
            codec.decode(encoded.codes + 100_000)


def test_a_codec_of_any_rate_wants_to_know_it() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 9000)
    with almbench.load_codec("lowpass-3.5") as codec:
        encoded = codec.encode(noise, 18_000)
        with pytest.raises(almbench.AlmbenchError, match="takes any sample rate"):
            codec.decode(encoded)
        assert len(codec.decode(encoded, 18_000)) == 9000
        with pytest.raises(almbench.AlmbenchError, match="has no codebooks"):
            codec.decode(np.zeros((1, 3), int), 18_000)


def test_options_and_wrong_names_of_codecs() -> None:
    with almbench.load_codec("opus", bitrate=24_000) as codec:
        assert codec.spec.nominal_kbps == 24
    with pytest.raises(almbench.AlmbenchError, match=r"Did you mean opus-24, opus-\d+"):
        almbench.load_codec("opus-60")
    with pytest.raises(almbench.AlmbenchError, match="256000"):
        almbench.load_codec("opus", bitrate=1_000_000)
    with pytest.raises(almbench.AlmbenchError, match="precomputed files"):
        almbench.load_codec("reconstructions", path=str(folder()))
