"""A hidden ReLU makes neurons the basis (Elhage et al. 2022, "Superposition in a Privileged Basis").

h = relu(Wx), x' = relu(Wᵀh + b), with n = 10 features, m = 5 neurons and importances Iᵢ = 0.75ⁱ. Dense features get a neuron
each; as they become sparse, neurons serve several features. Without the hidden ReLU, W may be rotated freely, OW with OᵀO = 1,
and features have no reason to lie along neurons: the same measures on that model say what chance would give.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from slt_bias import streams
from slt_bias.plots.superposition.neurons import Neurons, neuron_counts, small_models
from slt_bias.subjects.superposition import Model, norms, superposition
from slt_bias.workflows.claims import Claim, counted, fraction
from slt_bias.workflows.superposition.experiment import Outcome, Setting

FEATURES, HIDDEN, DECAY = 10, 5, 0.75
DENSITIES = (1.0, 0.7, 0.5, 0.3, 0.2, 0.15, 0.12, 0.07, 0.03)
CLAIMED = {1.0: 5, 0.7: 5, 0.5: 5, 0.3: 3, 0.15: 2, 0.12: 1, 0.07: 0, 0.03: 0}  # monosemantic neurons, as the paper shows them
REPRESENTED = 0.5  # a feature counts where ‖Wᵢ‖ is above this
SHARED = 0.1  # a feature is in superposition where Σⱼ≠ᵢ(Ŵᵢ·Wⱼ)² is above this
LARGE = 0.3  # a weight counts above this; a feature on one neuron has 1, on two 0.7, on four 0.5
ROTATIONS = 400


def run(setting: Setting) -> Outcome:
    """Train both models at all densities, count neurons, compare the alignment of W with that of its rotations.

    Tables: "models" (a row a model, density and seed: loss, monosemantic, polysemantic, unused neurons, features, largest_share,
    rotations_above, best) and "weights" (a row a density, neuron and feature of the best seeds of the model with hidden ReLU).
    Figures: "neurons", "counts".
    """
    densities = setting.pick(DENSITIES, DENSITIES, (0.5, 0.03))
    seeds, steps = setting.pick(120, 24, 6), setting.pick(5000, 3000, 2500)
    frames: list[pd.DataFrame] = []
    fits: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for kind in ("privileged", "relu"):
        model = Model(
            FEATURES, HIDDEN, density=np.array(densities)[:, None], importances=DECAY ** np.arange(FEATURES), kind=kind
        )
        trained = range(setting.seed, setting.seed + (seeds if kind == "privileged" else max(2, seeds // 4)))
        fitted = model.fit(
            trained,
            steps=steps,
            batch=setting.pick(1024, 1024, 512),
            learning_rate=0.01,
            workers=setting.workers,
            progress=setting.progress,
        )
        examples = setting.pick(1 << 20, 1 << 18, 1 << 16)
        loss = model.loss(fitted.weights, fitted.bias, examples=examples, seed=setting.seed, workers=setting.workers)[0]
        fits[kind] = fitted.weights, loss
        frames.append(models_table(kind, densities, *fits[kind], setting.seed))
    table = pd.concat(frames, ignore_index=True)
    weights, loss = fits["privileged"]
    best = weights[np.arange(len(densities)), loss.argmin(1)]
    order = np.argsort(loss, axis=1)
    ranked = np.take_along_axis((neuron_kinds(weights) == "monosemantic").sum(-1), order, axis=1)
    poly = np.take_along_axis((neuron_kinds(weights) == "polysemantic").sum(-1), order, axis=1)
    title = f"Hidden ReLU: {FEATURES} features, {HIDDEN} neurons, importance {DECAY:g}ⁱ; best of {seeds} seeds"
    figures = {
        "neurons": small_models([_panel(density, matrix) for density, matrix in zip(densities, best, strict=True)], title),
        "counts": neuron_counts(
            np.array(densities),
            {"monosemantic": ranked, "polysemantic": poly},
            "paper: 5, 3, 2, 1, 0 monosemantic from dense to sparse",
            "neurons",
            "Neurons for one feature and for many",
        ),
    }
    tables = {"models": table, "weights": weights_table(densities, best)}
    notes = (
        f"A neuron is monosemantic where one weight is above {LARGE:g} in absolute value, polysemantic where several are.",
        f"rotations_above: the share of {ROTATIONS} random rotations OW with Σ|OW| > Σ|W|; uniform on [0, 1] by chance.",
    )
    return Outcome(tuple(claims(densities, table)), tables, figures, notes)


def neuron_kinds(weights: np.ndarray) -> np.ndarray:
    """"monosemantic", "polysemantic" or "unused" for each neuron: weights (…, hidden, features) → str (…, hidden)."""
    count = (np.abs(np.asarray(weights, np.float64)) > LARGE).sum(-1)
    return np.where(count == 0, "unused", np.where(count == 1, "monosemantic", "polysemantic"))


def largest_share(weights: np.ndarray) -> np.ndarray:
    """Mean of maxₖ Wₖᵢ²/‖Wᵢ‖² over represented features, (…, hidden, features) → (…): 1 where each has a neuron, NaN for none."""
    squares = np.square(np.asarray(weights, np.float64))
    total = squares.sum(-2)
    kept = total > REPRESENTED**2
    shares = np.divide(squares.max(-2), total, out=np.zeros_like(total), where=kept)
    count = kept.sum(-1)
    return np.divide(shares.sum(-1), count, out=np.full(count.shape, np.nan), where=count > 0)


def rotations_above(weights: np.ndarray, seed: int, rotations: int = ROTATIONS) -> np.ndarray:
    """The share of random rotations O with Σ|OW| > Σ|W|: (…, hidden, features) → (…); uniform on [0, 1] where W has no basis.

    Σ|W| is smallest where features are carried by few neurons each, and the norms are the same for all rotations. O is uniform on
    the orthogonal group: Q of the QR decomposition of a normal matrix, with signs by the diagonal of R (Mezzadri 2007).
    """
    matrices = np.asarray(weights, np.float64)
    hidden = matrices.shape[-2]
    normals = streams.normals(seed, ["superposition", "rotations", hidden], 0, (rotations, hidden, hidden)).astype(np.float64)
    turned, scale = np.linalg.qr(normals)
    turned = turned * np.sign(np.diagonal(scale, axis1=-2, axis2=-1))[:, None, :]
    own = np.abs(matrices).sum((-2, -1))
    above = np.zeros(own.shape)
    for turn in turned:
        above += np.abs(turn @ matrices).sum((-2, -1)) > own
    return above / rotations


def models_table(kind: str, densities: tuple[float, ...], weights: np.ndarray, loss: np.ndarray, seed: int) -> pd.DataFrame:
    """A row a density and seed; weights (densities, seeds, hidden, features), loss (densities, seeds)."""
    kinds = neuron_kinds(weights)
    seeds = loss.shape[1]
    rows: dict[str, object] = {
        "model": "hidden ReLU" if kind == "privileged" else "no hidden ReLU",
        "density": np.repeat(densities, seeds),
        "seed": np.tile(np.arange(seed, seed + seeds), len(densities)),
        "loss": loss.ravel(),
    }
    for each in ("monosemantic", "polysemantic", "unused"):
        rows[each] = (kinds == each).sum(-1).ravel()
    rows["features"] = (norms(weights) > REPRESENTED).sum(-1).ravel()
    rows["largest_share"] = largest_share(weights).ravel()
    rows["rotations_above"] = rotations_above(weights, seed).ravel()
    rows["best"] = (np.arange(seeds) == loss.argmin(1)[:, None]).ravel()
    return pd.DataFrame(rows)


def weights_table(densities: tuple[float, ...], weights: np.ndarray) -> pd.DataFrame:
    """A row a density, neuron and feature; weights (densities, hidden, features)."""
    cells, neurons, features = (part.ravel() for part in np.indices(weights.shape))
    rows = {"density": np.array(densities)[cells], "neuron": neurons, "feature": features, "weight": weights.ravel()}
    return pd.DataFrame(rows)


def claims(densities: tuple[float, ...], table: pd.DataFrame) -> list[Claim]:
    """Monosemantic neurons from dense to sparse, as best and as fraction of seeds, and the alignment with and without ReLU."""
    hidden = table[table.model == "hidden ReLU"]
    best = hidden[hidden.best].set_index("density")
    found = []
    for density in densities:
        if density not in CLAIMED:
            continue
        says, measured = CLAIMED[density], int(best.monosemantic[density])
        found.append(counted(f"1−S={density:g}: monosemantic neurons (best)", str(says), measured, measured == says))
        hits = hidden[hidden.density == density].monosemantic == says
        found.append(fraction(f"1−S={density:g}: share of seeds with {says}", "more than none", int(hits.sum()), len(hits), 1e-9))
    steps = np.diff(best.monosemantic[list(densities)].to_numpy())
    if len(steps):
        rise = int(steps.max())
        found.append(counted("largest rise of the monosemantic neurons to the next sparser (best)", "≤ 0", rise, rise <= 0))
    dense = table[(table.density >= 0.5) & table.best]
    for name, text in (("hidden ReLU", "features lie along neurons: ≥ 0.9"), ("no hidden ReLU", "they do not: < 0.8")):
        share = float(dense[dense.model == name].largest_share.mean())
        holds = share >= 0.9 if name == "hidden ReLU" else share < 0.8
        found.append(counted(f"{name}, 1−S ≥ 0.5: largest neuron's share of a feature (best)", text, share, holds))
    middle = table[(table.density >= 0.3) & (table.density < 1)]
    for name in ("hidden ReLU", "no hidden ReLU"):
        part = middle[middle.model == name]
        aligned = name == "hidden ReLU"
        lead = f"{name}, 0.3 ≤ 1−S < 1: share of seeds more aligned than 95 % of their rotations"
        claim = fraction(lead, "most" if aligned else "0.05 by chance", int((part.rotations_above > 0.95).sum()), len(part))
        holds = claim.measured > 0.5 if aligned else claim.low <= 0.05
        found.append(Claim(claim.name, claim.claimed, claim.measured, claim.low, claim.high, bool(holds)))
    return found


def _panel(density: float, weights: np.ndarray) -> Neurons:
    order = np.argsort(np.abs(weights).argmax(1), kind="stable")  # neurons by their largest feature
    rows = weights[order]
    kinds = neuron_kinds(rows)
    count = int((kinds == "monosemantic").sum())
    title = f"1−S = {density:g}\n{count} monosemantic"
    return Neurons(title, rows, superposition(rows) > SHARED, tuple(kinds.tolist()))
