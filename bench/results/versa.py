"""Reads utterance scores of VERSA: JSON lines with a `key`, one file per system.

J. Shi et al., "VERSA: a versatile evaluation toolkit for speech, audio, and music", NAACL 2025
(demonstrations).
"""

import json
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from almbench.domains import Domain
from almbench.errors import UserError, in_a_line
from almbench.names import safe_name
from almbench.results.imported import Foreign, ForeignMetric, ForeignScore, Source
from almbench.results.versa_export import KEYS

VERSA = Source(
    name="VERSA",
    url="https://github.com/wavlab-speech/versa",
    slug="versa",
    rules=(
        "Sounds were cut, resampled and scored by the rules of VERSA. A metric whose definition is "
        "the same here has its name here, any other its own."
    ),
)
PESQ, WIDE_BAND = KEYS["pesq_wb"], "pesq_wb"
SAME = {key: name for name, key in KEYS.items() if key != PESQ}
WIDE_FROM = 16_000  # Hz; VERSA takes narrow-band PESQ of sound below
HIGHER = frozenset({
    "pesq", "visqol", "utmos", "utmosv2", "wvmos", "dnsmos_overall", "dnsmos_p808",
    "dns_overall", "dns_p808", "nisqa_mos_pred", "plcmos", "singmos", "singmos_v1", "singmos_v2",
    "singmos_pro",
    "sheet_ssqa", "scoreq_nr", "torch_squim_pesq", "torch_squim_stoi", "torch_squim_si_sdr",
    "torch_squim_mos", "spk_similarity", "singer_similarity", "emotion_similarity",
    "speech_bert", "speech_bleu", "speech_belu", "f0corr", "f0_corr", "sdr", "sir", "sar",
    "si_snr", "si-snr", "ci_sdr", "ci-sdr", "audiobox_aesthetics_CE",
    "audiobox_aesthetics_CU", "audiobox_aesthetics_PQ",
})  # fmt: skip
LOWER = frozenset({
    "mcd", "f0rmse", "f0_rmse", "scoreq_ref", "nomad", "cdpam_distance", "dpam_distance",
    "pysepm_wss", "pysepm_cd", "pysepm_llr", "asr_match_error_rate",
})  # fmt: skip
NO_SCORES = frozenset({
    "key", "status", "provenance", "metadata", "model", "model_id", "model_revision", "protocol_id",
    "protocol_version", "protocol_digest", "bank_schema_version", "prompt_mode", "seed",
    "candidate_order",
})  # fmt: skip
COUNTS = ("_insert", "_delete", "_replace", "_equal")


def read_versa(
    files: Mapping[str, Path], testset: str, domain: Domain, rate: int | None
) -> Foreign:
    """Read scores of VERSA.

    Args:
        files: The file of each codec, by its id.
        testset: Name of the test set.
        domain: Its domain.
        rate: Sample rate in Hz of the sounds; None where unknown.

    Raises:
        UserError: A file is not of VERSA, or has an utterance twice.
    """
    records = {codec: _records(path) for codec, path in files.items()}
    every = [record for of_codec in records.values() for record in of_codec.values()]
    keys = list(dict.fromkeys(key for record in every for key in record if key not in NO_SCORES))
    numbers = [key for key in keys if any(_is_number(record.get(key)) for record in every)]
    scores = [
        _score(testset, safe_name(utterance), codec, key, record)
        for codec, of_codec in records.items()
        for utterance, record in of_codec.items()
        for key in numbers
        if key in record
    ]
    texts = [key for key in keys if key not in numbers]
    return Foreign(
        source=VERSA,
        files=list(files.values()),
        domains={testset: domain},
        codecs=dict.fromkeys(files, ""),
        metrics={key: _metric(key, rate) for key in numbers},
        scores=scores,
        left_out=(f"{', '.join(texts)} (no numbers)",) if texts else (),
    )


def _records(path: Path) -> dict[str, dict[str, Any]]:
    records: dict[str, dict[str, Any]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UserError(
                f"{path}, line {number} is not JSON: {in_a_line(str(error))}."
            ) from error
        if not (isinstance(record, dict) and isinstance(record.get("key"), str)):
            raise UserError(
                f'{path}, line {number} is not of VERSA: it has no utterance as "key". One line is '
                'such as {"key": "utt1", "stoi": 0.95}.'
            )
        if record["key"] in records:
            raise UserError(
                f"{path} has the utterance '{record['key']}' twice: give each codec a file of its "
                "own, as CODEC=FILE."
            )
        records[record["key"]] = record
    return records


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _metric(key: str, rate: int | None) -> ForeignMetric:
    if key == PESQ and rate is not None and rate >= WIDE_FROM:
        return ForeignMetric(key=key, same_as=WIDE_BAND)
    if key in SAME:
        return ForeignMetric(key=key, same_as=SAME[key])
    better = True if key in HIGHER else False if key in LOWER else None
    caveat = (
        "Wide band of sound at 16 kHz and above, narrow band below; the file does not say which."
        if key == PESQ
        else ""
    )
    compared = not key.endswith(COUNTS)
    return ForeignMetric(key=key, higher_is_better=better, compared=compared, caveat=caveat)


def _score(
    testset: str, clip: str, codec: str, key: str, record: Mapping[str, Any]
) -> ForeignScore:
    def score(value: float | None, status: Any = "ok", reason: str = "") -> ForeignScore:
        return ForeignScore(
            testset=testset, clip=clip, codec=codec, key=key, value=value, status=status,
            reason=reason,
        )  # fmt: skip

    value: Any = record[key]
    if not _is_number(value):
        return score(None, "failed", f"VERSA gives {json.dumps(value)}")
    if not isfinite(value):
        return score(None, "skipped", f"VERSA gives {value}")
    if key == PESQ and value == 0:
        return score(None, "failed", "VERSA gives 0, which stands for a failure of PESQ")
    return score(float(value))
