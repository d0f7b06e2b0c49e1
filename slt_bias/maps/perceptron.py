"""`perceptron`: one linear threshold unit."""

from __future__ import annotations

from slt_bias.functions.inputs import InputSet, as_inputs
from slt_bias.maps.law import make_law
from slt_bias.maps.mlp import NetworkMember
from slt_bias.maps.network import Network, layer_scales
from slt_bias.maps.options import LAW_OPTIONS, spec_text


class Perceptron(NetworkMember):
    """f(x) = 1 where w·x + b > 0. Under the default law w has standard deviation 1/√inputs and b 1; bias=False leaves b out.

    With zero bias on {0,1}ⁿ the number of ones is uniform on 0 … 2ⁿ − 1 (Mingard et al. 2019, theorem 4.1).
    Raises SpecError or InputError.
    """

    name = "perceptron"
    summary = "one linear threshold unit, with or without a bias"
    options = LAW_OPTIONS

    def __init__(
        self,
        inputs: int | InputSet = 7,
        weight_std: float | None = None,
        bias_std: float | None = None,
        law: str | None = None,
        *,
        bias: bool | None = None,
        preset: str | None = None,
    ) -> None:
        self.inputs = as_inputs(inputs)
        self.law = make_law(law, weight_std, bias_std, bias, preset)
        self.spec = spec_text(self.name, self.inputs.spec, {}, self.law.items)
        widths = (self.inputs.features, 1)
        cube = self.inputs if self.inputs.kind == "hypercube" else None
        uniform = self.law.distribution == "uniform"
        self._set_network(
            Network(widths, self.inputs.points, layer_scales(widths, self.law), self.law.has_bias, uniform, hypercube=cube)
        )
        symmetries = {"permute-inputs"} if cube is not None else set()
        # Where one point is the zero vector and there is no bias, its output is exactly 0 and never 1.
        if self.law.has_bias or not (self.inputs.points == 0).all(axis=1).any():
            symmetries.add("negate-output")
        if cube is not None and cube.values == (-1, 1):
            symmetries.add("negate-inputs")
        self.symmetries = frozenset(symmetries)
