"""When a model predicts, each word of a batch is embedded once, however often it occurs.

The first layers of a tok2vec (`spacy.MultiHashEmbed.v2`) see nothing but the word itself, and take a third of its time.
About half of the words of a batch of sentences have occurred in it before.
"""

from dataclasses import dataclass
from typing import Any, Callable, List, Tuple, cast

import numpy as np
import numpy.typing as npt
from spacy.tokens import Doc
from thinc.api import Model, NumpyOps

Ids = npt.NDArray[np.uint64]
# Odd numbers, so that different ids rarely have the same sum.
FACTORS = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93], dtype=np.uint64)


def embeds_words(model: Model) -> bool:
    """RETURNS (bool): Whether a model is a `spacy.MultiHashEmbed.v2` without static vectors."""
    names = [layer.name.split("(")[0] for layer in model.layers]
    return names == ["extract_features", "list2ragged", "with_array", "with_array", "ragged2list"]


def unique_rows(ids: Ids) -> Tuple[Ids, npt.NDArray[np.int64]]:
    """RETURNS (Tuple[Ids, NDArray]): The different rows, and for each row the number of its like among them."""
    sums = (ids * np.resize(FACTORS, ids.shape[1])).sum(axis=1, dtype=np.uint64)
    _, first, inverse = np.unique(sums, return_index=True, return_inverse=True)
    unique = ids[first]
    if not np.array_equal(unique[inverse], ids):  # two different rows with one sum
        unique, inverse = np.unique(ids, axis=0, return_inverse=True)
    return unique, inverse.reshape(-1)


@dataclass(eq=False)
class EachWordOnce:
    """The forward function of a model that `embeds_words`. It is a class so that models can be pickled for other
    processes.

    forward (Callable): The function that it replaces, by which the model still trains.
    """

    forward: Callable

    def __call__(self, model: Model, docs: List[Doc], is_train: bool) -> Any:
        """RETURNS (Tuple[List[Floats2d], Callable]): The vectors of the words of each Doc, and a function to train by,
        which fails after a prediction.
        """
        # On a GPU, to which a model may be moved later, embedding is no longer what takes the time.
        if is_train or not docs or not isinstance(model.ops, NumpyOps):
            return self.forward(model, docs, is_train)
        extract, _, embed, mix, _ = cast(List[Any], model.layers)
        ids_of_docs: List[Ids] = extract.predict(docs)
        unique, words = unique_rows(np.concatenate(ids_of_docs))
        vectors = mix.predict(embed.predict(unique))[words]
        ends = np.cumsum([len(ids) for ids in ids_of_docs])[:-1]
        return np.split(vectors, ends), no_training


def no_training(_: Any) -> Any:
    """The way back of a prediction. RAISES: ValueError."""
    raise ValueError("This was a prediction; a model trains by what `begin_update` returns.")
