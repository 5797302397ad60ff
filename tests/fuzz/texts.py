"""Kinds that are texts: suites, tables of clips, listeners' results, scores of others, a list."""

import json
import shutil
from pathlib import Path

import numpy as np
import soundfile as sf

from almbench.audio import read
from almbench.cli.import_ import _read as read_scores
from almbench.errors import AudioError
from almbench.listening.analysis import analyse
from almbench.results.imported import write_imported
from almbench.runner.plan import make_plan
from almbench.site.output import FOLDERS, MARKER, Output
from almbench.site.runs_index import add_to_earlier
from almbench.suite.config import TestSetConfig
from almbench.suite.load import data_names, fill_in, load_suite
from almbench.suite.testsets import find_clips
from tests.conftest import rating, submitted
from tests.fuzz.cases import Kind
from tests.fuzz.edits import as_csv, as_json, as_json_lines, as_text, as_toml

SUITE = """
name = "talk"
title = "Title"
description = "One.\\n\\nTwo."
authors = ["A. B."]
url = "https://example.org/x"
citation = "@misc{x}"
seed = 3
highlight = "own"
language = "en"
[data]
voices = "any speech"
[[testset]]
name = "talk"
domain = "speech"
path = "sounds"
layout = "folder"
limit = 2
scoring_rate = 16000
[[testset]]
name = "rows"
domain = "sound"
path = "clips.csv"
metrics = ["gain_db"]
[[testset]]
name = "voices"
domain = "speech"
optional = true
[[codec]]
id = "lowpass-3.5"
[[codec]]
id = "own"
adapter = "reconstructions"
label = "Ours"
domains = ["speech"]
stated_kbps = 1.5
[codec.options]
path = "sounds"
match = "{clip}"
bitrate = 1500
[[codec]]
id = "worker"
adapter = "external"
[codec.options]
command = ["cat"]
sample_rate = 16000
frame_rate = 50
codebook_sizes = [16, 4]
settings = {a = 1}
timeout_s = 5
[[published]]
codec = "own"
domain = "speech"
metric = "stoi"
value = 0.5
source = "a paper"
[metrics]
speech = ["stoi", "gain_db"]
sound = ["mel_distance"]
[settings.stoi]
"""
CLIPS = 'path,id,domain,speaker,text,cluster\na.wav,one,speech,p1,hello,c1\nb.wav,,,p2,"a, b",\n'


def _sounds(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name in "ab":
        noise = np.random.default_rng(ord(name)).uniform(-0.2, 0.2, 4000)
        sf.write(folder / f"{name}.wav", noise, 16_000)


def _make_suite(folder: Path) -> None:
    _sounds(folder / "sounds")
    (folder / "suite.toml").write_text(SUITE)
    (folder / "clips.csv").write_text(CLIPS.replace("a.wav", "sounds/a.wav"))


def _use_suite(folder: Path, out: Path, name: str) -> None:
    suite = load_suite(str(folder / "suite.toml"))
    data_names(suite)
    fill_in(suite, {})
    make_plan(suite, network=False)


def _make_clips(folder: Path) -> None:
    _sounds(folder)
    (folder / "clips.csv").write_text(CLIPS)


def _use_clips(folder: Path, out: Path, name: str) -> None:
    config = TestSetConfig(name="t", domain="speech", path=str(folder / "clips.csv"))
    for clip in find_clips(config, 0).clips[:3]:
        try:
            read(clip.path)
        except AudioError:
            continue


def _make_listeners(folder: Path) -> None:
    for listener in range(3):
        trials = [
            {
                "clip": f"talk/{clip}",
                "seconds": 20.5,
                "ratings": [
                    rating("original", 98),
                    rating("anchor-3.5", 20 + clip),
                    rating("x", 60 + 5 * listener - clip),
                    rating("y", 40 + clip),
                ],
            }
            for clip in range(4)
        ]
        result = submitted("mushra", listener, trials=trials)
        (folder / f"m{listener}.json").write_text(json.dumps(result))
        answers = [
            {"clip": f"talk/{i}", "x": "ab"[i % 2], "answer": "ba"[i > 2], "seconds": 9, "plays": 3}
            for i in range(6)
        ]
        pair = {"a": "original", "b": "x"}
        own = {"pair": pair, "planned": 6, "trials": answers}
        result = submitted("abx", listener, **own)
        (folder / f"a{listener}.json").write_text(json.dumps(result))


def _make_scores(folder: Path) -> None:
    lines = [
        {"key": f"u{i}", "stoi": 0.9 - i / 10, "pesq": 2.5, "mcd": i, "asr": "text", "x": None}
        for i in range(3)
    ]
    (folder / "versa.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    means = {"speech": {"pesq": 2.5, "mel": 1.0}, "audio": {"mel": 2.0}, "overall": {"mel": 1.5}}
    superb = {"codec_a": means, "codec_b": {"error": "out of memory"}}
    (folder / "superb.json").write_text(json.dumps(superb))


def _use_scores(folder: Path, out: Path, name: str) -> None:
    scores = read_scores([str(folder / name)], "speech", "t", 16_000)
    write_imported(scores, out / "run", 16_000)


def _make_gallery(folder: Path) -> None:
    (folder / "run").mkdir()
    (folder / "site").mkdir()
    (folder / "site" / FOLDERS).write_text(json.dumps(["../run"]))
    (folder / "site" / "old.html").write_text("old")
    (folder / "site" / MARKER).write_text("old.html\nindex.html\n")


def _use_gallery(folder: Path, out: Path, name: str) -> None:
    shutil.copytree(folder / "site", out / "site", dirs_exist_ok=True)
    (out / "run").mkdir()
    try:
        add_to_earlier([folder / "run"], out / "site")
    finally:
        output = Output(out / "site")
        output.write(("index.html",), b"new")
        output.finish()


KINDS = [
    Kind("suite TOML", _make_suite, _use_suite, {"suite.toml": as_toml}),
    Kind("CSV manifests", _make_clips, _use_clips, {"clips.csv": as_csv}),
    Kind("listeners' JSON", _make_listeners, lambda folder, *_: analyse([folder]),
         {"*.json": as_json}),
    Kind("bench import", _make_scores, _use_scores,
         {"versa.jsonl": as_json_lines, "superb.json": as_json}, each=True, cost=4),
    Kind("galleries", _make_gallery, _use_gallery,
         {f"site/{FOLDERS}": as_json, f"site/{MARKER}": as_text}),
]  # fmt: skip
