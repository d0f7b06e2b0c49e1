"""Transformers on bits: every binary input is a token (Vaswani et al. 2017, with the layer norm before each part).

    x_t = token[b_t] + position[t]
    x_t ← x_t + O·concat_h Σ_s softmax_s(q_t^h · k_s^h / √(width/heads)) v_s^h + o,    q, k, v linear in LN(x)
    x_t ← x_t + W₂ relu(W₁ LN(x_t) + b₁) + b₂                                          (4·width hidden units)
    output = u · mean_t LN(x_t) + c;   causal: s ≤ t, and LN(x_t) of the last token in place of the mean

LN(x) = (x − mean)/√(variance + 10⁻⁵), without gain or shift.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

from slt_bias.errors import InputError, SpecError
from slt_bias.functions.inputs import InputSet, as_inputs
from slt_bias.maps.base import LatentMember
from slt_bias.maps.law import Law, make_law
from slt_bias.maps.options import LAW_OPTIONS, Option, boolean, check_size, integer, spec_text

if TYPE_CHECKING:
    import torch

EPSILON = 1e-5
LARGEST_EXPONENT = 80.0  # scores further apart than this leave float32 in the tabulated attention
CACHE = 16 * 16 * 896  # floats of the residual stream evaluated at once: 16 networks of 7 inputs was measured best


class Transformer(LatentMember):
    """Small transformers that read the bits of a hypercube as tokens.

    inputs : a hypercube (its n inputs are the tokens); the coding of the bits plays no role.
    blocks, width, heads : size; a head has width/heads dimensions.
    causal : a token sees only itself and earlier ones, and the output is read from the last token.

    Law: independent parameters of mean 0. A weight of a linear layer (q, k, v, o, both layers of the perceptron, the
    readout u) has standard deviation weight_std/√fan_in with fan_in its number of inputs: width, or 4·width for W₂; all
    their biases bias_std. An embedding is a linear layer on a one-hot vector, of whose inputs exactly one is active:
    fan_in = 1, no bias, so its entries have standard deviation weight_std. Under a preset the embeddings count as hidden
    layers and the readout is the output layer. Layer norms have no parameters.

    P is invariant under negation of all inputs at once (the two token embeddings are exchangeable), negation of the
    output (the readout is symmetric) and, unless causal, permutation of inputs (the position embeddings are
    exchangeable).

    Raises InputError for inputs that are no hypercube, SpecError for sizes or laws that do not fit.
    """

    law: Law

    name = "transformer"
    summary = "transformer with the input bits as tokens, read from their mean (causal: from the last)"
    options = (
        Option("blocks", integer, "attention and perceptron, this many times", "1"),
        Option("width", integer, "dimensions of a token, a multiple of heads", "16"),
        Option("heads", integer, "attention heads", "2"),
        Option("causal", boolean, "true: a token sees only itself and earlier ones", "false"),
        *LAW_OPTIONS,
    )

    def __init__(
        self,
        inputs: int | InputSet,
        blocks: int = 1,
        width: int = 16,
        heads: int = 2,
        causal: bool = False,
        weight_std: float | None = None,
        bias_std: float | None = None,
        law: str | None = None,
        bias: bool | None = None,
        preset: str | None = None,
    ) -> None:
        self.inputs = as_inputs(inputs)
        if self.inputs.kind != "hypercube":
            raise InputError(f"transformer reads bits as tokens and cannot take {self.inputs!r}: give a number of binary inputs.")
        check_size("blocks", blocks, 1, 12)
        check_size("width", width, 4, 512)  # below 4, layer norm leaves so few values that outputs are exactly 0
        check_size("heads", heads, 1, width)
        if width % heads:
            raise SpecError(f"heads={heads} does not divide width={width}: a head takes width/heads dimensions.")
        self.blocks, self.width, self.heads, self.causal = blocks, width, heads, bool(causal)
        self.law = make_law(law, weight_std, bias_std, bias, preset)
        sizes: dict[str, object] = {"blocks": blocks, "width": width, "heads": heads, "causal": self.causal}
        self.spec = spec_text(self.name, self.inputs.spec, sizes, self.law.items)
        self.tokens = self.inputs.features
        columns = self.inputs.count * (1 if self._last_only(0) else self.tokens)
        self.evaluated = max(1, CACHE // (width * columns))
        self.chunk = max(64, self.evaluated) if self.inputs.count < 4096 else self.evaluated
        self.symmetries = frozenset({"negate-all-inputs", "negate-output"} | (set() if self.causal else {"permute-inputs"}))
        self.shapes = self._shapes()
        self.latents = sum(math.prod(shape) for shape in self.shapes.values())
        self._scale: torch.Tensor | None = None
        self._tables: _Tables | None = None

    def _shapes(self) -> dict[str, tuple[int, int]]:
        """The tensors by name, in the order in which they lie in a parameter vector; the last column is the bias."""
        width = self.width
        shapes = {"token": (2, width), "position": (self.tokens, width)}
        for block in range(self.blocks):
            shapes |= {
                f"qkv.{block}": (3 * width, width + 1),
                f"o.{block}": (width, width + 1),
                f"up.{block}": (4 * width, width + 1),
                f"down.{block}": (width, 4 * width + 1),
            }
        return shapes | {"readout": (1, width + 1)}

    def tensors(self, parameters: torch.Tensor) -> dict[str, torch.Tensor]:
        """Views of (batch, parameters) by name, each (batch, rows, columns).

        `token` (2, width), `position` (n, width); for each block `qkv.K` (3·width, width + 1), `o.K`, `up.K`, `down.K`
        and `readout`, out × in with the bias as the last column; q, k and v lie one below the other, heads in order.
        """
        parts = parameters.split([math.prod(shape) for shape in self.shapes.values()], dim=1)
        return {name: part.unflatten(1, shape) for (name, shape), part in zip(self.shapes.items(), parts, strict=True)}

    def _standard_deviations(self) -> np.ndarray:
        stds = []
        for name, (rows, columns) in self.shapes.items():
            embedding = name in ("token", "position")
            fan_in = 1 if embedding else columns - 1
            weight, bias = self.law.stds(fan_in, last=name == "readout")
            grid = np.full((rows, columns), weight, np.float32)
            if not embedding:
                grid[:, -1] = bias
            stds.append(grid.ravel())
        return np.concatenate(stds)

    def parameters(self, normals: torch.Tensor) -> torch.Tensor:
        """(batch, latents) standard normals → (batch, parameters), one parameter a normal."""
        import torch

        if self._scale is None or self._scale.device != normals.device:
            self._scale = torch.from_numpy(self._standard_deviations()).to(normals.device)
        return self.law.transform(normals) * self._scale

    def outputs(self, parameters: torch.Tensor) -> torch.Tensor:
        """(batch, parameters) → (batch, points).

        The residual stream is kept at mean 0 by centring what is added to it, which no layer norm notices; columns are
        tokens of points, so that every tensor is (batch, features, columns).
        """
        import torch

        tables = self._tables
        if tables is None or tables.device != parameters.device:
            tables = self._tables = _Tables(self.tokens, self.width, self.causal, self._last_only(0), parameters.device)
        tensors = self._prepared(parameters, tables)
        parts = range(0, len(parameters), self.evaluated)
        return torch.cat([self._evaluate({k: t[i : i + self.evaluated] for k, t in tensors.items()}, tables) for i in parts])

    def _last_only(self, block: int) -> bool:
        return self.causal and block == self.blocks - 1

    def _prepared(self, parameters: torch.Tensor, tables: _Tables) -> dict[str, torch.Tensor]:
        """The tensors of `tensors`, centred, and the tables of the first attention.

        Before it there are only 2n distinct tokens, so exponentials of scores and their products with values are small
        tables, and numerator and denominator of the softmax are sums over tokens of entries that the bits choose.
        """
        import torch

        tensors = self.tensors(parameters)
        for block in range(self.blocks):
            tensors[f"o.{block}"] = _centred(tensors[f"o.{block}"], 1)
            tensors[f"down.{block}"] = _centred(tensors[f"down.{block}"], 1)
            up = tensors[f"up.{block}"]
            tensors[f"up.{block}"] = torch.cat([up, tables.carry.expand(len(up), 1, -1)], 1)
        embedding = tensors.pop("position")[:, :, None] + tensors.pop("token")[:, None]
        embedding = _centred(embedding, -1).flatten(1, 2).mT.contiguous()  # (batch, width, 2n), token major

        heads, size = self.heads, self.width // self.heads
        values = _affine(tensors["qkv.0"], embedding / _deviation(embedding))  # (batch, 3·width, 2n)
        q, k, v = values.unflatten(1, (3, heads, size)).unbind(1)
        scores = torch.matmul(q.index_select(3, tables.queries).mT, k).flatten(2).index_select(2, tables.chosen)
        scores = scores.unflatten(2, (len(tables.queries), -1)) / math.sqrt(size)  # (batch, heads, query, choice)
        # the largest score that no choice of bits can undercut: no denominator is ever below 1
        smaller = torch.minimum(scores[..., :-1:2], scores[..., 1:-1:2])
        shift = torch.cat([smaller, scores[..., -1:]], 3).masked_fill(tables.hidden_pairs, -math.inf).amax(3, keepdim=True)
        scores = (scores - shift.detach()).masked_fill(tables.hidden, -math.inf)
        weights = scores.clamp(max=LARGEST_EXPONENT).exp()
        v = torch.cat([v, torch.ones_like(v[:, :, :1])], 2)  # the row of ones gives the denominator
        v = v.flatten(1, 2).index_select(2, tables.sources).view(len(v), heads, size + 1, *weights.shape[2:])
        start = embedding.index_select(2, tables.queries) + tensors["o.0"][:, :, -1:]
        new = {"entries": weights[:, :, None] * v, "start": start, "embedding": embedding}
        return tensors | new | {"wild": scores.amax((1, 2, 3)) > LARGEST_EXPONENT}

    def _evaluate(self, tensors: dict[str, torch.Tensor], tables: _Tables) -> torch.Tensor:
        """From prepared tensors to (batch, points)."""
        import torch

        stream = self._first_attention(tensors, tables)
        for block in range(self.blocks):
            if block == 1:
                stream = stream.index_select(2, tables.to_points)
            if block:
                stream = self._attend(stream, tensors, block)
            # relu(W₁x/σ + b₁) = relu(W₁x + b₁σ)/σ: σ joins x as one more feature, and one division is left
            deviation = _deviation(stream)
            hidden = torch.bmm(tensors[f"up.{block}"], torch.cat([stream, deviation], 1)).relu_()
            stream = torch.addcdiv(stream, torch.bmm(tensors[f"down.{block}"], hidden), deviation)
        readout = tensors["readout"]
        values = (torch.bmm(readout[:, :, :-1], stream) / _deviation(stream))[:, 0]
        if self.blocks == 1:
            values = values.index_select(1, tables.to_points)
        return values.unflatten(1, (-1, self.inputs.count)).mean(1) + readout[:, 0, -1:]

    def _first_attention(self, tensors: dict[str, torch.Tensor], tables: _Tables) -> torch.Tensor:
        """The stream after the first attention, (batch, width, columns), from the tables."""
        import torch

        entries, o, start = tensors["entries"], tensors["o.0"], tensors["start"]
        sums = torch.matmul(entries.flatten(0, 3), tables.choices).view(*entries.shape[:3], -1)
        attended = (sums[:, :, :-1] / sums[:, :, -1:]).flatten(1, 2)
        stream = torch.bmm(o[:, :, :-1], attended).unflatten(2, (start.shape[2], -1)).add_(start[..., None]).flatten(2)
        wild = tensors["wild"].nonzero()[:, 0]
        if len(wild):  # scores so far apart that their exponentials leave float32
            some = {name: tensors[name][wild] for name in ("qkv.0", "o.0")}
            direct = self._attend(tensors["embedding"][wild].index_select(2, tables.tokens), some, 0)
            stream = stream.index_copy(0, wild, direct.index_select(2, tables.from_points))
        return stream

    def _attend(self, stream: torch.Tensor, tensors: dict[str, torch.Tensor], block: int) -> torch.Tensor:
        """The stream after an attention, without tables: (batch, width, tokens·points) → (batch, width, queries·points)."""
        import torch

        values = _affine(tensors[f"qkv.{block}"], stream / _deviation(stream))
        q, k, v = values.unflatten(1, (3, self.heads, -1)).unflatten(4, (self.tokens, -1)).unbind(1)
        if self._last_only(block):
            q, stream = q[:, :, :, -1:], stream.unflatten(2, (self.tokens, -1))[:, :, -1]
        parts = []
        for t in range(q.shape[3]):  # q, k, v are (batch, heads, size, tokens, points)
            seen = t + 1 if self.causal and not self._last_only(block) else self.tokens
            scores = (q[:, :, :, t, None] * k[:, :, :, :seen]).sum(2) / math.sqrt(q.shape[2])
            parts.append((torch.softmax(scores, 2)[:, :, None] * v[:, :, :, :seen]).sum(3))
        return stream + _affine(tensors[f"o.{block}"], torch.stack(parts, 3).flatten(1, 2).flatten(2))


class _Tables:
    """Index tables of the first block, for n tokens.

    Its columns are (query token t, its bit, the other bits in order), since all of a query's points share its row of
    scores; those of later blocks are (token, point). A choice is a bit of another token, or the query itself (last).
    """

    def __init__(self, n: int, width: int, causal: bool, last_only: bool, device: torch.device) -> None:
        import torch

        def tensor(values: object, dtype: torch.dtype = torch.int64) -> torch.Tensor:
            return torch.tensor(np.asarray(values), dtype=dtype, device=device)

        self.device = device
        asking = [n - 1] if last_only else list(range(n))
        queries = [(t, bit) for t in asking for bit in (0, 1)]
        sources = np.array([[2 * s + c for s in range(n) if s != t for c in (0, 1)] + [2 * t + bit] for t, bit in queries])
        query_index = np.array([2 * t + bit for t, bit in queries])
        hidden = causal & (sources // 2 > query_index[:, None] // 2)
        self.queries = tensor(query_index)
        self.sources = tensor(sources.ravel())
        self.chosen = tensor((np.arange(len(queries))[:, None] * 2 * n + sources).ravel())
        self.hidden = tensor(hidden, torch.bool)
        self.hidden_pairs = tensor(hidden[:, ::2], torch.bool)
        rest = np.array(list(itertools.product((0, 1), repeat=n - 1)), int).reshape(2 ** (n - 1), n - 1)
        choices = np.concatenate([np.stack([1 - rest, rest], 2).reshape(len(rest), -1), np.ones((len(rest), 1))], 1)
        self.choices = tensor(choices.T, torch.float32)  # (choices, points of a query): which entries a point sums
        powers = 1 << np.arange(n - 1, -1, -1)
        points = np.stack([np.insert(rest, t, bit, axis=1) for t, bit in queries]) @ powers
        self.from_points = tensor((points + np.repeat(np.arange(len(asking)), 2)[:, None] * 2**n).ravel())
        self.to_points = torch.argsort(self.from_points)
        bits = (np.arange(2**n)[:, None] // powers) % 2
        self.tokens = tensor((2 * np.arange(n) + bits).T.ravel())  # (token, point) → which of the 2n tokens
        self.carry = tensor(np.eye(width + 1)[None, -1:], torch.float32)  # the row of W₁ that hands σ on to W₂


def _centred(values: torch.Tensor, dim: int) -> torch.Tensor:
    return values - values.mean(dim, keepdim=True)


def _deviation(stream: torch.Tensor) -> torch.Tensor:
    """√(variance + ε) over the features of a stream of mean 0: (batch, width, columns) → (batch, 1, columns)."""
    return stream.square().mean(1, keepdim=True).add_(EPSILON).sqrt_()


def _affine(rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """Weights with their bias as the last column, (batch, out, in + 1), times (batch, in, columns)."""
    import torch

    return torch.baddbmm(rows[:, :, -1:], rows[:, :, :-1], columns)
