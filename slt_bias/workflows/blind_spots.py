"""The blind spots of several architectures: what `slt-bias blind-spots` does."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from slt_bias import provenance
from slt_bias.compare.reference_sets import reference_set
from slt_bias.compare.shortfalls import MOST_COMPLEXITY, BlindSpotScore, score, shortfalls
from slt_bias.errors import InputError, SamplingInterrupted, SpecError
from slt_bias.files import check_writable, replacing, write_text
from slt_bias.functions.inputs import InputSet, as_inputs, hypercube, points_name
from slt_bias.maps.base import FamilyMember
from slt_bias.maps.options import split
from slt_bias.maps.registry import parse
from slt_bias.workflows.blind_spots_figures import draw_figures
from slt_bias.workflows.blind_spots_report import write_report
from slt_bias.workflows.blind_spots_tables import measured_table
from slt_bias.workflows.laws import inputs_in_words, law_in_words
from slt_bias.workflows.naming import labels
from slt_bias.workflows.phases import say
from slt_bias.workflows.plain import plain

DEFAULT_OUT = Path("runs/blind-spots")
DEFAULT_SAMPLES = 1_000_000
DEFAULT_LEAST = 1e-12
DEFAULT_INPUTS = 4
DEFAULT_MAPS = (
    "mlp:hidden=40x40,activation=relu,preset=valle-perez-2018-normal",
    "mlp:hidden=40x40,activation=tanh,preset=valle-perez-2018-normal",
    "perceptron",
    "polynomial:degree=3",
    "tree",
)
DEFAULT_BUDGET = 40.0  # seconds a map, where the maps are the default ones: two minutes in all
DEFAULT_MOST_BITS = 17.0  # where the maps are the default ones: a table of 16 points takes 18 as it stands
MOST_SHOWN = 12  # functions of each map in summary.json and the report
MOST_BEHIND = 4  # of each map in the table of functions in which it falls behind the others


@dataclass(frozen=True, kw_only=True)
class BlindSpotsRun:
    """What was found and where it lies.

    tables : label of a map → its table of `compare.blind_spots`, with the other columns of the reference set and `label`, the
    name with that of a catalogued relative. ranked : all of them below each other, the farthest below the bound first, with
    the map and the shortfall against the median over maps. scores : one a map. summary : the content of summary.json.
    report : the page to open.
    """

    out: Path
    tables: dict[str, pd.DataFrame]
    ranked: pd.DataFrame
    scores: dict[str, BlindSpotScore]
    summary: dict[str, Any]
    report: Path


def blind_spots(
    maps: Sequence[str | FamilyMember] | None = None,
    *,
    inputs: int | InputSet | None = None,
    samples: int = DEFAULT_SAMPLES,
    budget_seconds: float | None = None,
    least: float = DEFAULT_LEAST,
    most_bits: float | None = None,
    relative_error: float = 0.3,
    seed: int = 0,
    out: str | Path = DEFAULT_OUT,
    workers: int | None = None,
    progress: bool = False,
) -> BlindSpotsRun:
    """P of every reference function under each map, and how far below log₂P = −K it lies, as tables, figures and a report.

    maps : maps or specs, all on the same points; None means DEFAULT_MAPS with DEFAULT_BUDGET seconds each and the reference
        functions of at most DEFAULT_MOST_BITS, where nothing else is asked for. inputs : for specs that name none (default: 4).
    samples : draws to count for each map. budget_seconds : of wall clock a map, half of it for counting; None: no limit.
    least : P below which an upper limit is the answer. most_bits : leave out reference functions of more certified bits.
    out : the folder of tables/*.parquet, counts/*.parquet (without a budget), ranked.csv and ranked.parquet, the figures as
        .png and .svg, summary.json and report.html. A map that it holds already, with the same settings, is not measured again.
    Raises SpecError, InputError or ResultError before anything is drawn, where the arguments do not fit or the folder cannot be
    written; SamplingInterrupted after Ctrl-C, with the tables that are finished.
    """
    usual = maps is None
    parsed = _parsed(DEFAULT_MAPS if maps is None else maps, inputs)
    names = labels(parsed)
    _check(parsed, samples, least, relative_error, budget_seconds)
    n = parsed[0].inputs.features
    if usual and n == DEFAULT_INPUTS:
        budget_seconds = DEFAULT_BUDGET if budget_seconds is None else budget_seconds
        most_bits = DEFAULT_MOST_BITS if most_bits is None else most_bits
    reference = _reference(n, most_bits)
    folder = check_writable(Path(out))
    settings = {
        "seed": seed,
        "samples": samples,
        "relative_error": relative_error,
        "least_log2_probability": math.log2(least),
        "budget_seconds": budget_seconds,
    }
    tables: dict[str, pd.DataFrame] = {}
    files: dict[str, Path] = {}
    for map, label in zip(parsed, names, strict=True):
        try:
            tables[label], files[label] = measured_table(map, label, reference, settings, folder, workers, progress)
        except KeyboardInterrupt as stop:
            done = f"{len(tables)} of {len(parsed)} maps are finished and kept in {folder / 'tables'}"
            counted = f"; of {label}, {stop.how_to_resume}" if isinstance(stop, SamplingInterrupted) else ""
            raise SamplingInterrupted(tables, done + counted) from None
    return _write(folder, dict(zip(names, parsed, strict=True)), tables, files, settings | {"most_bits": most_bits}, progress)


def _parsed(maps: Sequence[str | FamilyMember], inputs: int | InputSet | None) -> list[FamilyMember]:
    """The maps, on 4 inputs where neither they nor `inputs` say otherwise. Raises InputError or SpecError."""
    if isinstance(maps, str) or hasattr(maps, "draw_functions"):
        raise InputError("maps is a single map: give a list, such as maps=[…].")
    if not maps:
        raise InputError("no map given: name one or more, such as maps=['perceptron'], or leave maps out for the default.")
    given = None if inputs is None else as_inputs(inputs)
    found = []
    for map in maps:
        if not isinstance(map, str):
            if not hasattr(map, "draw_functions"):
                raise SpecError(f"{map!r} is of type {type(map).__name__}, no map: give a spec such as `perceptron`, or a map.")
            found.append(map)
        elif given is None and not _names_inputs(map):
            found.append(parse(map, hypercube(DEFAULT_INPUTS)))
        else:
            found.append(parse(map, given))
    return found


def _names_inputs(spec: str) -> bool:
    """Whether a spec says what its inputs are, itself or by way of the map that it wraps."""
    parts = split(spec.partition(":")[2])
    return any(part.partition("=")[0] in ("inputs", "values") or "inputs=" in part or "values=" in part for part in parts)


def _check(maps: Sequence[FamilyMember], samples: int, least: float, relative_error: float, budget: float | None) -> None:
    """Raises InputError where the maps cannot be compared or a number does not fit."""
    first = maps[0].inputs
    if first.kind != "hypercube":
        raise InputError(f"blind spots are measured on functions of bits, and {first.spec} has none: give a number of inputs.")
    for map in maps:
        if points_name(map.inputs) != points_name(first):
            raise InputError(f"`{maps[0].spec}` and `{map.spec}` have different points: give all maps the same --inputs.")
    if samples < 1:
        raise InputError(f"samples = {samples}: give a whole number, at least 1.")
    for name, value in (("least", least), ("relative_error", relative_error)):
        if not 0 < value < 1:
            raise InputError(f"{name} = {value:g}: give a number between 0 and 1.")
    if budget is not None and not 0 < budget < math.inf:
        raise InputError(f"budget_seconds = {budget:g}: give a positive number of seconds.")


def _reference(n: int, most_bits: float | None) -> pd.DataFrame:
    """The reference set with a column `label`, less what is too complex. Raises InputError where nothing is left."""
    whole = reference_set(n)
    kept = whole if most_bits is None else whole[whole["complexity_code"] <= most_bits]
    if not len(kept):
        least = float(whole["complexity_code"].min())
        raise InputError(f"most_bits = {most_bits}: the simplest reference function takes {least:g} bits.")
    relative = kept["equivalent"].astype(str)
    return kept.assign(label=kept["name"].where(relative == "", kept["name"] + " ≅ " + relative)).reset_index(drop=True)


def _write(
    folder: Path,
    maps: dict[str, FamilyMember],
    tables: dict[str, pd.DataFrame],
    files: dict[str, Path],
    settings: dict[str, Any],
    progress: bool,
) -> BlindSpotsRun:
    most = max(float(table["complexity_code"].max()) for table in tables.values())
    limits = [k for place, k in enumerate(MOST_COMPLEXITY) if place == 0 or MOST_COMPLEXITY[place - 1] < most]
    scores = {label: score(table, most_complexity=limits) for label, table in tables.items()}
    ranked = _ranked(tables)
    write_text(folder / "ranked.csv", ranked.to_csv(index=False))
    with replacing(folder / "ranked.parquet") as temporary:
        ranked.to_parquet(temporary, index=False)
    rows = [_row(label, maps[label], tables[label], scores[label], files[label].relative_to(folder)) for label in tables]
    summary = {
        "command": "blind-spots",
        "settings": settings,
        "functions": len(next(iter(tables.values()))),
        "functions_in_the_set": len(reference_set(next(iter(maps.values())).inputs)),
        "maps": rows,
        "between_maps": _between(ranked) if len(tables) > 1 else [],
        "provenance": provenance.collect("cpu", ""),
        "report": str(folder / "report.html"),
    }
    say("drawing figures …", progress)
    figures = draw_figures(tables, {label: files[label].stem for label in tables}, folder)
    write_text(folder / "summary.json", json.dumps(plain(summary), indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    say("writing the report …", progress)
    report = write_report(folder / "report.html", summary, figures)
    return BlindSpotsRun(out=folder, tables=tables, ranked=ranked, scores=scores, summary=summary, report=report)


def _ranked(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """All functions of all maps, the farthest below the bound first; among equals the simpler, then as the maps were given."""
    long = pd.concat([table.assign(map=label) for label, table in tables.items()], ignore_index=True)
    if len(tables) > 1:
        against = shortfalls(tables)[["function", "map", "bits_below_median", "bits_below_median_limit"]]
        long = long.merge(against, on=["function", "map"], how="left", validate="one_to_one")
    long = long.sort_values(
        ["bits_below_bound", "complexity_code", "complexity_all_gates"], ascending=[False, True, True], kind="stable"
    ).reset_index(drop=True)
    front = ["map", "label"]
    return long[front + [name for name in long if name not in front]]


def _row(label: str, map: FamilyMember, table: pd.DataFrame, found: BlindSpotScore, file: Path) -> dict[str, Any]:
    """A map in summary.json."""
    never = table["log2_probability"] == -math.inf
    return {
        "label": label,
        "spec": map.spec,
        "law": law_in_words(map),
        "inputs": inputs_in_words(map),
        "table": str(file),
        "symmetries": table.attrs["symmetries"],
        "samples": table.attrs["samples"],
        "seconds": table.attrs["seconds"],
        "counted": int((table["method"] == "count").sum()),
        "split": int((table["method"] == "splitting").sum()),
        "never": int(never.sum()),
        "upper_limits": int(table["upper_limit_only"].sum()),
        "suspect": int((table["status"] != "ok").sum()),
        "by_complexity": found.by_complexity.to_dict("records"),
        "blind": found.blind.to_dict("records"),
        "most_blind": [_shown(row) for row in table.head(MOST_SHOWN).to_dict("records")],
    }


SHOWN = (
    "name", "label", "function", "family", "complexity_and_or", "complexity_all_gates", "complexity_code", "log2_probability",
    "log2_low", "log2_high", "bits_below_bound", "upper_limit_only", "method", "status", "reasons",
)  # fmt: skip


def _shown(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A function of a map; `never` tells P = 0 from a number that is missing, for JSON knows no infinity."""
    return {name: row[name] for name in SHOWN} | {"never": row["log2_probability"] == -math.inf}


def _between(ranked: pd.DataFrame) -> list[dict[str, Any]]:
    """The functions in which each map falls farthest behind the median over maps; where that is never, the simplest."""
    sure = ranked[ranked["bits_below_median_limit"].isin(["value", "at least"]) & (ranked["bits_below_median"] > 0)]
    sure = sure.sort_values(["bits_below_median", "complexity_code"], ascending=[False, True], kind="stable")
    sure = sure.groupby("map", sort=False).head(MOST_BEHIND)
    return [
        {"map": row["map"], "below_median": row["bits_below_median"], "limit": row["bits_below_median_limit"], **_shown(row)}
        for row in sure.to_dict("records")
    ]
