"""What stands under each figure of a comparison: everything that is needed to read it without the text."""

from __future__ import annotations

from slt_bias.compare.coding_bound import LEAST_COUNT
from slt_bias.complexity.registry import ESTIMATORS
from slt_bias.workflows.figures import MOST_PAIRS, on_the_first_points
from slt_bias.workflows.measured import Measured


def captions(measured: list[Measured]) -> dict[str, str]:
    """Name of the figure → its caption."""
    name = str(measured[0].row["complexity"])
    unit = ESTIMATORS[name].unit
    shared = on_the_first_points(measured)
    points = measured[0].counts.points
    many = len(measured) > MOST_PAIRS + 1
    compared = "all maps" if len(shared) == len(measured) else ", ".join(each.label for each in shared)
    return {
        "figure": (
            f"Probability P(f) of every function f that was drawn, in bits (log₂ of its share of the draws), against its "
            f"complexity K(f) = {name} ({unit}). A panel a map, all on the same axes; functions with equal K and equal count lie "
            f"on one point, whose colour says how many they are. Dotted: one draw, 1/samples; nothing below it can be seen, so "
            f"the lowest rows of points are chance and their height is not P. Solid: the a priori coding bound log₂P ≤ −aK with "
            f"a = log₂(number of functions)/max K, the maximum over random strings; nothing of the sample enters, and it holds "
            f"up to an additive constant. Dashed: a line fitted to the upper envelope and raised until it bounds it; it rests "
            f"on functions drawn {LEAST_COUNT} times or more, and the cut-off at 1/samples makes it flatter than the truth. "
            f"Circles: functions named beforehand, where they were drawn."
        ),
        "overlay": (
            f"The upper envelope of each map: the most probable function of each complexity, where it was drawn {LEAST_COUNT} "
            f"times or more. A map whose functions are all rarer has no curve. Complexity: {name}, in {unit}."
        ),
        "zipf": (
            "Share of the draws against rank. The last step of each curve is the floor, functions drawn once: its length is "
            "set by the number of draws, not by the prior."
        ),
        "complexity": (
            f"Share of the draws by complexity ({name}, {unit}) under each prior, logarithmic; grey: random strings of {points} "
            f"points, the law under which all functions are equally likely. Shown: {compared}."
        ),
        "same-function": (
            "The same functions under two priors: each map against the first. A point is a pair of counts, its colour the "
            "number of functions that share it; the grey margins hold functions that one of both did not draw."
            + (f" At most the first {MOST_PAIRS} pairs are shown; the table of distances has all." if many else "")
        ),
    }
