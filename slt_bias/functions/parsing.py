"""Every form in which a user may give functions, as `Functions`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from slt_bias.errors import InputError, SpecError, nearest
from slt_bias.functions.inputs import InputSet, as_inputs
from slt_bias.functions.named import KINDS, named
from slt_bias.functions.tables import Functions, from_hexadecimal, from_strings

HINT = "turn numbers into bits first: Functions.from_values(outputs) makes every output > 0 a 1."


def parse(functions: str | Sequence[str] | np.ndarray | Functions, inputs: int | InputSet | None = None) -> Functions:
    """The truth tables that a user means.

    functions : a string of 0 and 1; `0x…`, four points a digit; a named function such as `parity` or
        `threshold:k=3,inputs=7`; a list or an array of these, all on the same points; or Functions, returned as they are.
    inputs : a number of binary inputs or an InputSet. When given, the number of points must fit, and named functions
        need no inputs of their own. An empty text is the function of no points, and refused where inputs are given.

    Raises InputError for what is no truth table or does not fit, SpecError for an unknown name or option.
    """
    where = None if inputs is None else as_inputs(inputs)
    if isinstance(functions, Functions):
        parsed = functions
    elif isinstance(functions, str):
        parsed = from_strings([_table(functions, where)])
    else:
        texts = _texts(functions)
        if not texts:
            points = 0 if where is None else where.count
            return Functions(np.zeros((0, -(-points // 8)), np.uint8), points)
        parsed = from_strings([_table(text, where) for text in texts])
    if where is not None and parsed.points != where.count:
        raise InputError(f"a function of {parsed.points} points does not fit {where.spec}, which has {where.count} points.")
    return parsed


def _texts(functions: object) -> list[str]:
    """The entries of a list, a tuple or an array, which must all be strings."""
    if isinstance(functions, np.ndarray):
        if functions.ndim != 1 or functions.dtype.kind not in "UTO":
            raise InputError(f"an array of {functions.dtype} and shape {functions.shape} is no list of truth tables; {HINT}")
        entries = functions.tolist()
    elif isinstance(functions, Sequence) and not isinstance(functions, bytes | bytearray):
        entries = list(functions)
    else:
        kind = type(functions).__name__
        raise InputError(f"{kind} is no function: give a string of 0 and 1, a list of them, or Functions; {HINT}")
    for number, entry in enumerate(entries):
        if not isinstance(entry, str):
            raise InputError(f"function {number} is of type {type(entry).__name__}, no string of 0 and 1; {HINT}")
    return entries


def _table(text: str, inputs: InputSet | None) -> str:
    """One text as a string of 0 and 1."""
    if not text and inputs is not None:
        raise InputError(f"an empty text is no function on {inputs.spec}, which has {inputs.count} points.")
    if not text.strip("01"):
        return text
    name = text.partition(":")[0]
    if name in KINDS:
        return named(text, inputs)
    if text[:2].lower() == "0x":
        if inputs is not None and inputs.count % 4:
            raise InputError(f"`{text[:40]}`: a hexadecimal digit is 4 points, {inputs.spec} has {inputs.count}; write 0 and 1.")
        return from_hexadecimal(text)
    if text[:1].isalpha():
        raise SpecError(f"`{text[:40]}` is neither a truth table of 0 and 1 nor a named function.{nearest(name, KINDS)}")
    return text  # almost a truth table: from_strings says which character is wrong
