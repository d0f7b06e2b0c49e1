"""`tree`: random decision trees (Breiman et al. 1984 grow them from data; here everything is drawn).

f(x): start at the root; at each of `depth` nodes go left where the node's input is 0 and right where it is 1;
the leaf that is reached holds the output.
"""

from __future__ import annotations

import numpy as np

from slt_bias.functions.inputs import InputSet
from slt_bias.maps.discrete import DiscreteMember, bits_of, input_words
from slt_bias.maps.options import Option, check_size, integer, spec_text


class Tree(DiscreteMember):
    """Complete binary trees of `depth` tests.

    Law: each of the 2^depth − 1 nodes tests an input that is uniform among all, independently of what its ancestors test
    (a node that tests what an ancestor has tested sends every point one way); each of the 2^depth leaves is a fair bit.
    A genotype is the nodes' inputs, the root first, level by level (the children of node i are 2i + 1 and 2i + 2), then
    the leaves from left to right.

    P is invariant under permutation of inputs, negation of inputs (on either coding: it exchanges left and right) and
    negation of the output. Raises InputError for inputs that are no hypercube, SpecError for a depth that does not fit.
    """

    name = "tree"
    summary = "random decision trees: every node tests an input at random, leaves are fair bits"
    options = (Option("depth", integer, "tests on every way from root to leaf", "4"),)
    law_text = "every node tests an input uniform among all, every leaf is a fair bit"
    symmetries = frozenset({"permute-inputs", "negate-inputs", "negate-output"})

    def __init__(self, inputs: int | InputSet = 7, depth: int = 4) -> None:
        self.inputs = bits_of(self.name, inputs)
        check_size("depth", depth, 0, 14)
        self.depth = depth
        self.spec = spec_text(self.name, self.inputs.spec, {"depth": depth})
        self.bounds = np.repeat([self.inputs.features, 2], [2**depth - 1, 2**depth])
        self._inputs = input_words(self.inputs)

    def words(self, genotypes: np.ndarray) -> np.ndarray:
        """Truth tables of genotypes, uint64 (count, ⌈points/64⌉)."""
        from slt_bias.maps._tree_kernel import evaluate

        out = np.empty((len(genotypes), self._inputs.shape[1]), np.uint64)
        evaluate(genotypes, self._inputs, out)
        return out
