"""`mlp`: the multilayer perceptron with one output, of any depth and widths."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slt_bias.errors import SpecError
from slt_bias.functions.inputs import InputSet, as_inputs
from slt_bias.functions.tables import Functions
from slt_bias.maps.base import PRIOR, LatentMember
from slt_bias.maps.law import make_law
from slt_bias.maps.network import ACTIVATIONS, Network, layer_scales, never_exactly_zero
from slt_bias.maps.options import LAW_OPTIONS, Option, boolean, check_choice, check_size, sizes, spec_text, word

if TYPE_CHECKING:
    import torch

LARGEST_WIDTH = 4096


class NetworkMember(LatentMember):
    """A family whose maps are a `Network`: drawn and counted by the fused kernel, differentiated by torch."""

    compiled = True
    network: Network

    def _set_network(self, network: Network) -> None:
        self.network = network
        self.latents = network.size

    def parameters(self, normals: torch.Tensor) -> torch.Tensor:
        """(batch, latents) standard normals → (batch, parameters): scaled to each parameter's standard deviation."""
        import torch

        assert self.law is not None
        return self.law.transform(normals) * torch.as_tensor(self.network.scales, dtype=normals.dtype, device=normals.device)

    def outputs(self, parameters: torch.Tensor) -> torch.Tensor:
        """(batch, parameters) → (batch, points), differentiable."""
        return self.network.outputs(parameters)

    def functions(self, parameters: torch.Tensor) -> Functions:
        """The functions of given parameters, by the compiled kernel in single precision."""
        return self.network.evaluate(parameters.detach().cpu().numpy())[0]

    def module(self, parameters: torch.Tensor) -> torch.nn.Module:
        """One row of parameters as a torch module."""
        return self.network.module(parameters)

    def draw_functions(self, seed: int, block: int, count: int, device: str = "cpu") -> np.ndarray:
        """The functions of the first `count` draws of a block, packed; on a GPU by its own kernel or by torch."""
        if device != "cpu":
            from slt_bias.maps.device import functions_on_device, has_kernel
            from slt_bias.maps.network_device import unpack_words

            if not has_kernel(self):
                return super().draw_functions(seed, block, count, device)
            return unpack_words(functions_on_device(self, seed, [(block, count)], device), self.inputs.count)
        return self.network.draw(seed, [PRIOR, self.spec], block, count)


class MLP(NetworkMember):
    """Multilayer perceptron with hidden layers `hidden` and one linear output.

    activation : relu, tanh, erf, gelu (x·Φ(x)), sin, gaussian (exp(−x²/2)), step (x > 0) or linear.
    layer_norm : normalise each hidden layer's pre-activations over its neurons (no gain), before the activation.
    law, weight_std, bias_std, bias, preset : see `slt_bias.maps.law`.
    Raises SpecError or InputError.
    """

    name = "mlp"
    summary = "multilayer perceptron: any depth, widths and activation"
    options = (
        Option("hidden", sizes, "widths of the hidden layers, with x between them", "40x40"),
        Option("activation", word, "one of " + ", ".join(ACTIVATIONS), "relu"),
        Option("layer_norm", boolean, "normalise pre-activations over the neurons of a layer", "false"),
        *LAW_OPTIONS,
    )

    def __init__(
        self,
        inputs: int | InputSet = 7,
        hidden: tuple[int, ...] | list[int] = (40, 40),
        activation: str = "relu",
        weight_std: float | None = None,
        bias_std: float | None = None,
        law: str | None = None,
        *,
        bias: bool | None = None,
        preset: str | None = None,
        layer_norm: bool = False,
    ) -> None:
        self.inputs = as_inputs(inputs)
        if not hidden:
            raise SpecError("hidden= is empty: an mlp needs a hidden layer; without one it is a `perceptron`.")
        for width in hidden:
            check_size("hidden", width, 1, LARGEST_WIDTH)
        check_choice("activation", activation, ACTIVATIONS)
        self.hidden, self.activation, self.layer_norm = tuple(hidden), activation, layer_norm
        self.law = make_law(law, weight_std, bias_std, bias, preset)
        options = {"hidden": self.hidden, "activation": activation, "layer_norm": layer_norm}
        self.spec = spec_text(self.name, self.inputs.spec, options, self.law.items)
        widths = (self.inputs.features, *self.hidden, 1)
        cube = self.inputs if self.inputs.kind == "hypercube" else None
        self._set_network(
            Network(
                widths,
                self.inputs.points,
                layer_scales(widths, self.law),
                self.law.has_bias,
                self.law.distribution == "uniform",
                activation,
                layer_norm,
                cube,
            )
        )
        # On rows and grids the inputs are no independent bits. With values 0 and 1 a negated input moves weight to the bias.
        symmetries = {"permute-inputs"} if cube is not None else set()
        if never_exactly_zero(self.law, self.inputs.points, activation, layer_norm):
            symmetries.add("negate-output")
        if cube is not None and cube.values == (-1, 1):
            symmetries.add("negate-inputs")
        self.symmetries = frozenset(symmetries)
