"""What is asked about the same words again and again, remembered by word."""

from typing import Callable, Dict, NamedTuple, TypeVar

Answer = TypeVar("Answer")

# A table with more words starts anew. The frequent words are back at once.
MOST_WORDS = 200_000


class WordTable(Dict[str, Answer]):
    """Answers by word: `table[word]` asks if the word is not there yet.

    ask (Callable[[str], Answer]): Gives the answer for a word. It must not change while the table is used.
    """

    def __init__(self, ask: Callable[[str], Answer]) -> None:
        super().__init__()
        self.ask = ask

    def __missing__(self, word: str) -> Answer:
        if len(self) >= MOST_WORDS:
            self.clear()
        answer = self[word] = self.ask(word)
        return answer


class SourceWord(NamedTuple):
    """What the span score asks about a source word."""

    is_mark: bool  # whether it is punctuation
    is_content: bool  # whether it is neither that nor a function word
    is_particle: bool  # whether, outside the entities, the word for a name may translate it too
    is_capital: bool  # whether it begins with a capital
    stands_out: bool  # whether its spelling is compared even outside the entities


class TargetWord(NamedTuple):
    """What the span score asks about a target word."""

    is_mark: bool  # whether it is punctuation
    is_function: bool  # whether it is a function word
    is_lower: bool  # whether its first letter is in lower case
    is_capital: bool  # whether it begins with a capital
