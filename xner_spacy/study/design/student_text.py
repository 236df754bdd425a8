"""What a student of a study learns from, and what its bias is fitted on."""

from typing import List, Sequence, Tuple

from spacy.tokens import Doc
from spacy.vocab import Vocab

from ...corpora.docs import docs_of, part_of, read_docbin
from ...corpora.splitting import split_docs
from ...distillation.bitext_baselines import learn_lexicon, translate_words
from ...distillation.corrected import with_corrected, without_corrected
from ...distillation.teachers.selection import select_surest
from ...errors import XnerError
from ...types import Json
from .input_files import Inputs, Parents
from .rows import GOLD


def target_text(params: Json) -> str:
    """RETURNS (str): The name of the target text of a job."""
    return str(params.get("text", f"target {params['lang']}"))


def student_text(params: Json, parents: Parents, inputs: Inputs, vocab: Vocab) -> Tuple[List[Doc], List[Doc]]:
    """Collect the labelled text of a student.

    params (Dict[str, Any]): Of the student's job. parents (Dict[str, Path]): Folders of the jobs that it depends on.
    RETURNS (Tuple[List[Doc], List[Doc]]): What it learns from, and the part that is held out for its bias. Corrected
        sentences are in the first alone.
    RAISES: XnerError if the gold labels are of other sentences.
    """
    indices = inputs.sample("target", params, vocab)
    docs = _labelled(params, indices, parents, inputs, vocab)
    held_out: List[Doc] = []
    if params.get("held_out"):
        docs, held_out = split_docs(docs, params["held_out"], params["seed"])
    if params.get("corrected"):
        corrected = _gold(params, indices[: params["corrected"]], inputs, vocab)
        docs, held_out = with_corrected(docs, corrected), without_corrected(held_out, corrected)
    return docs, held_out


def _labelled(params: Json, indices: Sequence[int], parents: Parents, inputs: Inputs, vocab: Vocab) -> List[Doc]:
    """RETURNS (List[Doc]): The sampled sentences with the labels of the student's arm."""
    arm = params["arm"]
    if arm == GOLD:
        return _gold(params, indices, inputs, vocab)
    if arm == "translate_train":
        target_docs = inputs.docs(target_text(params), vocab, indices)
        token_pairs = [([t.text for t in doc._.xner_source], [t.text for t in doc]) for doc in target_docs]
        lexicon = learn_lexicon(token_pairs, [doc._.xner_alignment for doc in target_docs])
        source = inputs.docs("source", vocab, inputs.sample("source", params, vocab))
        return [translate_words(doc, lexicon, vocab) for doc in source]
    path = parents["transfer" if arm == "tsl" else "labels"] / "train.spacy"
    docs = list(docs_of(part_of(read_docbin(path), indices), vocab, path))
    return list(select_surest(docs, params["keep"])) if arm == "surest" else docs


def _gold(params: Json, indices: Sequence[int], inputs: Inputs, vocab: Vocab) -> List[Doc]:
    """RETURNS (List[Doc]): Target sentences with gold labels. RAISES: XnerError if they are other sentences."""
    name, gold_name = target_text(params), f"gold {params['lang']}"
    docs, gold = inputs.docs(name, vocab, indices), inputs.docs(gold_name, vocab, indices)
    if any([t.text for t in doc] != [t.text for t in its_gold] for doc, its_gold in zip(docs, gold, strict=True)):
        raise XnerError(
            f"{inputs.paths[gold_name]}: other sentences than {inputs.paths[name]}.",
            "Write the same sentences in the same order, with the same tokens.",
        )
    return gold
