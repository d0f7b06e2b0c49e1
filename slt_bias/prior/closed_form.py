"""P(f) exactly, for the maps where it is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slt_bias.errors import InputError, SpecError
from slt_bias.functions.parsing import parse
from slt_bias.functions.tables import Functions
from slt_bias.prior.result import FunctionProbability

if TYPE_CHECKING:
    from slt_bias.maps.base import Map


def closed_form(map: Map, function: str | Functions) -> FunctionProbability:
    """log₂ P(f) exactly: value, low and high are the same number.

    `uniform`: −points. `polynomial` with all 2ⁿ monomials on {−1, 1}ⁿ and decay 1: the outputs are an orthogonal rotation
    of independent normals of equal variance, so −2ⁿ too (law=normal; a uniform law does not survive the rotation).
    `layered`: the Wright–Fisher chain of the number of ones (Fink 2026), up to 11 inputs.
    Raises SpecError for a map without a closed form, InputError for what is no function on its inputs.
    """
    asked = parse(function, map.inputs)
    if len(asked) != 1:
        raise InputError(f"asked for {len(asked)} functions; closed_form takes one.")
    log2 = _log2_probability(map, asked)
    return FunctionProbability(value=log2, low=log2, high=log2, unit="bits", method="closed form")


def _log2_probability(map: Map, asked: Functions) -> float:
    from slt_bias.maps.layered import Layered
    from slt_bias.maps.polynomial import Polynomial
    from slt_bias.maps.uniform import Uniform

    if isinstance(map, Layered):
        return float(map.log2_probabilities(asked)[0])
    if isinstance(map, Uniform):
        return -float(map.inputs.count)
    if isinstance(map, Polynomial) and map.is_walsh_null:
        return -float(map.inputs.count)
    raise SpecError(f"`{map.spec}` has no closed form: count draws with sb.prior.sample instead.")
