"""Training of toy models: the compiled step against torch, the draws against their laws, equal bits, bad input."""

import threading

import numpy as np
import pytest
import torch

from slt_bias import streams
from slt_bias.errors import InputError
from slt_bias.subjects import superposition as s
from slt_bias.subjects.superposition import _training_kernel as kernel
from slt_bias.subjects.superposition import exact, sampled, training
from slt_bias.subjects.superposition.job import Job
from slt_bias.subjects.superposition.model import KINDS

PAIRS = ((0, 1), (2, 3), (4,))
LAWS = {
    "independent": s.IndependentFeatures(5, (0.9, 0.2, 0.5, 1.0, 0.07)),
    "binary": s.Binary(5, 0.3),
    "sparse": s.IndependentFeatures(5, (0.01, 0.05, 0.05, 0.1, 0.02)),
    "sparse binary": s.Binary(5, 0.04),
    "one-hot": s.OneHot(5),
    "correlated": s.CorrelatedSets(PAIRS, (0.3, 0.8, 1.0)),
    "anticorrelated": s.AnticorrelatedSets(PAIRS, (0.3, 0.8, 1.0)),
}


def drawn(law, state, count, signed=False):
    """The kernel's examples (features, count) of one chunk, the state advanced."""
    mode, density, home = sampled.recipe(law)
    features = law.features
    lanes = state.copy()
    x = np.zeros((features, count), np.float32)
    if mode in (kernel.SPARSE, kernel.SPARSE_BINARY):
        words = np.empty(2 * kernel.BUFFER, np.uint32)
        logs, values = np.empty(kernel.BUFFER, np.float32), np.empty(kernel.BUFFER, np.float32)
        starts, example, value = np.zeros(features + 1, np.int64), np.empty(x.size, np.int32), np.empty(x.size, np.float32)
        gaps = 1 / np.log1p(-density)
        binary = mode == kernel.SPARSE_BINARY
        total = kernel.draw_sparse(lanes, words, logs, values, binary, density, gaps, count, starts, example, value)
        for i in range(features):
            part = slice(starts[i], starts[i + 1])
            assert (np.diff(example[part]) > 0).all()
            x[i, example[part]] = 2 * value[part] - 1 if signed else value[part]
        assert total == starts[-1]
    else:
        words = np.empty(2 * x.size + kernel.normals.LANES, np.uint32)
        kernel.draw_dense(lanes, words, mode, density, home, x)
        if signed:
            kernel.spread_signs(x)
    state[:] = lanes
    return x


@pytest.mark.parametrize("name", LAWS)
def test_draws_follow_their_law(name):
    law, state, count = LAWS[name], streams.state("uniforms", 1, "draws", 0), 200_000
    x = drawn(law, state, count).astype(np.float64)
    assert x.min() >= 0 and x.max() <= 1
    # 0 ≤ xᵢxⱼ ≤ 1, so that its variance is at most its mean; 25 numbers, 5 standard errors, + rounding of float32
    tolerance = 5 * np.sqrt(law.second_moments() / count) + 1e-6
    assert (np.abs(x @ x.T / count - law.second_moments()) <= tolerance).all()
    assert (np.abs(x.mean(1) - law.mean()) <= 5 * np.sqrt(law.mean() / count) + 1e-6).all()
    wrong = law.second_moments() * 1.1
    assert (np.abs(x @ x.T / count - wrong) > 5 * np.sqrt(wrong / count)).any()


