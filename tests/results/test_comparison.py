from typing import Any

import pandas as pd

from almbench.results.comparison import codec_label, comparisons, formatted, with_values

MANIFEST: dict[str, Any] = {
    "testsets": [{"name": "t", "domain": "speech"}],
    "codecs": [
        {"id": "a", "label": "A", "nominal_kbps": 0.4125, "anchor": False},
        {"id": "b", "label": "B", "nominal_kbps": None, "anchor": False},
        {"id": "c", "label": "C", "nominal_kbps": 6.0, "anchor": False},
        {"id": "d", "label": "D", "nominal_kbps": 6.0, "anchor": False},
        {"id": "low", "label": "Low-pass", "nominal_kbps": None, "anchor": True},
    ],
    "metrics": [
        {"name": n, "label": n, "unit": u, "higher_is_better": h, "digits": 2, "version": ""}
        for n, u, h in [
            ("up", "MOS", True),
            ("down", "", False),
            ("fact", "ms", None),
            ("none", "", True),
        ]
    ],
}
NAN = float("nan")
MEANS = {
    "up": [1.0, 3.001, 2.999, 2.0, 4.0],
    "down": [0.1, NAN, 0.3, 0.2, 0.0],
    "fact": [-0.001, 5.0, 1.0, 2.0, 3.0],
    "none": [NAN] * 5,
}


def table() -> Any:
    rows = [
        {
            "testset": "t",
            "codec": codec["id"],
            "metric": metric,
            "mean": mean,
            "rate_hz": 16_000,
            "n": n,
        }
        for metric, means in MEANS.items()
        for codec, mean in zip(MANIFEST["codecs"], means, strict=True)
        for n in [4 if (codec["id"], metric) == ("d", "down") else 5]
    ]
    (made,) = comparisons(pd.DataFrame(rows), MANIFEST)
    return made


def test_best_and_second_as_printed_without_anchors() -> None:
    ranks = table().ranks
    assert ranks["up"].tolist() == [0, 1, 1, 2, 0]  # 3.001 and 2.999 both read 3.00
    assert ranks["down"].tolist() == [1, 0, 2, 0, 0]  # d has fewer clips
    assert ranks["fact"].tolist() == [0] * 5


def test_a_metric_without_values_is_left_out_of_the_text() -> None:
    assert [m["name"] for m in with_values(table())] == ["up", "down", "fact"]
    text = formatted(table(), best="<{}>", second="_{}_", lacking="-")
    assert list(text.columns) == ["Codec", "up (MOS) ↑", "down ↓", "fact (ms)"]
    assert text["up (MOS) ↑"].tolist() == ["1.00", "<3.00>", "<3.00>", "_2.00_", "4.00"]
    assert text["down ↓"].tolist() == ["<0.10>", "-", "_0.30_", "0.20 (n=4)", "0.00"]
    assert text["fact (ms)"][0] == "0.00"  # not -0.00


def test_labels_carry_the_nominal_bitrate() -> None:
    assert codec_label(MANIFEST["codecs"][0]) == "A (0.41 kbps)"
    assert codec_label(MANIFEST["codecs"][1]) == "B"
