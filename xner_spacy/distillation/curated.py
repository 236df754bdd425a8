"""Train the encoders of spacy-curated-transformers with current versions of NumPy."""

from typing import Any

import numpy as np
from spacy.language import Language
from thinc.api import Model, NumpyOps


class _ScalarFull:
    """NumPy, but an array of one element that `full` makes has no dimension."""

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def full(self, shape: Any, value: Any, **settings: Any) -> Any:
        """RETURNS (Any): As `numpy.full`."""
        return np.full(() if shape == 1 else shape, value, **settings)


class _ScalarLossOps(NumpyOps):
    """NumPy operations for the component that sums its loss up in such an array."""

    xp = _ScalarFull()


class CuratedLoss:
    """Lets a `curated_transformer` train on a CPU with NumPy 2.4 and newer, `xner.CuratedLoss.v1`, a callback for
    `[initialize.before_init]`.

    The component sums its loss up in an array of one element, and turns that into a number (version 0.3.1, the last one
    for spaCy 3). NumPy 2.4 only does so with an array without a dimension. On a GPU nothing changes, and neither does a
    pipeline without this component.
    """

    def __call__(self, nlp: Language) -> Language:
        for name, component in nlp.pipeline:
            model = getattr(component, "model", None)
            is_curated = nlp.get_pipe_meta(name).factory == "curated_transformer"
            if is_curated and isinstance(model, Model) and isinstance(model.ops, NumpyOps):
                model.ops = _ScalarLossOps(use_blis=model.ops.use_blis)
        return nlp
