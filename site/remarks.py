"""What a referee would ask about a run's codecs, for the pages."""

from dataclasses import dataclass

from almbench.results.codec_record import CodecRecord
from almbench.results.testset_record import TestSetRecord
from almbench.site.language import tr
from almbench.site.source import Run


@dataclass(frozen=True)
class Asked:
    """Remarks on a codec over a test set, in the language of the pages."""

    codec: CodecRecord
    testset: TestSetRecord
    texts: list[str]


def remarks(run: Run, codec: str | None = None) -> list[Asked]:
    """The remarks on a run's codecs, or on one of them, in the order of the tables."""
    found: dict[tuple[str, str], list[str]] = {}
    for remark in run.remarks:
        if codec in (None, remark.codec):
            text = tr(remark.shape, **remark.values)
            found.setdefault((remark.codec, remark.testset), []).append(text)
    manifest = run.manifest
    return [
        Asked(manifest.codecs_by_id[id_], manifest.testsets_by_name[testset], texts)
        for (id_, testset), texts in found.items()
    ]
