"""Matrix products by NumPy's own library in place of the BLIS that Thinc brings along."""

from typing import Callable

from spacy.language import Language
from thinc.api import Model, NumpyOps


def make_numpy_gemm() -> Callable[[Language], Language]:
    """Let all components of a pipeline multiply matrices by NumPy, `xner.NumpyGemm.v1`, for
    `[nlp.after_pipeline_creation]`, from where it holds for training and wherever the pipeline is
    loaded.

    Nearly all of a tok2vec's time on a CPU is in matrix products. NumPy's library (OpenBLAS in its
    wheels) knows more processors than the BLIS in Thinc's, and uses as many threads as
    `OPENBLAS_NUM_THREADS` allows, while that BLIS uses one. Results differ in the rounding. On a
    GPU, or with another set of operations such as `thinc-apple-ops`, nothing changes.
    """
    return use_numpy_gemm


def use_numpy_gemm(nlp: Language) -> Language:
    """RETURNS (Language): The same pipeline; its models on a CPU multiply by NumPy."""
    ops = NumpyOps(use_blis=False)
    for _, component in nlp.components:
        model = getattr(component, "model", None)
        for node in model.walk() if isinstance(model, Model) else ():
            # A subclass has its own reasons.
            if type(node.ops) is NumpyOps:
                node.ops = ops
    return nlp
