"""`layered`: the deep-layered Boolean machine (Fink 2026, arXiv 2603.01217), a control with an entropy bias.

Every node of a layer is a random Boolean function of all k nodes of the layer below, k = inputs; the output is one node
on top. All nodes of a layer together are a uniformly random map of {0,1}ᵏ into itself, so f = F∘G_{depth−1}∘…∘G_1 with
F and the G independent and uniform. Composing with a random map replaces each output by that at a random point: given h
ones, the next number of ones is Binomial(2ᵏ, h/2ᵏ), a Wright–Fisher chain that starts from 2ᵏ⁻¹ and takes `depth` steps.
P depends on f only through its number of ones:

    P(f) = P(number of ones = |f|) / C(2ᵏ, |f|)
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln, logsumexp, xlog1py, xlogy

from slt_bias.functions.inputs import InputSet
from slt_bias.functions.tables import Functions
from slt_bias.maps.discrete import DiscreteMember, bits_of
from slt_bias.maps.options import Option, check_size, integer, spec_text

LARGEST_EXACT = 11  # inputs; the transition matrix has (2ᵏ + 1)² entries


class Layered(DiscreteMember):
    """Machines of `depth` layers, the output node's layer among them; depth = 1 is the uniform law on functions.

    Law: every node's truth table is uniform, all independent. A genotype is, for each layer but the last and each state
    of the layer below (as a number, first node most significant), the layer's state; then the output node's table.

    P is invariant under permutation and negation of inputs and negation of the output (for the number of ones: h and
    2ᵏ − h are equally probable). Raises InputError for inputs that are no hypercube, SpecError for a depth that does not
    fit.
    """

    name = "layered"
    summary = "layers of random Boolean functions of all nodes below (Fink 2026): a control with an entropy bias"
    options = (Option("depth", integer, "number of layers, the output's among them", "4"),)
    law_text = "every node a uniform Boolean function of all nodes of the layer below"
    symmetries = frozenset({"permute-inputs", "negate-inputs", "negate-output"})

    def __init__(self, inputs: int | InputSet = 7, depth: int = 4) -> None:
        self.inputs = bits_of(self.name, inputs)
        check_size("depth", depth, 1, 1000)
        self.depth = depth
        self.spec = spec_text(self.name, self.inputs.spec, {"depth": depth})
        size = self.inputs.count
        self.bounds = np.repeat([size, 2], [(depth - 1) * size, size])

    def words(self, genotypes: np.ndarray) -> np.ndarray:
        """Truth tables of genotypes, uint64 (count, ⌈points/64⌉)."""
        from slt_bias.maps._layered_kernel import evaluate

        out = np.zeros((len(genotypes), -(-self.inputs.count // 64)), np.uint64)
        evaluate(genotypes, self.inputs.count, self.depth, out)
        return out

    def log2_probabilities(self, functions: Functions) -> np.ndarray:
        """log₂P in bits of each function, float64 (count,), exact to rounding; at most 11 inputs, else SpecError."""
        size = self.inputs.count
        ones = functions.ones()
        choices = (gammaln(size + 1) - gammaln(ones + 1) - gammaln(size - ones + 1)) / np.log(2)
        return _log_distribution(self.inputs.features, self.depth)[ones] / np.log(2) - choices


def ones_distribution(inputs: int, depth: int) -> np.ndarray:
    """The exact distribution of the number of ones of a layered machine's function, float64 (2^inputs + 1,).

    inputs : k, at most 11. depth : layers, at least 1. Raises SpecError.
    """
    return np.exp(_log_distribution(inputs, depth))


def _log_distribution(inputs: int, depth: int) -> np.ndarray:
    """Natural logarithms, so that no entry underflows: depth steps of the chain."""
    check_size("inputs", inputs, 1, LARGEST_EXACT)
    check_size("depth", depth, 1, 1000)
    size = 2**inputs
    ones = np.arange(size + 1)
    choices = gammaln(size + 1) - gammaln(ones + 1) - gammaln(size - ones + 1)
    probability = ones[:, None] / size
    steps = choices + xlogy(ones, probability) + xlog1py(size - ones, -probability)  # (from, to)
    log = steps[size // 2]
    for _ in range(depth - 1):
        log = logsumexp(log[:, None] + steps, axis=0)
    return np.asarray(log)
