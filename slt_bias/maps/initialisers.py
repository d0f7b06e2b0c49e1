"""How a torch module fills its parameters: recorded once, then replayed for thousands of modules at a time.

The factory runs under a dispatch mode that sees every operation on a tensor. For each storage it keeps the steps which
filled it: `uniform_`, `normal_`, constants, and elementwise operations with plain numbers. Replay applies the same steps
to a (batch, size) tensor, random numbers made of standard normals z: normal_(m, s) → m + s·z, uniform_(a, b) →
a + (b − a)·Φ(z). Anything else (`copy_` of other data, `orthogonal_`, numpy) cannot be replayed, and the record says why.
"""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

_PATCHING = threading.Lock()
EMPTY = {"empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided"}
FILLED: dict[str, tuple[str, tuple[float, ...]]] = {
    **dict.fromkeys(("zeros", "zeros_like", "new_zeros"), ("fill", (0.0,))),
    **dict.fromkeys(("ones", "ones_like", "new_ones"), ("fill", (1.0,))),
    **dict.fromkeys(("randn", "randn_like"), ("normal", (0.0, 1.0))),
    **dict.fromkeys(("rand", "rand_like"), ("uniform", (0.0, 1.0))),
}
DEFAULTS = {"normal_": (("mean", 0.0), ("std", 1.0)), "uniform_": (("from", 0.0), ("to", 1.0))}
IN_PLACE = {"mul_", "div_", "add_", "sub_", "neg_", "pow_", "abs_", "exp_", "log_", "sqrt_", "erfinv_", "clamp_", "clamp_min_"}
IN_PLACE |= {"clamp_max_", "tanh_", "sin_", "cos_", "reciprocal_", "square_", "sign_"}
OUT_OF_PLACE = {"mul", "div", "add", "sub", "neg", "clone"}


@dataclass(frozen=True)
class Step:
    """One operation on a part of a storage: `kind` is normal, uniform, fill or the name of an elementwise method."""

    kind: str
    numbers: tuple[float | None, ...]
    size: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int

    @property
    def count(self) -> int:
        """Elements touched."""
        return math.prod(self.size)

    @property
    def latents(self) -> int:
        """Standard normals consumed."""
        return self.count if self.kind in ("normal", "uniform") else 0

    @property
    def in_order(self) -> bool:
        """Whether the elements lie one after another from the start of the storage."""
        return self.offset == 0 and self.stride == tuple(math.prod(self.size[axis + 1 :]) for axis in range(len(self.size)))

    def drawn(self, normals: torch.Tensor) -> torch.Tensor:
        """The random numbers of a normal or uniform step, in the shape of `normals`."""
        first, second = (number or 0.0 for number in self.numbers)
        if self.kind == "normal":
            return normals * second + first
        half = (second - first) / 2  # a + (b − a)·Φ(z) = (a + b)/2 + (b − a)/2·erf(z/√2)
        return torch.erf(normals * math.sqrt(0.5)) * half + (first + half)


@dataclass(frozen=True)
class Program:
    """The steps that filled a storage of `count` elements, or the problem why they cannot be replayed.

    random : whether its values depend on random numbers.
    """

    count: int
    steps: tuple[Step, ...] = ()
    problem: str | None = None
    random: bool = False

    @property
    def latents(self) -> int:
        """Standard normals consumed by one replay."""
        return sum(step.latents for step in self.steps)

    def then(self, step: Step) -> Program:
        """One more step; what it overwrites altogether is forgotten."""
        fresh = step.kind in ("normal", "uniform", "fill") and step.count == self.count
        steps = (step,) if fresh else (*self.steps, step)
        return replace(self, steps=steps, random=step.latents > 0 or (self.random and not fresh))

    def replay(self, normals: torch.Tensor, known: dict[int, torch.Tensor] | None = None) -> torch.Tensor:
        """(batch, latents) standard normals → (batch, count); or with the `known` numbers of each step, by its id."""
        first = self.steps[0]
        if known is None and len(self.steps) == 1 and first.latents and first.in_order:
            return first.drawn(normals)
        values = normals.new_zeros(len(normals), self.count)
        used = 0
        for step in self.steps:
            view = values.as_strided((len(values), *step.size), (self.count, *step.stride), step.offset)
            if step.latents:
                drawn = step.drawn(normals[:, used : used + step.latents]) if known is None else known[id(step)]
                view.copy_(drawn.view(view.shape))
                used += step.latents
            else:
                getattr(view, "fill_" if step.kind == "fill" else step.kind)(*step.numbers)
        return values


