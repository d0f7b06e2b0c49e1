"""The report of a comparison: one HTML file that opens from disk, with its figures inside and nothing from a network."""

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
    """Fill the template and write it, whole or not at all. Every text is escaped."""
    import jinja2

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"number": number, "interval": interval, "power": power}
    named = named_columns(summary["maps"])
    template = environment.from_string(files("slt_bias.workflows").joinpath("report.html").read_text(encoding="utf-8"))
    described = captions(measured)
    shown = [{"name": name, "image": _data_uri(file), "caption": described[name]} for name, file in figures.items()]
    page = template.render(
        maps=summary["maps"], figures=shown, named=named, summary=summary, infinity=math.inf, least_count=LEAST_COUNT
    )
    return write_text(path, page)


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
    value, low, high = (row[key] for key in (name, f"{name}_low", f"{name}_high"))
    if isinstance(value, float) and math.isnan(value):
        return "–"
    return f"{number(value, digits)} [{number(low, digits)}, {number(high, digits)}]"


def _data_uri(path: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
