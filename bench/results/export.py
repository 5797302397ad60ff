"""Comparisons to take away: as Markdown, and as LaTeX."""

import pandas as pd

from almbench.results.comparison import Comparison, cell, codec_label, formatted, metric_label


def to_markdown(table: Comparison) -> str:
    """A comparison as Markdown: the best bold, the second underlined."""
    cells = formatted(table, best="**{}**", second="<u>{}</u>", missing="")
    cells["Codec"] = cells["Codec"].str.replace("|", r"\|")
    body = cells.to_markdown(
        index=False, disable_numparse=True, colalign=["left"] + ["right"] * (len(cells.columns) - 1)
    )
    return f"### {table.testset}\n\n{body}"


def to_latex(table: Comparison) -> str:
    """A comparison as a booktabs table: the best bold, the second underlined."""
    metrics = table.filled
    labels = [metric_label(m) for m in metrics]
    cells = pd.DataFrame(
        {
            label: [cell(table, codec.id, metric, "--") for codec in table.codecs]
            for label, metric in zip(labels, metrics, strict=True)
        },
        index=[codec_label(c) for c in table.codecs],
    )
    styles = {0: "", 1: "textbf:--rwrap;", 2: "underline:--rwrap;"}
    marks = pd.DataFrame(
        {
            label: [styles[table.rank(codec.id, metric)] for codec in table.codecs]
            for label, metric in zip(labels, metrics, strict=True)
        },
        index=cells.index,
    )
    style = cells.style.apply(lambda _: marks, axis=None)
    style = style.format_index(escape="latex", axis=0).format_index(_latex_header, axis=1)
    text: str = style.to_latex(
        hrules=True,
        column_format="l" + "r" * len(labels),
        caption=f"Test set {_escape(table.testset)}: means over clips.",
        label=f"tab:{table.testset}",
        position="t",
        position_float="centering",
    )
    return "% needs \\usepackage{booktabs}\n" + text


def _latex_header(label: object) -> str:
    return _escape(str(label)).replace("↑", r"$\uparrow$").replace("↓", r"$\downarrow$")


def _escape(text: str) -> str:
    return text.replace("\\", r"\textbackslash ").translate(
        {ord(c): "\\" + c for c in "&%$#_{}"} | {ord("~"): r"\textasciitilde "}
    )
