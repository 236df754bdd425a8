"""What the checks of a project's inputs measure on real text: domain, language and layout.

    python -m benchmarks input_checks

Needs MasakhaNER 2.0, MAFAND and NTREX in ../shared/data; prints the tables of docs/inputs.md.
"""

import argparse
from pathlib import Path
from typing import Iterator, List, Sequence, Tuple

import spacy

from xner_spacy.corpora.docs import make_doc
from xner_spacy.recipe.sentences import SentenceSplitter
from xner_spacy.recipe.text_checks import Line, compare_domains, line_of, looks_like

LANGS = ("lug", "luo", "tsn", "pcm", "hau", "swa", "yor", "kin", "nya", "sna", "xho")
NTREX = ("hau", "swa", "tsn", "yor")
# Sentences a text; the measures hardly change with more.
MOST = 6000
NLP = spacy.blank("xx")


def raw(path: Path) -> List[str]:
    """RETURNS (List[str]): The lines of a text that are not empty."""
    text = path.read_text(encoding="utf8") if path.exists() else ""
    return [line for line in text.split("\n") if line.strip()][:MOST]


def bitext(data: Path, lang: str, side: str = "") -> List[str]:
    """RETURNS (List[str]): One side of MAFAND, the target by default."""
    folder = data / "mafand" / f"en-{lang}"
    return [line for split in ("train", "dev", "test") for line in raw(folder / f"{split}.{side or lang}")][:MOST]


def tokenised(lines: Sequence[str]) -> List[Line]:
    """RETURNS (List[Line]): Raw sentences for the checks."""
    return [line_of(NLP.make_doc(line)) for line in lines]


def labelled(data: Path, lang: str, split: str) -> List[Line]:
    """RETURNS (List[Line]): A split of MasakhaNER, without labels."""
    text = (data / "masakhaner2" / lang / f"{split}.txt").read_text(encoding="utf8")
    # Not `read_columns`: a line of the Xhosa file has no tag.
    blocks = [[row.split(" ")[0] for row in block.split("\n") if row[:1].strip()] for block in text.split("\n\n")]
    return [line_of(make_doc(NLP.vocab, words)) for words in [words for words in blocks if words][:MOST]]


def domain_rows(data: Path) -> Iterator[Tuple[str, str, str, str, str]]:
    """YIELDS (Tuple): A row for each pair of texts."""
    for lang in LANGS:
        train = labelled(data, lang, "train")
        pairs = [("MAFAND", tokenised(bitext(data, lang)), "MasakhaNER train", train)]
        if lang in NTREX:
            lines = tokenised(raw(data / "ntrex" / f"newstest2019-ref.{lang}.txt"))
            pairs.append(("NTREX", lines, "MasakhaNER train", train))
        pairs.append(("MasakhaNER train", train, "MasakhaNER test", labelled(data, lang, "test")))
        for name, known, text_name, text in pairs:
            distance = compare_domains(text, known)
            assert distance is not None
            new, within = 100 * distance["new_words"], 100 * distance["new_words_within"]
            yield lang, f"{name} → {text_name}", f"{new:.1f}", f"{within:.1f}", "yes" if distance["far"] else ""


def share_english(lines: Sequence[str]) -> float:
    """RETURNS (float): The share of sentences that look like English, in percent."""
    judged = [line.words for line in tokenised(lines) if len(line.words) >= 5]
    return 100 * sum(looks_like(words, "English") for words in judged) / len(judged)


def share_several(lines: Sequence[str], together: int = 1) -> float:
    """RETURNS (float): The share of lines with several sentences, in percent. together (int): Sentences that are put
    into one line.
    """
    split = SentenceSplitter(NLP)
    joined = [" ".join(lines[k : k + together]) for k in range(0, len(lines), together)]
    return 100 * sum(len(split(line)) > 1 for line in joined) / len(joined)


def main(arguments: List[str]) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks input_checks", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    data = parser.parse_args(arguments).data
    print("| language | labelled text → other text | new words | within | warned |\n|---|---|---:|---:|---|")
    for row in domain_rows(data):
        print(f"| {' | '.join(row)} |", flush=True)
    print("\n| MAFAND | looks like English | its English side | several sentences a line | four lines in one |")
    print("|---|---:|---:|---:|---:|")
    for lang in LANGS:
        target, english = bitext(data, lang), bitext(data, lang, "en")
        shares = (share_english(target), share_english(english), share_several(target), share_several(target, 4))
        print(f"| {lang} | {' | '.join(f'{share:.1f}' for share in shares)} |", flush=True)
