"""`random-features`: a hidden layer that is drawn once and kept, and a random readout (Rahimi & Recht 2008).

    φ_j(x) = activation(w_j·x + b_j), frozen;   output = a·φ(x) + c

A linear model: its outputs are exactly a Gaussian process (law=normal) with the kernel
weight_std²·φ(x)·φ(y)/features + bias_std² of finite rank. Other frozen features are another map.
"""

from __future__ import annotations

import numpy as np

from slt_bias import streams
from slt_bias.errors import SpecError
from slt_bias.functions.inputs import InputSet, as_inputs
from slt_bias.maps.law import Law, make_law
from slt_bias.maps.mlp import LARGEST_WIDTH, NetworkMember
from slt_bias.maps.network import ACTIVATIONS, Network, layer_scales
from slt_bias.maps.options import LAW_OPTIONS, Option, check_choice, check_size, integer, spec_text, word


class RandomFeatures(NetworkMember):
    """A linear readout of `features` frozen hidden units.

    features_seed : chooses the frozen layer; it is part of the map, and the sampling seed has no part in it.
    Law: of the readout a and c only: standard deviations weight_std/√features and bias_std. The frozen layer was drawn
    once from the same law as a hidden layer: weights weight_std/√inputs, biases bias_std.
    feature_values : float64 (points, features), φ.

    P is invariant under negation of the output (where no output is exactly 0 at every draw), and under nothing else: a
    frozen layer has no symmetry. Raises SpecError or InputError.
    """

    name = "random-features"
    summary = "a frozen random hidden layer with a random readout: a Gaussian process of finite rank"
    options = (
        Option("features", integer, "frozen hidden units", "64"),
        Option("activation", word, "one of " + ", ".join(ACTIVATIONS), "relu"),
        Option("features_seed", integer, "chooses the frozen layer", "0"),
        *LAW_OPTIONS,
    )

    def __init__(
        self,
        inputs: int | InputSet = 7,
        features: int = 64,
        activation: str = "relu",
        features_seed: int = 0,
        weight_std: float | None = None,
        bias_std: float | None = None,
        law: str | None = None,
        bias: bool | None = None,
        preset: str | None = None,
    ) -> None:
        self.inputs = as_inputs(inputs)
        check_size("features", features, 1, LARGEST_WIDTH)
        check_choice("activation", activation, ACTIVATIONS)
        if isinstance(features_seed, bool) or not isinstance(features_seed, int) or features_seed < 0:
            raise SpecError(f"features_seed={features_seed}: give a whole number, 0 or larger.")
        self.features, self.activation, self.features_seed = features, activation, features_seed
        self.law = make_law(law, weight_std, bias_std, bias, preset)
        options = {"features": features, "activation": activation, "features_seed": features_seed}
        self.spec = spec_text(self.name, self.inputs.spec, options, self.law.items)
        self.feature_values = self._frozen(self.law)
        widths = (features, 1)
        uniform = self.law.distribution == "uniform"
        self._set_network(Network(widths, self.feature_values, layer_scales(widths, self.law), self.law.has_bias, uniform))
        always_zero = not self.law.has_bias and (self.feature_values == 0).all(axis=1).any()
        self.symmetries = frozenset(set() if always_zero else {"negate-output"})

    def _frozen(self, law: Law) -> np.ndarray:
        import torch

        from slt_bias.maps.network import apply_activation

        size = self.inputs.features
        normals = streams.normals(self.features_seed, "random-features", 0, (self.features, size + 1))
        drawn = law.transform(torch.from_numpy(normals).double())
        weight_std, bias_std = law.stds(size, last=False)
        points = torch.tensor(self.inputs.points)
        return apply_activation(self.activation, points @ drawn[:, :size].T * weight_std + drawn[:, size] * bias_std).numpy()
