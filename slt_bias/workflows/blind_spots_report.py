"""The report of `slt-bias blind-spots`: one HTML file with its figures inside."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from slt_bias.files import write_text
from slt_bias.workflows.blind_spots_figures import HEAT, PREFIX, READING, Shown
from slt_bias.workflows.report import bracketed, number, power, render, shown


def write_report(path: Path, summary: dict[str, Any], figures: Sequence[Shown]) -> Path:
    """Fill the template and write it, whole or not at all."""
    maps = [
        row
        | {
            "figure": PREFIX + Path(row["table"]).stem,
            "rows": [_cells(each) for each in row["most_blind"]],
            "curve": [_bin(each) for each in row["by_complexity"]],
        }
        for row in summary["maps"]
    ]
    settings = summary["settings"]
    page = render(
        "blind_spots.html",
        summary=summary,
        maps=maps,
        least=power(2.0 ** settings["least_log2_probability"]),
        between=[row | _cells(row) for row in summary["between_maps"]],
        bins=sorted({(each["complexity_from"], each["complexity_below"]) for row in maps for each in row["by_complexity"]}),
        heat=HEAT,
        reading=READING,
        figures=shown({each.name: each.file for each in figures}, {each.name: each.caption for each in figures}),
    )
    return write_text(path, page)


def _cells(row: dict[str, Any]) -> dict[str, Any]:
    """A function as text: log₂P with its interval, P in powers of ten, and the bits below the bound."""
    if row["never"]:
        return row | {"bits": "−∞", "power": "0 (proved)", "below": "∞"}
    if row["upper_limit_only"]:
        high = row["log2_high"]
        return row | {"bits": f"< {number(high, 4)}", "power": f"< {_power(high)}", "below": f"> {row['bits_below_bound']:.1f}"}
    if not math.isfinite(row["log2_probability"]):
        return row | {"bits": "–", "power": "–", "below": "–"}
    bits = bracketed(row["log2_probability"], row["log2_low"], row["log2_high"])
    below = f"{row['bits_below_bound']:.1f}".replace("-", "−")
    return row | {"bits": bits, "power": _power(row["log2_probability"]), "below": below}


def _power(log2: float) -> str:
    """2^log2 as 2.5·10⁻⁷, also below the least number of double precision."""
    exponent = math.floor(log2 * math.log10(2))
    factor = 10 ** (log2 * math.log10(2) - exponent)
    if f"{factor:.1f}" == "10.0":
        factor, exponent = 1.0, exponent + 1
    raised = str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{factor:.1f}·10{raised}"


def _bin(row: dict[str, Any]) -> dict[str, Any]:
    """The mean shortfall of a bin as text: ≥ where upper limits enter; functions that are never computed stand apart."""
    mean = row["mean_shortfall"]
    text = "–" if not math.isfinite(mean) else f"{'≥ ' if row['mean_is_lower_limit'] else ''}{mean:.1f}".replace("-", "−")
    return row | {"text": text + (f" (+ {row['never']} never)" if row["never"] else "")}
