"""A recorded graph of tensor operations that runs on buffers allocated beforehand."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

Function = Callable[..., Any]
Batch = tuple[Tensor, ...]
Step = tuple[Function, tuple, dict[str, Any]]
Found = tuple[np.ndarray, np.ndarray]


class Program:
    """A recorded graph as a list of calls on fixed buffers.

    Each tensor that an operation makes gets a buffer, which is handed on when nothing reads it any more; every view is taken
    once. A buffer (chains, examples, features) is stored with the longer of its last two axes innermost: rows of a few
    features would leave the vector units idle, and make products of such matrices many times slower.
    rows : (k, batch) where each chain has its own examples, None where all share `count` of them.
    """
    def __init__(self, graph: Any, split: Function, vectors: Tensor, data: Batch, rows: np.ndarray | None, count: int) -> None:
        self.bytes = 0
        self._steps: list[Step] = []
        self._pool: dict[tuple[torch.dtype, int], list[Tensor]] = {}
        self._moved: list[tuple[Tensor, Tensor]] = []  # shared examples that change from call to call
        self._values: dict[Any, Any] = {}
        self._constant: set[Any] = set()
        with torch.inference_mode():
            self._vectors = vectors.clone()
            self._index = None if rows is None else torch.from_numpy(rows).to(vectors.device, copy=True)
            self._slopes = torch.zeros_like(vectors, dtype=torch.float64)
            _without_writes(graph.graph)
            graph.graph.eliminate_dead_code()
            self._free_layout = not any("as_strided" in str(node.target) for node in graph.graph.nodes)
            last = _last_use(graph.graph)
            inputs, slots = [(piece, False) for piece in split(self._vectors)], split(self._slopes)
            places = [node for node in graph.graph.nodes if node.op == "placeholder"]
            for part, place in zip(data, places[len(inputs) :], strict=True):
                inputs.append(self._examples(part, count) if place.users else (None, True))
            for number, node in enumerate(graph.graph.nodes):
                if node.op in ("placeholder", "get_attr"):
                    fixed = node.op == "get_attr"
                    self._values[node], constant = (operator.attrgetter(node.target)(graph), True) if fixed else inputs.pop(0)
                    self._constant |= {node} if constant else set()
                elif node.op == "call_function":
                    self._operation(node)
                else:
                    losses, *slopes = (self._values[found] for found in tree_leaves(node.args[0]))
                for done in last.get(number, ()):
                    self._release(self._values[done] if done not in self._constant else None)
            self._losses = losses.new_empty((len(losses), 1 if slopes else losses.shape[1]), dtype=torch.float64)
            if slopes:
                self._do(torch.sum, (losses, [1], True), {"dtype": torch.float64, "out": self._losses})
            else:
                self._slopes = self._slopes[:, :0]
                self._do(self._losses.copy_, (losses,), {})
            for slot, slope in zip(slots, slopes, strict=False):
                self._do(slot.copy_, (slope,), {})
            self._values, self._pool = {}, {}
            self._given = [(numpy_of(part), part) for part in (self._vectors, self._index) if part is not None]
            self._found = (numpy_of(self._losses), numpy_of(self._slopes))

    def run(self, parameters: np.ndarray, rows: np.ndarray | None, examples: slice) -> tuple[np.ndarray, np.ndarray]:
        """Losses (k, count), or with gradients their sums (k, 1) and slopes (k, dimension); valid until the next call."""
        with torch.inference_mode():
            for (array, buffer), given in zip(self._given, [parameters] if rows is None else [parameters, rows], strict=True):
                np.copyto(array[: len(given)], given, casting="same_kind")
                if not buffer.is_cpu:
                    buffer.copy_(torch.from_numpy(array))
            for buffer, whole in self._moved:
                buffer.copy_(whole[examples])
            for function, arguments, options in self._steps:
                function(*arguments, **options)
            losses, slopes = self._found if self._vectors.is_cpu else (numpy_of(self._losses), numpy_of(self._slopes))
        return losses[: len(parameters)], slopes[: len(parameters)]

    def _examples(self, part: Tensor, count: int) -> tuple[Tensor, bool]:
        """One tensor of the batch, and whether it never changes: gathered for each chain, or shared by all."""
        few = part.ndim == 2 and part.shape[1] < count and self._free_layout  # features first, as in the buffers
        whole = part.T.contiguous() if few else part
        if self._index is None and count == len(part):
            return whole.T if few else whole, True
        if self._index is None:
            self._moved.append((part[:count].clone(), part))
            return self._moved[-1][0], False
        size = self._index.numel()
        buffer = self._buffer(part.dtype, (part.shape[1], size) if few else (size, *part.shape[1:]))
        self._do(torch.index_select, (whole, int(few), self._index.view(-1)), {"out": buffer})
        return (buffer.T if few else buffer).unflatten(0, self._index.shape), False

    def _operation(self, node: Any) -> None:
        """Compute the node's value now; unless it is constant or a view, leave a step that computes it again in place."""
        arguments, options = torch.fx.node.map_arg((node.args, node.kwargs), self._values.__getitem__)
        parents = node.all_input_nodes
        if _is_view(node) and not self._constant.issuperset(parents):
            try:
                same = node.target is torch.ops.aten.pow.Tensor_Scalar
                self._values[node] = arguments[0] if same else node.target(*arguments, **options)
            except RuntimeError:  # a view of other strides than were recorded
                source = torch.empty_like(arguments[0], memory_format=torch.contiguous_format)
                self.bytes += source.nbytes
                self._do(source.copy_, (arguments[0],), {})
                self._values[node] = node.target(source, *arguments[1:], **options)
            return
        self._values[node] = found = node.target(*arguments, **options)
        if self._constant.issuperset(parents) or node.target._schema.name in OF_SHAPE:
            self._constant.add(node)
            return
        buffers = [None if part is None else self._buffer(part.dtype, tuple(part.shape)) for part in tree_leaves(found)]
        self._values[node] = buffers[0] if isinstance(found, Tensor) else buffers
        if isinstance(found, Tensor):
            self._do(*_in_place(node.target, arguments, options, found, self._values[node]))
        else:
            self._do(_copy, (buffers, node.target, arguments, options), {})

    def _do(self, function: Function, arguments: tuple, options: dict[str, Any]) -> None:
        function(*arguments, **options)
        self._steps.append((function, arguments, options))

    def _buffer(self, dtype: torch.dtype, shape: tuple[int, ...]) -> Tensor:
        free = self._pool.setdefault((dtype, math.prod(shape)), [])
        if not free:
            free.append(torch.zeros(math.prod(shape), dtype=dtype, device=self._vectors.device))
            self.bytes += free[0].nbytes
        flat = free.pop()
        if len(shape) == 3 and shape[1] > shape[2] and self._free_layout:
            return flat.view(shape[0], shape[2], shape[1]).transpose(1, 2)
        return flat.view(shape)

    def _release(self, value: Any) -> None:
        for part in (each for each in tree_leaves(value) if each is not None):
            self._pool[part.dtype, part.numel()].append(part.as_strided((part.numel(),), (1,), 0))


