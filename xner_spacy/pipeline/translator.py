"""`xner_translator`: gives a target-language Doc its reading in the source language."""

from typing import Callable, Iterable, List, Optional

from confection import Config
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from .. import registry as _registry  # noqa: F401
from ..errors import XnerError
from ..languages import blank
from ..types import Translation, Translator
from .base import BatchPipe

DEFAULT_CONFIG = """
[translator]
source_lang = "en"
overwrite = false

[translator.translator]
@xner_translators = "xner.NoOp.v1"
"""
DEFAULTS = Config().from_str(DEFAULT_CONFIG)["translator"]


@Language.factory("xner_translator", assigns=["doc._.xner_source"], default_config=DEFAULTS)
def make_translator_component(
    nlp: Language, name: str, translator: Translator, source_lang: str, overwrite: bool
) -> "TranslatorComponent":
    """Make the component.

    translator (Translator): The part, from the registry `xner_translators`.
    source_lang (str): Language code of the translation; its spaCy tokenizer splits it.
    overwrite (bool): Translate Docs that have a source Doc already.
    """
    return TranslatorComponent(name, translator, source_lang, overwrite)


class TranslatorComponent(BatchPipe):
    """Translates each Doc, or each of its sentences where boundaries are set, and tokenises the result into `doc._.xner_source`.

    Sentence boundaries carry over: sentence n of the Doc is sentence n of its source, which the aligner uses. A Doc without
    translation has the source None.
    """

    def __init__(
        self, name: str, translator: Translator, source_lang: str = "en", overwrite: bool = False
    ) -> None:
        super().__init__(name, translator)
        self.source_lang = source_lang
        self.overwrite = overwrite
        self.source_nlp = blank(source_lang)

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Optional[Language] = None,
    ) -> None:
        """Nothing is learned."""

    def process(self, docs: List[Doc]) -> None:
        todo = [doc for doc in docs if self.overwrite or doc._.xner_source is None]
        texts: List[str] = []
        counts: List[int] = []
        for doc in todo:
            # An empty Doc counts as having sentence boundaries, and has no sentence.
            whole = not len(doc) or not doc.has_annotation("SENT_START")
            sentences = [s.text.strip() for s in ([doc[:]] if whole else doc.sents)]
            counts.append(len(sentences))
            texts += sentences
        # An empty text needs no translator, and engines differ in what they make of one.
        filled = [text for text in texts if text]
        results = iter(self.part(filled))
        translations: List[Translation] = [
            next(results, Translation(None)) if text else Translation("") for text in texts
        ]
        if next(results, None) is not None:
            raise XnerError(f"{self.name}: the translator gave more translations than texts.")
        position = 0
        for doc, count in zip(todo, counts):
            doc._.xner_source = self._join(translations[position : position + count])
            position += count

    def _join(self, translations: List[Translation]) -> Optional[Doc]:
        if any(t.text is None for t in translations):
            return None
        parts = [self.source_nlp.make_doc((t.text or "").strip()) for t in translations]
        if len(parts) == 1:
            source = parts[0]
        else:
            source = Doc.from_docs(parts, ensure_whitespace=True)
            first = 0
            for part in parts:
                for i in range(first, first + len(part)):
                    source[i].is_sent_start = i == first
                first += len(part)
        source.user_data["unknown"] = sum(t.unknown for t in translations)
        return source
