"""Finding the student of a pipeline, and running the components before it."""

from typing import Any, List, Sequence

from spacy.language import Language
from spacy.tokens import Doc

from ...corpora.docs import bare_copy
from ...errors import XnerError


def find_student(nlp: Language) -> Any:
    """RETURNS (Any): The pipeline's `xner_student`. RAISES: XnerError if it has none."""
    for name, pipe in nlp.pipeline:
        if nlp.get_pipe_meta(name).factory == "xner_student":
            return pipe
    raise XnerError(
        f"The pipeline has no xner_student (it has {', '.join(nlp.pipe_names) or 'nothing'}).",
        "Only a student has scores and distributions; spaCy's ner has none. Train one on what an xner_student as source "
        "pipeline labels: xner init-config source|student --labels soft (docs/students.md).",
    )


def run_upstream(nlp: Language, docs: Sequence[Doc], batch_size: int = 256) -> List[Doc]:
    """RETURNS (List[Doc]): Copies of the Docs' tokens after all components that come before the student."""
    student = find_student(nlp)
    copies = [bare_copy(doc, nlp.vocab) for doc in docs]
    for name, pipe in nlp.pipeline:
        if name == student.name:
            break
        copies = list(pipe.pipe(copies, batch_size=batch_size))  # type: ignore[attr-defined]
    return copies
