"""`slt-bias llc`: the learning coefficient of a system or of checkpoints."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

import typer

from slt_bias.cli import output
from slt_bias.cli.options import Debug, Json, Seed, whole_number

Several = list[str] | None


def llc(
    system: Annotated[
        str,
        typer.Argument(metavar="SYSTEM", help="deep-linear, reduced-rank, monomial, regression or module:package.module:factory"),
    ],
    exponents: Annotated[
        str | None, typer.Argument(metavar="EXPONENTS", help="Of the monomial: 1,2 is w1² w2⁴, 1,0+0,2 is w1² + w2⁴.")
    ] = None,
    widths: Annotated[str | None, typer.Option(help="Of linear networks, inputs first: 10,10,10,10.")] = None,
    rank: Annotated[int | None, typer.Option(help="Of the true matrix of linear networks.")] = None,
    point: Annotated[str | None, typer.Option(help="aligned (the most singular, default) or generic (smooth).")] = None,
    inputs: Annotated[int | None, typer.Option(help="Of the regression (default: 5).")] = None,
    examples: Annotated[int | None, typer.Option(help="Of the regression (default: 1000).")] = None,
    checkpoint: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Weights of the module, safetensors or torch (repeat for several).")
    ] = None,
    method: Annotated[str, typer.Option(help="fast, reference (gives m and the limit too) or volume.")] = "fast",
    inverse_temperature: Annotated[
        Several, typer.Option(metavar="NB", help="nβ; several for reference: 1e3,1e4,1e5 (default: n/ln n, or the ladder).")
    ] = None,
    localization: Annotated[float | None, typer.Option(help="γ (default: 1).")] = None,
    chains: Annotated[int | None, typer.Option(parser=whole_number, metavar="N", help="Independent ones (default: 8).")] = None,
    draws: Annotated[int | None, typer.Option(parser=whole_number, metavar="N", help="Kept of each (default: 1000).")] = None,
    burn_in: Annotated[int | None, typer.Option(min=0, help="Draws thrown away (default: half; reference: .3).")] = None,
    parameters: Annotated[
        Several, typer.Option(metavar="NAME", help="Sample these alone, the others stay (repeat, or separate by commas).")
    ] = None,
    confidence: Annotated[float, typer.Option(help="Coverage of the intervals.")] = 0.95,
    seed: Seed = 0,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the results go.")] = Path("runs/llc"),
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Estimate the learning coefficient, with its interval and a verdict.

    Of a known system, beside its exact value, or of your own: a factory that returns (model, loss, data). Several
    checkpoints make a trajectory. Population losses of known systems take nβ = 1e4 with method fast. A failed estimate is
    a result: the table says why, and the exit code is 0.

    Example: slt-bias llc reduced-rank --widths 5,3,5 --rank 1 --method reference
    """
    numbers = temperatures(inverse_temperature or [])
    from slt_bias.workflows import systems
    from slt_bias.workflows.learning_coefficient import learning_coefficient

    with output.prints_to_stderr():
        known = systems.named(
            system, seed, exponents=exponents, widths=widths, rank=rank, point=point, inputs=inputs, examples=examples,
            checkpoint=tuple(checkpoint or ()),
        )  # fmt: skip
        result = learning_coefficient(
            known,
            method=method,
            checkpoints=checkpoint or (),
            inverse_temperature=numbers,
            localization=localization,
            chains=chains,
            draws=draws,
            burn_in=burn_in,
            parameters=[name.strip() for text in parameters or () for name in text.split(",")],
            confidence=confidence,
            seed=seed,
            out=out,
            progress=True,
        )
    if json:
        output.show_json(result.summary)
        return
    rows = result.summary["estimates"]
    output.show_table([_line(row) for row in rows], {"reasons": SHORT})
    for row in rows:
        if len(" ".join(row["reasons"])) > SHORT:
            output.show(f"\n{row['label']}, {row['status']}:")
            for reason in row["reasons"]:
                output.show(f"- {reason}")
    output.show(f"\nreport: {result.report}")


SHORT = 48


def temperatures(texts: list[str]) -> tuple[float, ...]:
    """nβ as people type them: 1e4, or 1e3,1e4; each is one."""
    found = []
    for text in (part for each in texts for part in each.split(",")):
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not 0 < number < math.inf:
            raise typer.BadParameter(f"`{text}`: give nβ, a number above 0 such as 1e4.", param_hint="--inverse-temperature")
        found.append(number)
    return tuple(found)


def _line(row: dict[str, Any]) -> dict[str, Any]:
    """What the terminal shows of an estimate; the report has the rest."""
    truth = {} if row["truth"] is None else {"exact": row["truth"]}
    m = row["multiplicity"]
    return {
        "at": row["label"],
        "estimate": row["learning_coefficient"],
        "low": row["low"],
        "high": row["high"],
        **truth,
        "m": m if m is None or row["true_multiplicity"] is None else f"{m} (exact {row['true_multiplicity']})",
        "status": row["status"],
        "reasons": " ".join(row["reasons"]),
    }
