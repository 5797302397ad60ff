"""The figures in a checkpoint's card, and the constant that they are set beside."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
import torch
from scipy.signal import stft

from almbench.cli import main as cli
from almbench.codecs.almtokenizer.checkpoint import save_checkpoint
from almbench.codecs.almtokenizer.config import ModelConfig
from almbench.codecs.almtokenizer.model import ALMTokenizer
from almbench.errors import Unavailable, UserError
from almbench.training.measure import measure, write_mean_spectrum
from almbench.training.model_card import measured_section, with_measured
from almbench.training.recipe import TrainConfig

RATE, HOP, SIZE = 24_000, 320, 1280
CARD = "# Mine\n\nWhat it is.\n"


def magnitudes(samples: np.ndarray) -> np.ndarray:
    """Magnitudes `[F, T]` by SciPy; a sine of amplitude 1 has magnitude 1."""
    whole = samples[: len(samples) // HOP * HOP]
    margin = (SIZE - HOP) // 2
    padded = np.pad(whole, margin)
    columns = stft(padded, RATE, "hann", SIZE, SIZE - HOP, boundary=None, padded=False)[2]
    return np.asarray(np.abs(2 * columns))


def noise(path: Path, seconds: float, tilt: float, rate: int = RATE) -> Path:
    """Steady noise whose spectrum falls with frequency."""
    rng = np.random.default_rng(0)
    count = int(seconds * rate)
    spectrum = np.fft.rfft(rng.standard_normal(count))
    spectrum *= np.exp(-np.linspace(0, tilt, len(spectrum)))
    samples = np.fft.irfft(spectrum, count)
    sf.write(path, 0.3 * samples / np.abs(samples).max(), rate)
    return path


def test_the_constant_has_the_mean_spectrum_throughout(tmp_path: Path) -> None:
    training = [noise(tmp_path / "a.wav", 2, 2.0), noise(tmp_path / "b.flac", 3, 6.0)]
    speech = [noise(tmp_path / "c.wav", 1.23, 0.0), noise(tmp_path / "d.wav", 0.5, 0.0)]
    write_mean_spectrum(training, speech, tmp_path / "out")
    logs = np.concatenate([np.log(magnitudes(sf.read(p)[0]) + 1e-4) for p in training], 1)
    mean = np.exp(logs.mean(1))
    for path in speech:
        made, rate = sf.read(tmp_path / "out" / f"{path.stem}.flac")
        assert rate == RATE
        assert len(made) == sf.info(path).frames
        columns = magnitudes(made)[:, 4:-4]  # the ends have nothing beside them
        found = np.log(columns.mean(1) + 1e-4)
        wanted = np.log(mean + 1e-4)
        assert np.corrcoef(found[2:-2], wanted[2:-2])[0, 1] > 0.95
        assert np.abs(np.median(found - wanted)) < 0.3
        # What varies in time is far less than in any real sound.
        steady = np.std(np.sqrt((columns**2).sum(0))) / np.mean(np.sqrt((columns**2).sum(0)))
        assert steady < 0.1


def test_the_constant_knows_nothing_of_the_clip_but_its_length(tmp_path: Path) -> None:
    training = [noise(tmp_path / "a.wav", 1, 3.0)]
    speech = [noise(tmp_path / "c.wav", 0.5, 0.0), tmp_path / "d.wav"]
    sf.write(speech[1], np.zeros(RATE // 2), RATE)
    write_mean_spectrum(training, speech, tmp_path / "out")
    one, other = ((tmp_path / "out" / f"{p.stem}.flac").read_bytes() for p in speech)
    assert one == other


def test_sounds_of_another_rate_are_resampled_and_the_shortest_bears_it(tmp_path: Path) -> None:
    training = [noise(tmp_path / "a.wav", 1, 3.0, 16_000)]
    short = tmp_path / "short.wav"
    sf.write(short, np.zeros(1), RATE)
    low = noise(tmp_path / "low.wav", 0.5, 0.0, 16_000)
    write_mean_spectrum(training, [short, low], tmp_path / "out")
    assert sf.info(tmp_path / "out" / "short.flac").frames == 1
    assert sf.info(tmp_path / "out" / "low.flac").frames == RATE // 2


# The card


def summary(**means: float) -> pd.DataFrame:
    """A summary as a run writes it: a row a codec and metric."""
    columns = [("a", "Tokenizer", metric, value) for metric, value in means.items()]
    columns += [("b", "Plain", "stoi", 0.5)]
    frame = pd.DataFrame(columns, columns=["codec", "label", "metric", "mean"])
    ends = {"ci95_low": frame["mean"] - 0.01, "ci95_high": frame["mean"] + 0.03}
    return frame.assign(n=7, testset="held-out-speech", domain="speech", **ends)


def test_the_table_by_hand() -> None:
    figures = summary(
        measured_kbps=0.41964, pesq_wb=1.075, stoi=0.6921, estoi=0.3959, visqol_speech=1.1249,
        mel_distance=0.32449, speaker_similarity=0.5, gain_db=-1.26,
        codebook_use_k1=0.125, codebook_use_k2=0.5, codebook_use_k3=1.0,
    )  # fmt: skip
    section = measured_section(figures, ModelConfig())
    assert section.startswith("## Measured\n")
    assert "### Held out speech\n\n7 clips" in section
    rows = [line for line in section.splitlines() if line.startswith("|")]
    assert len({row.count("|") for row in rows}) == 1
    head, _, first, second = ([cell.strip() for cell in row.split("|")[1:-1]] for row in rows)
    assert head[1:3] == ["kbps", "PESQ-WB"]
    assert first == [
        "Tokenizer", "0.42 ± 0.02", "1.07 ± 0.02", "0.692 ± 0.020", "0.396 ± 0.020", "1.12 ± 0.02",
        "0.500 ± 0.020", "0.324 ± 0.020", "-1.3 ± 0.0", "256 / 1024 / 2048",
    ]  # fmt: skip
    # What has no codes, or could not be scored, has no figure.
    assert second == ["Plain", "–", "–", "0.500 ± 0.020", *"––––––"]


def test_entries_are_counted_for_the_codebooks_that_the_model_has() -> None:
    figures = summary(stoi=0.5, codebook_use_k1=0.5, codebook_use_k2=1.0)
    section = measured_section(figures, ModelConfig(codebooks=2, codebook_size=16))
    assert "| 8 / 16 |" in section


def test_each_test_set_has_a_table_with_the_metrics_of_its_domain() -> None:
    sound = summary(visqol_audio=3.21).assign(testset="held-out-sound", domain="sound", n=5)
    section = measured_section(pd.concat([summary(stoi=0.7), sound]), ModelConfig())
    speech, other = section.split("### ")[1:]
    assert "| 0.700 ± 0.020 |" in speech
    assert "5 clips" in other
    assert "| 3.21 ± 0.02 |" in other
    assert "STOI" not in other


def test_nothing_has_no_sign() -> None:
    assert "| 0.0 ± 0.0 |" in measured_section(summary(gain_db=-0.01), ModelConfig())


def test_a_mean_of_one_clip_has_no_interval() -> None:
    figures = summary(stoi=0.7).assign(ci95_low=float("nan"), ci95_high=float("nan"))
    assert "| 0.700 |" in measured_section(figures, ModelConfig())


@pytest.mark.parametrize("card", [CARD, CARD.rstrip(), CARD + "\n\n"])
def test_a_card_without_figures_gets_them_at_its_end(card: str) -> None:
    assert with_measured(card, "## Measured\n\nnew\n") == f"{CARD}\n## Measured\n\nnew\n"


def test_old_figures_are_replaced_and_all_else_stays() -> None:
    old = "\n## Measured\n\nold\n\n| a |\n|---|\n"
    after = "\n## Licence\n\nFree.\n\n## More\n"
    section = "## Measured\n\nnew\n"
    assert with_measured(CARD + old, section) == f"{CARD}\n{section}"
    both = with_measured(CARD + old + after, section)
    assert both == f"{CARD}\n{section}{after}"
    assert with_measured(both, section) == both


# All of it


@pytest.fixture
def checkpoint(tiny: TrainConfig, tmp_path: Path) -> Path:
    torch.manual_seed(0)
    model = ALMTokenizer(tiny.model)
    save_checkpoint(
        model, tmp_path / "checkpoint", CARD + "\n## Measured\n\nold\n\n## Licence\n\nFree.\n"
    )
    return tmp_path / "checkpoint"


@pytest.fixture
def speech(clips: Path, tmp_path: Path) -> Path:
    """Two clips of two seconds."""
    place = tmp_path / "speech"
    place.mkdir()
    for path in clips.glob("*.flac"):
        samples, rate = sf.read(path)
        sf.write(place / path.name, samples[: 2 * rate], rate)
    return place


@pytest.mark.parametrize("name", ["README.md", "config.json", "model.safetensors"])
def test_a_checkpoint_without_a_file_is_refused_before_anything_runs(
    checkpoint: Path, speech: Path, tmp_path: Path, name: str
) -> None:
    (checkpoint / name).unlink()
    with pytest.raises(Unavailable, match=rf"{name} is missing.*To fix"):
        measure(checkpoint, speech, speech, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("lacking", ["speech", "training"])
def test_folders_without_sound_are_named(
    checkpoint: Path, speech: Path, tmp_path: Path, lacking: str
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    folders = {"speech": speech, "training": speech, lacking: empty}
    with pytest.raises(UserError, match="empty holds no sound"):
        measure(checkpoint, output=tmp_path / "run", **folders)


def test_the_command_names_mistakes(
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for first, word in ((checkpoint, "holds no sound"), (tmp_path / "none", "none does not exist")):
        line = [
            "bench",
            "train",
            "measure",
            first,
            "--speech",
            tmp_path / "no",
            "--training",
            tmp_path / "no",
        ]
        monkeypatch.setattr(sys, "argv", [str(part) for part in line])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code == 2
        said = capsys.readouterr().err
        assert word in said
        assert "Traceback" not in said


@pytest.fixture
def demo(speech: Path, tmp_path: Path) -> Path:
    """A clip as the demo page has it: the original, and what one system made of it."""
    clip = min(speech.iterdir())
    samples, rate = sf.read(clip)
    for system, gain in (("gt", 1.0), ("dac", 0.5)):
        place = tmp_path / "demo" / "speech" / system
        place.mkdir(parents=True)
        sf.write(place / "p225_001.wav", samples * gain, rate)
    return tmp_path / "demo"


@pytest.mark.slow
def test_a_checkpoint_is_measured(
    checkpoint: Path, speech: Path, demo: Path, tmp_path: Path
) -> None:
    figures = measure(checkpoint, speech, speech, tmp_path / "run", sound=speech, demo=demo)
    card = (checkpoint / "README.md").read_text()
    assert card.startswith(CARD)
    assert card.endswith("\n## Licence\n\nFree.\n")
    tables = {
        part.partition("\n")[0]: {
            cells[1].strip(): [cell.strip() for cell in cells[2:-1]]
            for line in part.splitlines()
            if len(cells := line.split("|")) > 3
        }
        for part in card.split("\n### ")[1:]
    }
    assert list(tables) == ["Held out speech", "Held out sound", "Demo speech"]
    rows = tables["Held out speech"]
    assert {"Codec2 700C", "Opus", "Mean training spectrum"} < rows.keys()
    for w in (2, 3, 6, 10):
        groups = -(-2 * RATE // (w * HOP))
        kbps, *_, books = rows[f"This checkpoint, w = {w}"]
        wanted = groups * 3 * 4 / 2 / 1000  # 16 entries
        assert float(kbps.split()[0]) == pytest.approx(wanted, abs=0.0051)
        assert all(1 <= int(used) <= 16 for used in books.split(" / "))
        assert tables["Held out sound"][f"This checkpoint, w = {w}"][1] != "–"
    means = figures.set_index(["testset", "codec", "metric"])["mean"]
    assert rows["Mean training spectrum"][0] == "–"
    stoi = means["held-out-speech", "mean-spectrum", "stoi"]
    assert float(rows["Mean training spectrum"][2].split()[0]) == pytest.approx(stoi, abs=0.0005)
    assert means["held-out-speech", "opus-6", "stoi"] > 0.8 > stoi
    # What was published for the clips stands beside; half the amplitude is -6.0 dB.
    assert tables["Demo speech"]["DAC"][-2] == "-6.0"
    assert "Encodec" not in tables["Demo speech"]
