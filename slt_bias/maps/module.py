"""Any torch.nn.Module with one output an example as a map; thousands of parameter draws are evaluated as one stack."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from slt_bias import streams
from slt_bias.errors import InputError, SpecError, nearest
from slt_bias.functions.inputs import InputSet, as_inputs
from slt_bias.maps.base import PRIOR, LatentMember
from slt_bias.maps.factories import Factory, built, check_seeds, find, fingerprint
from slt_bias.maps.law import DISTRIBUTIONS, Law, make_law
from slt_bias.maps.options import LAW_OPTIONS, Option, word

if TYPE_CHECKING:
    import torch

    from slt_bias.maps.initialisers import Initialisers

CACHE = 2**20  # floats of parameters and of the largest activation evaluated at once: 4 MB was measured best
LAWS = ("init", *DISTRIBUTIONS)


class ModuleMap(LatentMember):
    """A torch module whose parameters are drawn by a given law, or by the initialisers that it uses.

    factory : a callable without arguments that returns a torch.nn.Module, or text, `package.module:factory`. The module
        is put in eval mode (dropout is off, batch norms use their running statistics) and called with the points, float32
        (points, features); it must return (points,) or (points, 1).
    law : "init" (the default): every draw is as from a new call of the factory. Parameters filled by `uniform_`,
        `normal_`, constants and elementwise operations with numbers (torch's own layers; xavier, kaiming and trunc_normal
        of torch.nn.init) are drawn for thousands of modules at once. Others (`orthogonal_`, `copy_` of computed data,
        numpy) are drawn by building modules one by one: then the map has no `latents`, `slow` says why, and only counting
        works.
        "normal" or "uniform": parameters of 2 or more dimensions are weights, of standard deviation weight_std/√fan_in
        with the fan_in of torch.nn.init (elements of a row); others are biases, of standard deviation bias_std, except
        those that the module fills with one constant other than 0, which keep it: the gains of normalisation layers (1)
        and the slope of a PReLU. An embedding counts as a weight with fan_in = its dimension.

    importable : True where `spec` names the factory, so that another process can build the map again; otherwise the spec
        has a hash in place of the name's meaning, and `parse` refuses it.
    slow : None, or a line that says why modules are built or evaluated one by one.

    Raises SpecError where the factory or the law fails, InputError where the module's output has another shape.
    """

    name = "module"
    summary = "your own torch.nn.Module: module:package.module:factory"
    options = (
        Option("law", word, "init (the module's own initialisers), normal or uniform", "init"),
        *(option for option in LAW_OPTIONS if option.name in ("weight_std", "bias_std", "bias")),
    )

    def __init__(
        self,
        factory: str | Callable[[], torch.nn.Module],
        inputs: int | InputSet = 7,
        law: str = "init",
        weight_std: float | None = None,
        bias_std: float | None = None,
        bias: bool | None = None,
    ) -> None:
        import torch

        from slt_bias.maps.initialisers import Initialisers, record

        self.inputs = as_inputs(inputs)
        self.law = _law(law, weight_std, bias_std, bias)
        self.law_text = "the module's own initialisers" if self.law is None else None
        self._factory = find(factory)
        module, record_or_reason = record(self._factory.build)
        self._module = module.eval()
        self._names, self._shapes = _shapes(self._module, self._factory)
        self._sizes = [math.prod(shape) for shape in self._shapes]
        self._initialisers: Initialisers | None = None
        self._scale_and_shift: tuple[torch.Tensor, torch.Tensor] | None = None
        self.slow: str | None = None
        if self.law is not None:
            self._scale_and_shift = _scale_and_shift(self._module, built(self._factory, 1), self.law)
            self.latents = int(torch.count_nonzero(self._scale_and_shift[0]))
        elif isinstance(record_or_reason, Initialisers):
            self._initialisers = record_or_reason
            self.latents = record_or_reason.latents
        else:
            self.slow = f"{self._factory.name}: modules are built one by one, which is slow: {record_or_reason}"
            check_seeds(self._factory)
        self.importable = self._factory.importable
        mark = "" if self.importable else f"#{fingerprint(self._module, record_or_reason)}"
        items = self.law.items if self.law is not None else (("law", "init"),)
        options = ",".join(f"{key}={value}" for key, value in items)
        self.spec = f"{self.name}:{self._factory.name}{mark},{self.inputs.spec},{options}"
        self._on: dict[torch.device, tuple[torch.Tensor, dict[str, torch.Tensor]]] = {}
        floats = sum(self._sizes) + self._check_output()
        self.chunk = 2 ** max(0, min(10, (CACHE // floats).bit_length() - 1))
        self._stacks = self._try_stack()

    @property
    def block(self) -> int:
        """As for every map, and fewer where modules are built or evaluated one by one."""
        return min(super().block, 256) if self.slow else super().block

    def parameters(self, normals: torch.Tensor) -> torch.Tensor:
        """(batch, latents) standard normals → (batch, parameters), flat in the order of `named_parameters`.

        Raises SpecError where the module's initialisers can only be run one by one.
        """
        if self._initialisers is not None:
            return self._initialisers.replay(normals)
        if self._scale_and_shift is None or self.law is None:
            raise SpecError(f"{self.slow}; so it can be counted only. With law=normal or law=uniform everything works.")
        scale, shift = (vector.to(normals.device) for vector in self._scale_and_shift)
        drawn = self.law.transform(normals)
        if len(scale) != self.latents:
            drawn = drawn.new_zeros(len(normals), len(scale)).index_copy(1, scale.nonzero()[:, 0], drawn)
        return drawn * scale + shift

    def draw(self, seed: int, block: int, count: int) -> torch.Tensor:
        """Parameters of the first `count` draws of a block, (count, parameters), from the module's initialisers or the law."""
        import torch

        if hasattr(self, "latents"):
            normals = streams.normals(seed, [PRIOR, self.spec], block, (count, self.latents))
            return self.parameters(torch.from_numpy(normals))
        return torch.stack([built(self._factory, key) for key in self._keys(seed, block, count)])

    def _keys(self, seed: int, block: int, count: int) -> list[int]:
        words = streams.integers(seed, [PRIOR, self.spec], block, (count, 2))
        return [(int(high) >> 1 << 32) + int(low) for high, low in words]

    def draw_functions(self, seed: int, block: int, count: int, device: str = "cpu") -> np.ndarray:
        """The functions of the first `count` draws of a block, packed: uint8 (count, ⌈points/8⌉)."""
        import torch

        if hasattr(self, "latents"):
            return super().draw_functions(seed, block, count, device)
        keys = self._keys(seed, block, count)
        packed = []
        for start in range(0, count, self.chunk):
            rows = torch.stack([built(self._factory, key) for key in keys[start : start + self.chunk]])
            packed.append(self.functions(rows.to(device)).packed)
        return np.concatenate(packed)

    def outputs(self, parameters: torch.Tensor) -> torch.Tensor:
        """(batch, parameters) → (batch, points)."""
        import torch

        points, buffers = self._constants(parameters.device)
        named = self._named(parameters)

        def call(values: dict[str, torch.Tensor], buffers: dict[str, torch.Tensor] = buffers) -> torch.Tensor:
            return torch.func.functional_call(self._module, (values, buffers), (points,)).reshape(-1)

        if self._stacks:
            return torch.func.vmap(call)(named)
        rows = range(len(parameters))  # a module that writes to its buffers gets fresh ones each time
        fresh = ({name: buffer.clone() for name, buffer in buffers.items()} for _ in rows)
        return torch.stack(
            [call({name: value[row] for name, value in named.items()}, own) for row, own in zip(rows, fresh, strict=True)]
        )

    def module(self, parameters: torch.Tensor) -> torch.nn.Module:
        """A module of its own, in eval mode, with one row of parameters, (parameters,)."""
        import torch

        module = copy.deepcopy(self._module)
        with torch.no_grad():
            for target, value in zip(module.parameters(), self._named(parameters[None]).values(), strict=True):
                target.copy_(value[0])
        return module

    def _named(self, parameters: torch.Tensor) -> dict[str, torch.Tensor]:
        parts = parameters.split(self._sizes, dim=1)
        return {name: part.reshape(-1, *shape) for name, part, shape in zip(self._names, parts, self._shapes, strict=True)}

    def _constants(self, device: torch.device) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        import torch

        if device not in self._on:
            points = torch.tensor(self.inputs.points, dtype=torch.float32, device=device)
            self._on[device] = points, {name: buffer.to(device) for name, buffer in self._module.named_buffers()}
        return self._on[device]

    def _check_output(self) -> int:
        """One call: raises InputError for another shape than (points,) or (points, 1); the size of the largest activation."""
        import torch

        from slt_bias.maps.initialisers import LargestTensor, seeded

        points, _ = self._constants(torch.device("cpu"))
        largest = LargestTensor()
        try:
            with torch.no_grad(), seeded(0), largest:
                output: Any = copy.deepcopy(self._module)(points)
        except Exception as error:  # the user's own code: any error becomes one line
            first = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise InputError(
                f"module `{self._factory.name}` fails on inputs of shape {tuple(points.shape)} ({self.inputs.spec}): {first}"
            ) from error
        count = self.inputs.count
        got = tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
        if got not in ((count,), (count, 1)):
            raise InputError(f"module `{self._factory.name}` returns {got} for {count} points: need ({count},) or ({count}, 1).")
        return largest.size

    def _try_stack(self) -> bool:
        """Whether vmap computes what single calls do; otherwise `slow` says why not."""
        import torch

        state = [parameter.detach().reshape(-1) for parameter in self._module.parameters()]
        rows = torch.cat(state)[None] * torch.tensor([[1.0], [0.5]])
        self._stacks, reason = False, ""
        with torch.no_grad():
            single = self.outputs(rows)
            self._stacks = True
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("error")  # torch warns where it would loop inside
                    stacked = self.outputs(rows)
                if not torch.allclose(stacked, single, rtol=1e-3, atol=1e-4 * (1 + float(single.abs().max())), equal_nan=True):
                    reason = "stacked outputs differ from single ones"
            except (RuntimeError, ValueError, NotImplementedError, UserWarning) as error:
                reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        if reason:
            line = f"{self._factory.name}: modules are evaluated one by one, which is slow: {reason}"
            self.slow = line if self.slow is None else f"{self.slow}; {line}"
        return not reason


