"""Labels and file names."""

import pytest

from slt_bias import functions, maps
from slt_bias.errors import SpecError
from slt_bias.workflows.naming import file_name, labels


def test_labels_say_what_tells_maps_apart():
    specs = ["mlp:activation=relu", "mlp:activation=tanh", "perceptron"]
    assert labels([maps.parse(spec) for spec in specs]) == ["mlp activation=relu", "mlp activation=tanh", "perceptron"]


def test_equal_maps_are_refused():
    with pytest.raises(SpecError, match="give each once"):
        labels([maps.parse("mlp"), maps.parse("mlp:hidden=40x40")])


def test_file_names_are_safe_and_short_and_tell_all_specs_apart():
    specs = [
        "mlp",
        "mlp:activation=tanh",
        "perceptron:inputs=5",
        "mlp:hidden=" + "x".join(["11"] * 60),
        "mlp:hidden=" + "x".join(["11"] * 61),
    ]
    names = [file_name(maps.parse(spec)) for spec in specs]
    assert len(set(names)) == len(names)
    for name in names:
        assert len(name) < 100
        assert not set(name) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._=+-")
    assert names[0].startswith("mlp-") and "activation=tanh" in names[1]


def test_no_path_escapes_the_folder():
    map = maps.Perceptron(functions.grid(3, 3))
    object.__setattr__(map, "spec", "perceptron:../../etc/passwd,inputs=grid-3x3")
    assert "/" not in file_name(map) and not file_name(map).startswith(".")


def test_a_map_within_a_map_is_named_by_what_is_no_default():
    specs = [
        "scrambled:map=[cnn],key=1",
        "scrambled:map=[mlp:hidden=8,bias=false],key=1",
        "scrambled:map=[scrambled:key=2],key=1",
    ]
    found = [maps.parse(spec) for spec in specs]
    assert labels(found) == [
        "scrambled map=[cnn]", "scrambled map=[mlp hidden=8 bias_std=0.0]", "scrambled map=[scrambled key=2]"
    ]  # fmt: skip
    assert file_name(found[1]).startswith("scrambled-map=-mlp-hidden=8-bias_std=0.0-")
