"""Says what to do where the editable install lags behind the checkout."""

import os
from pathlib import Path

import pytest

# Before numpy is imported: threads of processes that share the cores wait for each other.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

ROOTS = {"bench": "", "codecs": "codecs", "site": "site", "templates": "templates"}


def pytest_configure() -> None:
    """Stop at once if a file of the checkout cannot be imported."""
    try:
        import almbench
    except ImportError:
        pytest.exit("almbench is not installed here: run `make install`.", returncode=2)
    installed = Path(almbench.__file__).parent
    here = Path(__file__).parent
    for folder, inside in ROOTS.items():
        for path in (here / folder).rglob("*.py"):
            linked = installed / inside / path.relative_to(here / folder)
            if not linked.exists():
                pytest.exit(
                    f"{path.relative_to(here)} is new since the last install: run "
                    "`pip install -e .` again (or `make install`).",
                    returncode=2,
                )
