"""The reference that is made from the code, and the README's table of metrics."""

import json
import re
import runpy
from pathlib import Path

import pytest

from almbench.codecs.builtin import PRESETS
from almbench.codecs.registry import adapter, adapter_names
from almbench.metrics.bitstream import BITSTREAM_METRICS
from almbench.metrics.registry import metric, metric_names
from almbench.results.table_rows import TABLES

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("reference")
    runpy.run_path(str(ROOT / "docs/generate.py"))["write_pages"](folder)
    return {path.stem: path.read_text() for path in folder.iterdir()}


def rows(text: str) -> list[list[str]]:
    """The cells of all table rows, without heads."""
    lines = re.findall(r"^\| (.*) \|$", text, re.M)
    cells = [re.split(r" ?(?<!\\)\| ?", line) for line in lines]
    marks = [i for i, row in enumerate(cells) if set(row) == {"---"}]
    return [row for i, row in enumerate(cells) if i not in marks and i + 1 not in marks]


def section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next."""
    return re.split(r"\n#+ ", text.split(f"\n{heading}\n", 1)[1])[0]


@pytest.mark.parametrize("page", ["codecs", "settings", "metrics", "suites", "results", "commands"])
def test_everything_is_described(pages: dict[str, str], page: str) -> None:
    assert rows(pages[page])
    assert not [row for row in rows(pages[page]) if not row[0] or not row[1]]


def test_every_option_of_every_adapter_is_listed(pages: dict[str, str]) -> None:
    for name in adapter_names():
        listed = [row[0].strip("`") for row in rows(section(pages["codecs"], f"### {name}"))]
        assert listed == list(adapter(name).options_type.model_fields)
    presets = rows(section(pages["codecs"], "## Presets"))
    assert [row[0].strip("`") for row in presets] == list(PRESETS)


def test_every_preset_says_how_it_is_proved_and_what_it_costs(pages: dict[str, str]) -> None:
    listed = rows(pages["settings"])
    assert [row[0].strip("`") for row in listed] == list(PRESETS)
    for row in listed:
        named = re.findall(r"`(tests/[^`]*)`", row[8])
        assert named
        assert all((ROOT / path).exists() for path in named)
        assert row[9]
    costs = json.loads((ROOT / "docs/codec_costs.json").read_text())
    assert costs["machine"]
    assert set(costs["presets"]) == set(PRESETS)
    for cost in costs["presets"].values():
        assert cost.get("missing") or (cost["seconds"] > 0 and cost["peak_mib"] > 0)


def test_every_column_is_listed(pages: dict[str, str]) -> None:
    for name, form in TABLES.items():
        listed = [row[0].strip("`") for row in rows(section(pages["results"], f"## {name}.csv"))]
        assert listed == form.columns


def test_every_metric_is_listed(pages: dict[str, str]) -> None:
    listed = [
        re.findall(r"`(.*)`", row[0])[0] for row in rows(section(pages["metrics"], "# Metrics"))
    ]
    assert listed == [*metric_names(), *(m.name for m in BITSTREAM_METRICS)]


def test_required_options_and_defaults_are_told(pages: dict[str, str]) -> None:
    opus = {row[0].strip("`"): row[2:] for row in rows(section(pages["codecs"], "### opus"))}
    assert opus["bitrate"] == ["whole number, at least 6000, at most 256000", "**required**"]
    assert opus["application"] == ["`voip`, `audio`, `lowdelay`", '`"audio"`']
    assert opus["vbr"] == ["`true` or `false`", "`false`"]


def test_the_readme_lists_the_metrics_with_their_rates() -> None:
    table = section(
        (ROOT / "README.md").read_text().replace("|---", "| ---"), "## What is measured"
    )
    found: dict[str, str] = {}
    for names, _, rate in rows(table):
        each = [part.strip() for part in rate.removesuffix(" kHz").split(",")]
        for i, name in enumerate(re.findall(r"`(\w+)`", names)):
            found[name] = each[min(i, len(each) - 1)]
    facts = [*map(metric, metric_names()), *BITSTREAM_METRICS]
    assert found == {
        m.name: f"{m.rate / 1000:g}" if m.rate else "scoring rate" * (m.computed_from == "sound")
        for m in facts
        if m.compared
    }


def test_every_guide_is_in_the_contents() -> None:
    contents = (ROOT / "docs/index.md").read_text().splitlines()
    assert {page.stem for page in (ROOT / "docs").glob("*.md")} - {"index"} <= set(contents)
