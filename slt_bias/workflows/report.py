"""Reports: one HTML file that opens from disk, with its figures inside and nothing from a network."""

from __future__ import annotations

import base64
import math
from importlib.resources import files
from pathlib import Path
from typing import Any

from slt_bias.compare.coding_bound import LEAST_COUNT
from slt_bias.files import write_text
from slt_bias.workflows.captions import captions
from slt_bias.workflows.measured import Measured


def write_report(path: Path, measured: list[Measured], figures: dict[str, Path], summary: dict[str, Any]) -> Path:
    """The report of a comparison, written whole or not at all."""
    page = render(
        "report.html",
        maps=summary["maps"],
        figures=shown(figures, captions(measured)),
        named=named_columns(summary["maps"]),
        summary=summary,
        infinity=math.inf,
        least_count=LEAST_COUNT,
    )
    return write_text(path, page)


def render(template: str, **values: Any) -> str:
    """A template of this folder with its values filled in; every text is escaped, a value that is missing is an error."""
    import jinja2

    folder = files("slt_bias.workflows")
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FunctionLoader(lambda name: folder.joinpath(name).read_text(encoding="utf-8")),
    )
    environment.filters |= {"number": number, "interval": interval, "power": power, "mark": _mark, "with_error": with_error}
    return environment.get_template(template).render(**values)


def shown(figures: dict[str, Path], captions: dict[str, str]) -> list[dict[str, str]]:
    """Figures as a template shows them: name, image (the .png as a data URI), caption."""
    return [{"name": name, "image": _data_uri(file), "caption": captions[name]} for name, file in figures.items()]


def named_columns(maps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A column a named function, in the order in which maps bring them: label, complexity where all maps agree, cells by map."""
    columns: dict[str, dict[str, Any]] = {}
    for map in maps:
        for mark in map["named"]:
            column = columns.setdefault(mark["label"], {"label": mark["label"], "complexity": mark["complexity"], "cells": {}})
            column["cells"][map["label"]] = mark
            if column["complexity"] != mark["complexity"]:
                column["complexity"] = None
    return list(columns.values())


def number(value: Any, digits: int = 3) -> str:
    """A number for people: thousands separated, a few digits, a dash where there is none."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "∞" if value == math.inf else "–"
    if isinstance(value, int):
        return f"{value:,}"
    return power(value) if value and (abs(value) < 1e-3 or abs(value) >= 1e6) else f"{value:.{digits}g}".replace("-", "−")


def power(value: float) -> str:
    """1.2e-05 as 1.2·10⁻⁵."""
    factor, _, exponent = f"{value:.1e}".partition("e")
    raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"10{raised}" if factor == "1.0" else f"{factor}·10{raised}"


def interval(row: dict[str, Any], name: str, digits: int = 4) -> str:
    """`value [low, high]` of a quantity that stands in a row under name, name_low and name_high."""
    return bracketed(row[name], row[f"{name}_low"], row[f"{name}_high"], digits)


def bracketed(value: Any, low: Any, high: Any, digits: int = 4) -> str:
    """`value [low, high]`, all with the same decimals: two digits of the interval's width, at most `digits` of the largest."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if not all(isinstance(each, int | float) and math.isfinite(each) for each in (value, low, high)):
        return f"{number(value, digits)} [{number(low, digits)}, {number(high, digits)}]"
    largest = max(abs(value), abs(low), abs(high))
    place = math.floor(math.log10(largest)) if largest else 0
    unit = f"·{power(10.0**place)}" if place < -3 or place >= 6 else ""
    scale, place = (10.0**place, 0) if unit else (1.0, place)
    width = (high - low) / scale
    decimals = digits - 1 - place
    if width > 0:
        decimals = min(decimals, 1 - math.floor(math.log10(width)))
    shown = [f"{each / scale:.{max(decimals, 0)}f}".replace("-", "−") for each in (value, low, high)]
    return f"{shown[0]} [{shown[1]}, {shown[2]}]{unit}"


def with_error(value: float, error: float) -> str:
    """`value ± error`, both with the decimals of the error's second digit."""
    if not (math.isfinite(error) and error > 0):
        return number(value, 4)
    decimals = max(0, 1 - math.floor(math.log10(error)))
    return f"{value:.{decimals}f} ± {error:.{decimals}f}".replace("-", "−")


def _mark(row: dict[str, Any]) -> str:
    """The cell of a named function that was drawn."""
    return bracketed(row["probability"], row["low"], row["high"], 3)


def _data_uri(path: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
