"""One instance of a toy model trained by Adam on fresh examples, float32. See `sampled`.

Arrays of a chunk of c examples: inputs x (features, c), hidden h (c, hidden), outputs and then errors e (features, c).
Parameters are one vector: encoder (features, hidden), decoder of the same shape where it is not the encoder, bias (features).
"""

# mypy: allow-untyped-defs

from __future__ import annotations

import numpy as np

from slt_bias import _normals_kernel as normals
from slt_bias._compiled import compiled

# how examples are drawn
INDEPENDENT, BINARY, SPARSE, SPARSE_BINARY, TOGETHER, ONE_OF = 0, 1, 2, 3, 4, 5
# models
RELU, LINEAR, PRIVILEGED, ABSOLUTE = 0, 1, 2, 3

CHUNK_ENTRIES = 1 << 17  # of x or e: half a megabyte, so that both stay in the second cache
BUFFER = 256  # gaps drawn at a time
UNIT = np.float32(2.0**-32)

f32 = np.float32

jit = compiled(error_model="numpy", fastmath={"contract", "nsz", "arcp", "reassoc"})


@jit
def chunk_size(features, batch):
    """Examples worked on together: what fits the cache, a multiple of the generator's lanes."""
    most = max(CHUNK_ENTRIES // features // normals.LANES, 1) * normals.LANES
    return min(batch, most)


@jit
def draw_dense(lanes, words, mode, density, home, x):
    """Fill x (features, c); the number of words taken depends on the shapes alone."""
    features, c = x.shape
    if mode in (TOGETHER, ONE_OF):
        sets = len(density)
    else:
        sets = features
    total = sets * c + (features * c if mode == TOGETHER else 0)
    room = (total + normals.LANES - 1) // normals.LANES * normals.LANES
    normals.fill_words(lanes, words[:room])
    if mode == INDEPENDENT:
        for i in range(features):
            factor = f32(UNIT / f32(density[i]))
            row, source = x[i], words[i * c : (i + 1) * c]
            for k in range(c):
                u = f32(source[k]) * factor
                row[k] = u if u <= f32(1) else f32(0)
    elif mode == BINARY:
        for i in range(features):
            factor = f32(UNIT / f32(density[i]))
            row, source = x[i], words[i * c : (i + 1) * c]
            for k in range(c):
                row[k] = f32(1) if f32(source[k]) * factor <= f32(1) else f32(0)
    elif mode == TOGETHER:
        values = words[sets * c :]
        for i in range(features):
            factor = f32(UNIT / f32(density[home[i]]))
            row, source, own = x[i], words[home[i] * c : (home[i] + 1) * c], values[i * c : (i + 1) * c]
            for k in range(c):
                row[k] = f32(own[k]) * UNIT if f32(source[k]) * factor <= f32(1) else f32(0)
    else:
        x[:] = 0
        members = np.zeros((sets, features), np.int64)
        sizes = np.zeros(sets, np.int64)
        for i in range(features):
            members[home[i], sizes[home[i]]] = i
            sizes[home[i]] += 1
        for s in range(sets):
            factor = 2.0**-32 / density[s] * sizes[s]
            for k in range(c):
                place = words[s * c + k] * factor
                whole = np.int64(place)
                if whole < sizes[s]:
                    x[members[s, whole], k] = f32(place - whole)


@jit
def refill(lanes, words, logs, values):
    """Logarithms of uniforms, and uniforms."""
    normals.fill_words(lanes, words[: 2 * BUFFER])
    for k in range(BUFFER):
        logs[k] = np.log((f32(words[k]) + f32(0.5)) * UNIT)
        values[k] = f32(words[BUFFER + k]) * UNIT


@jit
def draw_sparse(lanes, words, logs, values, binary, density, gaps, c, starts, example, value):
    """The active entries alone, feature by feature; gaps between them are geometric: ⌊log u / log(1 − density)⌋.

    Those of feature i are starts[i] … starts[i + 1] − 1. A gap that passes the end of a feature goes on in the next one of
    equal density, for it has no memory. gaps : 1/log(1 − density).
    """
    features = len(density)
    used, count, place = BUFFER, 0, np.int64(0)
    for i in range(features):
        starts[i] = count
        if i == 0 or density[i] != density[i - 1]:
            if used == BUFFER:
                refill(lanes, words, logs, values)
                used = 0
            place = np.int64(min(logs[used] * gaps[i], 1e12))
            used += 1
        while place < c:
            if used == BUFFER:
                refill(lanes, words, logs, values)
                used = 0
            example[count] = place
            value[count] = f32(1) if binary else values[used]
            place += 1 + np.int64(min(logs[used] * gaps[i], 1e12))
            used += 1
            count += 1
        place -= c
    starts[features] = count
    return count


@jit
def keep_active(example, count, seen, c):
    """Number the examples in which something is active 0, 1, … as they come, in place; returns how many there are."""
    seen[:c] = -1
    kept = 0
    for k in range(count):
        e = example[k]
        if seen[e] < 0:
            seen[e] = kept
            kept += 1
        example[k] = seen[e]
    return kept


@jit
def scatter(starts, example, value, rows, out):
    """out[example] += value · rows[feature]: the sparse xᵀ · rows, out (c, hidden)."""
    features, hidden = rows.shape
    out[:] = 0
    for i in range(features):
        row = rows[i]
        for k in range(starts[i], starts[i + 1]):
            v, target = value[k], out[example[k]]
            for r in range(hidden):
                target[r] += v * row[r]


@jit
def gather(starts, example, value, rows, out):
    """out[feature] += value · rows[example]: the sparse x · rows, out (features, hidden)."""
    features, hidden = out.shape
    for i in range(features):
        target = out[i]
        for k in range(starts[i], starts[i + 1]):
            v, row = value[k], rows[example[k]]
            for r in range(hidden):
                target[r] += v * row[r]


@jit
def rectify(values):
    """max(v, 0) in place."""
    for k in range(len(values)):
        values[k] = max(values[k], f32(0))


@jit
def errors(x, e, bias, factors, linear, absolute, by_bias):
    """Outputs without bias → e = factor · (x' − target) where the relu lets it through, and its sums by feature."""
    features, c = e.shape
    for j in range(features):
        row, target, offset, factor, total = e[j], x[j], bias[j], factors[j], f32(0)
        if linear:
            for k in range(c):
                row[k] = (row[k] + offset - target[k]) * factor
                total += row[k]
        elif absolute:
            for k in range(c):
                out = row[k] + offset
                row[k] = (out - abs(target[k])) * factor if out > f32(0) else f32(0)
                total += row[k]
        else:
            for k in range(c):
                out = row[k] + offset
                row[k] = (out - target[k]) * factor if out > f32(0) else f32(0)
                total += row[k]
        by_bias[j] += total


@jit
def sparse_errors(starts, example, value, e, bias, factors, linear, absolute, empty, by_bias):
    """`errors` where most inputs are 0; `empty` more examples, left out of e, have no active feature at all."""
    features, c = e.shape
    for j in range(features):
        row, offset, factor, total = e[j], bias[j], factors[j], f32(0)
        if linear:
            for k in range(c):
                row[k] = (row[k] + offset) * factor
                total += row[k]
        else:
            for k in range(c):
                row[k] = max(row[k] + offset, f32(0)) * factor
                total += row[k]
        for k in range(starts[j], starts[j + 1]):
            if linear or row[example[k]] > f32(0):
                change = factor * (abs(value[k]) if absolute else value[k])
                row[example[k]] -= change
                total -= change
        by_bias[j] += total + f32(empty) * factor * (offset if linear else max(offset, f32(0)))


@jit
def backward(e, h, decoder, hidden_relu, back, by_decoder, product):
    """by_decoder += e h; back (c, hidden) = eᵀ decoder, 0 where a hidden relu is off."""
    np.dot(e, h, product)
    by_decoder += product
    np.dot(e.T, decoder, back)
    if hidden_relu:
        flat, seen = back.reshape(-1), h.reshape(-1)
        for k in range(len(flat)):
            flat[k] = flat[k] if seen[k] > f32(0) else f32(0)


@jit
def adam(parameters, slope, first, second, rate, step):
    """One step of Adam (Kingma & Ba 2015, algorithm 1; β = .9, .999, ε = 1e-8); step counts from 1."""
    scale = f32(rate / (1 - 0.9**step))
    unbias = f32(1 / (1 - 0.999**step))
    for k in range(len(parameters)):
        g = slope[k]
        first[k] = f32(0.9) * first[k] + f32(0.1) * g
        second[k] = f32(0.999) * second[k] + f32(0.001) * (g * g)
        parameters[k] -= scale * first[k] / (np.sqrt(second[k] * unbias) + f32(1e-8))


@jit
def train(parameters, first, second, state, before, rates, batch, importances, mode, density, home, model):
    """len(rates) steps after `before` of them, all arrays of parameters and the state changed in place.

    state : of `streams.state`; rates : learning rate of each step; importances : float32 (features,);
    density : float64, of each feature, or of each set for TOGETHER and ONE_OF; home : the set of each feature.
    """
    features = len(importances)
    tied, linear, hidden_relu, absolute = model != ABSOLUTE, model == LINEAR, model >= PRIVILEGED, model == ABSOLUTE
    hidden = (len(parameters) // features - 1) // (1 if tied else 2)
    size = features * hidden
    encoder = parameters[:size].reshape(features, hidden)
    decoder = encoder if tied else parameters[size : 2 * size].reshape(features, hidden)
    bias = parameters[len(parameters) - features :]
    slope = np.zeros(len(parameters), np.float32)
    by_encoder = slope[:size].reshape(features, hidden)
    by_decoder = by_encoder if tied else slope[size : 2 * size].reshape(features, hidden)
    by_bias = slope[len(parameters) - features :]
    product = np.empty((features, hidden), np.float32)
    most = chunk_size(features, batch)
    sparse = mode in (SPARSE, SPARSE_BINARY)
    words = normals.aligned(max(2 * features * most + normals.LANES, 2 * BUFFER)).view(np.uint32)
    inputs = normals.aligned(1 if sparse else features * most)
    outputs = normals.aligned(features * most)
    hiddens, backs = np.empty(most * hidden, np.float32), np.empty(most * hidden, np.float32)
    room = features * most if sparse else 1
    example, value, seen = np.empty(room, np.int32), np.empty(room, np.float32), np.empty(most, np.int32)
    starts, logs, values = np.zeros(features + 1, np.int64), np.empty(BUFFER, np.float32), np.empty(BUFFER, np.float32)
    gaps = 1 / np.log1p(-density) if sparse else density
    factors = (2 * importances / f32(batch)).astype(np.float32)
    lanes = normals.aligned(4 * normals.LANES).view(np.uint32).reshape(4, normals.LANES)
    lanes[:] = state
    for t in range(len(rates)):
        slope[:] = 0
        left = batch
        while left > 0:
            c = min(most, left)
            left -= c
            kept = c
            if sparse:
                count = draw_sparse(
                    lanes, words, logs, values, mode == SPARSE_BINARY, density, gaps, c, starts, example, value
                )  # fmt: skip
                if absolute:
                    for k in range(count):
                        value[k] = f32(2) * value[k] - f32(1)
                kept = keep_active(example, count, seen, c)
            h, back = hiddens[: kept * hidden].reshape(kept, hidden), backs[: kept * hidden].reshape(kept, hidden)
            e = outputs[: features * kept].reshape(features, kept)
            x = inputs[: features * kept].reshape(features, kept) if not sparse else inputs[:0].reshape(0, 0)
            if sparse:
                scatter(starts, example, value, encoder, h)
            else:
                draw_dense(lanes, words, mode, density, home, x)
                if absolute:
                    spread_signs(x)
                np.dot(x.T, encoder, h)
            if hidden_relu:
                rectify(hiddens[: kept * hidden])
            np.dot(decoder, h.T, e)
            if sparse:
                sparse_errors(starts, example, value, e, bias, factors, linear, absolute, c - kept, by_bias)
            else:
                errors(x, e, bias, factors, linear, absolute, by_bias)
            backward(e, h, decoder, hidden_relu, back, by_decoder, product)
            if sparse:
                gather(starts, example, value, back, by_encoder)
            else:
                np.dot(x, back, product)
                by_encoder += product
        adam(parameters, slope, first, second, rates[t], before + t + 1)
    state[:] = lanes


@jit
def spread_signs(x):
    """Active values from (0, 1] to (−1, 1]."""
    flat = x.reshape(-1)
    for k in range(len(flat)):
        flat[k] = f32(2) * flat[k] - f32(1) if flat[k] > f32(0) else f32(0)


@jit
def mean_loss(parameters, state, examples, importances, mode, density, home, model):
    """Mean and variance of Σⱼ Iⱼ (target − x')² over fresh examples drawn from the state (which stays as it was)."""
    features = len(importances)
    tied, linear, hidden_relu, absolute = model != ABSOLUTE, model == LINEAR, model >= PRIVILEGED, model == ABSOLUTE
    hidden = (len(parameters) // features - 1) // (1 if tied else 2)
    size = features * hidden
    encoder = parameters[:size].reshape(features, hidden)
    decoder = encoder if tied else parameters[size : 2 * size].reshape(features, hidden)
    bias = parameters[len(parameters) - features :]
    most = chunk_size(features, examples)
    sparse = mode in (SPARSE, SPARSE_BINARY)
    words = normals.aligned(max(2 * features * most + normals.LANES, 2 * BUFFER)).view(np.uint32)
    room = features * most if sparse else 1
    example, value, seen = np.empty(room, np.int32), np.empty(room, np.float32), np.empty(most, np.int32)
    starts, logs, values = np.zeros(features + 1, np.int64), np.empty(BUFFER, np.float32), np.empty(BUFFER, np.float32)
    gaps = 1 / np.log1p(-density) if sparse else density
    lanes = normals.aligned(4 * normals.LANES).view(np.uint32).reshape(4, normals.LANES)
    lanes[:] = state
    nothing = 0.0  # the loss of an example in which all is off
    for j in range(features):
        nothing += importances[j] * (bias[j] if linear else max(bias[j], f32(0))) ** 2
    total, squares = 0.0, 0.0
    left = examples
    while left > 0:
        c = min(most, left)
        left -= c
        kept = c
        if sparse:
            count = draw_sparse(lanes, words, logs, values, mode == SPARSE_BINARY, density, gaps, c, starts, example, value)
            kept = keep_active(example, count, seen, c)
            total += (c - kept) * nothing
            squares += (c - kept) * nothing * nothing
        x = np.zeros((features, kept), np.float32)
        if sparse:
            for j in range(features):
                for k in range(starts[j], starts[j + 1]):
                    x[j, example[k]] = f32(2) * value[k] - f32(1) if absolute else value[k]
        else:
            draw_dense(lanes, words, mode, density, home, x)
            if absolute:
                spread_signs(x)
        h = np.dot(x.T, encoder)
        if hidden_relu:
            rectify(h.reshape(-1))
        out = np.dot(decoder, h.T)
        sums = np.zeros(kept, np.float32)
        for j in range(features):
            row, target, scale = out[j], x[j], importances[j]
            for k in range(kept):
                z = row[k] + bias[j]
                y = z if linear else max(z, f32(0))
                d = y - (abs(target[k]) if absolute else target[k])
                sums[k] += scale * d * d
        for k in range(kept):
            total += sums[k]
            squares += np.float64(sums[k]) ** 2
    mean = total / examples
    return mean, max(squares / examples - mean * mean, 0.0)
