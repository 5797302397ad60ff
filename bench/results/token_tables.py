"""Token statistics of a run: stored codes read, and their statistics as rows of the tables."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from almbench.codecs.codes_file import header, read_codes
from almbench.errors import CodecError
from almbench.metrics.bitstream import ESTIMATOR, VERSIONS
from almbench.results.codec_record import CodecRecord
from almbench.results.manifest import Manifest
from almbench.results.records import ReconstructionRow, Status, signature
from almbench.results.runfolder import RunFolder
from almbench.results.table_rows import MetricRow, SummaryRow
from almbench.results.testset_record import TestSetRecord
from almbench.statistics.tokens import (
    LEAST_COVERAGE,
    CodebookStatistics,
    Codes,
    token_statistics,
)

ENTROPY = "entropy_kbps"
TOKEN_METRICS = (ENTROPY, "codebook_use", "codebook_perplexity", "ngram_bits_per_token")
ALL = ""  # no clip has this id
NO_OTHERS = "the n-gram model learns from the other clips, and there is none"


class TokenTable:
    """Statistics of a codec's codes over a test set, as rows of the tables."""

    def __init__(
        self,
        testset: TestSetRecord,
        codec: CodecRecord,
        files: Mapping[str, tuple[Path, str]],
        limits: Mapping[str, int],
    ) -> None:
        """Read all codes.

        Args:
            testset: The test set.
            codec: A codec with codebooks.
            files: Clip -> its file of codes, and the signature of its reconstruction.
            limits: Clip -> the fewest frames that a codec of the test set has of it; `ALL` -> of
                all clips.
        """
        self._testset, self._codec = testset, codec
        self._faults: dict[str, str] = {}
        codes: dict[str, Codes] = {}
        for clip, (path, _) in files.items():
            try:
                codes[clip] = read_codes(path, codec.codebook_sizes)
            except CodecError as error:
                self._faults[clip] = str(error)
        clip_tokens = [limits.get(clip, held.shape[1]) for clip, held in codes.items()]
        found = token_statistics(
            list(codes.values()),
            codec.codebook_sizes,
            clip_tokens,
            limits.get(ALL),
            codec.codebook_strides,
        )
        self._clips = dict(zip(codes, found.clips, strict=True))
        self._codebooks = found.codebooks
        everything = signature([(clip, files[clip][1]) for clip in codes])
        self._signatures = {
            clip: signature(clip, everything, count)
            for clip, count in zip(codes, clip_tokens, strict=True)
        }

    def __contains__(self, clip: str) -> bool:
        """Whether codes of a clip were there, readable or not."""
        return clip in self._faults or clip in self._clips

    def clip_rows(self, clip: str, duration: float) -> list[MetricRow]:
        """Rows of a clip that was reconstructed, one for each of `TOKEN_METRICS`.

        Args:
            clip: Id of the clip.
            duration: Its duration in seconds.
        """
        if clip in self._faults:
            return [self._row(clip, name, None) for name in TOKEN_METRICS]
        of_clip = self._clips[clip]
        bits = of_clip.entropy_bits
        return [
            self._row(clip, ENTROPY, None if bits is None else bits / duration / 1000, self._thin),
            self._row(clip, "codebook_use", of_clip.use),
            self._row(clip, "codebook_perplexity", of_clip.perplexity),
            self._row(clip, "ngram_bits_per_token", of_clip.ngram_bits, NO_OTHERS),
        ]

    def _row(self, clip: str, metric: str, value: float | None, without: str = "") -> MetricRow:
        """Make a row; `without` is why there is no value, where there is none."""
        fault = self._faults.get(clip, "")
        status: Status = "failed" if fault else "skipped" if value is None else "ok"
        return MetricRow(
            testset=self._testset.name,
            domain=self._testset.domain,
            clip=clip,
            codec=self._codec.id,
            metric=metric,
            value=value,
            status=status,
            reason=fault or (without if value is None else ""),
            signature=self._signatures.get(clip, ""),
            version=VERSIONS[metric],
        )

    @property
    def _thin(self) -> str:
        """Why there is no entropy: of which codebook there are too few tokens."""
        return next((_thin(k, book) for k, book in self._numbered if book.entropy_bits is None), "")

    @property
    def _numbered(self) -> list[tuple[int, CodebookStatistics]]:
        return list(enumerate(self._codebooks, start=1))

    def codebook_rows(self) -> list[SummaryRow]:
        """Summary rows of each codebook; none where no codes are there."""
        return [row for k, book in self._numbered for row in self._of_codebook(k, book)]

    def _of_codebook(self, k: int, book: CodebookStatistics) -> Iterator[SummaryRow]:
        clusters = len(np.unique(self._testset.clusters(self._clips)))
        rarefied = f"expected in {book.compared_tokens} tokens (rarefaction)"
        rows: list[tuple[str, float | None, str, str]] = [
            ("codebook_use", book.use, f"share of the entries {rarefied}", ""),
            ("codebook_perplexity", book.perplexity, f"2^H {rarefied}", ""),
            ("ngram_bits", book.ngram_bits, VERSIONS["ngram_bits_per_token"], NO_OTHERS),
            ("entropy_bits", book.entropy_bits, ESTIMATOR, _thin(k, book)),
            ("size_bits", book.size_bits, "log2 of the codebook's size", ""),
            ("tokens", float(book.tokens), "tokens of the codebook in the test set", ""),
        ]
        for metric, value, version, without in rows:
            yield SummaryRow(
                testset=self._testset.name,
                domain=self._testset.domain,
                codec=self._codec.id,
                label=self._codec.label,
                metric=f"{metric}_k{k}",
                version=version,
                mean=value,
                n=0 if value is None else len(self._clips),
                clusters=0 if value is None else clusters,
                reason=without if value is None else "",
            )


