"""The analysis of listening tests, from the files of the listeners to tables."""

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from almbench.errors import UserError
from almbench.listening.kinds import Tables, TestKind, load_kind, load_kinds
from almbench.listening.panel import Listener, Panel, form_panel
from almbench.listening.submissions import Submission, read_submissions
from almbench.spreadsheets import inert


@dataclass(frozen=True)
class Analysis:
    """An analysis.

    Attributes:
        panels: The panels, kind by kind: one per domain and, where listeners chose systems, per
            choice.
        tables: Each table by its file's name without suffix.
    """

    panels: list[Panel[Any]]
    tables: Tables


def analyse(paths: list[Path], *, screening: bool = True) -> Analysis:
    """Analyse results of listening tests.

    Args:
        paths: Result files, or folders of them.
        screening: Whether to leave out listeners for how they answered, where a kind of test
            provides for it: MUSHRA does, following ITU-R BS.1534-3.

    Raises:
        UserError: A file is not a result, or files of different tests are mixed.
    """
    submissions = read_submissions(paths)
    panels: list[Panel[Any]] = []
    tables: Tables = {}
    for kind in load_kinds():
        of_kind = form_panels(kind, submissions, screening=screening)
        if of_kind:
            tables |= kind.tables(of_kind)
        panels += of_kind
    return Analysis(panels, {"listeners": _listener_table(panels), **tables})


def form_panels(
    kind: TestKind[Any], submissions: list[Submission], *, screening: bool
) -> list[Panel[Any]]:
    """Sort the results of a kind of test into panels.

    Args:
        kind: The kind of test.
        submissions: All results.
        screening: Whether to leave out listeners for how they answered.

    Raises:
        UserError: Results of one domain and choice of systems are of different tests.
    """
    groups: dict[Hashable, list[Listener[Any]]] = {}
    for submission in submissions:
        result = submission.result
        if result.kind == kind.name:
            key = result.domain, frozenset(kind.subject(result))
            groups.setdefault(key, []).append(Listener(result, submission.path))
    return [
        form_panel(group, lambda x: kind.screen(x, screening=screening), kind.subject)
        for group in groups.values()
    ]


def write(analysis: Analysis, folder: Path) -> list[Path]:
    """Write the tables as CSV, and the plots as SVG.

    Returns:
        What was written.

    Raises:
        UserError: The folder cannot be made or written.
    """
    content = {
        f"{name}.csv": table.to_csv(index=False, lineterminator="\n").encode()
        for name, table in analysis.tables.items()
    }
    for panel in analysis.panels:
        if panel.kept:
            content |= load_kind(panel.kind).plots(panel, analysis.tables)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in content.items():
            (folder / name).write_bytes(data)
    except OSError as error:
        raise UserError(f"-o {folder} cannot be written: {error.strerror}.") from error
    return [folder / name for name in content]


def _listener_table(panels: list[Panel[Any]]) -> pd.DataFrame:
    counted = [column for kind in load_kinds() for column in kind.listener_columns]
    columns = [
        "kind", "domain", "test", "pair", "listener", "name", "file", "started", "finished",
        "equipment", "seed", "trials", *counted, "kept", "note",
    ]  # fmt: skip
    rows = [_listener_row(panel, listener) for panel in panels for listener in panel.listeners]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(counted, "Int64"))


def _listener_row(panel: Panel[Any], listener: Listener[Any]) -> dict[str, Any]:
    result = listener.result
    subject = load_kind(panel.kind).subject(result)
    return {
        "kind": panel.kind,
        "domain": panel.domain,
        "test": panel.test,
        "pair": " / ".join(subject) if subject else None,
        "listener": result.listener,
        "name": inert(result.name),
        "file": inert(listener.path.name),
        "started": result.started.isoformat(),
        "finished": result.finished.isoformat(),
        "equipment": inert(result.equipment),
        "seed": result.seed,
        "trials": len(result.trials),
        **listener.counts,
        "kept": listener.kept,
        "note": listener.note,
    }
