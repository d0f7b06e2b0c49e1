"""`slt-bias superposition`: the experiments on toy models of superposition."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from slt_bias.cli import output
from slt_bias.cli.options import Debug, Json, Seed


def superposition(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="introduction, phase, k-gons, …, or all; without one: the list.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A smaller setting: at most 60 seconds on two cores.")] = False,
    smoke: Annotated[bool, typer.Option("--smoke", help="The smallest setting: at most 8 seconds.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the results go (default: runs/superposition/NAME).")
    ] = None,
    seed: Seed = 0,
    workers: Annotated[int | None, typer.Option(min=1, help="Threads (default: one a core).")] = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Run one experiment on toy models of superposition: figure, table, and what the paper says beside what is measured.

    The models are those of Elhage et al. 2022 and Chen et al. 2023; losses are exact where they can be. A full setting
    takes minutes on two cores, `all` together about half an hour.

    Example: slt-bias superposition phase --quick
    """
    if quick and smoke:
        raise typer.BadParameter("give one of the two.", param_hint="--quick, --smoke")
    from slt_bias.workflows.claims import Claim, claim_lines
    from slt_bias.workflows.superposition import DEFAULT_OUT, EXPERIMENTS
    from slt_bias.workflows.superposition import superposition as run

    if name is None:
        if json:
            output.show_json({"experiments": EXPERIMENTS})
        else:
            output.show_table([{"experiment": each, "what it shows": text} for each, text in EXPERIMENTS.items()])
        return
    several = name == "all"
    summaries: list[dict[str, Any]] = []
    for each in EXPERIMENTS if several else (name,):
        folder = (out or DEFAULT_OUT) / each if several else out
        with output.prints_to_stderr():
            done = run(
                each,
                "quick" if quick else "smoke" if smoke else "full",
                seed=seed,
                out=folder,
                workers=workers,
                progress=True,
            )
        summaries.append(done.summary)
        if json:
            continue
        output.show(f"{each} ({done.summary['seconds']:.0f} s)")
        for line in claim_lines([Claim(**claim) for claim in done.summary["claims"]]):
            output.show(line)
        for note in done.summary["notes"]:
            output.show(f"  note: {note}")
        output.show(f"figures: {', '.join(done.summary['figures'].values())}")
    if json:
        output.show_json({"experiments": summaries} if several else summaries[0])