def by_torch(model, law, parameters, state, steps, batch, rates):
    """The same steps by torch: automatic differentiation and torch's Adam, float32."""
    features, hidden = model.features, model.hidden
    vector = torch.tensor(parameters)
    size = features * hidden
    encoder = vector[:size].reshape(features, hidden).clone().requires_grad_()
    decoder = encoder
    free = [encoder]
    if model.kind == "absolute":
        decoder = vector[size : 2 * size].reshape(features, hidden).clone().requires_grad_()
        free.append(decoder)
    bias = vector[-features:].clone().requires_grad_()
    free.append(bias)
    optimiser = torch.optim.Adam(free, lr=1.0)
    for step in range(steps):
        left, parts, most = batch, [], kernel.chunk_size(features, batch)
        while left:
            parts.append(drawn(law, state, min(most, left), model.kind == "absolute"))
            left -= parts[-1].shape[1]
        x = torch.tensor(np.concatenate(parts, 1)).T
        h = x @ encoder
        if model.kind in ("privileged", "absolute"):
            h = torch.relu(h)
        out = h @ decoder.T + bias
        if model.kind != "linear":
            out = torch.relu(out)
        target = x.abs() if model.kind == "absolute" else x
        loss = (torch.tensor(model.shares[0], dtype=torch.float32) * (out - target) ** 2).sum(1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.param_groups[0]["lr"] = float(rates[step])
        optimiser.step()
    return torch.cat([part.detach().ravel() for part in free]).numpy()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", LAWS)
def test_the_compiled_step_is_the_one_of_torch(name, kind):
    law = LAWS[name]
    model = s.Model(5, 3, law=law, importances=[1.0, 0.5, 2.0, 0.3, 1.5], kind=kind)
    rng = np.random.default_rng(3)
    count = 5 * 3 * (2 if kind == "absolute" else 1) + 5
    start = rng.normal(size=count).astype(np.float32) * 0.5
    rates = np.array([0.02, 0.01, 0.005])
    state = streams.state("uniforms", 5, "step", 0)
    mine, first, second, mine_state = start.copy(), np.zeros_like(start), np.zeros_like(start), state.copy()
    mode, density, home = sampled.recipe(law)
    shares = model.shares[0].astype(np.float32)
    kernel.train(mine, first, second, mine_state, 0, rates, 700, shares, mode, density, home, KINDS.index(kind))
    theirs = by_torch(model, law, start, state, 3, 700, rates)
    # a step of Adam is the learning rate times a ratio of sums that both round in float32
    assert np.abs(mine - theirs).max() < 2e-5
    assert np.abs(mine - start).max() > 0.01
    assert (mine_state == state).all()


def test_many_features_are_worked_on_in_chunks():
    law, features = s.IndependentFeatures(300, 0.2), 300
    model = s.Model(features, 7, density=0.2)
    start = np.random.default_rng(0).normal(size=features * 8).astype(np.float32) * 0.1
    state = streams.state("uniforms", 5, "chunks", 0)
    assert kernel.chunk_size(features, 1000) < 1000
    mine, mine_state = start.copy(), state.copy()
    kernel.train(
        mine, np.zeros_like(start), np.zeros_like(start), mine_state, 0, np.array([0.01]), 1000, np.ones(features, np.float32),
        *sampled.recipe(law), kernel.RELU,
    )  # fmt: skip
    theirs = by_torch(model, law, start, state, 1, 1000, np.array([0.01]))
    assert np.quantile(np.abs(mine - theirs), 0.999) < 1e-4  # the first step is the sign of the slope: a rounding may turn it
    assert np.median(np.abs(mine - start)) > 0.009


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("law", [LAWS["independent"], LAWS["sparse"], LAWS["correlated"]], ids=lambda law: law.spec[:12])
def test_the_same_bits_whatever_is_trained_along(law, kind):
    settings = {"steps": 40, "batch": 200, "record": (0, 7, 40)}
    other = s.IndependentFeatures(5, 0.5)
    shares = np.linspace(1, 2, 5)
    many = s.Model(5, 2, law=[other, law, other], importances=shares, kind=kind).fit([4, 0, 9], workers=2, **settings)
    alone = s.Model(5, 2, law=law, importances=shares, kind=kind).fit([9], workers=1, **settings)
    assert (many.weights[1, 2] == alone.weights[0]).all() and (many.bias[1, 2] == alone.bias[0]).all()
    assert (many.path_weights[:, 1, 2] == alone.path_weights[:, 0]).all()
    assert many.loss[1, 2] == alone.loss[0] and (many.path_loss[:, 1, 2] == alone.path_loss[:, 0]).all()
    straight = s.Model(5, 2, law=law, importances=shares, kind=kind).fit([9], steps=40, batch=200)
    assert (straight.weights == alone.weights).all()  # keeping weights on the way changes nothing
    assert (alone.path_weights[-1] == alone.weights).all()
    assert (many.weights[0, 2] != alone.weights[0]).any()
    if kind == "absolute":
        assert (many.decoder[1, 2] == alone.decoder[0]).all()


@pytest.mark.parametrize(
    "settings",
    [{"law": s.OneHot(5)}, {"density": 0.3, "kind": "linear"}, {"density": [0.3], "features": 3}],
    ids=["one-hot", "linear", "three"],
)
def test_the_same_bits_of_exact_training(settings):
    features, hidden = settings.pop("features", 5), 2
    model = s.Model(features, hidden, **settings)
    many = model.fit(37, steps=30, batch=None, record=(3,), workers=2)
    alone = model.fit([17], steps=30, batch=None, record=(3,), workers=1)
    assert (many.weights[17] == alone.weights[0]).all() and (many.loss[17] == alone.loss[0]).all()
    assert (many.path_bias[0, 17] == alone.path_bias[0, 0]).all()
    assert (many.loss_error == 0).all()
    settings["features"] = features


def test_exact_training_descends_along_the_slope():
    model = s.Model(3, 2, density=[0.2, 0.5, 0.9], importances=[1.0, 2.0, 0.5])
    start = (np.random.default_rng(1).normal(size=(2, 3)), np.array([0.1, -0.2, 0.3]))
    fitted = model.fit(steps=1, batch=None, learning_rate=1e-3, start=start)
    step = 1e-6
    for index in np.ndindex(2, 3):  # the first step of Adam is rate · sign of the slope
        up, down = start[0].copy(), start[0].copy()
        up[index] += step
        down[index] -= step
        slope = (model.loss(up[None], start[1][None])[0] - model.loss(down[None], start[1][None])[0]) / (2 * step)
        assert fitted.weights[0][index] - start[0][index] == pytest.approx(-1e-3 * np.sign(slope[0]), rel=1e-3)


@pytest.mark.parametrize("name", LAWS)
def test_drawn_losses_agree_with_closed_forms(name):
    law = LAWS[name]
    weights, bias = np.random.default_rng(2).normal(size=(4, 2, 5)) * 0.7, np.random.default_rng(3).normal(size=(4, 5)) * 0.3
    model = s.Model(5, 2, law=law, kind="linear")
    truth, error = model.loss(weights, bias)
    assert (error == 0).all()
    mode, density, home = sampled.recipe(law)
    for k in range(4):
        state = streams.state("uniforms", k, "losses", 0)
        vector = sampled.pack(weights[k], bias[k], 2)
        mean, variance = kernel.mean_loss(vector, state, 50_000, np.ones(5, np.float32), mode, density, home, kernel.LINEAR)
        assert abs(mean - truth[k]) < 4.5 * np.sqrt(variance / 50_000) + 1e-6
        assert abs(1.1 * mean - truth[k]) > 4.5 * np.sqrt(variance / 50_000)


def test_drawn_losses_have_honest_errors():
    """Over 200 sets of examples the exact loss lies within 1.96 standard errors about 95 % of the time."""
    model = s.Model(3, 2, density=0.3)
    weights, bias = np.random.default_rng(2).normal(size=(1, 2, 3)), np.zeros((1, 3))
    truth = model.loss(weights, bias)[0][0]
    law = sampled.recipe(model.laws[0])
    hits = 0
    for seed in range(200):
        state = streams.state("uniforms", seed, "errors", 0)
        vector = sampled.pack(weights[0], bias[0], 2)
        mean, variance = kernel.mean_loss(vector, state, 2000, np.ones(3, np.float32), *law, kernel.RELU)
        hits += abs(mean - truth) < 1.96 * np.sqrt(variance / 1999)
    assert 177 <= hits <= 199  # the binomial's 99.9 % band around 190


def test_sparse_examples_are_many():
    model = s.Model(3, 2, density=0.01, kind="privileged")
    weights = np.random.default_rng(2).normal(size=(2, 3))
    loss, error = model.loss(weights, np.full(3, 0.1), examples=10_000)
    assert sampled.with_something_on(model.laws[0], 10_000) == np.ceil(10_000 / (1 - 0.99**3))
    assert sampled.with_something_on(s.IndependentFeatures(3, 0.5), 10_000) == 10_000
    rows = model.laws[0].draw(0, "test", 0, 400_000)
    out = np.maximum(np.maximum(rows @ weights.T, 0) @ weights + 0.1, 0)
    each = ((out - rows) ** 2).sum(1)
    assert abs(loss - each.mean()) < 4.5 * np.hypot(error, each.std() / np.sqrt(len(each)))
    assert error == pytest.approx(each.std() / np.sqrt(10_000 / (1 - 0.99**3)), rel=0.1)


def test_losses_of_all_seeds_use_the_same_examples():
    model = s.Model(5, 2, density=0.3, kind="privileged")
    weights = np.repeat(np.random.default_rng(0).normal(size=(1, 2, 5)), 3, axis=0)
    loss, error = model.loss(weights, np.zeros((3, 5)), examples=5000)
    assert len(set(loss.tolist())) == 1 and (error > 0).all()


def test_grids_of_cells():
    model = s.Model(
        2, 1, density=np.linspace(0.1, 1, 4)[:, None, None], importances=np.stack([np.ones(3), np.arange(1, 4)], -1)
    )
    assert model.cells == (4, 3)
    fitted = model.fit(seeds=2, steps=5, batch=None)
    assert fitted.weights.shape == (4, 3, 2, 1, 2) and fitted.loss.shape == (4, 3, 2) and fitted.best.shape == (4, 3)
    best = fitted.best_weights
    assert best.shape == (4, 3, 1, 2) and fitted.best_bias.shape == (4, 3, 2)
    assert (best[2, 1] == fitted.weights[2, 1, fitted.best[2, 1]]).all()
    cell = s.Model(2, 1, density=0.4, importances=[1.0, 2.0]).fit(seeds=2, steps=5, batch=None)
    assert (cell.weights == fitted.weights[1, 1]).all()


def test_starts_are_kept_and_zero_steps_leave_them():
    start = (np.ones((2, 3)), np.zeros(3))
    fitted = s.Model(3, 2, density=0.5).fit(seeds=2, steps=0, start=start)
    assert (fitted.weights == 1).all() and fitted.weights.shape == (2, 2, 3)
    draws = s.Model(40, 30).fit(seeds=20, steps=0).weights
    # the variance of 24,000 normals of variance 2/70: relative standard error √(2/24000)
    assert draws.var() == pytest.approx(2 / 70, rel=5 * np.sqrt(2 / 24_000))


def test_ctrl_c_is_heeded_between_segments():
    model = s.Model(50, 5, density=0.5)
    halted = threading.Event()
    halted.set()
    matrices, offsets = np.zeros((2, 1, 5, 50)), np.zeros((2, 1, 50))
    rates = np.full(10**7, 1e-3)
    job = Job(model, (0,), rates, 1024, [0, 10**7], matrices, offsets)
    sampled.train(job, np.array([0]), halted, lambda count: None)
    small = s.Model(3, 2)
    few = matrices[..., :2, :3].copy(), offsets[..., :3].copy()
    exact.train(Job(small, (0,), rates, None, [0, 10**7], *few), np.array([0]), halted, lambda count: None)


def test_an_error_in_a_thread_ends_the_others():
    begun, seen = threading.Event(), threading.Event()

    def work(task, halted, say):
        if task[0] == 0:
            begun.wait(20)
            raise KeyboardInterrupt
        begun.set()
        halted.wait(20)
        if halted.is_set():
            seen.set()

    with pytest.raises(KeyboardInterrupt):
        training.in_threads(work, [np.array([0]), np.array([1])], 2, "test", workers=2)
    assert seen.wait(20)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: s.Model(2, 3), "hidden=3 for 2 features"),
        (lambda: s.Model(2, 0), "hidden=0: give a whole number, at least 1"),
        (lambda: s.Model(0, 1), "features=0"),
        (lambda: s.Model(5, 2, density=0.0), r"density=0: a density is a probability in \(0, 1\]"),
        (lambda: s.Model(5, 2, density=[0.1, 1.2, 0.1, 0.1, 0.1]), "density=1.2"),
        (lambda: s.Model(5, 2, density=[0.1, 0.2]), r"density of shape \(2,\)"),
        (lambda: s.Model(5, 2, density=float("nan")), "density"),
        (lambda: s.Model(5, 2, importances=[1.0, 2.0]), r"importances of shape \(2,\)"),
        (lambda: s.Model(5, 2, importances=1.0), r"importances of shape \(\)"),
        (lambda: s.Model(2, 1, importances=[1.0, 0.0]), "importances: give numbers above 0"),
        (lambda: s.Model(4, 2, law=s.CorrelatedSets(((0, 1), (1, 2, 3)))), "feature 1 occurs more than once"),
        (lambda: s.Model(5, 2, law=s.OneHot(4)), "5 features and a law of 4"),
        (lambda: s.Model(4, 2, law=s.OneHot(4), density=0.1), "give one of the two"),
        (lambda: s.Model(4, 2, law="one-hot"), "give a law such as"),
        (lambda: s.Model(2, 1, density=np.ones((3, 1)), importances=np.ones((4, 2))), "shapes that fit together"),
        (lambda: s.Model(2, 1, density=np.ones((0, 1))), "at least one cell"),
        (lambda: s.Model(2, 1, kind="rely"), "Did you mean `relu`"),
        (lambda: s.Model(2, 1).fit(seeds=0), "seeds=0"),
        (lambda: s.Model(2, 1).fit(seeds=[1, 1]), "different whole numbers"),
        (lambda: s.Model(2, 1).fit(batch=0), "batch=0"),
        (lambda: s.Model(2, 1).fit(steps=-1), "steps=-1"),
        (lambda: s.Model(2, 1).fit(learning_rate=-1), "learning_rate=-1"),
        (lambda: s.Model(2, 1).fit(decay="linear"), "decay='linear'"),
        (lambda: s.Model(2, 1).fit(steps=10, record=(5, 3)), "ascending steps from 0 to 10"),
        (lambda: s.Model(2, 1).fit(steps=10, record=(11,)), "ascending steps from 0 to 10"),
        (lambda: s.Model(2, 1).fit(start=(np.ones((2, 1)), np.zeros(2))), r"start of shapes \(2, 1\), \(2,\)"),
        (lambda: s.Model(2, 1).fit(start=(np.ones((1, 2)),)), "start of 1 arrays"),
        (lambda: s.Model(9, 2, kind="privileged").fit(batch=None), "no closed form here"),
        (lambda: s.Model(2, 1).loss(np.ones((1, 2)), np.zeros(3)), r"weights of shape \(1, 2\) and bias of shape \(3,\)"),
        (lambda: s.Model(2, 1).loss(np.ones((1, 2)), np.zeros(2), np.ones((1, 2))), "has none"),
        (lambda: s.Model(2, 1, kind="absolute").loss(np.ones((1, 2)), np.zeros(2)), "needs one"),
    ],
)  # fmt: skip
def test_bad_input_costs_one_line(call, text):
    with pytest.raises(InputError, match=text) as caught:
        call()
    assert "\n" not in str(caught.value)
