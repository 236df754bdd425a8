"""Words as integers."""

from typing import Dict, Iterable, List, Sequence

import numpy as np
import numpy.typing as npt

from ...text import comparable

Int = npt.NDArray[np.int32]


class Vocabulary:
    """The words of one language as `comparable` gives them, numbered from 1; 0 is every word that is not in it.

    words (Iterable[str]): Words to begin with, already comparable.
    limit (int): No more words than this are taken in; later ones are 0.
    """

    def __init__(self, words: Iterable[str] = (), *, limit: int = 1_000_000) -> None:
        self.limit = limit
        self.words: List[str] = [""]
        self.words.extend(words)
        self._index: Dict[str, int] = {}
        for number, word in enumerate(self.words):
            if number:
                self._index.setdefault(word, number)

    def __len__(self) -> int:
        return len(self.words)

    def add(self, tokens: Sequence[str]) -> Int:
        """Encode tokens and take in those that are new. RETURNS (Int): Their numbers."""
        index = self._index
        numbers = np.zeros(len(tokens), dtype=np.int32)
        for position, token in enumerate(tokens):
            word = comparable(token)
            number = index.get(word)
            if number is None:
                if len(self.words) > self.limit:
                    continue
                number = len(self.words)
                index[word] = number
                self.words.append(word)
            numbers[position] = number
        return numbers

    def encode(self, tokens: Sequence[str]) -> Int:
        """RETURNS (Int): The numbers of the tokens, 0 for those that are not in the vocabulary."""
        get = self._index.get
        return np.fromiter((get(comparable(t), 0) for t in tokens), dtype=np.int32, count=len(tokens))