class Recorder(TorchDispatchMode):
    """Keeps the program of every storage that is created while it is active.

    problem : set where the code looked at a random value, so that what it did next may have depended on it.
    drawn : the random numbers of each step, by its id.
    """

    def __init__(self) -> None:
        super().__init__()
        self.problem: str | None = None
        self.drawn: dict[int, torch.Tensor] = {}
        self._programs: dict[int, Program] = {}
        self._kept: list[object] = []  # storages and steps stay alive, so that no address is used twice

    def program(self, tensor: torch.Tensor) -> Program | None:
        """The program of the storage that a tensor lies in."""
        return self._programs.get(address(tensor))

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Runs the operation and notes what it did."""
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        name = func._schema.name.removeprefix("aten::")
        read = [self.program(tensor) for tensor in _tensors((*args, *kwargs.values()))]
        random = torch.Tag.nondeterministic_seeded in func.tags or any(program is not None and program.random for program in read)
        if random and any(type(result) in (bool, int, float) for result in _flat((out,))):
            self.problem = f"its code looks at random values ({name})"
        written = []
        for number, argument in enumerate(func._schema.arguments):
            if argument.alias_info is not None and argument.alias_info.is_write:
                written += _tensors((args[number] if number < len(args) else kwargs.get(argument.name),))
        for tensor in written:
            self._put(tensor, self._after_write(name, tensor, args, kwargs, random))
        if not written:
            for tensor in _tensors((out,)):
                if self.program(tensor) is None:  # not a view of something known
                    self._put(tensor, self._created(name, tensor, args, kwargs, random))
        return out

    def _put(self, tensor: torch.Tensor, program: Program) -> None:
        where = address(tensor)
        if where not in self._programs and where >= 0:
            self._kept.append(tensor.untyped_storage())
        self._programs[where] = program
        last = program.steps[-1] if program.steps and not program.problem else None
        if last is not None and last.latents and id(last) not in self.drawn:
            self.drawn[id(last)] = tensor.detach().clone()
            self._kept.append(last)

    def _created(self, name: str, tensor: torch.Tensor, args: Any, kwargs: Any, random: bool) -> Program:
        empty = Program(tensor.untyped_storage().nbytes() // tensor.element_size() if address(tensor) >= 0 else 0)
        unknown = replace(empty, problem=name, random=random)
        numbers = _numbers(args[1:])
        if name in EMPTY:
            return empty
        if kwargs.get("generator") is not None:
            return unknown
        if name in FILLED:
            return empty.then(_step(*FILLED[name], tensor))
        if name == "full" and numbers:
            return empty.then(_step("fill", numbers, tensor))
        if name == "normal" and not isinstance(args[0], torch.Tensor) and not isinstance(args[1], torch.Tensor):
            return empty.then(_step("normal", (float(args[0]), float(args[1])), tensor))
        if name not in OUT_OF_PLACE or numbers is None or not isinstance(args[0], torch.Tensor):
            return unknown
        source = self._copied(tensor, args[0], empty.count)
        if source is None or set(kwargs) - {"memory_format"}:
            return unknown
        return source if name == "clone" else source.then(_step(f"{name}_", numbers, tensor))

    def _after_write(self, name: str, tensor: torch.Tensor, args: Any, kwargs: Any, random: bool) -> Program:
        program = self.program(tensor)
        if program is None:  # created before the recording, or by something that is no operation
            return Program(0, problem="data from elsewhere", random=random)
        if program.problem:
            return replace(program, random=program.random or random)
        numbers = _numbers(args[1:])
        if numbers is not None and kwargs.get("generator") is None:
            if name in ("normal_", "uniform_"):
                named = [kwargs.get(key, default) for key, default in DEFAULTS[name]]
                both = (*numbers, *named[len(numbers) :])
                return program.then(_step(name[:-1], both, tensor))
            if name in ("zero_", "fill_"):
                return program.then(_step("fill", numbers or (0.0,), tensor))
            if name in IN_PLACE and not kwargs:
                return program.then(_step(name, numbers, tensor))
        copied = self._copied(tensor, args[1], program.count) if name == "copy_" and len(args) == 2 else None
        return copied or replace(program, problem=name, random=program.random or random)

    def _copied(self, tensor: torch.Tensor, source: torch.Tensor, count: int) -> Program | None:
        """The program of a source that fills a target of the same form altogether."""
        known = self.program(source)
        if known is None or known.problem or known.count != count or tensor.numel() != count:
            return None
        return known if (tensor.shape, tensor.stride()) == (source.shape, source.stride()) else None


def address(tensor: torch.Tensor) -> int:
    """Where a tensor's storage lies; −1 for one without."""
    try:
        return tensor.untyped_storage().data_ptr() or -1
    except (NotImplementedError, RuntimeError, ValueError):
        return -1


def _flat(values: Any) -> list[Any]:
    return [item for value in values for item in (_flat(value) if isinstance(value, (list, tuple)) else [value])]


def _tensors(values: Any) -> list[torch.Tensor]:
    return [value for value in _flat(values) if isinstance(value, torch.Tensor)]


