"""What hypothesis looks through must bear being looked at."""

import sys

import pytest


@pytest.fixture(autouse=True)
def _no_lazy_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide modules of speechbrain's that are imported when hypothesis asks where they lie."""
    for name, module in list(sys.modules.items()):
        if type(module).__module__ == "speechbrain.utils.importutils":
            monkeypatch.delitem(sys.modules, name)
