"""Token statistics of a run: stored codes read, and their statistics as rows of the tables."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from almbench.errors import CodecError
from almbench.metrics.bitstream import VERSIONS
from almbench.results.manifest import CodecRecord, Manifest, TestSetRecord
from almbench.results.records import ReconstructionRow, Status, read_rows, signature
from almbench.results.runfolder import RunFolder
from almbench.results.table_rows import MetricRow, SummaryRow
from almbench.statistics.tokens import Codes, token_statistics

ENTROPY = "entropy_kbps"
TOKEN_METRICS = (ENTROPY, "codebook_use", "codebook_perplexity", "ngram_bits_per_token")
CODEBOOK_VERSIONS = {
    "codebook_use": "share of the entries that occur in the test set",
    "codebook_perplexity": "2^H of the distribution over the test set",
    "ngram_bits": VERSIONS["ngram_bits_per_token"],
}
NO_OTHERS = "the n-gram model learns from the other clips, and there is none"


class TokenTable:
    """Statistics of a codec's codes over a test set, as rows of the tables."""

    def __init__(
        self,
        testset: TestSetRecord,
        codec: CodecRecord,
        files: Mapping[str, tuple[Path, str]],
    ) -> None:
        """Read all codes.

        Args:
            testset: The test set.
            codec: A codec with codebooks.
            files: Clip -> its file of codes, and the signature of its reconstruction.
        """
        self._testset, self._codec = testset, codec
        self._faults: dict[str, str] = {}
        codes: dict[str, Codes] = {}
        for clip, (path, _) in files.items():
            try:
                codes[clip] = read_codes(path, codec.codebook_sizes)
            except CodecError as error:
                self._faults[clip] = str(error)
        found = token_statistics(list(codes.values()), codec.codebook_sizes)
        self._clips = dict(zip(codes, found.clips, strict=True))
        self._codebooks = found.codebooks
        everything = signature([(clip, files[clip][1]) for clip in codes])
        self._signatures = {clip: signature(clip, everything) for clip in codes}

    def clip_rows(self, clip: str, duration: float) -> list[MetricRow]:
        """Rows of a clip that was reconstructed, one for each of `TOKEN_METRICS`.

        Args:
            clip: Id of the clip.
            duration: Its duration in seconds.
        """
        if clip in self._faults:
            return [self._row(clip, name, None, self._faults[clip]) for name in TOKEN_METRICS]
        of_clip = self._clips[clip]
        kbps = of_clip.entropy_bits / duration / 1000
        values = (kbps, of_clip.use, of_clip.perplexity, of_clip.ngram_bits)
        return [
            self._row(clip, name, value, "")
            for name, value in zip(TOKEN_METRICS, values, strict=True)
        ]

    def _row(self, clip: str, metric: str, value: float | None, fault: str) -> MetricRow:
        status: Status = "failed" if fault else "skipped" if value is None else "ok"
        return MetricRow(
            testset=self._testset.name,
            domain=self._testset.domain,
            clip=clip,
            codec=self._codec.id,
            metric=metric,
            value=value,
            status=status,
            reason=fault or (NO_OTHERS if value is None else ""),
            signature=self._signatures.get(clip, ""),
            version=VERSIONS[metric],
        )

    def codebook_rows(self) -> list[SummaryRow]:
        """Summary rows of each codebook; none where no codes are there."""
        return [
            SummaryRow(
                testset=self._testset.name,
                domain=self._testset.domain,
                codec=self._codec.id,
                label=self._codec.label,
                metric=f"{metric}_k{k}",
                version=version,
                mean=value,
                n=0 if value is None else len(self._clips),
                reason=NO_OTHERS if value is None else "",
            )
            for k, book in enumerate(self._codebooks, start=1)
            for (metric, version), value in zip(
                CODEBOOK_VERSIONS.items(),
                (book.use, book.perplexity, book.ngram_bits),
                strict=True,
            )
        ]


def token_tables(folder: RunFolder, manifest: Manifest) -> dict[tuple[str, str], TokenTable]:
    """The tokens of each codec whose codes are in the run folder: (test set, codec) -> tokens."""
    rows = read_rows(folder.root, ReconstructionRow)
    return {
        (testset.name, id_): TokenTable(
            testset,
            manifest.codecs_by_id[id_],
            {
                clip.id: (folder.codes(testset.name, id_, clip.id), row.signature)
                for clip in testset.clips
                if (row := rows.get((testset.name, clip.id, id_))) and row.status == "ok"
            },
        )
        for testset in manifest.testsets
        for id_ in testset.codecs
        if manifest.codecs_by_id[id_].has_codes
    }


def read_codes(path: Path, sizes: Sequence[int]) -> Codes:
    """Read the codes of a clip.

    Args:
        path: The file in the run folder.
        sizes: Entries of each codebook.

    Raises:
        CodecError: They are not there, damaged, or not codes of such codebooks.
    """
    if not path.is_file():
        raise CodecError(f"its codes are gone: there is no {path}")
    try:
        with np.load(path, allow_pickle=False) as file:
            codes = file["codes"]
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise CodecError(f"its codes cannot be read: {path}: {error}") from error
    if not np.issubdtype(codes.dtype, np.integer) or codes.ndim != 2 or len(codes) != len(sizes):
        raise CodecError(
            f"its codes are {codes.dtype} of shape {codes.shape}, "
            f"not integers of {len(sizes)} codebooks"
        )
    if not codes.size:
        raise CodecError("its codes have no frames")
    if codes.min() < 0 or (codes.max(axis=1) >= np.asarray(sizes)).any():
        raise CodecError(f"its codes go from {codes.min()} to {codes.max()}, beyond the codebooks")
    return np.asarray(codes, np.int64)
