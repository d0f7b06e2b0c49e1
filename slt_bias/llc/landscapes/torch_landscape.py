"""The landscape of any torch module: L_n(w) = (1/n) Σᵢ ℓᵢ(w) and ∇L_n for many parameter vectors at once, by autograd.

Three ways to the same numbers; `mode` says which one is in use, the fastest that works. "traced": vmap(grad(Σᵢ ℓᵢ)) is
recorded once for each shape as a flat list of tensor operations (torch.fx), which then runs on buffers allocated beforehand;
nothing is left of the dispatch of autograd and vmap, which is most of the time at few chains. A recording is compared with
plain autograd around w* before it is used. "vmap": torch.func.vmap(torch.func.grad(…)), for models that cannot be recorded.
"loop": plain autograd, one vector after the other, for models that vmap refuses (control flow that depends on values).
"""

from __future__ import annotations

import copy
import math
import operator
import threading
import warnings
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, functionalize, grad, vmap
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._pytree import tree_leaves

from slt_bias import streams
from slt_bias.errors import InputError

CHAIN_BYTES = 8 * 2**20  # buffers of one block of chains: about what stays in the cache
EXAMPLE_BYTES = 256 * 2**20  # buffers of one chain: above this the examples are split as well
PROGRAMS = 24  # recorded programs that are kept
Function = Callable[..., Any]
Batch = tuple[Tensor, ...]
Step = tuple[Function, tuple, dict[str, Any]]
Found = tuple[np.ndarray, np.ndarray]


