"""Reference sets: simple functions with a name and several complexities each, on which architectures are compared.

On n ≤ 4 binary inputs the set is complete: one representative of every class of functions under a group of symmetries, by
default the NPN classes (permuting and negating inputs, negating the output: 4, 14 and 222 classes for n = 2, 3, 4; Golomb
1959, IRE Trans. Inf. Theory 5, 176). The representative is the canonical form of `slt_bias.functions.symmetry`: the member
whose Walsh coefficients are lexicographically greatest. It has the fewest ones of its class, and input 0 matters first: AND
stands for AND, OR and all their relatives, x0 ⊕ x1 for every parity of two inputs. All members have equal formula sizes;
where a map's law lacks a symmetry of the group, they differ in P, and in C_LZ and the certified code they can differ anyway.

On 5 ≤ n ≤ 10 inputs it is the catalogue (`slt_bias.functions.catalogue`), whose formulas are upper bounds on the formula sizes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np
import pandas as pd

from slt_bias.complexity import compute
from slt_bias.complexity.formula import of_at_most_four
from slt_bias.complexity.orbit_minimum import minimum
from slt_bias.errors import InputError
from slt_bias.functions import Functions, InputSet, parse
from slt_bias.functions.catalogue import Reference, reference_functions
from slt_bias.functions.inputs import as_inputs
from slt_bias.functions.symmetry import LARGEST_SEARCH, LARGEST_TABLE, NPN, Group, canonical, classes, group, usable

CATALOGUED = range(3, 11)  # inputs
LOOKED_UP = range(3, 9)  # inputs where functions of the user's are looked up in the catalogue: beyond, it takes a minute to make
UNNAMED = "class"  # family of a representative that the catalogue does not have


def reference_set(inputs: int | InputSet, map_symmetries: Iterable[str] = NPN) -> pd.DataFrame:
    """The reference functions on n binary inputs: the classes for n ≤ 4, the catalogue for 5 ≤ n ≤ 10.

    inputs : n, or a hypercube; the coding {0, 1} or {−1, 1} does not matter.
    map_symmetries : the group whose classes are listed for n ≤ 4 and counted in `class_size`: NPN by default; with a map's
        own `symmetries` the set has one function for every orbit on which P is constant.

    Columns: function (str, the truth table), name (the catalogue's, `not …` for a negation of one of its functions, else
    hexadecimal), family (the catalogue's, else "class"), equivalent (a catalogued function of the same class where the
    representative itself has no name, else ""), complexity_and_or and complexity_all_gates (leaves), formula_is_exact (True:
    these are the minimum; False: the catalogue's own formula, an upper bound), complexity_code (bits, certified),
    complexity_lz (C_LZ, the least over all orders of the inputs; NaN beyond 8 inputs), complexity_lz_as_given (of this table
    as it stands), loop_bits and steps (the loop program's length in bits and its most rounds; NaN where it has none), depth
    (gates on the longest path of the catalogue's formula over all gates; NaN for what is not in it), class_size (members of
    the class; beyond 8 inputs under the negation of the output alone). attrs: inputs, symmetries.

    Raises InputError for rows of data, a grid, or more than 10 inputs; SpecError for an unknown symmetry.
    """
    where = as_inputs(inputs)
    if where.kind != "hypercube":
        raise InputError(
            f"reference_set: {where.spec} has no bits, so there is no catalogue for it: give blind_spots a list of functions."
        )
    if where.features >= CATALOGUED.stop:
        raise InputError(f"reference_set: {where.features} inputs: functions are catalogued up to {CATALOGUED.stop - 1} inputs.")
    table = _reference_set(where.features, group(map_symmetries)).copy()
    table.attrs = {"inputs": where.features, "symmetries": sorted(group(map_symmetries))}
    return table


def described(functions: str | Sequence[str] | np.ndarray | Functions, inputs: int | InputSet) -> pd.DataFrame:
    """The columns of `reference_set` for functions of the user's own choice, in their order.

    name : the text given where it names a function (`parity`), else the catalogue's name, else hexadecimal or the table.
    Formula sizes are NaN where they are neither exact (n ≤ 4) nor catalogued, complexity_lz where inputs cannot be permuted
    (rows, grids). Raises InputError, SpecError for what is no function on these inputs.
    """
    where = as_inputs(inputs)
    batch = parse(functions, where)
    texts = [functions] if isinstance(functions, str) else batch.strings() if isinstance(functions, Functions) else functions
    table = _described(batch, where, NPN, LOOKED_UP)
    given = [str(text) if str(text).strip("01") and str(text)[:2].lower() != "0x" else "" for text in texts]
    table["name"] = [text or name for text, name in zip(given, table["name"], strict=True)]
    return table


@cache
def _reference_set(n: int, symmetries: Group) -> pd.DataFrame:
    where = as_inputs(n)
    if n <= LARGEST_TABLE:
        return _described(classes(n, symmetries)[0], where, symmetries, CATALOGUED)
    batch = parse([each.table for each in reference_functions(n)], where)
    return _described(batch, where, symmetries, CATALOGUED)


def _described(batch: Functions, where: InputSet, symmetries: Group, catalogued: range) -> pd.DataFrame:
    """The columns for a batch; those of the catalogue where a table or its negation is in it. catalogued : for these inputs."""
    n = where.features if where.kind == "hypercube" else 0
    known = _catalogue(n) if n in catalogued else {}
    texts = batch.strings()
    found = [known.get(text) for text in texts]
    negated = [known.get(text) for text in batch.complement().strings()]
    either = [own or other for own, other in zip(found, negated, strict=True)]  # negation is free in both sets of gates
    exact = bool(n) and of_at_most_four(batch.points)
    nan = np.full(len(batch), np.nan)
    if exact:
        and_or, all_gates = compute(batch, "formula_and_or"), compute(batch, "formula_all_gates")
    else:
        and_or = _numbers(either, "leaves_and_or")
        all_gates = _numbers(either, "leaves_all_gates")
    orders = where.kind == "hypercube" and n <= LARGEST_SEARCH
    return pd.DataFrame(
        {
            "function": pd.Series(texts, dtype="str"),
            "name": pd.Series([_name(*each) for each in zip(texts, found, negated, strict=True)], dtype="str"),
            "family": pd.Series([each.family if each else UNNAMED for each in either], dtype="str"),
            "equivalent": pd.Series(_equivalents(batch, found, negated, n, symmetries), dtype="str"),
            "complexity_and_or": and_or,
            "complexity_all_gates": all_gates,
            "formula_is_exact": exact,
            "complexity_code": compute(batch, "code"),
            "complexity_lz": minimum(batch, where, "lz") if orders else nan,
            "complexity_lz_as_given": compute(batch, "lz"),
            "loop_bits": _numbers(found, "loop_bits"),
            "steps": _numbers(found, "steps"),
            "depth": _numbers(found, "depth"),
            "class_size": canonical(batch, where, usable(symmetries, where))[1],
        }
    )  # fmt: skip


@cache
def _catalogue(n: int) -> dict[str, Reference]:
    return {each.table: each for each in reference_functions(n)}


def _name(text: str, own: Reference | None, negated: Reference | None) -> str:
    if own is not None:
        return own.name
    if negated is not None:
        return f"not ({negated.name})" if " " in negated.name else f"not {negated.name}"
    return text if len(text) % 4 else f"0x{int(text, 2):0{len(text) // 4}x}"


def _equivalents(
    batch: Functions, found: Sequence[Reference | None], negated: Sequence[Reference | None], n: int, symmetries: Group
) -> list[str]:
    """The first catalogued member of the class of each function that has no name, "" for all others."""
    if not CATALOGUED.start <= n <= LARGEST_TABLE:
        return [""] * len(batch)
    members = list(_catalogue(n).values())
    forms = canonical([each.table for each in members], n, symmetries)[0].strings()
    first = {form: each.name for form, each in zip(reversed(forms), reversed(members), strict=True)}
    own = canonical(batch, n, symmetries)[0].strings()
    return ["" if one or two else first.get(form, "") for form, one, two in zip(own, found, negated, strict=True)]


def _numbers(references: Sequence[Reference | None], attribute: str) -> np.ndarray:
    """float64 (count,): NaN where there is no reference or it has no such number."""
    values = [None if each is None else getattr(each, attribute) for each in references]
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
