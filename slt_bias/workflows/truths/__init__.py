"""Known answers. A new one is a function from a seed to rows, and one line in VERIFICATIONS."""

from __future__ import annotations

from collections.abc import Callable

from slt_bias.workflows.truths import (
    complexities,
    generator,
    learning_coefficients,
    perceptrons,
    rare_functions,
    symmetries,
    uniform,
)
from slt_bias.workflows.truths.row import Row

VERIFICATIONS: list[Callable[[int], list[Row]]] = [
    generator.moments,
    perceptrons.number_of_ones,
    perceptrons.distinct_functions,
    perceptrons.two_inputs,
    perceptrons.chosen_functions,
    rare_functions.infinite_width,
    rare_functions.random_function,
    uniform.flat_laws,
    symmetries.equal_probabilities,
    complexities.lempel_ziv,
    complexities.smallest_formulas,
    learning_coefficients.formula,
    learning_coefficients.regular,
    learning_coefficients.normal_crossing,
]

__all__ = ["VERIFICATIONS", "Row"]
