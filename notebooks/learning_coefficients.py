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
# # From a trained network to a learning coefficient that can be believed
#
# The local learning coefficient $\lambda(w^*)$ says how fast the volume of parameters that are nearly as good as $w^*$
# shrinks, $V(\varepsilon) \propto \varepsilon^{\lambda} (\log 1/\varepsilon)^{m-1}$. It is estimated by sampling around
# $w^*$ (Lau et al. 2023):
# $$\hat\lambda = n\beta\,\bigl(E[L_n(w)] - L_n(w^*)\bigr), \qquad
# w \sim \exp\bigl(-n\beta L_n(w) - \tfrac{\gamma}{2}\|w - w^*\|^2\bigr).$$
# Train a small network, then estimate. It is a linear bottleneck 4-3-4, whose data come from a map of rank 1: small enough
# that the answer is known.

# %%
import torch

import slt_bias as sb

generator = torch.Generator().manual_seed(0)
x = torch.randn(500, 4, generator=generator)
y = torch.zeros(500, 4)
y[:, 0] = x[:, 0]
y += 0.5 * torch.randn(500, 4, generator=generator)
torch.manual_seed(0)
network = torch.nn.Sequential(torch.nn.Linear(4, 3, bias=False), torch.nn.Linear(3, 4, bias=False))
untrained = {name: weights.clone() for name, weights in network.state_dict().items()}
loss = sb.llc.losses.squared_error(scale=1 / (2 * 0.5**2))  # |y - f|² / 2σ²: nats an example, σ = 0.5


def train(steps):
    optimiser = torch.optim.LBFGS(network.parameters(), max_iter=steps, line_search_fn="strong_wolfe", tolerance_change=1e-12)

    def closure():
        optimiser.zero_grad()
        value = loss(network(x), (x, y)).mean()
        value.backward()
        return value

    optimiser.step(closure)


train(500)
result = sb.llc.estimate(network, loss, (x, y))
print(result)

# %% [markdown]
# The network has 24 parameters; a regular model of that size would have $\lambda = 12$, and the limit for $n \to \infty$ at
# the worst point of the fibre is `sb.llc.exact.deep_linear((4, 3, 4), 1)`. Before a number is quoted, look at what it stands
# on: the chains, and the checks behind the verdict.

# %%
def panel(title, result, truth=None):
    return sb.plots.TracePanel(title, result.trace, result.value, result.low, result.high, truth)


print(sb.llc.exact.deep_linear((4, 3, 4), rank=1))
print(f"R-hat {result.rhat:.3f}, effective draws {result.effective_sample_size:.0f}, {result.sampler}")
print(f"another data set of this size would move it by about {result.data_spread:.2f}")
sb.plots.traces([panel(f"trained network: {result.status}", result)])

# %%
result.checks

# %% [markdown]
# The number agrees with the limit, and yet the verdict is `suspect`: the Hessian at $w^*$ alone would give about 7. The noise of
# 500 examples has made $w^*$ slightly better than its singular neighbours, and the chains go to them. So 6.1 is the coefficient
# of the neighbourhood that $n\beta = n/\log n$ resolves, not of the point; that is usually what is wanted, and the verdict says
# which of the two it is.
#
# ## What each verdict looks like
#
# A number with a wrong setting looks like any other number. Every estimate therefore says `ok`, `suspect` or `failed`, with
# the reason and the advice. Some ways to go wrong:
#
# **Untrained.** The loss goes down from $w^*$, so it is no minimum, and $\hat\lambda$ is negative.

# %%
trained = {name: weights.clone() for name, weights in network.state_dict().items()}


def at(weights, **settings):
    network.load_state_dict(weights)
    return sb.llc.estimate(network, loss, (x, y), **settings)


def show(result):
    print(f"{result.value:.4g} [{result.low:.4g}, {result.high:.4g}]  {result.status}")
    for reason in result.reasons:
        print("-", reason)


show(at(untrained))

# %% [markdown]
# **Localisation dominates.** With a large $\gamma$ the chains cannot move far enough to see the loss.

# %%
show(at(trained, localization=1e4))

# %% [markdown]
# **The step is too large.** SGLD accepts every step, so a large one biases the number without a sign in the traces; beside
# the main run stands a short one of HMC that corrects its steps, and disagrees. With a still larger step the chains diverge.

# %%
step = sb.llc.calibrate(network, loss, (x, y)).sampler.step_size ** 2  # of the thermostat; squared it compares with SGLD's
show(at(trained, sampler=sb.llc.SGLD(step_size=18 * step, steps_per_draw=10)))

# %%
show(at(trained, sampler=sb.llc.SGLD(step_size=1000 * step, steps_per_draw=10)))

# %% [markdown]
# **Another phase.** In the landscape $L(w) = (w^2 - 1)^2 + 0.3\,w$ the right-hand valley is a local minimum, 0.6 above the
# left one. At a low $n\beta$ the chains cross over, and what they measure is not $w^*$; at a higher one they stay.


# %%
class TwoValleys(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(torch.tensor([0.9601495555191055], dtype=torch.float64))

    def forward(self):
        return ((self.w**2 - 1) ** 2 + 0.3 * self.w).sum()


def value(model):
    return model()


crossed = sb.llc.estimate(TwoValleys(), value, None, inverse_temperature=8, localization=0.1, draws=300)
stayed = sb.llc.estimate(TwoValleys(), value, None, inverse_temperature=100, localization=0.1, draws=300)
show(crossed)
show(stayed)
sb.plots.traces([panel(f"nβ = 8: {crossed.status}", crossed), panel(f"nβ = 100: {stayed.status}", stayed, 0.5)])

# %% [markdown]
# ## The limit, and the multiplicity
#
# One temperature gives $\lambda - (m - 1)/\log n\beta + \dots$, not $\lambda$. `method="reference"` samples a ladder of
# temperatures by replica exchange with HMC and fits both. Here is a system whose answer is known: the deep linear network
# 2-2-2 at a truth of rank 1, $\lambda = 2$ and $m = 2$ (Aoyagi 2024). `multiplicity` is None where the data do not decide.

# %%
system = sb.subjects.linear.deep_linear((2, 2, 2), rank=1)
exact = sb.llc.exact.deep_linear((2, 2, 2), rank=1)
reference = sb.llc.estimate(system.model, system.loss, system.data, method="reference", draws=400)
print(exact)
print(reference)
print("m:", reference.multiplicity, " posterior of m = 1, 2, …:", [round(share, 2) for share in reference.multiplicities[:4]])
sb.plots.temperatures(
    reference.temperatures, (reference.value, reference.low, reference.high), truth=exact.learning_coefficient
).get_figure()

# %% [markdown]
# ## What $\hat\lambda$ is not
#
# - **Not half the number of parameters that matter**, except at regular minima; and not the rank of the Hessian: at
#   singular points directions of zero curvature cost something too.
# - **Not a property of the function alone.** Two parameters with the same function can have different $\lambda$; and with a
#   small $\gamma$ the chains go to the more singular ones (`experiments/generic_points.py`).
# - **Not certain beyond its interval.** The interval is that of the chains, given these data; `data_spread` says how much
#   more another data set would change it.
# - **Not comparable across settings.** $n\beta$, $\gamma$ and the scale of the loss (nats!) belong to the number.
# - **Not a number without its verdict.** `ok` means that nothing was found that makes it wrong, among what can be seen here.
