"""Every checkpoint of the hub has a commit, or a reason why not."""

import re

import pytest

from almbench.codecs.builtin import PRESETS
from almbench.codecs.registry import make_codec
from almbench.codecs.revisions import COMMITS, UNPINNED, of


@pytest.fixture(autouse=True)
def no_cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nothing of the hub is here, so that specs tell what would be taken."""
    monkeypatch.setattr(
        "huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path_factory.mktemp("hub"))
    )


def test_each_commit_is_one_and_nothing_is_said_twice() -> None:
    assert all(re.fullmatch("[0-9a-f]{40}", commit) for commit in COMMITS.values())
    assert not set(COMMITS) & set(UNPINNED)
    assert of("kyutai/mimi") == COMMITS["kyutai/mimi"]
    assert of("someone/else") == "main"


def test_every_preset_from_the_hub_is_pinned_or_says_why_not() -> None:
    used = set()
    for id_ in PRESETS:
        checkpoint = make_codec(id_).spec.checkpoint
        if checkpoint is None or checkpoint.sha256 or "//" in checkpoint.source:  # a tag's address
            continue
        used.add(checkpoint.source)
        if checkpoint.source in COMMITS:
            assert checkpoint.revision == COMMITS[checkpoint.source], id_
        else:
            assert checkpoint.source in UNPINNED, id_
            assert checkpoint.revision in {"", "main"}, id_
    assert used == set(COMMITS) | set(UNPINNED)
