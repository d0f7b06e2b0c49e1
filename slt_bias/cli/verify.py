"""`slt-bias verify`: known answers on this machine."""

from __future__ import annotations

import typer

from slt_bias.cli import output
from slt_bias.cli.options import Debug, Json, Seed
from slt_bias.errors import SamplingInterrupted


def verify(seed: Seed = 0, json: Json = False, debug: Debug = False) -> None:
    """Print known answers beside what is measured here.

    An interval covers 99.9 %; a row without one is exact. The exit code is 1 where a row fails.

    Example: slt-bias verify
    """
    from slt_bias.workflows.verify import verify as measure

    try:
        table = measure(seed, progress=True)
    except SamplingInterrupted:  # what it kept of one row is of no use
        raise KeyboardInterrupt from None
    rows = table.to_dict("records")
    failed = int((~table["holds"]).sum())
    if json:
        output.show_json({"seed": seed, "rows": rows, "failed": failed})
    else:
        columns = ("name", "truth", "estimate", "low", "high", "holds")
        output.show_table([{name: row[name] for name in columns} for row in rows], {"truth": 24, "estimate": 24})
    if failed:
        output.say(f"{failed} of {len(rows)} rows fail; one random row in 1,000 does by chance: try --seed {seed + 1}")
        raise typer.Exit(1)
    output.say(f"all {len(rows)} rows hold")
