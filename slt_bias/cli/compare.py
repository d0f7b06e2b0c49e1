"""`slt-bias compare`: the main job, P(f) against K(f) for several maps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from slt_bias.cli import output
from slt_bias.cli.options import Debug, Json, Seed, whole_number


def compare(
    map: Annotated[
        list[str] | None, typer.Option("--map", metavar="SPEC", help="A map (repeat for several); `slt-bias maps` lists them.")
    ] = None,
    inputs: Annotated[
        str | None, typer.Option(metavar="INPUTS", help="Inputs of all maps: 7, digits:64, grid:9x9, or a .npy, .csv, .parquet.")
    ] = None,
    samples: Annotated[
        int | None, typer.Option(parser=whole_number, metavar="N", help="Draws of each map, such as 1e6 (default: a million).")
    ] = None,
    complexity: Annotated[str, typer.Option(metavar="NAME", help="lz, lzma, zlib, bz2, entropy, formula_and_or, …")] = "lz",
    function: Annotated[
        list[str] | None, typer.Option("--function", metavar="NAME", help="Label this function too (repeat for several).")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the results go.")] = Path("runs/compare"),
    seed: Seed = 0,
    workers: Annotated[int | None, typer.Option(min=1, help="Threads or processes (default: one a core).")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, or a GPU such as cuda:0.")] = "auto",
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Put the probability of functions against their complexity.

    Without --map: six architectures on seven binary inputs (on data: five, without the transformer, which reads bits).
    Results are tables, figures and report.html.

    Example: slt-bias compare --map perceptron --map mlp --samples 1e5
    """
    from slt_bias.functions import load
    from slt_bias.workflows.compare import compare as run

    with output.prints_to_stderr():
        result = run(
            map or None,
            samples=samples,
            seed=seed,
            complexity=complexity,
            inputs=None if inputs is None else load(inputs),
            out=out,
            workers=workers,
            device=device,
            functions=function or (),
            progress=True,
        )
    if json:
        output.show_json(result.summary)
        return
    output.show_table([_line(row) for row in result.summary["maps"]])
    output.show(f"\nreport: {result.report}")


def _line(row: dict[str, Any]) -> dict[str, Any]:
    """What the terminal shows of a map; the report has the rest."""
    return {
        "map": row["label"],
        "draws": f"{row['samples']:,}",
        "functions": f"{row['distinct']:,}",
        "P(constant 0)": row["constant_0"],
        "P(constant 1)": row["constant_1"],
        "mean K": row["mean_complexity"],
        "K at random": row["mean_complexity_uniform"],
        "rank corr. P, K": row["rank_correlation"],
        "at fixed ones": row["partial_rank_correlation"],
    }
