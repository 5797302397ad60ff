"""A run without a codec: a manifest with every field filled, and rows as a run writes them."""

from pathlib import Path
from typing import Any

import pytest

from almbench.metrics.bitstream import BITSTREAM_METRICS, FAMILY, VERSIONS
from almbench.results.manifest import Manifest
from almbench.results.metric_record import MetricRecord
from almbench.results.records import OriginalRow, ReconstructionRow, Row, ScoreRow
from almbench.results.row_files import Writer
from almbench.results.runfolder import RunFolder

CLIPS = ("nan", "NA", "01", "c4")  # ids that a table must not take for numbers or for nothing
MANIFEST: dict[str, Any] = {
    "schema_version": 2,
    "almbench": "0.9.9",
    "commit": "abc123",
    "finished": "2026-01-02T03:04:05+00:00",
    "command": "bench run made",
    "suite": {
        "name": "made",
        "seed": 11,
        "title": "Made",
        "description": "By hand.",
        "authors": ["A. B."],
        "url": "https://example.org/x",
        "citation": "@misc{x}",
        "published": [
            {
                "codec": "a",
                "domain": None,
                "testset": "talk",
                "metric": "stoi",
                "value": 0.5,
                "source": "A paper",
            }
        ],
    },
    "suite_sha256": "f" * 64,
    "machine": {"python": "3.11", "system": "Linux", "processor": "x86", "cores": 2},
    "packages": {"numpy": "2.4.0", "torch": None},
    "run": {
        "device": "cpu",
        "workers": 2,
        "seconds": 1.5,
        "scored_pairs": 3,
        "scoring_s": 0.5,
        "scoring_busy_s": 0.4,
        "scoring_in_metrics_s": 0.3,
        "codecs": {"a": {"device": "cpu", "load_s": 0.1, "peak_device_mb": None}},
        "peak_memory_mb": {"main": 100, "largest_worker": 50},
    },
    "testsets": [
        {
            "name": "talk",
            "domain": "speech",
            "path": "/data/talk",
            "scoring_rate": 16_000,
            "clips": [{"id": id_, "speaker": "s1", "text": "null"} for id_ in CLIPS],
            "codecs": ["b", "a", "low"],
            "metrics": ["stoi", "mel_distance", "gain_db"],
            "metrics_requested": True,
            "seconds": 8.0,
            "averaged_channels": 1,
            "data_hash": "0" * 16,
        }
    ],
    "skipped": ["other (give --data other=PATH)"],
    "codecs": [
        {
            "id": id_,
            "label": label,
            "family": "made",
            "sample_rate": 16_000,
            "frame_rate": 50.0 if sizes else None,
            "codebook_sizes": sizes,
            "stated_bps": bps,
            "anchor": id_ == "low",
            "causal": True,
            "delay": 3,
            "parameters": 1000,
            "checkpoint": {"source": "org/x", "revision": "r", "sha256": "s"},
            "license": "MIT",
            "weights_license": "CC-BY-4.0",
            "settings": {"bitrate": 6000, "mode": "voip", "fast": True, "x": None, "y": 0.5},
            "missing": "",
            "precomputed": bool(sizes),
        }
        for id_, label, sizes, bps in [
            ("b", "Bee", [1024, 1024], None),
            ("a", "Ay", [], 6000.0),
            ("low", "Low-pass", [], None),
        ]
    ],
    "metrics": [
        {
            "name": name,
            "label": label,
            "unit": unit,
            "higher_is_better": better,
            "low": low,
            "high": high,
            "digits": digits,
            "rate": rate,
            "computed_from": "sound",
            "no_reference": False,
            "domains": ["speech"],
            "default": ["speech"],
            "headline": ["speech"],
            "compared": True,
            "note": "A note.",
            "caveat": "A caveat.",
            "family": name,
            "version": f"{name} 1",
            "settings": {"x": 1},
            "missing": "",
        }
        for name, label, unit, better, low, high, digits, rate in [
            ("stoi", "STOI", "", True, -1.0, 1.0, 3, 16_000),
            ("mel_distance", "Mel distance", "", False, 0.0, None, 3, None),
            ("gain_db", "Level", "dB", None, None, None, 1, 24_000),
        ]
    ],
    "policies": {"version": 1, "text": {"Length": "Cut."}},
}


@pytest.fixture
def manifest() -> Manifest:
    """A manifest with every field filled, and all metrics of bits and codes."""
    emitted = [
        MetricRecord.of(m, FAMILY, VERSIONS[m.name], {}, "").model_dump() for m in BITSTREAM_METRICS
    ]
    return Manifest.model_validate({**MANIFEST, "metrics": [*MANIFEST["metrics"], *emitted]})


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run folder, of which a test writes the rows."""
    return RunFolder(tmp_path / "run")


def write(folder: RunFolder, *rows: Row) -> None:
    """Write rows of any kind."""
    for row in rows:
        with Writer(folder.root, type(row)) as writer:
            writer.write(row)


class MadeRun:
    """Writes the rows of a run: every clip lasts two seconds."""

    def __init__(self, folder: RunFolder, manifest: Manifest) -> None:
        """Write the originals."""
        self.folder, self.manifest = folder, manifest
        write(folder, *(self.original(clip) for clip in CLIPS))

    @staticmethod
    def original(clip: str) -> OriginalRow:
        return OriginalRow(testset="talk", clip=clip, status="ok", signature="o", duration_s=2.0)

    def reconstruction(self, clip: str, codec: str, **facts: object) -> ReconstructionRow:
        """Write the row of a reconstruction; `facts` take the place of what is usual."""
        usual: dict[str, Any] = {
            "testset": "talk",
            "clip": clip,
            "codec": codec,
            "status": "ok",
            "signature": f"r {codec}",
            "rate": 24_000,
            "bits": 12_000.0,
            "encode_s": 0.5,
            "decode_s": 0.25,
            "clipped": 4,
            "audio_sha256": f"{clip} {codec}",
        }
        row = ReconstructionRow(**(usual | facts))
        write(self.folder, row)
        return row

    def score(
        self, of: ReconstructionRow, metric: str, value: float | None, **facts: object
    ) -> None:
        """Write the row of a score; `facts` take the place of what is usual."""
        record = self.manifest.metrics_by_name[metric]
        usual: dict[str, Any] = {
            "testset": of.testset,
            "clip": of.clip,
            "codec": of.codec,
            "metric": metric,
            "value": value,
            "status": "ok",
            "signature": record.signature(of.signature, 16_000),
            "seconds": 0.125,
            "audio_sha256": of.audio_sha256,
        }
        write(self.folder, ScoreRow(**(usual | facts)))


@pytest.fixture
def run(folder: RunFolder, manifest: Manifest) -> MadeRun:
    """A run whose originals are there, and nothing else yet."""
    return MadeRun(folder, manifest)
