"""`slt-bias complexity`: the complexity of given functions."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from slt_bias.cli import output
from slt_bias.cli.options import Debug, Json


def complexity(
    functions: Annotated[list[str], typer.Argument(help="Strings of 0 and 1, 0x6996, or names such as parity or threshold:k=3.")],
    inputs: Annotated[str | None, typer.Option(help="Number of binary inputs, for named functions: 7.")] = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Print the complexity of functions.

    By every estimator that applies; formulas reach 4 inputs.

    Example: slt-bias complexity --inputs 4 parity majority 0110100110010110
    """
    from slt_bias import complexity as estimators
    from slt_bias.functions import load
    from slt_bias.workflows.complexity import measure

    rows: list[dict[str, Any]] = measure(functions, None if inputs is None else load(inputs)).to_dict("records")  # type: ignore[assignment]
    units = estimators.names()
    if json:
        output.show_json({"functions": rows, "estimators": units})
        return
    used = {name for name in units if any(row[name] == row[name] for row in rows)}
    output.show_table([{name: value for name, value in row.items() if name not in units or name in used} for row in rows])
    output.show("")
    for name in units:
        if name in used:
            output.show(f"{name}: {units[name]}")
