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
import threading
import warnings
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, functionalize, grad, vmap
from torch.fx.experimental.proxy_tensor import make_fx

from slt_bias import streams
from slt_bias.errors import InputError
from slt_bias.llc.landscapes.recorded import Batch, Found, Function, Program, numpy_of, sums

CHAIN_BYTES = 8 * 2**20  # buffers of one block of chains: about what stays in the cache
EXAMPLE_BYTES = 256 * 2**20  # buffers of one chain: above this the examples are split as well
PROGRAMS = 64  # recorded programs that are kept
FEW_PROGRAMS = 6  # of one kind, after which their sizes are powers of 2: recording takes longer than a few idle chains


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
        self._programs: dict[tuple[str, int, int], Program] = {}
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
                return sums(kind, losses), numpy_of(flat.double())
            except Exception:  # the loop raises what is the fault of the model or the loss
                self.mode = "loop"
        pairs = [self.autograd(row, rows if rows is None else rows[i], examples) for i, row in enumerate(vectors)]
        losses, slopes = (torch.stack(each) for each in zip(*pairs, strict=True))
        return sums(kind, losses), numpy_of(slopes.double())

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

    def _recorded(self, kind: str, chains: int, count: int, own: bool) -> Program | None:
        """The program, or None from the first time on that recording does not work."""
        try:
            return self._program(kind, chains, count, own) if self.mode == "traced" else None
        except Exception:  # what torch cannot record has no common type; a disagreement with autograd comes here as well
            self.mode = "vmap"
            self._programs.clear()
            return None

    def _program(self, kind: str, chains: int, count: int, own: bool) -> Program:
        """The recorded program for this many chains or a few more; made, and compared with autograd, on first use."""
        size = self._size(f"{kind} {own}", chains, count)
        key = (f"{kind} {own}", size, count)
        if key not in self._programs:
            with torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                vectors, rows = self._point(0, size, count, own)
                function = functionalize(self._function(kind, own))
                graph = make_fx(function)(self._split(vectors), self._batch(rows, slice(0, count)))
                program = Program(graph, self._split, vectors, self._data or (), rows, count)
            vectors, rows = self._point(1, size, count, own)  # another point: nothing of the first may be left in the buffers
            values, slopes = program.run(numpy_of(vectors), rows, slice(0, count))
            for row in {0, size - 1}:
                losses, slope = self.autograd(vectors[row], None if rows is None else rows[row], slice(0, count))
                _agree(values[row], sums(kind, losses[None])[0], self._centre.dtype, count)
                _agree(slopes[row], numpy_of(slope)[: slopes.shape[1]], self._centre.dtype, count)
            if len(self._programs) >= PROGRAMS:
                self._programs.clear()
            self._programs[key] = program
        return self._programs[key]

    def _size(self, kind: str, chains: int, count: int) -> int:
        """How many chains to record for: a recording for half as many more serves; powers of 2 once there are many."""
        recorded = [size for name, size, rows in self._programs if name == kind and rows == count]
        serving = [size for size in recorded if chains <= size <= 1.5 * chains]
        if serving:
            return min(serving)
        return _rounded_up(chains) if len(recorded) < FEW_PROGRAMS else 1 << (chains - 1).bit_length()

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


def _agree(found: np.ndarray, wanted: np.ndarray, dtype: torch.dtype, count: int) -> None:
    """Refuse a recording that differs from plain autograd by more than the rounding of a sum over `count` examples."""
    largest = np.abs(wanted[np.isfinite(wanted)]).max(initial=1e-30)
    tolerance = 1000 * torch.finfo(dtype).eps * math.sqrt(count) * largest
    if found.shape != wanted.shape or not np.allclose(found, wanted, rtol=0, atol=tolerance, equal_nan=True):
        raise ArithmeticError("the recorded operations differ from autograd")


def _rounded_up(chains: int) -> int:
    """The next of 1 … 16, 18, 20, … 32, 36, …: at most 1/8 more, so that few shapes are recorded while chains drop out."""
    step = 2 ** max(0, chains.bit_length() - 4)
    return -(-chains // step) * step


def _slices(count: int, size: int) -> list[slice]:
    return [slice(start, min(start + size, count)) for start in range(0, count, max(1, size))]
