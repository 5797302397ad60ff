"""The first stages of a run, for tests that look at what they store."""

from collections.abc import Callable

from almbench.devices import Device
from almbench.results.records import ReconstructionRow
from almbench.results.runfolder import RunFolder
from almbench.runner.ledger import Ledger
from almbench.runner.originals import Importer, original_units
from almbench.runner.plan import PlannedTestSet
from almbench.runner.reconstruct import Reconstructor


def reconstruct(
    folder: RunFolder,
    testset: PlannedTestSet,
    device: Device | None = None,
    on_row: Callable[[ReconstructionRow, bool], None] = lambda *_: None,
) -> Reconstructor:
    """Import the clips of a test set and send them through its codecs."""
    ledger = Ledger(folder)
    Importer(folder, ledger, lambda _: None).run(original_units(testset.name, testset.clips))
    made = Reconstructor(folder, device or Device("cpu"), ledger, on_row)
    made.run(made.pieces([testset]))
    return made
