"""`slt-bias probability`: P of chosen functions, however small."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

import typer

from slt_bias.cli import output
from slt_bias.cli.options import Debug, Json, Seed, whole_number


def probability(
    map: Annotated[
        str | None, typer.Option("--map", metavar="SPEC", help="The map (default: the ReLU network of `slt-bias compare`).")
    ] = None,
    function: Annotated[
        list[str] | None,
        typer.Option("--function", metavar="NAME", help="parity, threshold:k=3, 'x0 xor x1', 0110…, 0x69 (repeat for several)."),
    ] = None,
    inputs: Annotated[
        str | None, typer.Option(metavar="INPUTS", help="Inputs of the map: 7, digits:64, grid:9x9, or a .npy, .csv, .parquet.")
    ] = None,
    method: Annotated[
        str, typer.Option(metavar="NAME", help="auto, count, splitting, orthant, gaussian-process or expectation-propagation.")
    ] = "auto",
    relative_error: Annotated[float, typer.Option(help="Standard error of P over P to aim at.")] = 0.1,
    errors: Annotated[
        str, typer.Option(metavar="R", help="P of all functions that differ in R points at most; several: 0,1,2,4.")
    ] = "0",
    given: Annotated[
        str | None, typer.Option(metavar="ROWS", help="P(f | these rows are right): 0-31, 0,3,7-9, or a text file of these.")
    ] = None,
    least: Annotated[float | None, typer.Option(metavar="P", help="Below it an upper limit is enough: 1e-12.")] = None,
    budget_seconds: Annotated[
        float | None, typer.Option(metavar="S", help="For each function; then what was reached, as suspect.")
    ] = None,
    budget_evaluations: Annotated[
        int | None, typer.Option(parser=whole_number, metavar="N", help="Parameter draws for each function, such as 1e7.")
    ] = None,
    confidence: Annotated[float, typer.Option(help="Coverage of the intervals.")] = 0.95,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the results go.")] = Path("runs/probability"),
    seed: Seed = 0,
    workers: Annotated[int | None, typer.Option(min=1, help="Threads (default: one a core).")] = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Estimate the probability that random parameters compute a function, with an interval and a verdict.

    Down to 1e-40 and further: what is too rare to be counted is found by multilevel splitting. What cannot be computed by
    any parameters is proved where that is possible. Results are table.csv, summary.json and a figure for several functions.

    Example: slt-bias probability --map perceptron --inputs 4 --function majority --function parity
    """
    radii = whole_numbers(errors, "--errors")
    positive(budget_seconds, "--budget-seconds")
    from slt_bias.functions import load
    from slt_bias.maps.registry import parse
    from slt_bias.workflows import probability as workflow

    with output.prints_to_stderr():
        chosen = parse(map or workflow.DEFAULT_MAP, None if inputs is None else load(inputs))
        result = workflow.probability(
            chosen,
            function or (),
            method=method,
            relative_error=relative_error,
            errors=radii,
            given=None if given is None else workflow.read_rows(given, chosen.inputs.count),
            least_probability=least,
            budget_seconds=budget_seconds,
            budget_evaluations=budget_evaluations,
            confidence=confidence,
            seed=seed,
            out=out,
            workers=workers,
            progress=True,
        )
    if json:
        output.show_json(result.summary)
        return
    rows = result.summary["functions"]
    output.show_table([_line(row, len(radii) > 1) for row in rows], {"why": SHORT})
    for row in rows:
        if row["reasons"]:
            ball = f", errors ≤ {row['errors']}" if len(radii) > 1 else ""
            output.show(f"\n{row['name']}{ball}, {row['status']}:")
            for reason in row["reasons"]:
                output.show(f"- {reason}")
    output.show(f"\ntable: {result.summary['table']}")
    if result.figure is not None:
        output.show(f"figure: {result.figure}")


SHORT = 60


def whole_numbers(text: str, option: str) -> list[int]:
    """Whole numbers with commas between them, from 0."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise typer.BadParameter(f"`{text}`: give a whole number of points, or several: 0,1,2,4.", param_hint=option)
    return [int(part) for part in parts]


def positive(number: float | None, option: str) -> None:
    """Refuse what is no positive, finite number."""
    if number is not None and not 0 < number < math.inf:
        raise typer.BadParameter(f"`{number:g}`: give a positive number.", param_hint=option)


def _line(row: dict[str, Any], with_errors: bool) -> dict[str, Any]:
    """What the terminal shows of a result; the table has the rest."""
    shown: dict[str, Any] = {"function": row["name"]}
    if with_errors:
        shown["errors"] = f"≤ {row['errors']}"
    shown |= {
        "log2 P": bits(row, "log2_probability"),
        "interval": f"[{_number(row['log2_low'])}, {_number(row['log2_high'])}]",
        "log10 P": bits(row, "log10_probability"),
        "method": row["method"],
        "draws": f"{row['evaluations']:,}",
        "status": row["status"],
        "why": row["chosen_because"],
    }
    if "log2_evidence" in row:
        shown["log2 P(rows)"] = _number(row["log2_evidence"])
    return shown


def bits(row: dict[str, Any], name: str) -> str:
    """log P of a row: a number, `< limit`, `never` or a dash."""
    answer = row["answer"]
    if answer == "upper limit":
        return f"< {_number(row[name.replace('probability', 'high')])}"
    return {"impossible": "never", "none": "–"}.get(answer) or _number(row[name])


def _number(value: float) -> str:
    if math.isnan(value):
        return "–"
    return "-inf" if value == -math.inf else f"{value:.5g}"
