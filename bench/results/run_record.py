"""How a run went: where, how long, and what codecs took of the machine."""

from pydantic import Field

from almbench.record import Record


class MachineRecord(Record):
    """Where a run was made.

    Attributes:
        python: Version of Python.
        system: Operating system.
        processor: Model of the processor.
        cores: Cores of the machine; None where unknown.
    """

    python: str
    system: str
    processor: str
    cores: int | None


class UsageRecord(Record):
    """What a codec took of the machine.

    Attributes:
        device: What it ran on.
        threads: Threads of PyTorch on a CPU: with another number, sums are rounded otherwise. None
            where it does not run there.
        load_s: Seconds of loading it.
        batch: Clips that a batch may hold; 1 of a codec that takes clips one by one.
        batch_that_fits: What memory sufficed for, where it ran out with more.
        coding_s: Seconds of encoding and decoding, without what warms up.
        busy_share: Share of the time from then to the last clip that they were; the rest, the
            device waited for clips to be read and stored.
        peak_device_mb: Most memory of the device in MB; None on a CPU.
        peak_process_mb: Most resident memory of the process while the codec was loaded and ran, in
            MB, libraries included; None where the system does not tell.
        encode_macs: Multiply-accumulates of encoding a second of sound; None where not counted.
        decode_macs: The same of decoding.
        macs_reason: Why counting them failed, where it did.
    """

    device: str
    threads: int | None = None
    load_s: float = 0.0
    batch: int = 1
    batch_that_fits: int | None = None
    coding_s: float | None = None
    busy_share: float | None = None
    peak_device_mb: int | None = None
    peak_process_mb: int | None = None
    encode_macs: float | None = None
    decode_macs: float | None = None
    macs_reason: str = ""


class PeakMemory(Record):
    """Peak resident memory.

    Attributes:
        main: Of the main process, in MB.
        largest_worker: Of the largest of its children, in MB.
    """

    main: int
    largest_worker: int


class CallRecord(Record):
    """A call of a run, which may have been interrupted.

    Attributes:
        started: When it began: date and time in UTC, as ISO 8601.
        worker: Which process it was: several may work on a run at once.
        device: What neural codecs ran on.
        workers: Scoring processes.
        seconds: How long it took; None where it was killed.
        codecs: What each codec that it ran took of the machine, by its id.
    """

    started: str
    worker: str
    device: str
    workers: int
    seconds: float | None = None
    codecs: dict[str, UsageRecord] = Field(default_factory=dict)


class RunRecord(Record):
    """How a run went, by the process that finished it.

    Attributes:
        device: What neural codecs ran on.
        workers: Scoring processes.
        seconds: Seconds of the whole.
        scored_pairs: Pairs that were scored.
        scoring_s: Seconds of scoring.
        scoring_busy_s: Seconds that the scoring processes spent on pairs, summed.
        scoring_loading_s: Seconds of those that imports, models and compilation took.
        scoring_in_metrics_s: Seconds of those inside the metrics' own code.
        codecs: What each codec took of the machine, by its id.
        peak_memory_mb: Peak resident memory; None where it is not known.
        calls: All calls of the run, those before that were interrupted too.
    """

    device: str
    workers: int
    seconds: float
    scored_pairs: int
    scoring_s: float
    scoring_busy_s: float
    scoring_loading_s: float = 0.0  # earlier versions did not tell it apart
    scoring_in_metrics_s: float
    codecs: dict[str, UsageRecord]
    peak_memory_mb: PeakMemory | None
    calls: tuple[CallRecord, ...] = ()