def _numbers(values: Any) -> tuple[float | None, ...] | None:
    """Plain numbers (None allowed, as in clamp), or None where one is a tensor or something else."""
    return tuple(values) if all(value is None or isinstance(value, (int, float)) for value in values) else None


def _geometry(tensor: torch.Tensor) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    return tuple(tensor.shape), tensor.stride(), int(tensor.storage_offset())


def _step(kind: str, numbers: tuple[float | None, ...], tensor: torch.Tensor) -> Step:
    return Step(kind, tuple(numbers), *_geometry(tensor))


@contextmanager
def _truncated_normals_by_inversion() -> Iterator[None]:
    """torch ≥ 2.13 draws truncated normals by rejection, which no record can show: the same law by inversion instead."""

    def draw(tensor: torch.Tensor, mean: float, std: float, a: float, b: float, generator: Any = None) -> torch.Tensor:
        low, high = (math.erf((end - mean) / (std * math.sqrt(2))) for end in (a, b))
        with torch.no_grad():
            tensor.uniform_(low, high, generator=generator)
            return tensor.erfinv_().mul_(std * math.sqrt(2)).add_(mean).clamp_(a, b)

    with _PATCHING:
        original = getattr(torch.nn.init, "_no_grad_trunc_normal_", None)
        if original is not None:
            vars(torch.nn.init)["_no_grad_trunc_normal_"] = draw
        try:
            yield
        finally:
            if original is not None:
                vars(torch.nn.init)["_no_grad_trunc_normal_"] = original


@dataclass(frozen=True)
class Initialisers:
    """The programs of a module's parameters, ready to be replayed together.

    latents : standard normals of one module.
    """

    programs: tuple[Program, ...]
    pieces: tuple[tuple[int, tuple[int, ...], tuple[int, ...], int], ...]  # program, size, stride, offset of each parameter

    @property
    def latents(self) -> int:
        """Standard normals that one module takes."""
        return sum(program.latents for program in self.programs)

    def replay(self, normals: torch.Tensor, known: dict[int, torch.Tensor] | None = None) -> torch.Tensor:
        """(batch, latents) standard normals → (batch, parameters): the module's parameters one after another, flat."""
        parts = normals.split([program.latents for program in self.programs], dim=1)
        filled = [program.replay(part, known) for program, part in zip(self.programs, parts, strict=True)]
        views = [
            filled[k].as_strided((len(normals), *size), (filled[k].stride(0), *stride), offset).flatten(1)
            for k, size, stride, offset in self.pieces
        ]
        return torch.cat(views, 1)


def record(factory: Callable[[], torch.nn.Module]) -> tuple[torch.nn.Module, Initialisers | str]:
    """Builds a module and says how its parameters were filled, or, as text, why that cannot be replayed.

    Two builds with different seeds must leave the same record: where they do not, the code chooses by random numbers.
    """
    module, first = _recorded(factory, 0)
    _, second = _recorded(factory, 1)
    if first != second and not isinstance(first, str):
        return module, "its code does something else from one build to the next"
    return module, first


def _recorded(factory: Callable[[], torch.nn.Module], seed: int) -> tuple[torch.nn.Module, Initialisers | str]:
    recorder = Recorder()
    with seeded(seed), _truncated_normals_by_inversion(), recorder:
        module = factory()
    addresses: list[int] = []
    programs: list[Program] = []
    pieces = []
    for name, parameter in module.named_parameters():
        program = recorder.program(parameter)
        if program is None or program.problem or not program.steps:
            reason = "data from elsewhere" if program is None else program.problem or "nothing"
            return module, f"parameter {name} is filled by {reason}"
        if address(parameter) not in addresses:
            addresses.append(address(parameter))
            programs.append(program)
        pieces.append((addresses.index(address(parameter)), *_geometry(parameter)))
    if recorder.problem or not pieces:
        return module, recorder.problem or "it has no parameters"
    found = Initialisers(tuple(programs), tuple(pieces))
    with torch.no_grad():
        again = found.replay(torch.zeros(1, found.latents), recorder.drawn)[0]
        same = torch.allclose(
            again, torch.nn.utils.parameters_to_vector(module.parameters()), rtol=1e-4, atol=1e-6, equal_nan=True
        )
    return module, found if same else "its parameters are written to by other means than torch's operations"


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """The global generators of torch, numpy and Python started from `seed`, and left as they were."""
    states = np.random.get_state(), random.getstate()  # noqa: NPY002  what a user's module may use
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002
        random.seed(seed)
        try:
            yield
        finally:
            np.random.set_state(states[0])  # noqa: NPY002
            random.setstate(states[1])


class LargestTensor(TorchDispatchMode):
    """Notes the number of elements of the largest result of an operation."""

    size = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Runs the operation."""
        out = func(*args, **(kwargs or {}))
        self.size = max([self.size, *(tensor.numel() for tensor in _tensors((out,)))])
        return out
