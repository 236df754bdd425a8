"""Write the files of a project's `corpus/`, and remember their names."""

from pathlib import Path
from typing import Dict, Iterable, List, Sequence

from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import get_words_and_spaces

from ..corpora.docs import write_docbin
from ..corpora.watching import printable
from ..corpora.writing import atomic_write
from ..text import split_tokens
from .bitext_files import Pair
from .text_files import PLACE_KEY
from .words import english_words, sentence_key

OUT = "corpus"
# Sentences whose tokens are known, by their letters.
Tokens = Dict[str, Doc]


class CorpusFiles:
    """Writes below `corpus/`. `names` are the files that were written, below the project.

    root (Path): The project's folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.names: List[str] = []
        self.english = english_words()

    def write_docs(self, name: str, docs: Sequence[Doc]) -> None:
        """Write a DocBin. name (str): Its name below corpus/."""
        write_docbin(self.root / OUT / name, docs)
        self.names.append(f"{OUT}/{name}")

    def write_lines(self, name: str, lines: Sequence[str]) -> None:
        """Write a text. name (str): Its name below corpus/."""
        with atomic_write(self.root / OUT / name) as file:
            file.write("".join(f"{line}\n" for line in lines))
        self.names.append(f"{OUT}/{name}")

    def english_docs(self, pairs: Sequence[Pair]) -> List[Doc]:
        """RETURNS (List[Doc]): The English sides, tokenised."""
        return [self.english.make_doc(pair.english) for pair in pairs]

    def write_tokens(
        self, folder: str, pairs: Sequence[Pair], english: Sequence[Doc], target: Iterable[Doc], tokens: Tokens
    ) -> None:
        """Write both sides of a bitext for an aligner: `en.tok` and `target.tok`, one space between tokens. The aligner
        will meet the target as the text tokenises it, so it learns from the same tokens where they are known.

        english, target: Both sides of the pairs, tokenised. tokens (Tokens): The known tokens.
        """
        known = [tokens.get(sentence_key(pair.target)) for pair in pairs]
        words = [(same and words_of(same)) or words_of(doc) for same, doc in zip(known, target, strict=True)]
        self.write_lines(f"{folder}/en.tok", [_as_line(words_of(doc)) for doc in english])
        self.write_lines(f"{folder}/target.tok", [_as_line(sentence) for sentence in words])

    def target_doc(self, nlp: Language, pair: Pair, tokens: Tokens) -> Doc:
        """RETURNS (Doc): The target side of a pair with its place, and with known tokens if they fit its text."""
        doc = None
        same = tokens.get(sentence_key(pair.target))
        if same is not None and (words := words_of(same)):
            try:
                words, spaces = get_words_and_spaces(words, pair.target)
                doc = Doc(nlp.vocab, words=words, spaces=spaces)
            except ValueError:  # Only letters are alike: a quotation mark, say, is written in another way.
                doc = None
        doc = nlp.make_doc(pair.target) if doc is None else doc
        doc.user_data[PLACE_KEY] = {"file": name_below(self.root, pair.file), "line": pair.line}
        return doc


def name_below(root: Path, path: Path) -> str:
    """RETURNS (str): The name of a file below the project."""
    return printable(path.relative_to(root).as_posix())


def text_key(doc: Doc) -> str:
    """RETURNS (str): What two sentences have in common that are the same but for tokens, case and punctuation."""
    return sentence_key(doc.text)


def known_tokens(*corpora: Sequence[Doc]) -> Tokens:
    """RETURNS (Tokens): The tokens of each sentence by its letters; the first corpus that has a sentence decides."""
    tokens: Tokens = {}
    for docs in corpora:
        for doc in docs:
            tokens.setdefault(text_key(doc), doc)
    return tokens


def words_of(doc: Doc) -> List[str]:
    """RETURNS (List[str]): The tokens of a Doc that are not white space."""
    return [token.text for token in doc if not token.is_space]


def _as_line(words: Sequence[str]) -> str:
    # A few tokenizers make tokens with a space inside.
    return " ".join("_".join(split_tokens(word)) if " " in word or "\t" in word else word for word in words)
