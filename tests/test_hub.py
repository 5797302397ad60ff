"""Codecs of the hub in one line: read, in suites, on the command line and in Python."""

import json
from pathlib import Path

import numpy as np
import pytest

import almbench
from almbench.codecs.registry import make_codec
from almbench.errors import Unavailable, UserError
from almbench.hub import parse_hub
from almbench.runner.plan import select
from almbench.suite.config import CodecConfig
from almbench.suite.load import load_suite


@pytest.mark.parametrize(
    ("line", "id_", "options"),
    [
        ("hf:facebook/encodec_24khz", "encodec_24khz", {}),
        ("hf:facebook/encodec_24khz@8", "encodec_24khz-8", {"num_codebooks": 8}),
        ("hf:facebook/encodec_24khz@1.5kbps", "encodec_24khz-1.5kbps", {"bandwidth": 1.5}),
        ("hf:facebook/encodec_24khz@6kbps", "encodec_24khz-6kbps", {"bandwidth": 6.0}),
        ("hf:./models/mimi@3", "mimi-3", {"num_codebooks": 3}),
        ("hf:/models/mimi/", "mimi", {}),
    ],
)
def test_a_line_is_read(line: str, id_: str, options: dict[str, float]) -> None:
    read = parse_hub(line)
    source = line.removeprefix("hf:").partition("@")[0].rstrip("/")
    assert (read.id, read.adapter) == (id_, "transformers")
    assert read.options == {"checkpoint": source, **options}
    assert CodecConfig(id=line) == CodecConfig(
        id=id_, adapter="transformers", label=read.label, options=read.options
    )


@pytest.mark.parametrize(
    "line", ["hf:", "hf:mimi", "hf:a/b@", "hf:a/b@0", "hf:a/b@6k", "hf:a/b@-1", "hf:a/b@2@3"]
)
def test_other_lines_are_refused(line: str) -> None:
    with pytest.raises(UserError, match=r"names no codec\. Allowed: hf:ORG/NAME, hf:ORG/NAME@K"):
        parse_hub(line)
    with pytest.raises(UserError, match="names no codec"):
        CodecConfig(id=line)


def test_a_suite_may_say_more_of_it() -> None:
    config = CodecConfig.model_validate(
        {"id": "hf:kyutai/mimi@4", "label": "Mimi, 4", "options": {"revision": "main"}}
    )
    assert (config.id, config.label) == ("mimi-4", "Mimi, 4")
    assert config.options == {"checkpoint": "kyutai/mimi", "num_codebooks": 4, "revision": "main"}


def test_the_command_line_takes_it_beside_presets() -> None:
    suite = select(load_suite("quick"), ["opus-6", "hf:kyutai/mimi@4"], [], [])
    assert [codec.id for codec in suite.codec] == ["opus-6", "mimi-4"]
    assert suite.codec[1].options["num_codebooks"] == 4


@pytest.mark.parametrize(
    ("kbps", "depth"), [("1.5", 2), ("6", 8), ("24", 32), ("23", 32), ("5.9", 8)]
)
def test_a_bandwidth_stands_for_codebooks(kbps: str, depth: int) -> None:
    spec = make_codec(f"hf:facebook/encodec_24khz@{kbps}kbps").spec
    assert spec.codebook_sizes == (1024,) * depth
    assert spec.family == "encodec"
    assert "not stated by the authors" in spec.weights_license


def test_a_bandwidth_that_the_model_does_not_have() -> None:
    codec = make_codec("hf:facebook/encodec_24khz@2kbps")
    with pytest.raises(UserError, match=r"bandwidth = 2, .* in kbps: 1\.5, 3, 6, 12, 24\."):
        codec.fetch(network=False)
    assert make_codec("hf:descript/dac_44khz@8kbps").spec.nominal_kbps == pytest.approx(7.752, 1e-3)


def test_both_at_once() -> None:
    with pytest.raises(UserError, match="num_codebooks or bandwidth, not both"):
        make_codec("hf:kyutai/mimi@4", {"bandwidth": 1.1})


def test_latents_have_no_depth() -> None:
    with pytest.raises(UserError, match="has no codebooks, its frames are real numbers"):
        make_codec("hf:bezzam/VibeVoice-AcousticTokenizer@4").fetch(network=False)


def test_a_model_that_is_not_here_and_not_known() -> None:
    codec = make_codec("hf:someone/codec@4")
    assert codec.spec.nominal_kbps is None
    with pytest.raises(Unavailable, match=r"hf download someone/codec config\.json"):
        codec.fetch(network=False)


def test_a_local_folder_by_evaluate(tmp_path: Path) -> None:
    """A small Mimi goes through the whole of a run, named and unnamed."""
    from almbench.codecs.transformers_codec import import_transformers

    library = import_transformers()
    small = {"hidden_size": 16, "num_filters": 4, "num_hidden_layers": 1, "intermediate_size": 16}
    books = {"codebook_size": 32, "codebook_dim": 8, "vector_quantization_hidden_dimension": 8}
    more = {"num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 8, "num_quantizers": 4}
    config = library.MimiConfig(**small, **books, **more, upsample_groups=16)
    folder = tmp_path / "small"
    library.MimiModel(config).save_pretrained(folder)
    assert json.loads((folder / "config.json").read_text())["model_type"] == "mimi"
    clips = {"noise": np.random.default_rng(0).normal(0, 0.1, 24_000)}
    results = almbench.evaluate(
        {"Mine": f"hf:{folder}@2", "all": f"hf:{folder}"},
        clips,
        sample_rate=24_000,
        domain="speech",
        metrics=["mel_distance"],
        workers=1,
    )
    rows = results.clips().set_index("codec")
    assert rows.loc["Mine", "status"] == "ok"
    assert rows.loc["Mine", "measured_kbps"] == pytest.approx(13 * 2 * 5 / 1000)
    assert rows.loc["all", "measured_kbps"] == pytest.approx(13 * 4 * 5 / 1000)
