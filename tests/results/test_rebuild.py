"""Results stand by themselves: the tables come from rows and manifest, without any codec."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from almbench.audio import Samples
from almbench.codecs.base import Codec, CodecSpec, Encoded, Options, from_codes
from almbench.results.results import load_results
from almbench.results.runfolder import RunFolder
from almbench.runner.run import run_suite
from almbench.suite.load import load_suite

RATE = 8_000
SUITE = """
name = "made"
seed = 5
metrics.speech = ["mel_distance", "si_sdr", "lag_ms"]
[[testset]]
name = "talk"
domain = "speech"
path = "{data}"
[[codec]]
id = "steps"
adapter = "python"
[[codec]]
id = "lowpass-3.5"
label = "Low | pass & more"
"""
# Nothing that makes sound or scores can be imported: what stands in the folder must do.
REBUILD = """
import sys
from pathlib import Path

ALLOWED = {"almbench.codecs.base", "almbench.codecs", "almbench.codecs.code_faults",
           "almbench.codecs.codes_file",
           "almbench.metrics.base", "almbench.metrics",
           "almbench.metrics.bitstream"}
ROOMS = ("almbench.codecs", "almbench.metrics", "almbench.runner", "almbench.api")
PACKAGES = {"av", "torch", "pycodec2", "pesq", "pystoi", "visqol", "pebble", "transformers"}

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in PACKAGES or (name.startswith(ROOMS) and name not in ALLOWED):
            raise ImportError(f"{name} is not here")

sys.meta_path.insert(0, Refuse())
from almbench.results.manifest import read_manifest, write_manifest
from almbench.results.results import load_results
from almbench.results.runfolder import RunFolder
from almbench.results.tables import build_tables
from almbench.results.table_files import write_tables

folder = RunFolder(Path(sys.argv[1]))
manifest = read_manifest(folder)
write_tables(build_tables(folder, manifest), folder)
write_manifest(manifest, folder)
results = load_results(folder.root)
for text in (results.to_latex(), results.to_markdown(), results.to_json("clips")):
    print(text)
"""


class Steps(Codec[Options]):
    """Two codebooks of four bits for each sample. It lives in this file alone."""

    @property
    def spec(self) -> CodecSpec:
        return CodecSpec(
            id=self.id,
            label=self.label,
            family="steps",
            sample_rate=RATE,
            frame_rate=RATE,
            codebook_sizes=(16, 16),
        )

    def encode(self, batch: list[Samples], rate: int) -> list[Encoded]:
        found = []
        for samples in batch:
            level = np.clip(np.floor((samples + 1) * 128), 0, 255).astype(np.int64)
            codes = np.stack([level // 16, level % 16])
            found.append(from_codes(codes, (16, 16), len(samples)))
        return found

    def decode(self, batch: list[Encoded], rate: int) -> list[Samples]:
        return [
            (16 * item.codes[0] + item.codes[1] + 0.5) / 128 - 1
            for item in batch
            if item.codes is not None
        ]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, speech: list[Path]) -> Path:
    """A run of that codec and of a filter over three clips, of which one cannot be scored."""
    base = tmp_path_factory.mktemp("rebuild")
    (base / "data").mkdir()
    for path in speech[:2]:
        samples, rate = sf.read(path)
        sf.write(base / "data" / f"{path.stem}.wav", samples[: 2 * rate], rate)
    sf.write(base / "data" / "silent.wav", np.zeros(2 * rate), rate)
    (base / "suite.toml").write_text(SUITE.format(data=base / "data"))
    suite = load_suite(str(base / "suite.toml"))
    run_suite(suite, base / "run", "cpu", 1, objects={"steps": Steps("steps", "Steps", Options())})
    return base / "run"


def test_tables_are_rebuilt_byte_for_byte_where_no_codec_can_be_imported(finished: Path) -> None:
    folder = RunFolder(finished)
    paths = [folder.manifest, *(folder.table(name) for name in ("clips", "metrics", "summary"))]
    before = {path: path.read_bytes() for path in paths}
    results = load_results(finished)
    exports = [results.to_latex(), results.to_markdown(), results.to_json("clips")]
    for path in paths[1:]:
        path.unlink()
    done = subprocess.run(
        [sys.executable, "-c", REBUILD, finished], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert {path: path.read_bytes() for path in paths} == before
    assert done.stdout == "".join(f"{text}\n" for text in exports)


def test_the_run_has_every_kind_of_row(finished: Path) -> None:
    """So that the test above is about all of them."""
    results = load_results(finished)
    assert {row.status for row in results.metric_rows} == {"ok", "failed", "skipped"}
    assert {row.metric for row in results.summary_rows} >= {"codebook_use_k2", "ngram_bits_k1"}
    assert {(row.clip, row.status) for row in results.clip_rows if row.codec == "steps"} >= {
        ("silent", "failed")
    }
    assert not any(row.rank_group for row in results.summary_rows)  # one codec and an anchor
