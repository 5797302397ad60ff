"""What the tokens of a run carry, for its overview and the pages of codecs: see `probes.csv`."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import isclose
from typing import NamedTuple

from almbench.names import ORIGINAL
from almbench.results.codec_names import nominal
from almbench.results.codec_record import CodecRecord
from almbench.results.probes import ALL_BOOKS, language_bits
from almbench.results.table_rows import ProbeRow
from almbench.results.testset_record import TestSetRecord
from almbench.site.language import tr
from almbench.site.source import Run
from almbench.site.told import told
from almbench.site.words import interval, number, significant

BOOKS = 4  # that have columns of their own; the table for download has all
MOST = 12  # reasons
LABELS = {
    "probe_accuracy": "{target}, balanced accuracy",
    "frame_accuracy": "{target}, balanced accuracy",
    "abx_error_within": "ABX error within speakers: {target}",
    "abx_error_across": "ABX error across speakers: {target}",
    "closed_vocabulary_wer": "Word error rate, closed vocabulary",
    "swap_giver_nearer": "Voice goes with the codebook",
    "swap_giver_similarity": "Similarity to the giver of the codebook",
    "swap_other_similarity": "Similarity to the giver of the others",
    "swap_giver_wer": "Word errors against the giver of the codebook",
    "swap_other_wer": "Word errors against the giver of the others",
    "lm_bits_per_second": "Bits a second under a language model",
    "lm_bits_per_token": "Bits a token under a language model",
    "lm_share": "Share of the nominal bitrate",
    "stability": "Codes that stay the same",
    "lookback_s": "Memory of what came before",
    "lookahead_s": "Sight of what comes after",
    "mel_distance": "Mel distance of its own output",
    "stoi": "STOI of its own output",
}
"""What measures are called on pages, in the order there; others follow, by their names."""
TARGETS = {"f0_quartile": "pitch, in quarters", "energy_quartile": "level, in quarters"}
"""What targets are called on pages; others go by the names of their columns."""
INPUTS = {"ngram": "n-gram", "transformer": "Transformer", "bag": "bag of codes"}
"""What values are computed from, as pages say it; others go by their names."""
READ = {
    "probe_accuracy": "↑",
    "frame_accuracy": "↑",
    "abx_error_across": "↓",
    "abx_error_within": "↓",
    "closed_vocabulary_wer": "↓",
}
"""The measures of the table of what is read off tokens, and which way is better."""
ACCURACIES = "probe_accuracy", "frame_accuracy"
STABLE = "shift 1/2 frame", "noise 30 dB", "own output, 1 pass"
"""The changes that the table of bits shows."""


@dataclass(frozen=True)
class Head:
    """A column of a table: its label, what it was computed from or its unit, and what chance gives.

    `first` is how it sorts best first: "ascending" or "descending".
    """

    label: str
    unit: str = ""
    arrow: str = ""
    chance: str = ""

    @property
    def first(self) -> str:
        """How it sorts best first."""
        return "ascending" if self.arrow == "↓" else "descending"


@dataclass(frozen=True)
class Cell:
    """A value for readers, with its interval and what it is of; empty for none."""

    value: float | None = None
    text: str = ""
    interval: str = ""
    note: str = ""


@dataclass(frozen=True)
class Line:
    """A row.

    Attributes:
        codec: The codec; None for one that is not in the manifest.
        label: Its name.
        nominal: Its nominal kbps for readers; empty for none.
        own: Whether it is what the suite is about.
        cells: One a column.
    """

    codec: CodecRecord | None
    label: str
    nominal: str
    own: bool
    cells: list[Cell]


@dataclass(frozen=True)
class Table:
    """A table of a test set, a codec a row."""

    heads: list[Head]
    lines: list[Line]


@dataclass(frozen=True)
class Carried:
    """What the tokens of a test set carry.

    Attributes:
        testset: The test set.
        bits: Tokens and bits a second, and codes that stay the same; None where there are none.
        read: What is read off the tokens, beside log-mel spectra; None where there is nothing.
        reasons: Why values are missing, and what to know of others.
    """

    testset: TestSetRecord
    bits: Table | None
    read: Table | None
    reasons: "Reasons"


class Reasons(NamedTuple):
    """Why values are missing, and what to know of values that are there; each with of what."""

    missing: list[tuple[str, str]]
    notes: list[tuple[str, str]]


@dataclass(frozen=True)
class Measured:
    """A value of a codec: what it was computed from, the value, beside what, by book."""

    input: str
    cell: Cell
    chance: str
    baseline: str
    books: list[str]


def carried(run: Run) -> dict[str, Carried]:
    """What the tokens of each test set carry; a test set without values is not among them."""
    found = {}
    for table in run.tables:
        rows = run.probes_of(table.testset)
        if rows:
            made = _bits(run, rows), _read(run, rows)
            found[table.testset] = Carried(table.of, *made, _reasons(rows))
    return found


def measured(run: Run, testset: str, codec: str) -> dict[str, list[Measured]]:
    """All values of a codec on a test set by measure, those of codebooks beside that of all."""
    rows = [r for r in run.probes_of(testset) if r.codec == codec]
    by_key: dict[tuple[str, str, str], dict[str, ProbeRow]] = {}
    for row in rows:
        if row.value is not None:
            by_key.setdefault((row.measure, row.target, row.input), {})[row.book] = row
    found: dict[str, list[Measured]] = {}
    most = min(BOOKS, max((int(r.book) for r in rows if r.book.isdecimal()), default=0))
    order = {name: place for place, name in enumerate(LABELS)}
    for measure, target, input_ in sorted(by_key, key=lambda key: order.get(key[0], len(order))):
        books = by_key[measure, target, input_]
        first = books.get(ALL_BOOKS) or next(iter(books.values()))
        texts = [_cell(books.get(str(k))).text for k in range(1, most + 1)]
        found.setdefault(_label(measure, target), []).append(
            Measured(
                _input(input_),
                _cell(books.get(ALL_BOOKS)),
                _text(first.chance),
                _text(first.baseline),
                texts if any(texts) else [],
            )
        )
    return found


def reasons_of(run: Run, testset: str, codec: str) -> Reasons:
    """Why a codec has no value of some measures on a test set, and what to know of others."""
    return _reasons(r for r in run.probes_of(testset) if r.codec == codec)


def _bits(run: Run, rows: list[ProbeRow]) -> Table | None:
    heads = [
        Head(tr("Tokens"), tr("a second")),
        Head(tr("Language model"), tr("bits a second")),
        Head(tr("Of the nominal rate"), "%"),
    ]
    of_change = _by_codec(r for r in rows if r.measure == "stability" and r.book == ALL_BOOKS)
    changes = [i for i in STABLE if any(r.input == i for held in of_change.values() for r in held)]
    heads += [Head(tr("Codes that stay"), tr(name)) for name in changes]
    lines = []
    for codec, label, of_codec in _codecs(run, rows):
        tokens = codec.tokens_per_second if codec else None
        bits = language_bits(of_codec)
        share = next((r for r in of_codec if bits and r.measure == "lm_share"
                      and r.input == bits.input), None)  # fmt: skip
        cells = [
            Cell(tokens, significant(tokens)) if tokens else Cell(),
            _whole(bits),
            _cell(share, 100, 0),
        ]
        held = {r.input: r for r in of_codec if r.measure == "stability" and r.book == ALL_BOOKS}
        cells += [_cell(held.get(name)) for name in changes]
        if any(cell.text for cell in cells[1:]):
            lines.append(_line(run, codec, label, cells))
    return Table(*_filled(heads, lines)) if lines else None


def _read(run: Run, rows: list[ProbeRow]) -> Table | None:
    shown = [r for r in rows if r.measure in READ and r.book == ALL_BOOKS and r.value is not None]
    order = list(READ)
    keys = sorted(
        dict.fromkeys((r.measure, r.target, r.input) for r in shown),
        key=lambda key: order.index(key[0]),
    )
    heads = [
        Head(
            _target(target) if measure in ACCURACIES else _label(measure, target),
            _input(input_),
            READ[measure],
            next(
                (
                    _text(r.chance)
                    for r in shown
                    if (r.measure, r.target, r.input) == (measure, target, input_)
                    and r.chance is not None
                ),
                "",
            ),
        )
        for measure, target, input_ in keys
    ]
    lines = []
    for codec, label, of_codec in _codecs(run, shown, baseline=True):
        held = {(r.measure, r.target, r.input): r for r in of_codec}
        lines.append(_line(run, codec, label, [_cell(held.get(key)) for key in keys]))
    return Table(heads, lines) if heads else None


def _filled(heads: list[Head], lines: list[Line]) -> tuple[list[Head], list[Line]]:
    """The same without columns that are empty."""
    kept = [i for i in range(len(heads)) if any(line.cells[i].text for line in lines)]
    cut = [replace(line, cells=[line.cells[i] for i in kept]) for line in lines]
    return [heads[i] for i in kept], cut


def _codecs(
    run: Run, rows: list[ProbeRow], *, baseline: bool = False
) -> list[tuple[CodecRecord | None, str, list[ProbeRow]]]:
    """The codecs that have rows, in the order of the run, then others; first the baseline."""
    held = _by_codec(rows)
    known = run.manifest.codecs_by_id
    order = [id_ for id_ in known if id_ in held]
    order += [id_ for id_ in held if id_ not in known and id_ != ORIGINAL]
    found = [(known.get(id_), held[id_][0].label or id_, held[id_]) for id_ in order]
    if baseline and ORIGINAL in held:
        heard = any(row.measure == "closed_vocabulary_wer" for row in held[ORIGINAL])
        label = tr("Log-mel spectra of the originals")
        if heard:
            label = tr("Originals, as log-mel spectra or heard")
        found.insert(0, (None, label, held[ORIGINAL]))
    return found


def _by_codec(rows: Iterable[ProbeRow]) -> dict[str, list[ProbeRow]]:
    held: dict[str, list[ProbeRow]] = {}
    for row in rows:
        held.setdefault(row.codec, []).append(row)
    return held


def _line(run: Run, codec: CodecRecord | None, label: str, cells: list[Cell]) -> Line:
    own = codec is not None and codec.id == run.own
    return Line(codec, label, nominal(codec) if codec else "", own, cells)


def _label(measure: str, target: str) -> str:
    """The name of a measure for readers, its first letter a capital."""
    return _capital(tr(LABELS[measure], target=_target(target)) if measure in LABELS else measure)


def _input(name: str) -> str:
    name = INPUTS.get(name, name)
    return tr(name) if name else ""  # the text that is empty has another meaning in catalogues


def _target(target: str) -> str:
    return _capital(tr(TARGETS.get(target, target)))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _cell(row: ProbeRow | None, factor: float = 1, digits: int | None = None) -> Cell:
    """A share or an error to two digits after the point; another value to three that count.

    In place of an interval of no width it says that the values have no spread.
    """
    if row is None or row.value is None:
        return Cell()
    if digits is None:
        digits = 2 if abs(row.value) < 10 else 1
    low, high = (None if v is None else factor * v for v in (row.ci95_low, row.ci95_high))
    alike = low is not None and high is not None and isclose(low, high, abs_tol=1e-9)
    ends = tr("no spread") if alike else interval(low, high, digits)
    unit = row.unit if factor == 1 else ""
    text = number(factor * row.value, digits)
    return Cell(row.value, f"{text} {unit}".strip(), ends)


def _whole(row: ProbeRow | None) -> Cell:
    """Bits a second, and which model has them."""
    if row is None or row.value is None:
        return Cell()
    digits = 0 if row.value >= 100 else 1
    text = number(row.value, digits)
    return Cell(row.value, text, interval(row.ci95_low, row.ci95_high, digits), _input(row.input))


def _text(value: float | None) -> str:
    return "" if value is None else number(value, 2)


def _reasons(rows: Iterable[ProbeRow]) -> Reasons:
    """Each reason why values are missing, and each note of those that are there, and where."""
    missing: dict[str, dict[str, None]] = {}
    notes: dict[str, dict[str, None]] = {}
    for row in rows:
        if row.value is None:
            name = " ".join(filter(None, (_label(row.measure, row.target), _input(row.input))))
            missing.setdefault(told(row.reason), {})[f"{row.label or row.codec}: {name}"] = None
        elif row.reason:
            notes.setdefault(told(row.reason), {})[_label(row.measure, row.target)] = None
    return Reasons(*([(reason, "; ".join(names)) for reason, names in list(found.items())[:MOST]]
                     for found in (missing, notes)))  # fmt: skip
