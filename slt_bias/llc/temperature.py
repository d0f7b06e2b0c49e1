"""nβ and γ: their defaults, and what is refused."""

from __future__ import annotations

import math

from slt_bias.errors import InputError

LOCALIZATION = 1.0


def inverse_temperature_of(given: float | None, examples: int | None) -> float:
    """nβ: what is given, else n/ln n (Watanabe 2013). Raises InputError where neither is possible."""
    if given is not None:
        if not (isinstance(given, int | float) and 0 < given < math.inf):
            raise InputError(f"inverse_temperature = {given!r}: give nβ, a number above 0 (the factor of L_n in the exponent).")
        return float(given)
    if examples is None:
        raise InputError("a population loss (data=None) has no n: give inverse_temperature = nβ, for instance 1e4.")
    if examples < 3:
        raise InputError(f"nβ = n/ln n needs n ≥ 3 examples, not {examples}: give inverse_temperature explicitly.")
    return examples / math.log(examples)


def localization_of(given: float | None) -> float:
    """γ: what is given, else 1. Raises InputError."""
    if given is None:
        return LOCALIZATION
    if not 0 < given < math.inf:
        raise InputError(f"localization = {given}: give γ, a number above 0.")
    return float(given)


def check_size(chains: int, draws: int, burn_in: int, confidence: float) -> None:
    """Refuse a run that cannot give a number. Raises InputError."""
    for name, number, least in (("chains", chains, 1), ("draws", draws, 2), ("burn_in", burn_in, 0)):
        if int(number) != number or number < least:
            raise InputError(f"{name} = {number}: give a whole number, {least} or larger.")
    if not 0 < confidence < 1:
        raise InputError(f"confidence = {confidence}: give a number between 0 and 1, such as 0.95.")
