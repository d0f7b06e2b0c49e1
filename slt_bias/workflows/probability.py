"""The probability of chosen functions of one map: what `slt-bias probability` does."""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from slt_bias import plots, provenance
from slt_bias.errors import InputError, SpecError, nearest
from slt_bias.files import check_writable, write_text
from slt_bias.functions import InputSet
from slt_bias.functions import parse as parse_functions
from slt_bias.functions.catalogue import reference_functions
from slt_bias.maps.base import FamilyMember
from slt_bias.maps.registry import parse
from slt_bias.plots.probability_intervals import probability_intervals
from slt_bias.prior import FunctionProbability
from slt_bias.workflows.landmarks import short_table
from slt_bias.workflows.laws import inputs_in_words, law_in_words
from slt_bias.workflows.phases import say
from slt_bias.workflows.plain import plain

DEFAULT_OUT = Path("runs/probability")
DEFAULT_MAP = "mlp:hidden=40x40,activation=relu,preset=valle-perez-2018-normal"
LONGEST_NAME = 34  # characters of a truth table that stands for a name
TENS = math.log10(2)  # log₁₀P = TENS · log₂P
MEANINGS = {
    "estimate": "a number with its interval",
    "upper limit": "no more is known than that P is at most 2^log2_high",
    "impossible": "P = 0, proved",
    "none": "no number: see the reasons",
}


@dataclass(frozen=True, kw_only=True)
class ProbabilityRun:
    """What was found and where it lies.

    results : one a function. table : a row a function and radius: name, function, errors, answer (see MEANINGS),
    log2_probability, log2_low, log2_high, log10_probability, log10_low, log10_high, method, chosen_because, evaluations, status,
    reasons; with given rows also log2_evidence, log2_evidence_low, log2_evidence_high. summary : the content of summary.json.
    figure : the .png, or None for one row.
    """

    out: Path
    results: list[FunctionProbability]
    table: pd.DataFrame
    summary: dict[str, Any]
    figure: Path | None


def probability(
    map: str | FamilyMember = DEFAULT_MAP,
    functions: Sequence[str] = (),
    *,
    inputs: InputSet | None = None,
    method: str = "auto",
    relative_error: float = 0.1,
    errors: Sequence[int] = (0,),
    given: Sequence[int] | None = None,
    least_probability: float | None = None,
    budget_evaluations: int | None = None,
    budget_seconds: float | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    out: str | Path = DEFAULT_OUT,
    workers: int | None = None,
    progress: bool = False,
) -> ProbabilityRun:
    """log₂P of each function, by the method that fits, as table.csv, summary.json and, for several, intervals.png and .svg.

    map : a map or its spec; inputs : for a spec that names none. functions : named functions, names of the
    catalogue (`x0 xor x1`, on 3 to 10 bits) or truth tables. The other arguments are those of
    `sb.prior.probability`; a budget is each function's own. Several functions run on all cores.
    Raises SpecError, InputError or ResultError before anything is drawn, where the arguments do not fit.
    """
    from slt_bias.prior.probability import probabilities
    from slt_bias.prior.probability import probability as solve
    from slt_bias.prior.question import METHODS

    chosen = parse(map, inputs) if isinstance(map, str) else map
    names = _names(functions, chosen)
    if method not in METHODS:
        raise SpecError(f"method `{method}`.{nearest(method, METHODS)}")
    _check(chosen, relative_error, confidence, errors, given, least_probability, method)
    folder = check_writable(Path(out))
    settings: dict[str, Any] = {
        "method": method,
        "relative_error": relative_error,
        "confidence": confidence,
        "errors": sorted(set(errors)),
        "given": None if given is None else sorted(set(given)),
        "least_log2_probability": None if least_probability is None else math.log2(least_probability),
        "budget_evaluations": budget_evaluations,
        "budget_seconds": budget_seconds,
        "seed": seed,
    }
    tables = list(names.values())
    if len(tables) == 1:
        say(f"{next(iter(names))}: method {method} …", progress)
        results = [solve(chosen, tables[0], workers=workers, progress=progress, **settings)]
    else:
        results = probabilities(chosen, tables, workers=workers, progress=progress, **settings)
    rows = [row for name, result in zip(names, results, strict=True) for row in _rows(name, names[name], result, errors)]
    return _write(folder, chosen, results, rows, settings)


def read_rows(text: str, points: int) -> list[int]:
    """Rows as people write them: `0-31`, `0,3,7-9`, or a file that holds such a text. Raises InputError."""
    path = Path(text)
    if not re.fullmatch(r"[0-9,\s-]+", text):
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, ValueError):
            raise InputError(f"`{text[:60]}`: give rows such as 0-31 or 0,3,7-9, or a text file that holds them.") from None
    found: list[int] = []
    for part in re.split(r"[,\s]+", text.strip()):
        numbers = re.fullmatch(r"([0-9]+)(?:-([0-9]+))?", part)
        if not numbers:
            raise InputError(f"`{part[:40]}` is no row and no range of rows; write 0-31 or 0,3,7-9.")
        first, last = int(numbers[1]), int(numbers[2] or numbers[1])
        if not first <= last < points:
            raise InputError(f"rows {part}: the rows are numbered from 0 to {points - 1}, the smaller number first.")
        found += range(first, last + 1)
    return sorted(set(found))


