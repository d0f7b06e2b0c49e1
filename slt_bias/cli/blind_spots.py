"""`slt-bias blind-spots`: simple functions that architectures almost never compute."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from slt_bias.cli import output
from slt_bias.cli.options import Debug, Json, Seed, whole_number
from slt_bias.cli.probability import positive


def blind_spots(
    map: Annotated[
        list[str] | None, typer.Option("--map", metavar="SPEC", help="A map (repeat for several); `slt-bias maps` lists them.")
    ] = None,
    inputs: Annotated[
        str | None, typer.Option(metavar="N", help="Binary inputs of all maps, from 2 to 10; 4,values=pm1 (default: 4).")
    ] = None,
    samples: Annotated[
        int, typer.Option(parser=whole_number, metavar="N", help="Draws of each map to count, such as 1e7.", show_default="1e6")
    ] = 1_000_000,
    budget_seconds: Annotated[
        float | None, typer.Option(metavar="S", help="For each map (default: none; 40 for the default maps).")
    ] = None,
    least: Annotated[float, typer.Option(metavar="P", help="Below it an upper limit is enough.")] = 1e-12,
    most_bits: Annotated[
        float | None, typer.Option(metavar="K", help="Leave out functions of more certified bits (17 for the default maps).")
    ] = None,
    relative_error: Annotated[float, typer.Option(help="Standard error of P over P to aim at.")] = 0.3,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the results go.")] = Path("runs/blind-spots"),
    seed: Seed = 0,
    workers: Annotated[int | None, typer.Option(min=1, help="Threads (default: one a core).")] = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Find the simple functions that architectures almost never compute, each with its probability.

    Without --map: five architectures on four binary inputs, in about half a minute. Up to 4 inputs one function of every
    class (222 at 4), beyond a catalogue of about 150. Results are tables, figures and report.html.

    Example: slt-bias blind-spots --map perceptron --map polynomial:degree=2 --most-bits 15
    """
    positive(budget_seconds, "--budget-seconds")
    from slt_bias.functions import load
    from slt_bias.workflows.blind_spots import blind_spots as run

    with output.prints_to_stderr():
        result = run(
            map or None,
            inputs=None if inputs is None else load(inputs),
            samples=samples,
            budget_seconds=budget_seconds,
            least=least,
            most_bits=most_bits,
            relative_error=relative_error,
            seed=seed,
            out=out,
            workers=workers,
            progress=True,
        )
    if json:
        output.show_json(result.summary)
        return
    output.show_table([_line(row) for row in result.summary["maps"]], {"farthest below log2 P = -K": LONGEST})
    output.show(f"\nreport: {result.report}")


LONGEST = 84
NAMED = 3


def _line(row: dict[str, Any]) -> dict[str, Any]:
    """What the terminal shows of a map; the report has the rest."""
    return {
        "map": row["label"],
        "functions": sum(each["functions"] for each in row["by_complexity"]),
        "never": row["never"],
        "upper limits": row["upper_limits"],
        "suspect": row["suspect"],
        "farthest below log2 P = -K": "; ".join(_short(each) for each in row["most_blind"][:NAMED]),
    }


def _short(row: dict[str, Any]) -> str:
    if row["never"]:
        return f"{row['name']} (never)"
    limit = ">" if row["upper_limit_only"] else ""
    return f"{row['name']} ({limit}{row['bits_below_bound']:.0f} bits)"
