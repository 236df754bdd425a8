"""`xner_translator`: translates a target-language Doc into the source language."""

from collections import Counter
from dataclasses import replace
from itertools import accumulate
from typing import Callable, Dict, Iterable, List, Optional, Tuple

import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example

from ..docdata import FAULT_KEY, source_of
from ..languages import blank
from ..streams import paired
from ..text import composed, join_words
from ..translation.faults import MISSING, TOO_LONG
from ..types import Cost, Translation, Translator
from .batch_pipe import BatchPipe


@Language.factory(
    "xner_translator",
    assigns=["doc._.xner_source"],
    default_config={"translator": {"@xner_translators": "xner.NoOp.v1"}},
)
class TranslatorComponent(BatchPipe):
    """Translates each Doc, or each of its sentences if boundaries are set, and tokenises the result into
    `doc._.xner_source`.

    Sentence boundaries are kept: sentence n of the Doc is sentence n of its source, which the aligner uses. A Doc
    without translation has the source None. If its translation went wrong, `doc.user_data["xner_fault"]` has the code
    of the fault, and `faults` counts it.

    translator (Translator): The part, from the registry `xner_translators`.
    source_lang (str): Language code of the translation, for its spaCy tokenizer.
    overwrite (bool): Translate Docs that already have a source Doc.
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
        """Initialise the translator, if needed: a store of translations is created if there is none yet."""
        if hasattr(self.part, "initialize"):
            self.part.initialize()

    def process(self, docs: List[Doc]) -> None:
        todo, texts_by_doc = self._texts(docs)
        translated = self._translate([text for texts in texts_by_doc for text in texts])
        for doc, texts in zip(todo, texts_by_doc, strict=True):
            translations = [translated[text] for text in texts]
            doc._.xner_source = self._join(translations)
            doc.user_data.pop(FAULT_KEY, None)
            fault = next((t.fault for t in translations if t.fault), None)
            if fault is not None:
                doc.user_data[FAULT_KEY] = fault
                self.faults[fault] += 1

    def free_words(self) -> None:
        """Free what the tokenizer of the source language has added to its vocabulary. Docs that it made keep theirs."""
        settings = self.source_nlp.config["nlp"]
        self.source_nlp = spacy.blank(settings["lang"], config={"nlp": {"tokenizer": settings["tokenizer"]}})

    def _texts(self, docs: List[Doc]) -> Tuple[List[Doc], List[List[str]]]:
        """RETURNS (Tuple[List[Doc], List[List[str]]]): The Docs to translate, and the texts of each."""
        todo = [doc for doc in docs if self.overwrite or source_of(doc) is None]
        texts_by_doc: List[List[str]] = []
        for doc in todo:
            # spaCy treats an empty Doc as having sentence boundaries, but it has no sentences.
            is_one_text = not len(doc) or not doc.has_annotation("SENT_START")
            texts_by_doc.append([text_of(s) for s in ([doc[:]] if is_one_text else doc.sents)])
        return todo, texts_by_doc

    def estimate(self, docs: List[Doc]) -> Optional[Cost]:
        """RETURNS (Optional[Cost]): About what translating Docs would cost, without doing it; None if it costs nothing.
        Docs whose translation is known get it as their source, for the components after this one.
        """
        todo, texts_by_doc = self._texts(docs)
        texts = list(dict.fromkeys(text for texts in texts_by_doc for text in texts if text))
        known = self.part.known(texts) if hasattr(self.part, "known") else {}
        for doc, its_texts in zip(todo, texts_by_doc, strict=True):
            if any(text in known and known[text].text is None for text in its_texts):
                doc.user_data[FAULT_KEY] = MISSING
            elif all(text in known for text in its_texts):
                doc._.xner_source = self._join([known[text] for text in its_texts])
        return self.part.estimate(texts) if hasattr(self.part, "estimate") else None

    def _translate(self, texts: List[str]) -> Dict[str, Translation]:
        """The translation of each text, or its fault. Equal texts are translated once."""
        limit = self.source_nlp.max_length
        translated = {text: Translation(None, fault=TOO_LONG) for text in texts if len(text) > limit}
        # Empty texts are not sent to the translator, because engines treat them differently.
        translated[""] = Translation("")
        remaining = list(dict.fromkeys(text for text in texts if text not in translated))
        results = self.part(remaining) if remaining else ()
        who = f"{self.name}: {type(self.part).__name__}"
        for text, result in paired(remaining, results, who, "texts", "translations"):
            if result.text is None and result.fault is None:
                result = replace(result, fault=MISSING)
            elif len(result.text or "") > limit:
                result = Translation(None, fault=TOO_LONG)
            translated[text] = result
        return translated

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
            # The score of a Doc is that of its worst sentence.
            source.user_data["score"] = min(scores)
        alternatives = [list(t.alternatives) for t in translations]
        if any(alternatives):
            source.user_data["alternatives"] = alternatives
        return source


def text_of(sentence: Span) -> str:
    """The text for the translator, in NFC so that NFD is the same text, and without the spaces between tokens that a
    tokenised corpus has in a script without spaces.
    """
    text = sentence.text.strip()
    if len(sentence) > 1 and all(token.whitespace_ for token in sentence[:-1]):
        text = join_words(text.split(" "))
    return composed(text)