OF_SHAPE = {f"aten::{name}" for name in ("ones_like", "zeros_like", "full_like", "new_zeros", "new_ones", "new_full")}
SAME = {"aten::_unsafe_view", "aten::detach", "aten::alias", "aten::lift_fresh"}


def _is_view(node: Any) -> bool:
    """Whether the value of a recorded operation shares the memory of its first argument."""
    schema = getattr(node.target, "_schema", None)  # none: operator.getitem, of an operation with several values
    if schema is None or schema.name in SAME or (schema.name == "aten::pow" and node.args[1] == 1):
        return True
    return bool(schema.returns and schema.returns[0].alias_info is not None)


def _without_writes(graph: Any) -> None:
    """Turn operations that write to a tensor which nothing else reads into their functional twins: fill_ into fill."""
    for node in graph.nodes:
        if node.op == "call_function" and node.target is not operator.getitem and node.target._schema.is_mutable:
            written, name = node.args[0], node.target._schema.name.removeprefix("aten::")
            if len(written.users) > 1 or written.op != "call_function" or _is_view(written) or not name.endswith("_"):
                raise ArithmeticError(f"{node.target} writes to a tensor that others read")
            node.target = getattr(getattr(torch.ops.aten, name[:-1]), node.target._overloadname)


def _last_use(graph: Any) -> dict[int, list[Any]]:
    """Which buffers are read for the last time by the node of a number: a view counts as reading what it is a view of."""
    roots: dict[Any, Any] = {}
    last: dict[Any, int] = {}
    for number, node in enumerate(graph.nodes):
        if node.op == "call_function":
            roots[node] = roots.get(node.args[0], node.args[0]) if _is_view(node) else node
            last.setdefault(roots[node], number)
        for parent in node.all_input_nodes:
            last[roots.get(parent, parent)] = number
    ends: dict[int, list[Any]] = {number: [] for number in last.values()}
    for node, number in last.items():
        ends[number] += [node] if node.op == "call_function" else []
    return ends


def _in_place(target: Any, arguments: tuple, options: dict[str, Any], found: Tensor, buffer: Tensor) -> Step:
    """The quickest call that leaves `found` in `buffer`: function, arguments, keyword arguments."""
    name = target._schema.name.removeprefix("aten::")
    if name in ("clone", "_to_copy"):
        return buffer.copy_, arguments[:1], {}
    if name == "relu":
        name, arguments = "clamp_min", (*arguments, 0)
    if name in ("add", "sub", "mul", "div"):  # numbers as tensors, which torch would make of them at every call
        arguments = tuple(torch.tensor(each, dtype=found.dtype) if isinstance(each, float) else each for each in arguments)
    if name == "bmm" and not buffer.is_contiguous():  # the same product transposed, so that the output is contiguous
        arguments, buffer, found = (arguments[1].mT, arguments[0].mT), buffer.mT, found.mT
    packet = getattr(torch.ops.aten, name)
    for place, attribute, keyword in ((torch, name, "out"), (packet, "grad_input", "grad_input"), (packet, "out", "out")):
        try:
            function = getattr(place, attribute)
            function(*arguments, **options, **{keyword: buffer})
        except (AttributeError, RuntimeError, TypeError):
            continue
        if torch.allclose(buffer.double(), found.double(), rtol=1e-3, atol=1e-3, equal_nan=True):
            return function, arguments, {**options, keyword: buffer}
    return _copy, ([buffer], target, arguments, options), {}


def _copy(buffers: list[Tensor | None], target: Function, arguments: tuple, options: dict[str, Any]) -> None:
    for buffer, part in zip(buffers, tree_leaves(target(*arguments, **options)), strict=True):
        if buffer is not None:
            buffer.copy_(part)


def sums(kind: str, losses: Tensor) -> np.ndarray:
    """float64 losses of single examples (k, examples), or with gradients their sums (k, 1)."""
    return numpy_of(losses.double() if kind == "values" else losses.sum(1, True, dtype=torch.float64))


def numpy_of(tensor: Tensor) -> np.ndarray:
    """A tensor as an array, from wherever it lies."""
    return tensor.detach().cpu().numpy()
