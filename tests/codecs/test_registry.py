import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from almbench.codecs import registry
from almbench.codecs.base import Codec
from almbench.codecs.builtin import ADAPTERS, PRESETS
from almbench.codecs.mp3 import Mp3Options
from almbench.codecs.registry import adapter, adapter_names, create, make_codec
from almbench.errors import UserError
from almbench.suite.config import CodecConfig

PLUGIN = """
from almbench.codecs.base import Codec
from almbench.codecs.lowpass import Lowpass
class Mine(Lowpass): pass
class Half(Codec):
    spec = None
    def encode(self, batch, rate): return []
not_a_codec = 3
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The entry points of an installed distribution that brings adapters."""
    (tmp_path / "bench_plugin.py").write_text(PLUGIN)
    (tmp_path / "bench_raises.py").write_text("raise RuntimeError('no license file')")
    info = tmp_path / "bench_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bench-plugin\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry._adapters.refresh()
    yield info / "entry_points.txt"
    registry._adapters.refresh()
    sys.modules.pop("bench_plugin", None)


def test_the_registry_imports_no_codec() -> None:
    code = (
        "import sys, almbench.codecs.registry as r\n"
        "r.adapter_names()\n"
        "print(sorted({'av', 'pycodec2', 'torch', 'scipy', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", sorted(ADAPTERS))
def test_every_adapter_loads_and_says_what_it_misses(name: str) -> None:
    class_ = adapter(name)
    assert class_.options_type.model_config["extra"] == "forbid"
    if issubclass(class_, Codec):
        assert class_.missing() is None or "pip install" in str(class_.missing())


@pytest.mark.parametrize("id_", sorted(PRESETS))
def test_a_preset_makes_a_codec_of_its_name(id_: str) -> None:
    CodecConfig(id=id_)  # safe as a folder name
    spec = make_codec(id_).spec
    assert (spec.id, spec.label) == (id_, PRESETS[id_].label)
    assert spec.license
    if PRESETS[id_].adapter == "lowpass":
        assert PRESETS[id_].options["cutoff"] == 1000 * float(id_.rpartition("-")[2])


def test_every_adapter_has_a_preset_but_those_that_need_a_path_or_a_program() -> None:
    without = {"external", "reconstructions"}
    assert {preset.adapter for preset in PRESETS.values()} == set(ADAPTERS) - without


def test_options_change_a_preset() -> None:
    codec = make_codec("mp3-16", {"bitrate": 48_000})
    assert isinstance(codec.options, Mp3Options)
    assert (codec.options.bitrate, codec.options.sample_rate) == (48_000, 24_000)
    with pytest.raises(UserError, match=r"Codec 'mp3-16' \(adapter mp3\).*Did you mean 'bitrate'"):
        make_codec("mp3-16", {"bitrat": 48_000})


def test_unknown_names_are_answered_with_the_nearest() -> None:
    with pytest.raises(UserError, match=r"no codec adapter 'opsu'\. Did you mean 'opus'"):
        adapter("opsu")
    with pytest.raises(
        UserError, match=r"no codec 'opus-7'\. Did you mean opus-6, opus-12 or opus-24\?"
    ):
        make_codec("opus-7")
    with pytest.raises(UserError, match="Did you mean 'mp3'"):
        create("x", "X", "mp", {})


def test_a_wrong_option_names_codec_key_value_and_cure() -> None:
    with pytest.raises(UserError) as caught:
        create("my-opus", "Opus", "opus", {"bitrat": 6000})
    for words in ("my-opus", "opus", "'bitrat'", "Did you mean 'bitrate'", "frame_duration"):
        assert words in str(caught.value)


def test_a_plugin_adds_an_adapter(plugin: Path) -> None:
    plugin.write_text("[almbench.codecs]\nmine = bench_plugin:Mine\n")
    assert "mine" in adapter_names()
    made = create("m", "Mine", "mine", {"cutoff": 1000})
    assert isinstance(made, Codec)
    assert type(made).__name__ == "Mine"


def test_a_plugin_cannot_take_a_name(plugin: Path) -> None:
    plugin.write_text("[almbench.codecs]\nopus = bench_plugin:Mine\n")
    twice = (
        r"'opus' is registered twice: almbench\.codecs\.opus:Opus .* bench_plugin:Mine \(of bench"
    )
    with pytest.raises(UserError, match=twice):
        adapter_names()


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("bench_plugin:Nothing", "cannot be imported"),
        ("no_such_module:Mine", "cannot be imported"),
        ("bench_raises:Mine", r"cannot be imported \(RuntimeError: no license file\)"),
        ("bench_plugin:not_a_codec", r"not a subclass of almbench\.codecs\.base\.Codec"),
        ("bench_plugin:Half", r"does not define decode\."),
    ],
)
def test_a_broken_plugin_is_named(plugin: Path, target: str, words: str) -> None:
    plugin.write_text(f"[almbench.codecs]\nbroken = {target}\n")
    with pytest.raises(UserError, match=rf"'broken' \({target}, of bench-plugin\) .*{words}"):
        adapter("broken")
    assert adapter("lowpass")
