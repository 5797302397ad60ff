"""Results of Codec-SUPERB: JSON with the means of each codec, by category of sound.

H. Wu et al., "Codec-SUPERB: an in-depth analysis of sound codec models", Findings of ACL 2024.
"""

from collections.abc import Iterator, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from almbench.domains import Domain
from almbench.errors import UserError
from almbench.names import safe_name
from almbench.results.imported import Foreign, ForeignMetric, ForeignScore, Source

CODEC_SUPERB = Source(
    name="Codec-SUPERB",
    url="https://github.com/voidful/Codec-SUPERB",
    slug="codec_superb",
    rules=(
        "The files hold means alone, over clips whose number they do not tell. A clip whose PESQ "
        "failed counts as 1 in them, one whose STOI failed as 0; so no metric has the name that it "
        "has here."
    ),
)
DOMAINS_OF: dict[str, Domain] = {"speech": "speech", "audio": "sound", "music": "music"}
MIXED = "overall"
HIGHER = frozenset(
    {"pesq", "pesq-wb", "stoi", "f0corr", "snr", "sdr", "visqol-audio", "visqol-speech"}
)
LOWER = frozenset({"mel", "stft", "waveform", "sisdr"})
CAVEATS = {"sisdr": "SI-SDR with its sign turned, as a loss."}
CLIP = "all-clips"


def read_codec_superb(path: Path, content: Mapping[str, Any], domain: Domain) -> Foreign:
    """Read means of Codec-SUPERB.

    Args:
        path: The file.
        content: What it holds: codec -> category -> metric -> mean, or of older files
            codec -> metric -> mean.
        domain: Domain of an older file's sounds.

    Raises:
        UserError: It is not of Codec-SUPERB.
    """
    scores: list[ForeignScore] = []
    codecs: dict[str, str] = {}
    domains: dict[str, Domain] = {}
    mixed = False
    for name, result in content.items():
        codec = safe_name(name)
        codecs[codec] = _missing(result)
        if codecs[codec]:
            continue
        for category, means in _categories(path, name, result, domain):
            mixed |= category == MIXED
            if category == MIXED:
                continue
            testset = safe_name(category.lower())
            domains[testset] = DOMAINS_OF.get(category.lower(), domain)
            scores += (_score(testset, codec, key, value) for key, value in means.items())
    keys = dict.fromkeys(score.key for score in scores)
    return Foreign(
        source=CODEC_SUPERB,
        files=[path],
        domains=domains,
        codecs=codecs,
        metrics={key: _metric(key) for key in keys},
        scores=scores,
        means=True,
        left_out=(f"{MIXED} (mixes domains)",) if mixed else (),
    )


def _missing(result: Any) -> str:
    """Why a codec has no means; empty where it has."""
    if not isinstance(result, dict):
        return ""
    text = result.get("error") or (result.get("message") if "encode_only" in result else "")
    return " ".join(str(text or "").split())


def _categories(
    path: Path, codec: str, result: Any, domain: Domain
) -> Iterator[tuple[str, dict[str, Any]]]:
    if not isinstance(result, dict) or not result:
        raise UserError(f"{path} is not of Codec-SUPERB: '{codec}' has no means by metric.")
    if all(isinstance(means, dict) for means in result.values()):
        yield from result.items()
    else:
        yield domain, result


def _metric(key: str) -> ForeignMetric:
    better = True if key in HIGHER else False if key in LOWER else None
    return ForeignMetric(key=key, higher_is_better=better, caveat=CAVEATS.get(key, ""))


def _score(testset: str, codec: str, key: str, value: Any) -> ForeignScore:
    number = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    return ForeignScore(
        testset=testset,
        clip=CLIP,
        codec=codec,
        key=key,
        value=float(value) if number else None,
        status="ok" if number else "failed",
        reason="" if number else f"Codec-SUPERB gives {value}",
    )
