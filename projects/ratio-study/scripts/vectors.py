"""Learn cross-lingual vectors of English and all languages of the study with much bitext, for the block `plain_vectors`.

Writes OUT/vocab, a vocabulary with the vectors, from the bitexts of MAFAND: English and each language, all splits, by our
tokenizer. Words that are aligned stand in for each other, as in the step `transfer` of `xner new`.
"""

from pathlib import Path

import typer
from tqdm import tqdm

from xner_spacy.corpora.bitext import read_bitext
from xner_spacy.corpora.writing import atomic_write
from xner_spacy.languages import blank
from xner_spacy.recipe.transfer import shared_vectors


def main(
    mafand: Path = typer.Argument(..., help="Folder of MAFAND."),
    out: Path = typer.Argument(..., help="Where the vectors go."),
    langs: str = typer.Option("lug,luo,tsn,pcm,hau,swa,yor", help="ISO 639-3 codes."),
    seed: int = typer.Option(0, help="Of the mixing of words."),
) -> None:
    """Learn the vectors."""
    bitexts = []
    for lang in tqdm(langs.split(","), unit=" language"):
        folder = mafand / f"en-{lang}"
        pairs = [
            pair
            for split in ("train", "dev", "test")
            for pair in read_bitext(folder / f"{split}.en", folder / f"{split}.{lang}")
        ]
        sides = out / f"{lang}.en.tok", out / f"{lang}.tok"
        for path, code, texts in zip(sides, ("en", lang), zip(*pairs, strict=True), strict=True):
            nlp = blank(code)
            with atomic_write(path) as file:
                for doc in map(nlp.make_doc, texts):
                    file.write(" ".join(token.text for token in doc if not token.is_space) + "\n")
        bitexts.append(sides)
    shared_vectors(bitexts, out, seed)


if __name__ == "__main__":
    typer.run(main)
