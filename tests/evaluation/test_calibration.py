"""How far off scores are: reliability bins and the expected calibration error."""

import pytest

from xner_spacy.evaluation.calibration import expected_calibration_error, reliability


def test_calibration_error():
    assert expected_calibration_error([], []) == 0
    assert expected_calibration_error([1.0, 1.0], [True, True]) == 0
    assert expected_calibration_error([0.8] * 10, [True] * 6 + [False] * 4) == pytest.approx(0.2)


def test_reliability_bins():
    bins = reliability([0.05, 0.95, 1.0], [False, True, False])
    assert [b.number for b in bins] == [1] + [0] * 8 + [2]
    assert (bins[0].low, bins[-1].high) == (0.0, 1.0)
    assert (bins[-1].accuracy, bins[-1].confidence) == (0.5, pytest.approx(0.975))
    assert (bins[4].accuracy, bins[4].confidence) == (0.0, 0.0)
