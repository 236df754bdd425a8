"""Losses: gradients against finite differences, and what tells one from another."""

import numpy as np
import pytest
from spacy.util import registry

import xner_spacy  # noqa: F401

LOSSES = {
    "xner.CrossEntropy.v1": [{}, {"label_smoothing": 0.1}],
    "xner.KLDivergence.v1": [{}, {"temperature": 2.0}],
    "xner.MeanSquaredError.v1": [{}, {"scale": 3.0}],
    "xner.GeneralizedCrossEntropy.v1": [{}, {"q": 0.2}, {"q": 1.0}],
}
CASES = [(name, settings) for name, many in LOSSES.items() for settings in many]


def make(name, settings):
    return registry.resolve({"loss": {"@losses": name, **settings}})["loss"]


def data(seed=0, n=5, k=4):
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(n, k))
    targets = rng.dirichlet(np.ones(k), size=n)
    weights = np.array([1.0, 0.5, 0.0, 2.0, 1.0])
    return scores, targets, weights


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_gradient(name, settings):
    loss = make(name, settings)
    scores, targets, weights = data()
    _, gradient = loss(scores, targets, weights)
    numeric = np.zeros_like(scores)
    for i, j in np.ndindex(*scores.shape):
        step = np.zeros_like(scores)
        step[i, j] = 1e-5
        up, down = (loss(scores + s, targets, weights)[0] for s in (step, -step))
        numeric[i, j] = (up - down) / 2e-5
    np.testing.assert_allclose(gradient, numeric, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_weight_zero_is_missing(name, settings):
    loss = make(name, settings)
    scores, targets, weights = data()
    total, gradient = loss(scores, targets, weights)
    assert not gradient[2].any()
    other = targets.copy()
    other[2] = 0
    assert loss(scores, other, weights)[0] == pytest.approx(total)
    assert loss(scores, targets, weights * 0)[0] == 0


@pytest.mark.parametrize("name", ["xner.KLDivergence.v1", "xner.MeanSquaredError.v1"])
def test_zero_at_the_target(name):
    loss = make(name, {})
    _, targets, weights = data()
    value, gradient = loss(np.log(targets), targets, weights)
    assert abs(value) < 1e-5
    np.testing.assert_allclose(gradient, 0, atol=1e-6)


def test_generalised_cross_entropy_between_its_limits():
    scores, _, weights = data()
    hard = np.eye(4)[[0, 1, 2, 3, 0]]
    low = make("xner.GeneralizedCrossEntropy.v1", {"q": 0.001})(scores, hard, weights)[0]
    assert low == pytest.approx(make("xner.CrossEntropy.v1", {})(scores, hard, weights)[0], rel=0.01)
    # A confident contradiction pulls less than under cross-entropy: that is what noise is met with.
    wrong = np.array([[8.0, 0, 0, 0]])
    goal, one = np.array([[0, 1.0, 0, 0]]), np.ones(1)
    robust = make("xner.GeneralizedCrossEntropy.v1", {})(wrong, goal, one)[1]
    plain = make("xner.CrossEntropy.v1", {})(wrong, goal, one)[1]
    assert abs(robust).max() < 0.1 * abs(plain).max()
    with pytest.raises(ValueError, match="q must be"):
        make("xner.GeneralizedCrossEntropy.v1", {"q": 0.0})


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_settings_that_are_none(value):
    for name, setting in (
        ("xner.CrossEntropy.v1", "label_smoothing"),
        ("xner.KLDivergence.v1", "temperature"),
        ("xner.MeanSquaredError.v1", "scale"),
        ("xner.GeneralizedCrossEntropy.v1", "q"),
    ):
        with pytest.raises(ValueError, match=f"{setting} must be"):
            make(name, {setting: value})
