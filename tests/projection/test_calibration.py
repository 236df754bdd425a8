"""Maps from scores to confidences."""

import numpy as np
import pytest

from xner_spacy.evaluation.calibration import expected_calibration_error
from xner_spacy.projection.matching.confidence import Calibration, fit_calibration


def test_fit_recovers_the_map():
    rng = np.random.default_rng(0)
    points = [(float(a), float(b)) for a, b in rng.normal(size=(4000, 2))]
    true = Calibration(0.5, 1.0, 2.0)
    right = [bool(rng.random() < true(*p)) for p in points]
    fitted = fit_calibration(points, right)
    assert list(fitted) == pytest.approx(list(true), abs=0.2)
    after = expected_calibration_error([fitted(*p) for p in points], right)
    before = expected_calibration_error([min(1.0, max(0.0, p[0])) for p in points], right)
    assert after < 0.03 < before


def test_extreme_scores_stay_in_bounds():
    assert 0.0 < Calibration(0, 1, 0)(-1e9, 0) < Calibration(0, 1, 0)(1e9, 0) <= 1.0
