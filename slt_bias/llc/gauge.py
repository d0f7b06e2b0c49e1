"""Rescalings that leave the function as it is: a·W, W'/a for neighbouring layers with a linear or rectified unit between."""

from __future__ import annotations

import numpy as np

from slt_bias.llc.landscapes.base import Landscape
from slt_bias.llc.landscapes.stack import Layer, StackLandscape

HOMOGENEOUS = ("identity", "relu")  # φ(az) = aφ(z) for a > 0


def rescaled(landscape: Landscape, factor: float) -> np.ndarray | None:
    """What to multiply the parameters with, (dimension,), so that every output stays: pairs of layers times a and 1/a.

    None where the model is no stack, or has no pair of layers of its own weights, all sampled, with a homogeneous activation.
    """
    if not isinstance(landscape, StackLandscape):
        return None
    layers, dimension = landscape.layers, landscape.dimension
    moved = np.ones(dimension)
    shared = {layer.weight for layer in layers if sum(other.weight == layer.weight for other in layers) > 1}
    found, index = False, 0
    while index + 1 < len(layers):
        one, other = layers[index], layers[index + 1]
        free = all(_within(layer, dimension) and layer.weight not in shared for layer in (one, other))
        if free and one.activation in HOMOGENEOUS:
            moved[one.weight : one.weight + one.inputs * one.outputs] = factor
            if one.bias >= 0:
                moved[one.bias : one.bias + one.outputs] = factor
            moved[other.weight : other.weight + other.inputs * other.outputs] = 1 / factor
            found, index = True, index + 2
        else:
            index += 1
    return moved if found else None


def _within(layer: Layer, dimension: int) -> bool:
    """All parameters of the layer are sampled (frozen ones lie behind)."""
    return layer.weight + layer.inputs * layer.outputs <= dimension and layer.bias + layer.outputs <= dimension