def _names(functions: Sequence[str], map: FamilyMember) -> dict[str, str]:
    """Name → truth table, in order; a truth table is its own name, shortened. Raises InputError or SpecError."""
    if isinstance(functions, str):
        raise InputError(f"functions is a single text: give a list, functions=[{functions[:40]!r}].")
    if not functions:
        raise InputError("no function given: name one or more, such as parity, or a truth table of 0 and 1.")
    found: dict[str, str] = {}
    for text in functions:
        table = _table(text, map.inputs)
        name = text if len(text) <= LONGEST_NAME else short_table(table)
        if name in found:
            raise InputError(f"`{name}` is given twice.")
        found[name] = table
    return found


def _table(text: str, inputs: InputSet) -> str:
    """The truth table of a named function, a table, or a name of the catalogue such as `x0 xor x1`."""
    try:
        (table,) = parse_functions(text, inputs).strings()
        return table
    except SpecError as error:
        try:
            known = {each.name: each.table for each in reference_functions(inputs)}
        except InputError:  # no bits, or not 3 to 10 of them: there is no catalogue
            known = {}
        if text in known:
            return known[text]
        close = difflib.get_close_matches(text, known, n=1)
        also = f" The catalogue has `{close[0]}`." if close else ""
        raise SpecError(f"{error}{also}") from None


def _check(
    map: FamilyMember,
    relative_error: float,
    confidence: float,
    errors: Sequence[int],
    given: Sequence[int] | None,
    least: float | None,
    method: str,
) -> None:
    """Raises InputError for numbers that `sb.prior.probability` would refuse, before a folder is made."""
    points = map.inputs.count
    if not 0 < relative_error < 1 or not 0 < confidence < 1:
        raise InputError(f"relative error {relative_error:g}, confidence {confidence:g}: both lie between 0 and 1.")
    if not errors or min(errors) < 0 or max(errors) >= points:
        shown = ",".join(str(each) for each in errors)
        raise InputError(f"errors {shown}: give numbers of points, 0 or larger and fewer than all {points}.")
    if given is not None and (not given or min(given) < 0 or max(given) >= points):
        raise InputError(f"given: name one or more of the rows from 0 to {points - 1}.")
    if least is not None and not 0 < least < 1:
        raise InputError(f"least probability {least:g}: give a number between 0 and 1, such as 1e-12.")
    if method in ("orthant", "gaussian-process", "expectation-propagation") and (given is not None or tuple(errors) != (0,)):
        raise InputError(f"method {method} takes neither errors nor given rows: use splitting.")


def _rows(name: str, table: str, result: FunctionProbability, errors: Sequence[int]) -> list[dict[str, Any]]:
    """The result of each radius as a row of plain numbers."""
    radii = sorted(set(errors))
    balls = {radii[0]: result} if len(radii) == 1 else {radius: result.balls[radius] for radius in radii}
    rows = []
    for radius, ball in balls.items():
        bits = {"probability": ball.log2_probability, "low": ball.log2_low, "high": ball.log2_high}
        row = {"name": name, "function": table, "errors": radius, "answer": _answer(ball)}
        row |= {f"log2_{key}": value for key, value in bits.items()}
        row |= {f"log10_{key}": TENS * value for key, value in bits.items()}
        row |= {
            "method": ball.method,
            "chosen_because": ball.chosen_because,
            "evaluations": ball.evaluations,
            "status": ball.status,
            "reasons": list(ball.reasons),
        }
        evidence = getattr(result, "evidence", None)
        if evidence is not None:
            row |= {
                "log2_evidence": evidence.value,
                "log2_evidence_low": evidence.low,
                "log2_evidence_high": evidence.high,
            }
        rows.append(row)
    return rows


def _answer(result: FunctionProbability) -> str:
    """The kind of answer, a key of MEANINGS."""
    if math.isfinite(result.value):
        return "estimate"
    if result.status == "failed" or (math.isnan(result.value) and not math.isfinite(result.high)):
        return "none"
    return "upper limit" if result.high > -math.inf else "impossible"


def _write(
    folder: Path,
    map: FamilyMember,
    results: list[FunctionProbability],
    rows: list[dict[str, Any]],
    settings: dict[str, Any],
) -> ProbabilityRun:
    table = pd.DataFrame([row | {"reasons": " ".join(row["reasons"])} for row in rows])
    several = len(settings["errors"]) > 1
    figure: Path | None = None
    if len(rows) > 1:
        shown = table["name"] + (", errors ≤ " + table["errors"].astype(str) if several else "")
        given = "P(f | given rows)" if settings["given"] else None
        figure = plots.save(probability_intervals(table.assign(name=shown), title=given), folder / "intervals")[0]
    else:
        for suffix in (".png", ".svg"):
            (folder / f"intervals{suffix}").unlink(missing_ok=True)
    write_text(folder / "table.csv", table.to_csv(index=False))
    summary = {
        "command": "probability",
        "map": map.spec,
        "law": law_in_words(map),
        "inputs": inputs_in_words(map),
        "unit": "log2_… in bits, log10_… in powers of ten",
        "answers": MEANINGS,
        "settings": settings,
        "functions": rows,
        "provenance": provenance.collect("cpu", ""),
        "table": str(folder / "table.csv"),
    }
    text = json.dumps(plain(summary), indent=2, ensure_ascii=False, allow_nan=False)
    write_text(folder / "summary.json", text + "\n")
    return ProbabilityRun(out=folder, results=results, table=table, summary=summary, figure=figure)
