import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from almbench.codecs import registry
from almbench.codecs.base import Codec
from almbench.codecs.registry import PRESETS, adapter, adapter_names, create, preset
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
    (tmp_path / "bench_raises.py").write_text("raise RuntimeError('no licence file')")
    info = tmp_path / "bench_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bench-plugin\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry._targets.cache_clear()
    yield info / "entry_points.txt"
    registry._targets.cache_clear()
    sys.modules.pop("bench_plugin", None)


def test_the_registry_imports_no_codec() -> None:
    code = (
        "import sys, almbench.codecs.registry as r\n"
        "r.adapter_names()\n"
        "print(sorted({'av', 'pycodec2', 'torch', 'scipy', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", sorted(registry.BUILT_IN))
def test_every_adapter_loads_and_says_what_it_misses(name: str) -> None:
    class_ = adapter(name)
    assert class_.options_type.model_config["extra"] == "forbid"
    if issubclass(class_, Codec):
        assert class_.missing() is None or "pip install" in str(class_.missing())


SPEECH_ONLY = (
    "amr-nb",
    "codec2",
    "mimi",
    "speechtokenizer",
    "stablecodec",
    "wavtokenizer-0.9",
)


@pytest.mark.parametrize("id_", sorted(PRESETS))
def test_every_preset_is_what_its_id_says(id_: str) -> None:
    CodecConfig(id=id_)  # safe as a folder name
    ready = preset(id_)
    spec = create(id_, ready.label, ready.adapter, ready.options).spec
    assert (spec.id, spec.label) == (id_, ready.label)
    assert spec.licence
    speech_only = id_.startswith(SPEECH_ONLY)
    assert ready.domains == (("speech",) if speech_only else ("speech", "sound", "music"))
    if "-" not in id_:  # the project's own codec, at its usual rate
        assert spec.nominal_kbps == pytest.approx(0.4125)
        return
    figure = float(id_.rsplit("-", 1)[1])
    if ready.adapter == "lowpass":
        assert ready.options["cutoff"] == 1000 * figure
    elif ready.adapter == "codec2":
        assert spec.stated_bps == figure
    else:
        assert spec.nominal_kbps is not None
        digits = len(id_.rsplit("-", 1)[1].partition(".")[2])
        assert round(spec.nominal_kbps, digits) == figure


def test_unknown_names_are_answered_with_the_nearest() -> None:
    with pytest.raises(UserError, match=r"no codec adapter 'opsu'\. Did you mean 'opus'"):
        adapter("opsu")
    with pytest.raises(UserError, match=r"no ready-made codec 'opus-7'\. Did you mean 'opus-6'"):
        preset("opus-7")
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
    with pytest.raises(UserError, match=r"called 'opus': almbench\.codecs\.opus:Opus and bench_pl"):
        adapter_names()


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("bench_plugin:Nothing", "cannot be imported"),
        ("no_such_module:Mine", "cannot be imported"),
        ("bench_raises:Mine", r"cannot be imported \(RuntimeError: no licence file\)"),
        ("bench_plugin:not_a_codec", "not a subclass of Codec"),
        ("bench_plugin:Half", r"lacks decode\."),
    ],
)
def test_a_broken_plugin_is_named(plugin: Path, target: str, words: str) -> None:
    plugin.write_text(f"[almbench.codecs]\nbroken = {target}\n")
    with pytest.raises(UserError, match=rf"'broken' \({target}\) .*{words}"):
        adapter("broken")
    assert adapter("lowpass")
