import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from almbench.domains import DOMAINS
from almbench.errors import UserError
from almbench.metrics import registry
from almbench.metrics.base import Family

PLUGIN = """
from almbench.metrics.base import Family, Metric, Settings

class Loudest(Family[Settings]):
    name = "loudest"
    metrics = (Metric(name="loudest", label="Loudest", higher_is_better=None),)
    rate = None

    def version(self):
        return "1"

    def score(self, prepared, reconstruction, rate, names):
        return {"loudest": float(abs(reconstruction).max())}

class Again(Loudest):
    name = "again"
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An installed package, of which a test writes the entry points."""
    (tmp_path / "loudest_plugin.py").write_text(PLUGIN)
    info = tmp_path / "loudest_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: loudest-plugin\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    registry._families.refresh()
    yield info / "entry_points.txt"
    sys.modules.pop("loudest_plugin", None)
    registry._families.refresh()


def register(points: Path, *lines: str) -> None:
    points.write_text("[almbench.metrics]\n" + "\n".join(lines))


def test_every_family_is_what_its_address_says() -> None:
    for name, cls in registry.all_families().items():
        assert issubclass(cls, Family)
        assert cls.name == name
        family = registry.make_family(name, {})
        assert family.version()
        said = family.missing()  # with the cure
        cures = ("pip install", "a run fetches it", "To fix: download it from")
        assert said is None or any(cure in said for cure in cures)
        for metric in cls.metrics:
            assert registry.family_of(metric.name) == name
            assert registry.metric(metric.name) is metric
            assert set(metric.domains) <= set(DOMAINS)


def test_defaults_exist_and_are_meant_for_their_domain() -> None:
    for domain in DOMAINS:
        names = registry.default_metrics(domain)
        assert names
        assert len(names) == len(set(names))
        for name in names:
            assert domain in registry.metric(name).domains
    assert registry.family_of("estoi") == "stoi"


def test_unknown_names_and_settings_are_the_users_mistake() -> None:
    with pytest.raises(UserError, match="Did you mean 'pesq_wb'"):
        registry.family("pesq_w")
    with pytest.raises(UserError, match="Did you mean 'estoi'"):
        registry.family_of("estoii")
    with pytest.raises(UserError, match="backend"):
        registry.make_family("speaker_similarity", {"backend": "wavlm"})
    with pytest.raises(UserError, match="speed"):
        registry.make_family("stoi", {"speed": 2})


def test_nothing_heavy_is_imported_to_list_the_metrics() -> None:
    code = (
        "import sys\n"
        "from almbench.metrics.registry import family_names, make_family\n"
        "for name in family_names():\n"
        "    family = make_family(name, {}); family.version(); family.missing()\n"
        "heavy = 'torch scipy librosa pesq pystoi visqol speechbrain resemblyzer auraloss numba'\n"
        "print(*sorted(set(heavy.split()) & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_an_installed_package_adds_a_family(plugin: Path) -> None:
    register(plugin, "loudest = loudest_plugin:Loudest")
    assert registry.family_of("loudest") == "loudest"
    assert registry.make_family("loudest", {}).version() == "1"
    assert registry.family_names()[-1] == "loudest"


def test_a_name_cannot_be_registered_twice(plugin: Path) -> None:
    register(plugin, "stoi = loudest_plugin:Loudest")
    with pytest.raises(UserError, match=r"'stoi' is registered twice: .* \(of loudest-plugin\)"):
        registry.family_names()


def test_two_families_cannot_give_the_same_metric(plugin: Path) -> None:
    register(plugin, "loudest = loudest_plugin:Loudest", "again = loudest_plugin:Again")
    with pytest.raises(UserError, match="'loudest' is given by two families"):
        registry.metric_names()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("loudest = loudest_plugin:Missing", "cannot be imported"),
        ("loudest = no_such_module:Loudest", "cannot be imported"),
        ("loudest = loudest_plugin:Settings", "not a subclass"),
        ("quietest = loudest_plugin:Loudest", "has the name 'loudest'"),
    ],
)
def test_a_faulty_package_is_named(plugin: Path, line: str, message: str) -> None:
    register(plugin, line)
    with pytest.raises(UserError, match=message) as error:
        registry.family(line.split(maxsplit=1)[0])
    assert re.search("loudest.plugin", str(error.value))
