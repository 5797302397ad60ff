"""The analysis of blind tests, from the files of the listeners to tables."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from almbench.errors import UserError
from almbench.listening.abx import abx_table
from almbench.listening.mushra import clip_table, comparisons, ratings, system_table
from almbench.listening.panel import Listener, Panel, panels
from almbench.listening.plot import draw
from almbench.listening.submissions import AbxResult, MushraResult, read_results

LISTENER_COLUMNS = [
    "kind", "domain", "test", "pair", "listener", "name", "file", "started", "finished",
    "equipment", "seed", "trials", "reference_trials", "reference_below_90", "kept", "note",
]  # fmt: skip


@dataclass(frozen=True)
class Analysis:
    """What came out.

    Attributes:
        mushra: The panels of the MUSHRA tests, one a domain.
        abx: The panels of the ABX tests, one a domain and pair.
        tables: Each table by its file's name without suffix.
    """

    mushra: list[Panel[MushraResult]]
    abx: list[Panel[AbxResult]]
    tables: dict[str, pd.DataFrame]


def analyse(paths: list[Path], *, screening: bool = True) -> Analysis:
    """Analyse results of blind tests.

    Args:
        paths: Result files, or folders of them.
        screening: Whether to post-screen the listeners of MUSHRA tests after ITU-R BS.1534-3.

    Raises:
        UserError: A file is not a result, or files of different tests are mixed.
    """
    mushra, abx = panels(read_results(paths), screening=screening)
    tables = {"listeners": _listeners([*mushra, *abx])}
    if mushra:
        rated = ratings(mushra)
        tables |= {
            "listening": system_table(rated),
            "listening-clips": clip_table(rated),
            "comparisons": comparisons(rated),
            "ratings": rated,
        }
    if abx:
        tables["abx"] = abx_table(abx)
    return Analysis(mushra, abx, tables)


def write(analysis: Analysis, folder: Path) -> list[Path]:
    """Write the tables as CSV, and a plot of each MUSHRA test as SVG.

    Returns:
        What was written.

    Raises:
        UserError: The folder cannot be made or written.
    """
    content = {
        f"{name}.csv": table.to_csv(index=False, lineterminator="\n").encode()
        for name, table in analysis.tables.items()
    }
    for panel in analysis.mushra:
        systems = analysis.tables["listening"]
        of_domain = systems[systems["domain"] == panel.domain]
        if len(of_domain):
            content[f"listening-{panel.domain}.svg"] = draw(of_domain)["light"]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in content.items():
            (folder / name).write_bytes(data)
    except OSError as error:
        raise UserError(f"-o {folder} cannot be written: {error.strerror}.") from error
    return [folder / name for name in content]


def _listeners(all_panels: list[Panel[Any]]) -> pd.DataFrame:
    rows = [_listener(panel, listener) for panel in all_panels for listener in panel.listeners]
    table = pd.DataFrame(rows, columns=LISTENER_COLUMNS)
    return table.astype(dict.fromkeys(["reference_trials", "reference_below_90"], "Int64"))


def _inert(text: str) -> str:
    """Text of a stranger's that no spreadsheet takes for a formula (OWASP, "CSV Injection")."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _listener(panel: Panel[Any], listener: Listener[Any]) -> dict[str, Any]:
    result = listener.result
    row = {
        "kind": panel.kind,
        "domain": panel.domain,
        "test": panel.test,
        "listener": result.listener,
        "name": _inert(result.name),
        "file": _inert(listener.path.name),
        "started": result.started.isoformat(),
        "finished": result.finished.isoformat(),
        "equipment": _inert(result.equipment),
        "seed": result.seed,
        "trials": len(result.trials),
        "kept": listener.kept,
        "note": listener.note,
    }
    if isinstance(result, AbxResult):
        return {**row, "pair": f"{result.pair.a} / {result.pair.b}"}
    return {**row, "reference_trials": listener.judged, "reference_below_90": listener.below}
