"""The manifest: every field pinned, written and read back, and what is said of a damaged one."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from almbench import policies
from almbench.codecs.base import Checkpoint
from almbench.errors import UserError
from almbench.metrics.registry import metric
from almbench.results.codec_record import CodecRecord
from almbench.results.manifest import (
    SCHEMA_VERSION,
    Manifest,
    PoliciesRecord,
    SourceRecord,
    SuiteRecord,
    read_manifest,
    write_manifest,
)
from almbench.results.metric_record import MetricRecord
from almbench.results.records import signature
from almbench.results.run_record import (
    CallRecord,
    MachineRecord,
    PeakMemory,
    RunRecord,
    UsageRecord,
)
from almbench.results.runfolder import RunFolder
from almbench.results.testset_record import ClipRecord, LeftOutRecord, TestSetRecord
from almbench.suite.config import Published

# The form of version 2. A change of it needs a new table here, and a new SCHEMA_VERSION unless what
# is new has a default, so that manifests without it are read as before.
FIELDS: dict[type[BaseModel], str] = {
    Manifest: "schema_version almbench commit finished command suite suite_sha256 machine packages "
    "run testsets skipped left_out codecs metrics policies source",
    SourceRecord: "name url files",
    SuiteRecord: "title description authors url citation logo extra_pages language published "
    "highlight name seed",
    Published: "codec domain testset metric value source",
    MachineRecord: "python system processor cores",
    RunRecord: "device workers seconds scored_pairs scoring_s scoring_busy_s scoring_loading_s "
    "scoring_in_metrics_s codecs peak_memory_mb calls",
    CallRecord: "started worker device workers seconds codecs",
    UsageRecord: "device threads load_s batch batch_that_fits coding_s busy_share peak_device_mb "
    "peak_process_mb encode_macs decode_macs macs_reason",
    PeakMemory: "main largest_worker",
    TestSetRecord: "name domain path scoring_rate clips codecs metrics metrics_requested files "
    "undrawn kept_sounds left_out others remarks seconds averaged_channels data_hash "
    "means",
    LeftOutRecord: "reason names",
    ClipRecord: "id speaker text cluster labels",
    CodecRecord: "id label family sample_rate frame_rate codebook_sizes codebook_strides "
    "stated_bps anchor causal delay parameters checkpoint license weights_license settings missing "
    "missing_cause missing_command precomputed with_codes stated_kbps",
    Checkpoint: "source revision sha256",
    MetricRecord: "name label unit higher_is_better low high digits rate computed_from "
    "no_reference reads_text domains default headline compared note caveat footnote family version "
    "settings missing",
    PoliciesRecord: "version text",
}


@pytest.mark.parametrize("record", FIELDS, ids=lambda record: record.__name__)
def test_the_form_of_every_record_is_pinned(record: type[BaseModel]) -> None:
    assert SCHEMA_VERSION == 2
    assert list(record.model_fields) == FIELDS[record].split()
    assert record.model_config["extra"] == "forbid"


def test_a_manifest_is_read_back_as_it_was(folder: RunFolder, manifest: Manifest) -> None:
    folder.root.mkdir()
    write_manifest(manifest, folder)
    written = folder.manifest.read_bytes()
    again = read_manifest(folder)
    assert again == manifest
    write_manifest(again, folder)
    assert folder.manifest.read_bytes() == written
    assert [path.name for path in folder.root.iterdir()] == ["manifest.json"]


def test_a_manifest_is_plain_json_of_a_known_form(folder: RunFolder, manifest: Manifest) -> None:
    folder.root.mkdir()
    write_manifest(manifest, folder)
    text = folder.manifest.read_text(encoding="utf-8")
    held = json.loads(text)
    assert text == json.dumps(held, indent=2, ensure_ascii=False) + "\n"
    assert held["schema_version"] == 2
    assert held["codecs"][0]["settings"] == {
        "bitrate": 6000, "mode": "voip", "fast": True, "x": None, "y": 0.5,
    }  # fmt: skip
    assert held["metrics"][0]["higher_is_better"] is True
    assert held["metrics"][2]["higher_is_better"] is None


def broken(manifest: Manifest, **changes: Any) -> bytes:
    """The manifest as JSON with some fields changed; None takes a field away."""
    held = json.loads(manifest.model_dump_json())
    for name, value in changes.items():
        held[name] = value
    return json.dumps({name: value for name, value in held.items() if value is not None}).encode()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "Invalid JSON"),
        (b"not json", "Invalid JSON"),
        (b'{"schema_version": 2, "almbench": "0.2', "Invalid JSON"),  # truncated
        (b"[1, 2]", "manifest.json"),
        (b"\xff\xfe\x00", "manifest.json"),
        (b"{}", "The key 'schema_version' is missing"),
        (b'{"schema_version": "two"}', "schema_version = 'two'"),
        (b'{"schema_version": 2}', "The key 'almbench' is missing"),
        ({"machine": None}, "The key 'machine' is missing"),
        ({"packages": 3}, "packages = 3"),
        ({"testsets": [{"name": "t"}]}, "testsets[0]: The key 'domain' is missing"),
        ({"machines": {}}, "There is no key 'machines'. Did you mean 'machine'?"),
        ({"finished": 5}, "finished = 5"),
    ],
)
def test_a_damaged_manifest_is_one_clear_line(
    folder: RunFolder, manifest: Manifest, content: Any, words: str
) -> None:
    folder.root.mkdir()
    damaged = content if isinstance(content, bytes) else broken(manifest, **content)
    folder.manifest.write_bytes(damaged)
    with pytest.raises(UserError) as caught:
        read_manifest(folder)
    message = str(caught.value)
    assert words in message
    assert str(folder.manifest) in message
    assert message.endswith(f"run its suite again with: bench run {folder.suite} -o {folder.root}")
    assert "\n" not in message


@pytest.mark.parametrize("version", [1, 3, 99])
def test_another_schema_names_the_command_that_helps(
    folder: RunFolder, manifest: Manifest, version: int
) -> None:
    folder.root.mkdir()
    folder.manifest.write_bytes(broken(manifest, schema_version=version))
    with pytest.raises(UserError) as caught:
        read_manifest(folder)
    assert str(caught.value) == (
        f"{folder.root} was made by another version of almbench (schema {version}, this one reads "
        f"2): run its suite again with: bench run {folder.root}/suite.toml -o {folder.root}"
    )


def test_a_folder_without_a_manifest_is_no_finished_run(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        read_manifest(RunFolder(tmp_path / "none"))
    assert str(caught.value) == (
        f"{tmp_path}/none is not a finished run: manifest.json is missing. "
        f"Make or finish it with: bench run SUITE -o {tmp_path}/none"
    )


def test_a_folder_of_probes_alone_is_called_that(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.table("probes").touch()
    with pytest.raises(UserError, match=r"in .*probes\.csv, and no run\. .* bench score ORIGINALS"):
        read_manifest(folder)


def test_records_by_name(manifest: Manifest) -> None:
    assert manifest.codecs_by_id["a"].label == "Ay"
    assert manifest.metrics_by_name["gain_db"].unit == "dB"
    assert manifest.testsets_by_name["talk"].seconds == 8.0


def test_codes_are_there_of_codecs_that_ran_and_have_codebooks(manifest: Manifest) -> None:
    ready, uncoded, _ = manifest.codecs
    assert (ready.has_codes, uncoded.has_codes) == (False, False)
    assert ready.model_copy(update={"precomputed": False}).has_codes


def test_a_record_of_a_metric_has_all_its_facts() -> None:
    facts = metric("stoi")
    record = MetricRecord.of(facts, "stoi", "v", {"x": 1}, "not here")
    assert {name: getattr(record, name) for name in type(facts).model_fields} == facts.model_dump()
    assert (record.family, record.version, record.missing) == ("stoi", "v", "not here")
    assert record.settings == {"x": 1}
    expected = signature(policies.VERSION, "r", "stoi", "v", {"x": 1}, 16_000)
    assert record.signature("r", 16_000) == expected


def test_what_is_left_out_is_counted_in_words_that_fit_the_number() -> None:
    reason = "row of another domain"
    assert LeftOutRecord(reason=reason, names=("a",)).words == f"1 {reason} (a)"
    assert LeftOutRecord(reason=reason, names=("a", "b")).words == "2 rows of another domain (a, b)"
    assert LeftOutRecord(reason="hidden", names=("._a", "._b")).words == "2 hidden (._a, ._b)"
