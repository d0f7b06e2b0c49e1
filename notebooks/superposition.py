# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Toy models of superposition in ten minutes
#
# A model with $m$ hidden dimensions is asked to reproduce $n > m$ features, $x' = \mathrm{relu}(W^\top W x + b)$, with the loss
# $\sum_i I_i\,E(x_i - x_i')^2$ (Elhage et al. 2022). A feature is on with probability $1 - S$, its density, and then uniform on
# $[0, 1]$. How many features does it keep, and how does it arrange them? Everything here trains in seconds; the full
# experiments are `slt-bias superposition NAME`, and `slt-bias superposition` lists them.

# %%
from collections import Counter

import numpy as np
import pandas as pd

import slt_bias as sb
from slt_bias.plots.superposition.arrows import arrow_panels
from slt_bias.plots.superposition.introduction import Represented, represented_features
from slt_bias.subjects import superposition as toy

# %% [markdown]
# ## From dense to sparse
# Twenty features, five dimensions, importances $0.7^i$. Cells (here densities) and seeds are trained together; `loss` decides
# which seed is the best.

# %%
densities = np.array([1, 0.1, 0.01])
model = toy.Model(features=20, hidden=5, density=densities[:, None], importances=0.7 ** np.arange(20))
fitted = model.fit(seeds=3, steps=3000)
weights, bias = fitted.best_weights, fitted.best_bias
columns = [
    Represented(f"density {density:g}", w.T @ w, b, toy.norms(w), toy.superposition(w))
    for density, w, b in zip(densities, weights, bias, strict=True)
]
print("features with norm above .5:", dict(zip(densities.tolist(), (toy.norms(weights) > 0.5).sum(-1).tolist(), strict=True)))
represented_features(columns, "W'W and b above, norms below", represented=0.5, shared=0.1)

# %% [markdown]
# Dense inputs: five features, a dimension each, and the others get their mean as a bias. Sparse inputs: more features than
# dimensions, at an angle to each other. The linear model never does this: whatever the density, it keeps exactly $m$ features.

# %%
linear = toy.Model(features=20, hidden=5, density=densities[:, None], importances=0.7 ** np.arange(20), kind="linear")
exact = linear.fit(seeds=1, steps=2000, batch=None, learning_rate=0.01)  # batch=None: the gradient of the exact population loss
print("‖W‖² =", np.square(exact.best_weights).sum((-1, -2)).round(3))

# %% [markdown]
# ## A phase change
# Two features in one dimension. For up to a few features the population loss is known exactly, so a phase diagram carries no
# sampling noise: 16 densities × 16 importances × 3 seeds. 0: the extra feature is not represented; 1: it has the dimension to
# itself; 2: both share it, as an antipodal pair.

# %%
density, importance = np.geomspace(1, 0.01, 16), np.geomspace(0.1, 10, 16)
importances = np.stack([np.ones((16, 16)), np.broadcast_to(importance, (16, 16))], axis=-1)
pair = toy.Model(2, 1, density=density[:, None, None], importances=importances)
phases = pair.fit(seeds=3, steps=400, batch=None, learning_rate=0.05)
w = phases.best_weights
extra, shared = toy.norms(w)[..., -1], toy.superposition(w)[..., -1]
phase = np.where(extra < 0.5, 0, np.where(shared < 0.5, 1, 2))
pd.DataFrame(phase, index=density.round(3), columns=importance.round(2)).iloc[::3, ::3]

# %% [markdown]
# ## Geometry
# Where all features matter alike, the columns of $W$ settle in polytopes: groups of features in subspaces that are orthogonal
# to each other. `components` finds the groups and names them; the dimensionality of a feature, $D_i$, is its share of them. Small
# batches are noisy, and noise lets features leave poor arrangements.

# %%
uniform = toy.Model(features=60, hidden=15, density=0.25).fit(seeds=3, steps=4000, batch=64, learning_rate=0.03)
w = uniform.best_weights
print(Counter(part.name for part in toy.components(w)))
print("sum of the dimensionalities:", toy.feature_dimensionality(w).sum().round(2), "of 15")

# %% [markdown]
# Features that come together prefer to lie orthogonal; features that exclude each other lie opposite.

# %%
pairs = ((0, 1), (2, 3))
together = toy.Model(4, 2, law=toy.CorrelatedSets(pairs, density=0.1)).fit(seeds=8, steps=3000)
apart = toy.Model(4, 2, law=toy.AnticorrelatedSets(pairs, density=0.1)).fit(seeds=8, steps=3000)
arrow_panels(
    np.stack([together.best_weights, apart.best_weights]),
    groups=np.array([0, 0, 1, 1]),
    titles=["come together", "exclude each other"],
    columns=2,
    names=["first pair", "second pair"],
    panel=2.2,
)

# %% [markdown]
# ## Learning coefficients of k-gons
# With one-hot inputs (Chen et al. 2023) the loss is a closed formula, its critical points in the plane are polygons, and each
# has a level of the loss. Forty training runs, named by level and shape:

# %%
points = toy.polygons(6)
runs = toy.Model(6, 2, law=toy.OneHot(6)).fit(seeds=40, steps=3000, batch=None)
print(Counter(toy.classify(runs.weights, runs.bias, points).tolist()))
pd.DataFrame([{"k-gon": point.name, "loss": point.loss, "norm": point.norm, "bias": point.bias} for point in points]).head(8)

# %% [markdown]
# A polygon with a lower loss is not always the one that the posterior prefers: the free energy is $nL + \lambda \ln n$, and the
# pentagon has the smaller learning coefficient: 7 instead of 17/2, for the feature that is off has three free directions. With
# noise of variance 1 the negative log-likelihood is half the loss: `scale=0.5`.

# %%
for name in ("6", "5"):
    point = next(each for each in points if each.name == name)
    system = toy.system(point.weights, point.biases, toy.OneHot(6), scale=0.5)
    estimate = sb.llc.estimate(
        system.model, system.loss, None, inverse_temperature=1e6, localization=25.0, sampler=sb.llc.HMC(), chains=16
    )
    print(f"{name}-gon: loss {point.loss:.5f}, exact {toy.exact_learning_coefficient(point)}, sampled {estimate}")

# %% [markdown]
# Next: `slt-bias superposition k-gons --quick` follows λ along training, `bayes` samples the posterior of every k-gon,
# `dimensionality` draws the sticky fractions, and `dynamics` the jumps between levels.
