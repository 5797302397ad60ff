"""Writes scores as VERSA does: JSON lines with a `key`, one file per system."""

import json
from collections.abc import Mapping

from almbench.errors import UserError, unknown
from almbench.results.frames import from_frame
from almbench.results.manifest import Manifest
from almbench.results.table_rows import MetricRow
from almbench.results.values import Values

KEYS = {"pesq_wb": "pesq", "stoi": "stoi", "estoi": "estoi"}
"""VERSA's keys of metrics that it defines likewise, by the packages pesq and pystoi."""
IMPORTED = "versa_"  # what the names of metrics imported from VERSA begin with


def to_versa(manifest: Manifest, values: Values, codec: str | None, testset: str | None) -> str:
    """Write scores as VERSA does: a JSON object per line, `key` first.

    PESQ-WB, STOI and ESTOI have VERSA's names; metrics that VERSA has not, or defines otherwise,
    begin with `almbench_`. What has no value is null.

    Args:
        manifest: The run.
        values: Its values.
        codec: Id of the codec; None for the only one.
        testset: Name of the test set; None for the only one.

    Raises:
        UserError: The run has several, or none of that name.
    """
    codec = _only("codec", codec, manifest.codecs_by_id)
    testset = _only("test set", testset, manifest.testsets_by_name)
    records: dict[str, dict[str, str | float | None]] = {}
    table = values.table
    of_codec = table[(table["codec"] == codec) & (table["testset"] == testset)]
    for row in from_frame(of_codec, MetricRow):
        record = records.setdefault(row.clip, {"key": row.clip})
        record[_key(row.metric)] = row.value
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records.values())


def _key(metric: str) -> str:
    if metric.startswith(IMPORTED):
        return metric.removeprefix(IMPORTED)
    return KEYS.get(metric) or f"almbench_{metric}"


def _only(kind: str, name: str | None, known: Mapping[str, object]) -> str:
    if name is None and len(known) == 1:
        return next(iter(known))
    if name is None:
        option = "--codec" if kind == "codec" else "--testset"
        raise UserError(
            f"A file of VERSA holds one {kind}; name it with {option}: {', '.join(known)}."
        )
    if name not in known:
        raise UserError(unknown(kind, name, known, "in the run"))
    return name
