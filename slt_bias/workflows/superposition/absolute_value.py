"""Computing |x| through fewer neurons than it takes (Elhage et al. 2022, "Computation in Superposition").

y = relu(Vᵀ relu(Wx) + b) for |x|, features on [−1, 1]. One feature takes two neurons, relu(x) and relu(−x): 3 features fill 6.
With n = 100 features, m = 40 neurons and importances Iᵢ = 0.8ⁱ, dense features are computed by such pairs alone, m/2 at most;
sparse ones share neurons, and more than m/2 are computed: W and V do not merely store features in superposition.

The decoder starts at |W|. From a start of its own, normal like that of W, the argument of a rare feature's output is negative for
about half of the signs; its gradient is 0 and stays 0, and at density 0.001 the loss of 100 features ends 20 to 100 times higher.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from slt_bias import streams
from slt_bias.plots.superposition.neurons import Neurons, large_models, neuron_counts, small_models
from slt_bias.subjects.superposition import IndependentFeatures, Model, superposition
from slt_bias.workflows.claims import Claim, counted, fraction
from slt_bias.workflows.superposition.experiment import Outcome, Setting
from slt_bias.workflows.superposition.privileged_basis import SHARED, neuron_kinds

DENSITIES = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
START = 0.5  # W starts at this share of the usual standard deviation √(2/(features + hidden)): less disturbance at first
RARE = 0.01  # up to this density the learning rate is 0.001, and 0.003 above
COMPUTED = 0.5  # a feature is computed where its loss is below this share of the variance of |x|
EXACT = 0.02  # the same share for the small model, where nothing has to be shared
EXAMPLES = 8192  # for the loss of each feature


@dataclass(frozen=True, eq=False)
class Trained:
    """Seeds at each density, by ascending loss.

    weights, decoder : (densities, seeds, hidden, features). loss : (densities, seeds).
    feature_loss : that of each feature as a share of the variance of |x|, (densities, seeds, features).
    """

    densities: tuple[float, ...]
    weights: np.ndarray
    decoder: np.ndarray
    loss: np.ndarray
    feature_loss: np.ndarray

    @property
    def computed(self) -> np.ndarray:
        """How many features are computed, (densities, seeds)."""
        return (self.feature_loss < COMPUTED).sum(-1)

    def neurons(self, kind: str) -> np.ndarray:
        """How many neurons are "monosemantic", "polysemantic" or "unused", (densities, seeds)."""
        return (neuron_kinds(balanced(self.weights, self.decoder)) == kind).sum(-1)


def run(setting: Setting) -> Outcome:
    """Train 3 features in 6 neurons and 100 in 40, count computed features and the kinds of neurons.

    Tables: "models" (a row a density and seed, by ascending loss: loss, computed features, kinds of neurons, asymmetric pairs of
    features) and "features" (a row a density and feature of the best seeds: importance, loss over the variance of |x|).
    Figures: "pairs" (3 features), "neurons" (stacked bars), "counts".
    """
    small = _train(setting, 3, 6, 1.0, (1.0,), setting.pick((20, 5000), (10, 3000), (6, 2000)))
    densities = setting.pick(DENSITIES, DENSITIES, (1.0, 0.01))
    features, hidden = setting.pick((100, 40), (100, 40), (20, 8))
    large = _train(setting, features, hidden, 0.8, densities, setting.pick((4, 20000), (1, 10000), (4, 3000)))
    claimed = [*small_claims(small), *large_claims(large, hidden, setting.size == "smoke")]
    tables = {"models": models_table(large), "features": features_table(large, 0.8)}
    notes = (
        f"A feature is computed where its loss is below {COMPUTED:g} of the variance of |x|, the cost of answering the mean.",
        "Bars show |W| after each neuron is rescaled so that its weights in W and V have the same norm, which changes no output.",
    )
    return Outcome(tuple(claimed), tables, _figures(small, large), notes)


def _train(
    setting: Setting, features: int, hidden: int, decay: float, densities: tuple[float, ...], plan: tuple[int, int]
) -> Trained:
    """Rare features are trained at a smaller learning rate, so that few outputs die on the way."""
    rare = [density <= RARE for density in densities]
    parts = [
        _fit(setting, features, hidden, decay, tuple(np.array(densities)[np.array(rare) == few].tolist()), plan, rate)
        for few, rate in ((False, 0.003), (True, 0.001))
        if few in rare
    ]
    fields = ("weights", "decoder", "loss", "feature_loss")
    return Trained(densities, *(np.concatenate([getattr(part, name) for part in parts]) for name in fields))


def _fit(
    setting: Setting, features: int, hidden: int, decay: float, densities: tuple[float, ...], plan: tuple[int, int], rate: float
) -> Trained:
    seeds, steps = plan
    chosen = range(setting.seed, setting.seed + seeds)
    model = Model(
        features, hidden, density=np.array(densities)[:, None], importances=decay ** np.arange(features), kind="absolute"
    )
    fitted = model.fit(
        chosen,
        steps=steps,
        batch=512,
        learning_rate=rate,
        start=start(features, hidden, chosen),
        workers=setting.workers,
        progress=setting.progress,
    )
    order = np.argsort(fitted.loss, axis=1, kind="stable")
    rows = np.arange(len(densities))[:, None]
    assert fitted.decoder is not None
    weights, decoder, bias = fitted.weights[rows, order], fitted.decoder[rows, order], fitted.bias[rows, order]
    shares = np.empty(bias.shape)
    for cell, density in enumerate(densities):
        variance = density / 3 - density**2 / 4
        for k in range(seeds):
            losses = feature_losses(weights[cell, k], decoder[cell, k], bias[cell, k], density, EXAMPLES, setting.seed)
            shares[cell, k] = losses / variance
    return Trained(densities, weights, decoder, fitted.loss[rows, order], shares)


def start(features: int, hidden: int, seeds: Sequence[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """W normal, b = 0 and V = |W|, one a seed: (seeds, hidden, features), (seeds, features), (seeds, hidden, features)."""
    purpose: list[streams.Purpose] = ["superposition", "absolute value", "start", features, hidden]
    normals = np.stack([streams.normals(seed, purpose, 0, (hidden, features)) for seed in seeds]).astype(np.float64)
    weights = START * math.sqrt(2 / (features + hidden)) * normals
    return weights, np.zeros((len(seeds), features)), np.abs(weights)


def feature_losses(
    weights: np.ndarray, decoder: np.ndarray, bias: np.ndarray, density: float, examples: int, seed: int
) -> np.ndarray:
    """E (|xᵢ| − yᵢ)² for each feature, without importances: W, V (hidden, features), b (features) → (features,).

    Each feature is taken once as off and once as on in every example of the others, weighted by 1 − density and density, so that
    rare features are known as well as common ones.
    """
    features = weights.shape[-1]
    purpose: list[streams.Purpose] = ["superposition", "absolute value", features]
    law = IndependentFeatures(features, density)
    sizes = law.draw(seed, purpose, 0, examples)
    inputs = sizes * (1 - 2 * streams.integers(seed, [*purpose, "signs"], 0, sizes.shape, 2))
    own = 2 * streams.uniforms(seed, [*purpose, "own"], 0, (examples,)) - 1
    before = inputs @ weights.T
    found = np.empty(features)
    for i in range(features):
        others = before - np.outer(inputs[:, i], weights[:, i])
        off = np.maximum(np.maximum(others, 0) @ decoder[:, i] + bias[i], 0)
        on = np.maximum(np.maximum(others + np.outer(own, weights[:, i]), 0) @ decoder[:, i] + bias[i], 0)
        found[i] = (1 - density) * np.square(off).mean() + density * np.square(np.abs(own) - on).mean()
    return found


def balanced(weights: np.ndarray, decoder: np.ndarray) -> np.ndarray:
    """W with each neuron rescaled so that its weights in W and V have the same norm; (…, hidden, features), as given."""
    into = np.linalg.norm(weights, axis=-1, keepdims=True)
    out = np.linalg.norm(decoder, axis=-1, keepdims=True)
    factor = np.sqrt(np.divide(out, into, out=np.zeros_like(into), where=into > 0))
    return np.asarray(weights * factor)


def opposite_pairs(weights: np.ndarray, decoder: np.ndarray) -> np.ndarray:
    """Features computed by exactly two neurons of their own, one for each sign: W, V (…, hidden, features) → (…).

    A neuron belongs to a feature that has at least 0.9 of its squared weights in W and in V; WₖᵢVₖᵢ is then about ±1.
    """
    owns = (np.square(weights) >= 0.9 * np.square(weights).sum(-1, keepdims=True)) & (
        np.square(decoder) >= 0.9 * np.square(decoder).sum(-1, keepdims=True)
    )
    gain = np.where(owns, weights * decoder, 0.0)
    up, down = np.abs(gain - 1) < 0.1, np.abs(gain + 1) < 0.1
    return np.asarray(((up.sum(-2) == 1) & (down.sum(-2) == 1) & ((up | down) == owns).all(-2)).sum(-1))


def asymmetric_pairs(weights: np.ndarray, decoder: np.ndarray) -> list[tuple[int, int, int, int]]:
    """(neuron, a, b, inhibitor) of each instance of asymmetric superposition with inhibition; W, V (hidden, features).

    A neuron stores a with a large and b with a small weight and reads them out the other way round: |Wₖₐ|Vₖₐ and |Wₖᵦ|Vₖᵦ between
    ½ and 3/2, a's disturbance of b, |Wₖₐ|Vₖᵦ, at least 2 and b's of a, |Wₖᵦ|Vₖₐ, at most ½. The inhibitor is another neuron that
    a turns on by the same sign and that lowers b by at least half of that disturbance.
    """
    found = []
    for k in range(len(weights)):
        into, out = np.abs(weights[k]), decoder[k]
        own = (into * out > 0.5) & (into * out < 1.5)
        for a in np.flatnonzero(own):
            for b in np.flatnonzero(own):
                if a == b or into[a] * out[b] < 2 or into[b] * out[a] > 0.5:
                    continue
                lowers = np.maximum(np.sign(weights[k, a]) * weights[:, a], 0) * decoder[:, b]
                lowers[k] = 0
                inhibitor = int(lowers.argmin())
                if lowers[inhibitor] <= -0.5 * into[a] * out[b]:
                    found.append((k, int(a), int(b), inhibitor))
    return found


def small_claims(small: Trained) -> list[Claim]:
    """3 features in 6 neurons: a neuron for each sign of each feature."""
    pairs = opposite_pairs(small.weights[0], small.decoder[0])
    exact = (small.feature_loss[0] < EXACT).all(-1)
    lead = "3 features, 6 neurons"
    return [
        counted(f"{lead}: features with one neuron for each sign (best)", "3", pairs[0], pairs[0] == 3),
        fraction(f"{lead}: share of seeds with all three", "most", int((pairs == 3).sum()), len(pairs), 0.5),
        fraction(f"{lead}: share of seeds that compute every |x|", "most", int(exact.sum()), len(exact), 0.5),
    ]


def large_claims(large: Trained, hidden: int, smoke: bool) -> list[Claim]:
    """Monosemantic neurons when dense, polysemantic when sparse; more than m/2 features computed."""
    mono, poly, computed = large.neurons("monosemantic")[:, 0], large.neurons("polysemantic")[:, 0], large.computed[:, 0]
    sparse = f"1−S={large.densities[-1]:g}"
    found = [
        counted("1−S=1: polysemantic neurons (best)", "0", poly[0], poly[0] == 0),
        counted("1−S=1: computed features (best)", f"m/2 = {hidden // 2} at most", computed[0], 0 < computed[0] <= hidden / 2),
        counted(f"{sparse}: computed features (best)", f"more than m/2 = {hidden // 2}", computed[-1], computed[-1] > hidden / 2),
        counted(f"{sparse}: polysemantic neurons (best)", "all that are used", poly[-1], poly[-1] > 0 and mono[-1] == 0),
    ]
    if smoke:
        return found
    hits = int((large.neurons("polysemantic")[0] == 0).sum())
    found.append(fraction("1−S=1: share of seeds without polysemantic neurons", "all", hits, large.loss.shape[1], 0.5))
    hits = int((large.neurons("monosemantic")[-1] == 0).sum())
    found.append(fraction(f"{sparse}: share of seeds without monosemantic neurons", "all", hits, large.loss.shape[1], 0.5))
    both = [density for density, one, many in zip(large.densities, mono, poly, strict=True) if one >= 4 and many >= 4]
    where = ", ".join(f"{each:g}" for each in both) or "none"
    name = f"densities with at least 4 neurons of each kind in one model (best): {where}"
    found.append(counted(name, "some", len(both), len(both) > 0))
    rise = int(np.diff(mono).max())
    found.append(counted("largest rise of the monosemantic neurons to the next sparser (best)", "≤ 0", rise, rise <= 0))
    motifs = [
        len(asymmetric_pairs(large.weights[row, k], large.decoder[row, k]))
        for row in range(len(large.densities))
        for k in range(large.loss.shape[1])
    ]
    name = "asymmetric superposition with inhibition: instances in all models"
    found.append(counted(name, "it occurs: ≥ 1", sum(motifs), sum(motifs) > 0))
    return found


def models_table(large: Trained) -> pd.DataFrame:
    """A row a density and seed, by ascending loss."""
    rows = []
    kinds = {kind: large.neurons(kind) for kind in ("monosemantic", "polysemantic", "unused")}
    for row, density in enumerate(large.densities):
        for k in range(large.loss.shape[1]):
            made: dict[str, object] = {"density": density, "rank_by_loss": k, "loss": large.loss[row, k]}
            made |= {"computed_features": int(large.computed[row, k])}
            made |= {kind: int(values[row, k]) for kind, values in kinds.items()}
            made["asymmetric_pairs"] = len(asymmetric_pairs(large.weights[row, k], large.decoder[row, k]))
            rows.append(made)
    return pd.DataFrame(rows)


def features_table(large: Trained, decay: float) -> pd.DataFrame:
    """A row a density and feature, of the best seeds."""
    count = large.weights.shape[-1]
    rows = {
        "density": np.repeat(large.densities, count),
        "feature": np.tile(np.arange(count), len(large.densities)),
        "importance": np.tile(decay ** np.arange(count), len(large.densities)),
        "loss_over_variance": large.feature_loss[:, 0].ravel(),
    }
    return pd.DataFrame(rows)


def _figures(small: Trained, large: Trained) -> dict[str, Figure]:
    features, hidden = large.weights.shape[-1], large.weights.shape[-2]
    order = np.argsort(np.abs(small.weights[0, 0]).argmax(1), kind="stable")
    into = balanced(small.weights[0, 0], small.decoder[0, 0])[order]
    out = balanced(small.decoder[0, 0], small.weights[0, 0])[order]
    kinds = tuple(neuron_kinds(into).tolist())
    own = np.zeros(into.shape[1], bool)
    pairs = [
        Neurons("W: from features to neurons", into, own, kinds),
        Neurons("V: from neurons to outputs", out, own, kinds),
    ]
    title = f"{features} features, {hidden} neurons, importance 0.8ⁱ: |x| from dense to sparse; {_best(large)}"
    counts = {
        "computed features": large.computed,
        "monosemantic neurons": large.neurons("monosemantic"),
        "polysemantic neurons": large.neurons("polysemantic"),
    }
    return {
        "pairs": small_models(pairs, "|x| of 3 features by 6 neurons: one for each sign"),
        "neurons": large_models([_panel(large, row) for row in range(len(large.densities))], title, "|W|, stacked"),
        "counts": neuron_counts(
            np.array(large.densities),
            counts,
            f"without superposition at most m/2 = {hidden // 2} features",
            "features, neurons",
            f"|x| of {features} features by {hidden} neurons",
        ),
    }


def _best(large: Trained) -> str:
    seeds = large.loss.shape[1]
    return f"best of {seeds} seeds" if seeds > 1 else "one seed"


def _panel(large: Trained, row: int) -> Neurons:
    rows = balanced(large.weights[row, 0], large.decoder[row, 0])
    rows = rows[np.argsort(np.abs(rows).argmax(1), kind="stable")]
    kinds = neuron_kinds(rows)
    counts = {kind: int((kinds == kind).sum()) for kind in ("monosemantic", "polysemantic")}
    title = f"1−S = {large.densities[row]:g}: {large.computed[row, 0]} features computed, "
    title += ", ".join(f"{count} {kind}" for kind, count in counts.items())
    return Neurons(title, rows, superposition(rows) > SHARED, tuple(kinds.tolist()))
