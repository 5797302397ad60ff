"""Tables to take away."""

from io import BytesIO

import pandas as pd

from almbench.results.comparison import (
    Comparison,
    codec_label,
    compare,
    formatted,
    metric_label,
    with_values,
)
from almbench.results.runfolder import RunFolder
from almbench.results.tables import read_table


def export(folder: RunFolder, format_: str, table: str) -> bytes:
    """Export a run.

    CSV, Parquet and JSON hold `table`; LaTeX and Markdown hold the comparison of the codecs, a
    table a test set.

    Args:
        folder: A finished run.
        format_: csv, parquet, latex, markdown or json.
        table: summary, clips or metrics.

    Raises:
        UserError: The folder is not a finished run.
    """
    if format_ == "latex":
        text = "\n".join(_latex(c) for c in compare(folder))
    elif format_ == "markdown":
        text = "\n\n".join(_markdown(c) for c in compare(folder)) + "\n"
    elif format_ == "csv":
        read_table(folder, table)  # says so where there is no such table
        return folder.table(table).read_bytes()
    elif format_ == "json":
        frame = read_table(folder, table)
        text = frame.to_json(orient="records", double_precision=15, indent=1, force_ascii=False)
    else:
        buffer = BytesIO()
        read_table(folder, table).to_parquet(buffer, index=False)
        return buffer.getvalue()
    return text.encode()


def _markdown(table: Comparison) -> str:
    cells = formatted(table, best="**{}**", second="<u>{}</u>", lacking="")
    cells["Codec"] = cells["Codec"].str.replace("|", r"\|")
    body = cells.to_markdown(
        index=False, disable_numparse=True, colalign=["left"] + ["right"] * (len(cells.columns) - 1)
    )
    return f"### {table.testset}\n\n{body}"


def _latex(table: Comparison) -> str:
    """A booktabs table: the best bold, the second underlined, arrows for the direction."""
    metrics = with_values(table)
    labels = [metric_label(m) for m in metrics]
    marks = table.ranks[[m["name"] for m in metrics]].replace(
        {0: "", 1: "textbf:--rwrap;", 2: "underline:--rwrap;"}
    )
    cells = formatted(table, best="{}", second="{}", lacking="--").drop(columns="Codec")
    cells.columns = marks.columns = pd.Index(labels)
    cells.index = marks.index = pd.Index([codec_label(c) for c in table.codecs])
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
