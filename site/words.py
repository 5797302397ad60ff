"""Numbers as readers want them: with units, and without exponents."""

from almbench.results.testset_record import TestSetRecord
from almbench.site.language import ntr, tr

MINUS = "−"


def number(value: float, digits: int) -> str:
    """A number for readers, with a real minus sign and no negative zero."""
    return f"{value:z.{digits}f}".replace("-", MINUS)


def interval(low: float | None, high: float | None, digits: int) -> str:
    """The ends of an interval for readers; empty where there is none."""
    if low is None or high is None:
        return ""
    return f"[{number(low, digits)}, {number(high, digits)}]"


def hertz(rate: float) -> str:
    """A sample rate for readers, such as "22.05 kHz"."""
    return f"{rate / 1000:g} kHz"


def kbps(rate: float) -> str:
    """A bitrate for readers, without its unit."""
    return f"{rate:.2f}"


def significant(value: float, digits: int = 3) -> str:
    """A number above zero to some significant digits, in full.

    >>> significant(0.012345), significant(2.8412), significant(12345.6)
    ('0.0123', '2.84', '12,346')
    """
    if value >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    return f"{value:.{digits}g}" if value >= 1e-4 else f"{value:.{digits + 3}f}"


def time_span(seconds: float) -> str:
    """A short time: milliseconds below a second, seconds from there up.

    >>> time_span(0.0283), time_span(0.9999), time_span(2.84)
    ('28.3 ms', '1 s', '2.84 s')
    """
    if round(seconds, 3) < 1:
        return f"{significant(1000 * seconds)} ms"
    return f"{significant(float(f'{seconds:.3g}'))} s"


def size(testset: TestSetRecord) -> str:
    """The clips of a test set and their clusters, such as "9 clips of 5 speakers"."""
    if testset.means:
        return tr("all clips of the source")
    clips = len(testset.clips)
    n = ntr("{count} clip", "{count} clips", clips)
    clusters = len(set(testset.clusters(clip.id for clip in testset.clips).tolist()))
    if clusters == clips:
        return n
    if all(clip.cluster and clip.cluster == clip.speaker for clip in testset.clips):
        return ntr("{clips} of {count} speaker", "{clips} of {count} speakers", clusters, clips=n)
    return ntr("{clips} of {count} cluster", "{clips} of {count} clusters", clusters, clips=n)


def set_name(testset: TestSetRecord) -> str:
    """The name of a test set; that of a domain in the language of the pages."""
    return tr(testset.name) if testset.name == testset.domain else testset.name


def set_title(testset: TestSetRecord) -> str:
    """As `set_name`, to begin a line: domains are capitalized, other names stay as they are."""
    return tr(testset.name.capitalize()) if testset.name == testset.domain else testset.name


def duration(seconds: float) -> str:
    """The duration of sounds.

    >>> duration(33.24), duration(754.0)
    ('33.2 s', '12 min 34 s')
    """
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return tr("{minutes} min {rest} s", minutes=minutes, rest=rest)
