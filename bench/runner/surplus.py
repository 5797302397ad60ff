"""Precomputed files that belong to no clip."""

from almbench.codecs.reconstructions import Reconstructions
from almbench.names import some
from almbench.runner.plan import PlannedTestSet


def surplus(testset: PlannedTestSet, testsets: list[PlannedTestSet]) -> list[str]:
    """Say which precomputed files of a test set's codecs are none of any clip's.

    Args:
        testset: The test set.
        testsets: All test sets, which may share a folder of such files.

    Returns:
        A sentence for each codec that has such files.
    """
    said = []
    for planned in testset.codecs:
        codec = planned.codec
        if not isinstance(codec, Reconstructions):
            continue
        sharing = [t for t in testsets if any(other.codec is codec for other in t.codecs)]
        if sharing[0] is not testset:
            continue  # said there
        names = [name for other in sharing for name in other.selection.names]
        if unused := codec.surplus(names):
            count = f"{len(unused)} file{'s' if len(unused) > 1 else ''}"
            said.append(
                f"{count} of {codec.label} belong{'s' if len(unused) == 1 else ''} to no clip: "
                f"{some(unused)}"
            )
    return said