def _thin(k: int, book: CodebookStatistics) -> str:
    return (
        f"too few tokens: the entries that the {book.tokens} tokens of codebook {k} show make up "
        f"about {book.coverage:.0%} of what comes, and an entropy needs {LEAST_COVERAGE:.0%}"
    )


def token_tables(
    folder: RunFolder, manifest: Manifest, rows: Mapping[tuple[str, ...], ReconstructionRow]
) -> dict[tuple[str, str], TokenTable]:
    """The tokens of each codec whose codes are in the run folder: (test set, codec) -> tokens.

    Args:
        folder: The run folder.
        manifest: What was run.
        rows: The rows of its reconstructions, by test set, clip and codec.
    """
    tables: dict[tuple[str, str], TokenTable] = {}
    for testset in manifest.testsets:
        files = {
            id_: {
                clip.id: (folder.codes(testset.name, id_, clip.id), row.signature)
                for clip in testset.clips
                if (row := rows.get((testset.name, clip.id, id_)))
                and row.status == "ok"
                and row.bits is not None
            }
            for id_ in testset.codecs
            if manifest.codecs_by_id[id_].has_codes
        }
        slowest = {
            id_: max(manifest.codecs_by_id[id_].codebook_strides, default=1) for id_ in files
        }
        limits = _limits((of_codec, slowest[id_]) for id_, of_codec in files.items())
        for id_, of_codec in files.items():
            codec = manifest.codecs_by_id[id_]
            tables[testset.name, id_] = TokenTable(testset, codec, of_codec, limits)
    return tables


def _limits(codecs: Iterable[tuple[Mapping[str, tuple[Path, str]], int]]) -> dict[str, int]:
    """How many tokens of a codebook codecs are compared by: the fewest that any has.

    Args:
        codecs: For each codec, clip -> its file of codes, and a signature; and the frames that a
            token of its slowest codebook lasts.

    Returns:
        Clip -> the fewest tokens of it; `ALL` -> the fewest of all clips together.
    """
    limits: dict[str, int] = {}
    for of_codec, stride in codecs:
        frames = {
            clip: -(-count // stride)
            for clip, (path, _) in of_codec.items()
            if (count := _frames(path))
        }
        if frames:
            frames[ALL] = sum(frames.values())
        for clip, count in frames.items():
            limits[clip] = min(count, limits.get(clip, count))
    return limits


def _frames(path: Path) -> int:
    """Frames of a file of codes, by its header alone; 0 where it cannot be read."""
    try:
        shape, _ = header(path)
    except CodecError:
        return 0
    return shape[1] if len(shape) == 2 else 0
