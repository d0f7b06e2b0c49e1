"""Checkpoint files: read without running code, and checked against the model."""

import os
import pickle
from collections import OrderedDict

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from slt_bias.errors import InputError
from slt_bias.llc.checkpoints import fit, load, read_many
from slt_bias.llc.reading import read


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 4), nn.Softplus(), nn.Linear(4, 2))


def message(function, *arguments):
    with pytest.raises(InputError) as caught:
        function(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("nested", [None, "state_dict", "model_state_dict"])
@pytest.mark.parametrize("old", [False, True])
def test_torch_files(tmp_path, nested, old):
    state = network().state_dict()
    torch.save({nested: state, "epoch": 3} if nested else state, tmp_path / "a.pt", _use_new_zipfile_serialization=not old)
    found = load(tmp_path / "a.pt")
    assert list(found) == list(state) and all(torch.equal(found[name], state[name]) for name in state)


@pytest.mark.parametrize("name", ["a.safetensors", "a.bin"])
def test_safetensors(tmp_path, name):
    state = network().state_dict()
    save_file(state, tmp_path / name)
    found = load(str(tmp_path / name))
    assert set(found) == set(state) and all(torch.equal(found[name], state[name]) for name in state)


class Attack:
    def __init__(self, place):
        self.place = place

    def __reduce__(self):
        return os.system, (f"touch {self.place}",)


@pytest.mark.parametrize("how", ["pickle", "torch", "torch-old"])
def test_code_is_refused_and_not_run(tmp_path, how):
    place, file = tmp_path / "ran", tmp_path / "a.pt"
    if how == "pickle":
        file.write_bytes(pickle.dumps({"state_dict": Attack(place)}))
    else:
        torch.save({"w": torch.ones(2), "x": Attack(place)}, file, _use_new_zipfile_serialization=how == "torch")
    text = message(load, file)
    assert "safetensors" in text and str(file) in text and "code" in text
    assert not place.exists()
    # the same file would have run it: the test can fail
    if how == "pickle":
        pickle.loads(file.read_bytes())
        assert place.exists()


def test_broken_files(tmp_path):
    state = network().state_dict()
    torch.save(state, tmp_path / "a.pt")
    torch.save(state, tmp_path / "o.pt", _use_new_zipfile_serialization=False)
    save_file(state, tmp_path / "a.safetensors")
    for name in ("a.pt", "o.pt", "a.safetensors"):
        whole = (tmp_path / name).read_bytes()
        for share in (0.3, 0.9):
            short = tmp_path / f"short-{name}"
            short.write_bytes(whole[: int(len(whole) * share)])
            text = message(load, short)
            assert str(short) in text and "truncated" in text
    (tmp_path / "empty.pt").write_bytes(b"")
    assert "empty (0 bytes)" in message(load, tmp_path / "empty.pt")
    (tmp_path / "text.pt").write_text("epoch,loss\n1,0.5\n" * 20)
    assert "no checkpoint" in message(load, tmp_path / "text.pt")
    assert "is a directory" in message(load, tmp_path)
    assert "no such" in message(load, tmp_path / "missing.pt")
    torch.save(torch.ones(3), tmp_path / "tensor.pt")
    assert "no state dict" in message(load, tmp_path / "tensor.pt")
    torch.save({"epoch": 3}, tmp_path / "number.pt")
    assert "`epoch` is int" in message(load, tmp_path / "number.pt")


def test_fit_lists_everything_at_once():
    model, state = network(), network().state_dict()
    assert list(fit(model, state)) == list(state)
    wrong = OrderedDict(state)
    del wrong["0.bias"]
    wrong["other"] = torch.ones(1)
    wrong["2.weight"] = torch.ones(4, 2)
    text = message(fit, model, wrong)
    assert "missing: 0.bias" in text and "unexpected: other" in text and "2.weight (4, 2) instead of (2, 4)" in text
    state["2.bias"][1] = float("nan")
    assert "`2.bias` has NaN" in message(fit, model, state)


def test_read_many(tmp_path):
    model, others = network(), [network(seed) for seed in (1, 2, 3)]
    torch.save(others[1].state_dict(), tmp_path / "b.pt")
    listed = [others[0].state_dict(), tmp_path / "b.pt", others[2].state_dict()]
    found = read_many(model, listed)
    assert found.shape == (3, 26) and found.dtype == np.float64
    assert np.array_equal(found, read_many(model, dict(zip("abc", listed, strict=True))))
    x = torch.randn(10, 3)
    for row, other in zip(found, others, strict=True):
        problem = read(other, lambda output, batch: output.square().sum(1), (x,))
        assert np.array_equal(row, problem.centre)


def test_read_many_refuses(tmp_path):
    model, state = network(), network(1).state_dict()
    assert "empty" in message(read_many, model, [])
    assert "one state dict" in message(read_many, model, state)
    assert "one path" in message(read_many, model, str(tmp_path))
    assert "checkpoint `late`: `0.bias` has NaN" in message(
        read_many, model, {"early": state, "late": {**state, "0.bias": torch.full((4,), float("nan"))}}
    )
    assert "checkpoint 1 does not fit the model: missing: 2.bias" in message(
        read_many, model, [state, {name: value for name, value in state.items() if name != "2.bias"}]
    )
    # only the first layer is sampled: the second must be the model's, else all checkpoints would be measured with it
    assert "`2.weight` is not sampled and differs" in message(read_many, model, [state], ["0.weight", "0.bias"])
    mixed = {**model.state_dict(), "0.weight": state["0.weight"]}
    assert np.array_equal(read_many(model, [mixed], ["0.weight"]), state["0.weight"].double().numpy().reshape(1, -1))