def from_module(
    factory: str | Callable[[], torch.nn.Module],
    inputs: int | InputSet = 7,
    *,
    law: str = "init",
    weight_std: float | None = None,
    bias_std: float | None = None,
) -> ModuleMap:
    """Any torch.nn.Module with one output an example as a map: see `ModuleMap`.

    >>> sb.maps.from_module(lambda: torch.nn.Sequential(torch.nn.Linear(7, 40), torch.nn.ReLU(), torch.nn.Linear(40, 1)))
    """
    return ModuleMap(factory, inputs, law, weight_std, bias_std)


def _law(law: str, weight_std: float | None, bias_std: float | None, bias: bool | None) -> Law | None:
    if law not in LAWS:
        raise SpecError(f"law={law} is unknown.{nearest(str(law), LAWS)}")
    if law != "init":
        return make_law(law, weight_std, bias_std, bias)
    given = {"weight_std": weight_std, "bias_std": bias_std, "bias": bias}
    extra = [name for name, value in given.items() if value is not None]
    if extra:
        raise SpecError(f"law=init draws what the module's initialisers draw: leave out {', '.join(extra)}, or give law=normal.")
    return None


def _shapes(module: torch.nn.Module, factory: Factory) -> tuple[list[str], list[tuple[int, ...]]]:
    import torch

    named = dict(module.named_parameters())
    if not named:
        raise SpecError(f"module `{factory.name}` has no parameters: nothing can be drawn.")
    for name, parameter in named.items():
        if torch.nn.parameter.is_lazy(parameter):
            raise SpecError(f"module `{factory.name}`: {name} has no shape yet; call the module once in the factory.")
        if parameter.dtype != torch.float32 or parameter.device.type != "cpu":
            kind = f"{parameter.dtype} on {parameter.device}".replace("torch.", "")
            raise SpecError(f"module `{factory.name}`: {name} is {kind}; the factory must build float32 on the cpu.")
    return list(named), [tuple(parameter.shape) for parameter in named.values()]


def _scale_and_shift(module: torch.nn.Module, other: torch.Tensor, law: Law) -> tuple[torch.Tensor, torch.Tensor]:
    """Standard deviations and means of the flat parameters under a normal or uniform law.

    other : the parameters of another build; a constant is what both builds fill with the same number.
    """
    import torch

    scale, shift = [], []
    parameters = [parameter.detach() for parameter in module.parameters()]
    for parameter, again in zip(parameters, other.split([parameter.numel() for parameter in parameters]), strict=True):
        values = parameter.reshape(-1)
        if parameter.ndim >= 2:
            std, mean = law.stds(math.prod(parameter.shape[1:]), last=False)[0], 0.0
        else:
            constant = bool((values == again[:1]).all() and (again == again[:1]).all()) and bool(values.any())
            std, mean = (0.0, float(values[0])) if constant else (law.bias_std, 0.0)
        scale.append(torch.full_like(values, std))
        shift.append(torch.full_like(values, mean))
    return torch.cat(scale), torch.cat(shift)
