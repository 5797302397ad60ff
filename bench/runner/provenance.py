"""Where a run's results come from: its suite as resolved, and the facts of its manifest."""

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import tomli_w

from almbench import policies
from almbench.atomic import write_atomically
from almbench.audio import sha256
from almbench.files import counted
from almbench.metrics import bitstream
from almbench.packages import installed_version
from almbench.privacy import command_line
from almbench.results.manifest import Manifest, PoliciesRecord, SuiteRecord
from almbench.results.metric_record import MetricRecord
from almbench.results.records import OriginalRow, signature
from almbench.results.row_files import read_rows
from almbench.results.run_record import MachineRecord, RunRecord
from almbench.results.runfolder import RunFolder
from almbench.results.testset_record import ClipRecord, LeftOutRecord, TestSetRecord
from almbench.runner.left_out import left_out
from almbench.runner.plan import Plan, PlannedTestSet
from almbench.runner.surplus import surplus
from almbench.version import __version__

PACKAGES = [
    "av", "numba", "numpy", "pandas", "pesq", "pycodec2", "pystoi", "scipy", "soundfile", "soxr",
    "speechbrain", "speechtokenizer", "torch", "transformers", "visqol-python", "webrtcvad-wheels",
]  # fmt: skip


def suite_text(plan: Plan) -> bytes:
    """The suite as resolved, as TOML."""
    content = plan.suite.model_dump(exclude_none=True)
    return tomli_w.dumps(content, multiline_strings=True).encode()


def write_suite(plan: Plan, folder: RunFolder) -> None:
    """Write the suite as resolved; `bench run RUN/suite.toml` runs it again."""
    write_atomically(folder.suite, suite_text(plan))


def make_manifest(plan: Plan, folder: RunFolder, run: RunRecord) -> Manifest:
    """Describe a run.

    Args:
        plan: The plan.
        folder: The run folder.
        run: How the run went.
    """
    originals = read_rows(folder.root, OriginalRow)
    suite = plan.suite.model_dump(include=set(SuiteRecord.model_fields))
    testsets = tuple(testset_record(t, plan, originals) for t in plan.testsets)
    return Manifest(
        almbench=__version__,
        commit=_commit(),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command_line(sys.argv[1:]),
        suite=SuiteRecord.model_validate(suite),
        suite_sha256=sha256(folder.suite),
        machine=MachineRecord(
            python=platform.python_version(),
            system=platform.platform(),
            processor=_processor(),
            cores=os.cpu_count(),
        ),
        packages={name: installed_version(name) for name in PACKAGES},
        run=run,
        testsets=testsets,
        skipped=tuple(plan.skipped),
        left_out=left_out(folder, plan.testsets),
        codecs=tuple({c.record.id: c.record for t in plan.testsets for c in t.codecs}.values()),
        metrics=_metrics(plan),
        policies=PoliciesRecord(version=policies.VERSION, text=policies.TEXT),
    )


def testset_record(
    testset: PlannedTestSet, plan: Plan, originals: dict[tuple[str, ...], OriginalRow]
) -> TestSetRecord:
    """Describe a test set.

    Args:
        testset: The test set.
        plan: The plan that it is of.
        originals: Rows of the originals, as far as they are imported.
    """
    rows = [
        originals[testset.name, c.id] for c in testset.clips if (testset.name, c.id) in originals
    ]
    return TestSetRecord(
        name=testset.name,
        domain=testset.config.domain,
        path=testset.config.path,
        scoring_rate=testset.scoring_rate,
        clips=tuple(
            ClipRecord(
                id=c.id, speaker=c.speaker, text=c.text, cluster=c.cluster, labels=dict(c.labels)
            )
            for c in testset.clips
        ),
        codecs=tuple(planned.record.id for planned in testset.codecs),
        metrics=tuple(metric.name for metric in testset.metrics),
        metrics_requested=testset.metrics_requested,
        files=testset.selection.files,
        undrawn=testset.selection.undrawn,
        kept_sounds=None if testset.kept is None else tuple(sorted(testset.kept)),
        left_out=tuple(
            LeftOutRecord(reason=reason, names=tuple(names))
            for reason, names in counted(testset.selection.omitted)
        ),
        others=testset.selection.others,
        remarks=(*testset.selection.remarks, *surplus(testset, plan.testsets)),
        seconds=sum(row.duration_s or 0.0 for row in rows),
        averaged_channels=sum((row.channels or 1) > 1 for row in rows),
        data_hash=signature([(row.clip, row.samples_sha256) for row in rows]),
    )


def _metrics(plan: Plan) -> tuple[MetricRecord, ...]:
    scored = {metric.name: metric for t in plan.testsets for metric in t.metrics}
    emitted = [
        MetricRecord.of(metric, bitstream.FAMILY, bitstream.VERSIONS[metric.name], {}, "")
        for metric in bitstream.BITSTREAM_METRICS
    ]
    return (*scored.values(), *emitted)


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor()


def _commit() -> str | None:
    """The git commit of almbench itself, where it runs from a checkout."""
    here = Path(__file__).resolve().parent
    try:
        done = subprocess.run(
            ["git", "-C", str(here), "rev-parse", "HEAD"],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