class TorchLandscape:
    """A torch module, its loss and its data as a Landscape (slt_bias.llc.landscapes.base).

    model : any module; a copy in eval mode is used, the caller's is left as it is.
    loss : loss(output, batch) → one value an example; with data=None loss(model) → a scalar.
    data : tuple of tensors with a common first axis, or None for a population loss.
    names : the parameters that are sampled, in the order in which they are laid flat; None: all that require a gradient.
    dtype : what is computed in; None: the model's own. Parameters and results are float64 outside, and so are sums of losses.
    mode : "traced", "vmap" or "loop": where to start; a mode that does not work gives way to the next.

    `reading.read` checks all of these first. Calls from several threads wait for each other.
    """

    backend = "torch"

    def __init__(
        self, model: nn.Module, loss: Function, data: Batch | None, names: Sequence[str] | None = None,
        dtype: torch.dtype | None = None, mode: str = "traced",
    ) -> None:
        self.mode = mode
        self._model = copy.deepcopy(model).eval()
        if dtype is not None:
            self._model.to(dtype)
            data = data and tuple(part.to(dtype) if part.is_floating_point() else part for part in data)
        named = dict(self._model.named_parameters())
        self.names = tuple(name for name in named if named[name].requires_grad) if names is None else tuple(names)
        self._model.requires_grad_(False)
        centre = [named[name].detach() for name in self.names]
        self.shapes = tuple(tuple(part.shape) for part in centre)
        self._ends = np.cumsum([0, *(part.numel() for part in centre)]).tolist()
        self._centre = torch.cat([part.reshape(-1) for part in centre])
        self._data = data and tuple(part.detach().to(self._centre.device) for part in data)
        self._loss, self._population = loss, _Population(self._model, loss)
        self.dimension = self._ends[-1]
        self.examples = None if data is None else len(data[0])
        self._programs: dict[tuple[str, int, int], _Program] = {}
        self._plans: dict[tuple[int, int], list[tuple[slice, slice]]] = {}
        self._memory: tuple[float, float] | None = None
        self._lock = threading.Lock()

    def losses(self, parameters: np.ndarray) -> np.ndarray:
        """L_n of each row on the whole data: (k, dimension) → (k,), in nats an example."""
        with self._lock, np.errstate(all="ignore"):
            totals = np.zeros(len(parameters))
            for chains, examples in self._blocks(len(parameters), self.examples or 1):
                totals[chains] += np.add.reduce(self._block("values", parameters[chains], None, examples)[0], 1)
            return totals / (self.examples or 1)

    def gradients(self, parameters: np.ndarray, rows: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Mean losses (k,) and their gradients (k, dimension); rows : (k, batch) examples of each row, None = all."""
        count = (self.examples or 1) if rows is None else rows.shape[1]
        with self._lock, np.errstate(all="ignore"):
            totals, slopes = np.zeros(len(parameters)), np.zeros((len(parameters), self.dimension))
            for chains, examples in self._blocks(len(parameters), count):
                some = rows if rows is None else rows[chains, examples]
                values, slope = self._block("gradients", parameters[chains], some, examples)
                totals[chains] += values[:, 0]
                slopes[chains] += slope
            return totals / count, slopes / count

    def example_losses(self, parameters: np.ndarray) -> np.ndarray:
        """ℓᵢ of each row: (k, dimension) → (k, examples). Raises InputError for a population loss."""
        if self.examples is None:
            raise InputError("a population loss has no losses of single examples.")
        found = np.empty((len(parameters), self.examples))
        with self._lock, np.errstate(all="ignore"):
            for chains, examples in self._blocks(len(parameters), self.examples):
                found[chains, examples] = self._block("values", parameters[chains], None, examples)[0]
        return found

    def _blocks(self, k: int, count: int) -> list[tuple[slice, slice]]:
        """(chains, examples) computed at once: memory stays bounded whatever the number of chains and the size of the data."""
        if (k, count) in self._plans:
            return self._plans[k, count]
        fixed, variable = self._bytes()
        some = min(count, max(1, int(EXAMPLE_BYTES / variable)))
        most = max(1, int(CHAIN_BYTES / (fixed + variable * some)))
        chains = _slices(k, math.ceil(k / max(1, math.ceil(k / most))))
        return self._plans.setdefault((k, count), list(product(chains, _slices(count, some))))

    def _bytes(self) -> tuple[float, float]:
        """Bytes of buffers for one chain: a fixed part, and one for each example."""
        if self._memory is None:
            item = self._centre.element_size()
            fixed, few = 3.0 * item * self.dimension, 1 if self._data is None else min(8, self.examples or 1)
            program = self._recorded("gradients", 1, few, self._data is not None)
            needed = program.bytes if program else 16.0 * item * few * max(16, math.isqrt(self.dimension))
            self._memory = fixed, max((needed - fixed) / few, float(item))
        return self._memory

    def _block(self, kind: str, parameters: np.ndarray, rows: np.ndarray | None, examples: slice) -> Found:
        program = self._recorded(kind, len(parameters), examples.stop - examples.start, rows is not None)
        if program:
            return program.run(parameters, rows, examples)
        vectors = torch.as_tensor(np.array(parameters), dtype=self._centre.dtype, device=self._centre.device)
        if self.mode == "vmap":
            try:
                with warnings.catch_warnings(), torch.no_grad():
                    warnings.simplefilter("ignore")  # operations that vmap knows no fast rule for
                    losses, slopes = self._function(kind, rows is not None)(self._split(vectors), self._batch(rows, examples))
                flat = torch.cat([vectors[:, :0], *(piece.reshape(len(vectors), -1) for piece in slopes)], 1)
                return _sums(kind, losses), _numpy(flat.double())
            except Exception:  # the loop raises what is the fault of the model or the loss
                self.mode = "loop"
        pairs = [self.autograd(row, rows if rows is None else rows[i], examples) for i, row in enumerate(vectors)]
        losses, slopes = (torch.stack(each) for each in zip(*pairs, strict=True))
        return _sums(kind, losses), _numpy(slopes.double())

    def example_values(self, pieces: Sequence[Tensor], batch: Batch) -> Tensor:
        """ℓᵢ at one parameter vector, given as the sampled tensors: (examples,), or (1,) for a population loss."""
        named = dict(zip(self.names, pieces, strict=True))
        if self._data is not None:
            return self._loss(functional_call(self._model, named, (batch[0],)), batch)
        return functional_call(self._population, {f"model.{name}": piece for name, piece in named.items()}, ()).reshape(1)

    def autograd(self, vector: Tensor, rows: np.ndarray | None = None, examples: slice = slice(None)) -> tuple[Tensor, Tensor]:
        """Losses of the examples and the gradient of their sum at one vector (dimension,), by plain autograd: the reference."""
        with torch.enable_grad():
            leaf = vector.detach().clone().requires_grad_()
            losses = self.example_values([piece[0] for piece in self._split(leaf[None])], self._batch(rows, examples))
            slope = torch.autograd.grad(losses.sum(), leaf, materialize_grads=True, allow_unused=True)[0]
        return losses.detach(), slope

    def _function(self, kind: str, own: bool) -> Function:
        """(sampled tensors with chains first, batch) → (losses, gradients or ()); own: each chain has a batch of its own."""
        def total(pieces: Sequence[Tensor], batch: Batch) -> tuple[Tensor, Tensor]:
            losses = self.example_values(pieces, batch)
            return losses.sum(), losses

        def both(pieces: Sequence[Tensor], batch: Batch) -> tuple[Tensor, Any]:
            if kind == "values":
                return self.example_values(pieces, batch), ()
            slopes, losses = grad(total, has_aux=True)(pieces, batch)
            return losses, slopes

        return vmap(both, in_dims=(0, 0 if own else None))

    def _split(self, vectors: Tensor) -> tuple[Tensor, ...]:
        """The sampled tensors (k, *shape), views of (k, dimension)."""
        starts = zip(self._ends, self._ends[1:], self.shapes, strict=False)
        return tuple(vectors[:, start:end].unflatten(1, shape or (1,)).view(-1, *shape) for start, end, shape in starts)

    def _batch(self, rows: np.ndarray | None, examples: slice) -> Batch:
        if self._data is None or rows is None:
            return tuple(part[examples] for part in self._data or ())
        index = torch.as_tensor(np.array(rows, np.int64), device=self._centre.device)
        return tuple(part[index] for part in self._data)

    def _recorded(self, kind: str, chains: int, count: int, own: bool) -> _Program | None:
        """The program, or None from the first time on that recording does not work."""
        try:
            return self._program(kind, chains, count, own) if self.mode == "traced" else None
        except Exception:  # what torch cannot record has no common type; a disagreement with autograd comes here as well
            self.mode = "vmap"
            self._programs.clear()
            return None

    def _program(self, kind: str, chains: int, count: int, own: bool) -> _Program:
        """The recorded program for this many chains or a few more; made, and compared with autograd, on first use."""
        size = _rounded_up(chains)
        key = (f"{kind} {own}", size, count)
        if key not in self._programs:
            with torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                vectors, rows = self._point(0, size, count, own)
                function = functionalize(self._function(kind, own))
                graph = make_fx(function)(self._split(vectors), self._batch(rows, slice(0, count)))
                program = _Program(graph, self._split, vectors, self._data or (), rows, count)
            vectors, rows = self._point(1, size, count, own)  # another point: nothing of the first may be left in the buffers
            values, slopes = program.run(_numpy(vectors), rows, slice(0, count))
            for row in {0, size - 1}:
                losses, slope = self.autograd(vectors[row], None if rows is None else rows[row], slice(0, count))
                _agree(values[row], _sums(kind, losses[None])[0], self._centre.dtype, count)
                _agree(slopes[row], _numpy(slope)[: slopes.shape[1]], self._centre.dtype, count)
            if len(self._programs) >= PROGRAMS:
                self._programs.clear()
            self._programs[key] = program
        return self._programs[key]

    def _point(self, block: int, size: int, count: int, own: bool) -> tuple[Tensor, np.ndarray | None]:
        """Parameter vectors around w*, and the rows of their examples."""
        purpose = ["llc", "recorded against autograd"]
        noise = torch.from_numpy(streams.normals(0, purpose, block, (size, self.dimension))).to(self._centre)
        rows = streams.integers(0, purpose, block, (size, count), self.examples or 1) if own else None
        return self._centre + 0.1 * self._centre.abs().mean().clamp(0.01, 1.0) * noise, rows


class _Population(nn.Module):
    """loss(model) as a module's forward, so that functional_call can put other parameters in."""
    def __init__(self, model: nn.Module, loss: Function) -> None:
        super().__init__()
        self.model, self.loss = model, loss

    def forward(self) -> Tensor:
        return self.loss(self.model)


class _Program:
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
            self._given = [(_numpy(part), part) for part in (self._vectors, self._index) if part is not None]
            self._found = (_numpy(self._losses), _numpy(self._slopes))

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
            losses, slopes = self._found if self._vectors.is_cpu else (_numpy(self._losses), _numpy(self._slopes))
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


def _agree(found: np.ndarray, wanted: np.ndarray, dtype: torch.dtype, count: int) -> None:
    """Refuse a recording that differs from plain autograd by more than the rounding of a sum over `count` examples."""
    largest = np.abs(wanted[np.isfinite(wanted)]).max(initial=1e-30)
    tolerance = 1000 * torch.finfo(dtype).eps * math.sqrt(count) * largest
    if found.shape != wanted.shape or not np.allclose(found, wanted, rtol=0, atol=tolerance, equal_nan=True):
        raise ArithmeticError("the recorded operations differ from autograd")


def _sums(kind: str, losses: Tensor) -> np.ndarray:
    """float64 losses of single examples (k, examples), or with gradients their sums (k, 1)."""
    return _numpy(losses.double() if kind == "values" else losses.sum(1, True, dtype=torch.float64))


def _numpy(tensor: Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()


def _rounded_up(chains: int) -> int:
    """The next of 1 … 16, 18, 20, … 32, 36, …: at most 1/8 more, so that few shapes are recorded while chains drop out."""
    step = 2 ** max(0, chains.bit_length() - 4)
    return -(-chains // step) * step


def _slices(count: int, size: int) -> list[slice]:
    return [slice(start, min(start + size, count)) for start in range(0, count, max(1, size))]
