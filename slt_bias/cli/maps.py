"""`slt-bias maps`: the families with their options."""

from __future__ import annotations

from slt_bias.cli import output
from slt_bias.cli.options import Debug, Json


def maps(json: Json = False, debug: Debug = False) -> None:
    """List the map families with their options and defaults.

    A spec is a name and options: mlp:hidden=40x40,activation=tanh,inputs=7,values=pm1

    Example: slt-bias maps
    """
    from slt_bias.workflows.families import families

    found = families()
    if json:
        output.show_json(found)
        return
    for family in found["families"]:
        output.show(f"{family['name']}: {family['summary']}")
        _show_options(family["options"])
        output.show(f"  example: {family['example']}")
        if family["description_bits"] is not None:
            output.show(f"  K(M) ≤ {family['description_bits']:,} bits: the compressed length of a minimal program")
        output.show("")
    output.show("every family (with rows of data: --inputs digits:64 or --inputs FILE)")
    _show_options(found["inputs"])
    output.show(f"\nin every family {found['rule']}")


def _show_options(options: list[dict[str, str]]) -> None:
    for option in options:
        given = f"{option['name']}={option['default']}"
        output.show(f"  {given:<17} {option['meaning']}")
