"""`xner_translator`: gives a target-language Doc its reading in the source language."""

from collections import Counter
from dataclasses import replace
from itertools import accumulate
from typing import Callable, Dict, Iterable, List, Optional

from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example

from ..docdata import FAULT_KEY
from ..languages import blank
from ..streams import paired
from ..text import composed, join_words
from ..translation.faults import MISSING, TOO_LONG
from ..types import Translation, Translator
from .batch_pipe import BatchPipe


@Language.factory(
    "xner_translator",
    assigns=["doc._.xner_source"],
    default_config={"translator": {"@xner_translators": "xner.NoOp.v1"}},
)
class TranslatorComponent(BatchPipe):
    """Translates each Doc, or each of its sentences where boundaries are set, and tokenises the result into
    `doc._.xner_source`.

    Sentence boundaries carry over: sentence n of the Doc is sentence n of its source, which the aligner uses. A Doc
    without translation has the source None; where its translation went wrong, `doc.user_data["xner_fault"]` says how,
    and `faults` counts it.

    translator (Translator): The part, from the registry `xner_translators`.
    source_lang (str): Language code of the translation; its spaCy tokenizer splits it.
    overwrite (bool): Translate Docs that have a source Doc already.
    """

    def __init__(
        self, nlp: Language, name: str, translator: Translator, source_lang: str = "en", overwrite: bool = False
    ) -> None:
        super().__init__(name, translator)
        self.source_lang = source_lang
        self.overwrite = overwrite
        self.source_nlp = blank(source_lang)
        self.faults: Counter = Counter()

    def initialize(self, get_examples: Callable[[], Iterable[Example]], *, nlp: Optional[Language] = None) -> None:
        """Nothing is learned; a store of translations is made, where there is none yet."""
        if hasattr(self.part, "initialize"):
            self.part.initialize()

    def process(self, docs: List[Doc]) -> None:
        todo = [doc for doc in docs if self.overwrite or doc._.xner_source is None]
        asked: List[List[str]] = []
        for doc in todo:
            # An empty Doc counts as having sentence boundaries, and has no sentence.
            whole = not len(doc) or not doc.has_annotation("SENT_START")
            asked.append([_text(s) for s in ([doc[:]] if whole else doc.sents)])
        known = self._translate([text for texts in asked for text in texts])
        for doc, texts in zip(todo, asked, strict=True):
            translations = [known[text] for text in texts]
            doc._.xner_source = self._join(translations)
            doc.user_data.pop(FAULT_KEY, None)
            fault = next((t.fault for t in translations if t.fault), None)
            if fault is not None:
                doc.user_data[FAULT_KEY] = fault
                self.faults[fault] += 1

    def _translate(self, texts: List[str]) -> Dict[str, Translation]:
        """The translation of each text, or why there is none. Equal texts are translated once."""
        limit = self.source_nlp.max_length
        known = {text: Translation(None, fault=TOO_LONG) for text in texts if len(text) > limit}
        # An empty text needs no translator, and engines differ in what they make of one.
        known[""] = Translation("")
        filled = list(dict.fromkeys(text for text in texts if text not in known))
        results = self.part(filled) if filled else ()
        who = f"{self.name}: {type(self.part).__name__}"
        for text, result in paired(filled, results, who, "texts", "translations"):
            if result.text is None and result.fault is None:
                result = replace(result, fault=MISSING)
            elif len(result.text or "") > limit:
                result = Translation(None, fault=TOO_LONG)
            known[text] = result
        return known

    def _join(self, translations: List[Translation]) -> Optional[Doc]:
        if any(t.text is None for t in translations):
            return None
        parts = [self.source_nlp.make_doc((t.text or "").strip()) for t in translations]
        source = parts[0]
        if len(parts) > 1:
            source = Doc.from_docs(parts, ensure_whitespace=True)
            starts = set(accumulate(map(len, parts), initial=0))
            for token in source:
                token.is_sent_start = token.i in starts
        source.user_data["unknown"] = sum(t.unknown for t in translations)
        scores = [t.score for t in translations if t.score is not None]
        if scores:
            # A Doc is as well translated as its worst sentence.
            source.user_data["score"] = min(scores)
        alternatives = [list(t.alternatives) for t in translations]
        if any(alternatives):
            source.user_data["alternatives"] = alternatives
        return source


def _text(sentence: Span) -> str:
    """What the translator is asked. Text in NFC, so that both ways to write an accent are one text; without the spaces
    that a tokenised corpus in a script without spaces was given.
    """
    text = sentence.text.strip()
    if len(sentence) > 1 and all(token.whitespace_ for token in sentence[:-1]):
        text = join_words(text.split(" "))
    return composed(text)
