"""Toy models of superposition (Elhage et al. 2022; Chen et al. 2023): data laws, models, exact losses, measures, geometry."""

from slt_bias.subjects.superposition.critical import Polygon, polygons
from slt_bias.subjects.superposition.geometry import Component, components, connected_components, tegum_product
from slt_bias.subjects.superposition.laws import (
    AnticorrelatedSets,
    Binary,
    CorrelatedSets,
    IndependentFeatures,
    Law,
    OneHot,
)
from slt_bias.subjects.superposition.measures import dimensions_per_feature, feature_dimensionality, norms, superposition
from slt_bias.subjects.superposition.model import Fitted, Model
from slt_bias.subjects.superposition.one_hot import one_hot_gradient, one_hot_loss
from slt_bias.subjects.superposition.population import (
    independent_gradient,
    independent_loss,
    linear_gradient,
    linear_loss,
)
from slt_bias.subjects.superposition.systems import autoencoder, system

__all__ = [
    "AnticorrelatedSets",
    "Binary",
    "Component",
    "CorrelatedSets",
    "Fitted",
    "IndependentFeatures",
    "Law",
    "Model",
    "OneHot",
    "Polygon",
    "autoencoder",
    "components",
    "connected_components",
    "dimensions_per_feature",
    "feature_dimensionality",
    "independent_gradient",
    "independent_loss",
    "linear_gradient",
    "linear_loss",
    "norms",
    "one_hot_gradient",
    "one_hot_loss",
    "polygons",
    "superposition",
    "system",
    "tegum_product",
]
