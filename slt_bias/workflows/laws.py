"""The law of a map's parameters and the coding of its inputs, in words for a report."""

from __future__ import annotations

from slt_bias.maps.base import FamilyMember
from slt_bias.maps.law import PRESETS


def law_in_words(map: FamilyMember) -> str:
    """How the parameters are drawn."""
    law = map.law
    if map.law_text is not None:
        return map.law_text
    if law is None:
        return "by the map's own code"
    if law.preset is not None:
        variances = "weights and biases of variance 2/fan_in in hidden layers and 1/fan_in in the output layer"
        return f"{PRESETS[law.preset]}; {variances} (preset {law.preset})"
    biases = f"biases of standard deviation {law.bias_std:g}" if law.has_bias else "no biases"
    return f"{law.distribution}; weights of standard deviation {law.weight_std:g}/√fan_in, {biases}"


def inputs_in_words(map: FamilyMember) -> str:
    """What the points are."""
    inputs = map.inputs
    if inputs.values is not None:
        low, high = inputs.values
        return f"all {inputs.count:,} points of {inputs.features} binary inputs with values {low} and {high}".replace("-", "−")
    kind = "grid points" if inputs.kind == "grid" else "rows of data"
    source = getattr(inputs, "source", None)
    origin = "" if source is None else f"{source}, "
    return f"{inputs.count:,} {kind} with {inputs.features} features ({origin}{inputs.spec.removeprefix('inputs=')})"
