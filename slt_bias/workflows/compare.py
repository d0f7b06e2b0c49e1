"""Probability against complexity for several maps: what `slt-bias compare` does."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from slt_bias import complexity as estimators
from slt_bias import provenance
from slt_bias.errors import InputError, SpecError
from slt_bias.files import check_writable, write_text
from slt_bias.functions import InputSet
from slt_bias.functions import parse as parse_functions
from slt_bias.maps.base import FamilyMember
from slt_bias.maps.registry import parse
from slt_bias.prior.devices import resolve_device
from slt_bias.workflows.counting import count_functions
from slt_bias.workflows.distances import distances
from slt_bias.workflows.figures import draw_figures
from slt_bias.workflows.measured import Measured, measure
from slt_bias.workflows.naming import labels
from slt_bias.workflows.phases import say
from slt_bias.workflows.plain import plain
from slt_bias.workflows.report import write_report

DEFAULT_OUT = Path("runs/compare")
DEFAULT_SAMPLES = 1_000_000
DEFAULT_MAPS = {  # spec → samples; all on {0,1}⁷, so that the panels compare
    "mlp:hidden=40x40,activation=relu,preset=valle-perez-2018-normal": DEFAULT_SAMPLES,
    "mlp:hidden=40x40,activation=tanh,preset=valle-perez-2018-normal": DEFAULT_SAMPLES,
    "perceptron": DEFAULT_SAMPLES,
    "polynomial:degree=3": DEFAULT_SAMPLES,
    "transformer": 100_000,  # twenty times slower than the others
    "uniform": DEFAULT_SAMPLES,
}


@dataclass(frozen=True, kw_only=True)
class CompareResult:
    """What a comparison found and where it lies.

    table : a row a map (`compare.architecture_row`, with label, law, inputs and the counts' file).
    summary : the content of summary.json, with the named functions, the distances from the first map and the provenance.
    report : the page to open.
    """

    out: Path
    table: pd.DataFrame
    summary: dict[str, Any]
    report: Path


def compare(
    maps: Sequence[str | FamilyMember] | Mapping[str, int] | None = None,
    samples: int | None = None,
    seed: int = 0,
    complexity: str = "lz",
    inputs: InputSet | None = None,
    out: str | Path = DEFAULT_OUT,
    workers: int | None = None,
    device: str = "auto",
    functions: Sequence[str] = (),
    progress: bool = False,
) -> CompareResult:
    """Draw functions from each map, put their probability against their complexity, and write tables, figures, a report.

    maps : maps or specs; a mapping also says how many samples each gets; None means DEFAULT_MAPS, on other inputs than
        bits without the transformer, which reads nothing else.
    samples : draws of every map (default: those of the mapping, else a million). inputs : for specs that name none.
    complexity : an estimator of `sb.complexity.names()`. functions : named functions or truth tables to label as well.
    out : the folder of counts/*.parquet, table.csv, the figures as .png and .svg, summary.json and report.html.
        Counts of the same seed that it already holds are used or extended, and never lost: fewer samples or another seed
        go to files of their own. After an interruption the same call goes on.
    Raises SpecError, InputError or ResultError before anything is drawn, where the arguments do not fit or the folder
    cannot be written; SamplingInterrupted after Ctrl-C.
    """
    chosen = _default_maps(inputs) if maps is None else maps
    _check_lists(chosen, functions)
    drawn = list(chosen.values()) if isinstance(chosen, Mapping) else [DEFAULT_SAMPLES] * len(chosen)
    parsed = [parse(map, inputs) if isinstance(map, str) else map for map in chosen]
    names = labels(parsed)
    resolve_device(device)
    for map in parsed:
        _check(map, complexity, functions)
    folder = check_writable(Path(out))
    measured = []
    for map, label, number in zip(parsed, names, drawn, strict=True):
        wanted = number if samples is None else samples
        counts, file = count_functions(map, folder / "counts", wanted, seed, workers, device, progress)
        say(f"measuring {label} …", progress)
        measured.append(measure(map, label, counts, file.relative_to(folder), complexity, functions))
    return _write(folder, measured, seed, complexity, progress)


def _default_maps(inputs: InputSet | None) -> dict[str, int]:
    bits = inputs is None or inputs.kind == "hypercube"
    return {spec: samples for spec, samples in DEFAULT_MAPS.items() if bits or spec != "transformer"}


def _check_lists(maps: object, functions: object) -> None:
    """Raises SpecError or InputError for what is no list of maps or functions, each in one line."""
    if isinstance(maps, str) or hasattr(maps, "draw_functions"):
        raise InputError("maps is a single map: give a list, such as maps=[…].")
    if not isinstance(maps, Sequence | Mapping):
        raise InputError(f"maps is of type {type(maps).__name__}: give a list of specs or maps, or a mapping spec → samples.")
    if not maps:
        raise InputError("no map given: name one or more, such as maps=['perceptron'], or leave maps out for the default.")
    for map in maps:
        if isinstance(map, str) or hasattr(map, "draw_functions"):
            continue
        if callable(map):
            raise SpecError(f"{getattr(map, '__name__', map)} is a callable, no map: wrap it with sb.maps.from_module.")
        raise SpecError(f"{map!r} is of type {type(map).__name__}, no map: give a spec such as `perceptron`, or a map.")
    if isinstance(functions, str):
        raise InputError(f"functions is a single text: give a list, functions=[{functions[:40]!r}].")


def _check(map: FamilyMember, complexity: str, extra: Sequence[str]) -> None:
    """Raises SpecError or InputError where the estimator or a function does not fit the map's points."""
    for text in ("constant", *extra):
        estimators.compute(parse_functions(text, map.inputs), complexity)


def _write(folder: Path, measured: list[Measured], seed: int, complexity: str, progress: bool) -> CompareResult:
    """Tables, figures, summary and report of what was measured."""
    rows = [{"label": each.label, **each.row, **_origin(each)} for each in measured]
    table = pd.DataFrame(rows)
    say("measuring distances …", progress)
    pairs = distances(measured)
    summary = {
        "command": "compare",
        "seed": seed,
        "complexity": complexity,
        "unit": estimators.names()[complexity],
        "maps": [each.summary() for each in measured],
        "distances": [pair.summary() for pair in pairs],
        "provenance": _provenance(measured),
        "report": str(folder / "report.html"),
    }
    write_text(folder / "table.csv", table.to_csv(index=False))
    say("drawing figures …", progress)
    figures = draw_figures(measured, pairs, folder)
    write_text(folder / "summary.json", json.dumps(plain(summary), indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    say("writing the report …", progress)
    report = write_report(folder / "report.html", measured, figures, summary)
    return CompareResult(out=folder, table=table, summary=summary, report=report)


def _origin(each: Measured) -> dict[str, str]:
    return {"law": each.counts.provenance["law"], "inputs": each.map.inputs.spec, "counts": str(each.file)}


def _provenance(measured: list[Measured]) -> dict[str, str]:
    """Of this run; each counts file has that of its own draws, the backend of its map among it."""
    first = measured[0].counts.provenance
    found = provenance.collect(str(first["device"]), "")
    del found["backend"]
    return found | {"rule": str(first["rule"])}
