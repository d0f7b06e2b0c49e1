"""Laws and inputs in words."""

import pytest

from slt_bias import functions, maps
from slt_bias.workflows.laws import inputs_in_words, law_in_words


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("mlp", "normal; weights of standard deviation 1/√fan_in, biases of standard deviation 1"),
        ("mlp:law=uniform,weight_std=2,bias=false", "uniform; weights of standard deviation 2/√fan_in, no biases"),
        ("mlp:preset=valle-perez-2018", "uniform; weights and biases of variance 2/fan_in"),
        ("polynomial:decay=0.5", "every coefficient, the constant's included, of standard deviation 1·0.5^degree"),
        ("uniform", "no parameters"),
    ],
)
def test_laws(spec, words):
    assert words in law_in_words(maps.parse(spec))


def test_inputs():
    assert inputs_in_words(maps.parse("mlp:inputs=3,values=pm1")) == "all 8 points of 3 binary inputs with values −1 and 1"
    assert inputs_in_words(maps.Perceptron(functions.grid(3, 4))).startswith("12 grid points with 2 features")
    assert inputs_in_words(maps.Perceptron(functions.load("digits:9"))).startswith("9 rows of data with 64 features (")


def test_inputs_from_a_file_name_it():
    inputs = functions.load("digits:9")
    object.__setattr__(inputs, "source", "my rows.csv")
    assert "(my rows.csv, rows-" in inputs_in_words(maps.Perceptron(inputs))
