"""What the workers of a run need on a cluster: codecs that need the same are done by the same."""

from almbench.names import ORIGINAL
from almbench.runner.plan import Plan
from almbench.suite.config import Resources


def classes_of(plan: Plan, common: Resources) -> dict[Resources, list[str]]:
    """Sort the codecs of a plan by the resources that they need.

    Args:
        plan: The plan.
        common: What a codec needs where it does not say.

    Returns:
        Resources -> ids of codecs; `original`, for the originals' own scores, where there are the
        fewest GPUs.
    """
    of_codec = {codec.id: codec.resources for codec in plan.suite.codec}
    classes: dict[Resources, list[str]] = {}
    for codec in dict.fromkeys(c.record.id for t in plan.testsets for c in t.codecs):
        needs = (of_codec[codec] or Resources()).over(common)
        classes.setdefault(needs, []).append(codec)
    classes[min(classes, key=lambda needs: needs.gpus or 0)].append(ORIGINAL)
    return classes
