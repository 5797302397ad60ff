"""Comparisons as LaTeX tables."""

from textwrap import wrap

from almbench.results.codec_names import UNIT, nominal
from almbench.results.comparison import MARKS, TIE, Comparison, Mark, cell
from almbench.results.metric_record import MetricRecord

HEAD_LETTERS = 12  # of a line of a heading, at most, where it can be broken
ARROWS = {True: r" $\uparrow$", False: r" $\downarrow$", None: ""}
FORMS: dict[Mark, str] = {
    "best": r"\textbf{{{}}}",
    "tied": r"{}\rlap{{$^{{=}}$}}",  # beside the column, so that digits stay below each other
    "next": r"\underline{{{}}}",
    "": "{}",
}
ESCAPES = {ord(c): "\\" + c for c in "&%$#_{}"} | {
    ord("\\"): r"\textbackslash{}",
    ord("~"): r"\textasciitilde{}",
    ord("^"): r"\textasciicircum{}",
    ord("<"): r"\textless{}",
    ord(">"): r"\textgreater{}",
    ord("|"): r"\textbar{}",
    ord("−"): "$-$",
    ord("↑"): r"$\uparrow$",
    ord("↓"): r"$\downarrow$",
}


def to_latex(table: Comparison, *, intervals: bool = False) -> str:
    """A comparison as a table for the package booktabs.

    A row per codec with its nominal bitrate; a column per metric with its direction and unit. Marks
    are those of `MARKS`; how many clips the means are over stands in the caption, and in the cell
    where there are fewer. The footnotes of the metrics stand below.

    Args:
        table: The comparison.
        intervals: Whether each mean has its 95 % interval beside it.
    """
    metrics = table.filled
    marks = escape(MARKS).replace(TIE, "$^{=}$")
    lines = [
        r"% needs \usepackage{booktabs}",
        r"\begin{table}[t]",
        r"\centering",
        rf"\caption{{Test set {escape(table.testset)}: means over {table.over(metrics)}. {marks}}}",
        rf"\label{{tab:{label(table.testset)}}}",
        rf"\begin{{tabular}}{{lr{'r' * len(metrics)}}}",
        r"\toprule",
        _row(["Codec", _stack(["Bitrate", f"({UNIT})"]), *map(_head, metrics)]),
        r"\midrule",
    ]
    for codec in table.lines:
        cells = [_cell(table, codec.id, metric, intervals) for metric in metrics]
        lines.append(_row([escape(table.names[codec.id].title), nominal(codec) or "--", *cells]))
    notes = [rf"\par\smallskip{{\footnotesize {escape(note)}}}" for note in table.footnotes]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", *notes, r"\end{table}", ""])


def escape(text: str) -> str:
    """Text in one line that LaTeX shows as it is."""
    return " ".join(text.split()).translate(ESCAPES)


def label(text: str) -> str:
    r"""A name for `\label`, of letters, digits, `.`, `_` and `-`."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in text)


def _row(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"


def _head(metric: MetricRecord) -> str:
    lines = [escape(line) for line in wrap(metric.label, HEAD_LETTERS, break_long_words=False)]
    lines[-1] += ARROWS[metric.higher_is_better]
    return _stack([*lines, *([f"({escape(metric.unit)})"] if metric.unit else [])])


def _stack(lines: list[str]) -> str:
    return lines[0] if len(lines) == 1 else r"\shortstack[r]{" + r"\\".join(lines) + "}"


def _cell(table: Comparison, codec: str, metric: MetricRecord, intervals: bool) -> str:
    text = cell(table, codec, metric, intervals=intervals).replace("-", "−")
    if not text:
        return "--"
    number, _, count = text.partition(" ")
    marked = FORMS[table.mark(codec, metric)].format(escape(number))
    return f"{marked} {escape(count)}".rstrip()
