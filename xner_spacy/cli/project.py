"""`xner project`: carry the entities of one file over to its translation."""

from collections import Counter
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

from spacy.tokens import Doc

from ..corpora.bitext import TokenizedBitext
from ..corpora.docs import make_doc
from ..corpora.files import is_stream, require_same_length
from ..corpora.formats.columns import TaggedSentence, visible
from ..corpora.formats.lines import read_sentences
from ..corpora.formats.pharaoh import check_possible
from ..corpora.labelled import read_tagged
from ..corpora.write import form_of, write_corpus
from ..corpora.writing import written_together
from ..errors import InputError, XnerError
from ..languages import blank_vocab
from ..pairing import paired
from ..projection.projectors import checked
from ..types import Aligner, Alignment, Entity, Json, MarkedAligner, PathLike, Projection, SentencePair, TokenPair
from .align import BITEXT, load_aligner
from .options import CONFIG, JSON, LABELS, command, option
from .output import done, progress, show_counts, write_json
from .parts import PROJECTORS, make_part


def project(
    source: PathLike,
    target: PathLike,
    output: PathLike,
    *,
    links: Optional[PathLike] = None,
    one_indexed: bool = False,
    reverse: bool = False,
    possible: str = "refuse",
    aligner: str = "lexical",
    bitext: Optional[Tuple[PathLike, PathLike]] = None,
    model: Optional[PathLike] = None,
    projector: str = "exact",
    config: Optional[PathLike] = None,
    labels: Optional[List[str]] = None,
) -> Json:
    """Project the entities of labelled sentences onto their translations.

    source (PathLike): Source sentences with entities (.iob or .spacy).
    target (PathLike): Their translations, one tokenised sentence a line.
    output (PathLike): Where the labelled target goes: .iob (also .gz), .spacy, or - (as .iob).
    links (Optional[PathLike]): Word links (Pharaoh), instead of an aligner.
    one_indexed (bool): With --links: positions count from 1.
    reverse (bool): With --links: the target comes first.
    possible (str): With --links: what becomes of possible links (ipj): keep (with half the weight), drop, or refuse.
    aligner (str): lexical, simalign, awesome, encoder, eflomal, links, or a registered name.
    bitext (Optional[Tuple[PathLike, PathLike]]): More parallel lines for the aligner to learn from.
    model (Optional[PathLike]): A trained aligner: read if the folder is there, else written.
    projector (str): heuristic, greedy, exact, markers, or a registered name.
    config (Optional[PathLike]): A config with a section [projector], and [aligner] if --aligner is 'config'.
    labels (Optional[List[str]]): Labels that may occur, comma-separated; any other is an error.
    RETURNS (Json): `counts` (sentences, entities, projected, a count a reason) and `sentences` (per sentence: spans and
        what was not projected).
    RAISES: InputError with file and line; nothing is written then.
    """
    form = form_of(output, "iob" if is_stream(output) else None)
    if form == "txt":
        raise XnerError(f"{output}: .txt holds no entities.", "Write .iob or .spacy.")
    tagged = _read_source(source, labels)
    translated = read_sentences(target)
    require_same_length(source, len(tagged), target, len(translated), "sentences")
    pairs = [(s.words, t) for s, t in zip(tagged, translated, strict=True)]
    config_path = Path(config) if config else None
    link_form = {"one_indexed": one_indexed, "reverse": reverse, "possible": check_possible(possible)}
    if links is None and (one_indexed or reverse or possible != "refuse"):
        raise XnerError("--one-indexed, --reverse and --possible say how --links are written.")
    part = make_part("xner_projectors", PROJECTORS, projector, config_path, "projector")
    ready = load_aligner(
        pairs,
        aligner=aligner,
        # With links at hand, a bitext is for the projector alone.
        bitext=None if links is not None and hasattr(part, "train") else bitext,
        model=model,
        links=links,
        link_form=link_form,
        config=config_path if aligner == "config" else None,
    )
    rows: List[Json] = []
    counts: Counter = Counter(sentences=len(pairs))

    inputs: List[SentencePair] = []
    found = paired(pairs, _align(ready, pairs, tagged), f"The aligner {type(ready).__name__}", "sentence pairs")
    for number, (sentence, ((words, t), alignment)) in enumerate(zip(tagged, found, strict=True), 1):
        try:
            alignment.check(len(words), len(t))
        except ValueError as error:
            raise InputError(f"{error}.", links or "links", number) from error
        inputs.append(SentencePair(words, t, sentence.entities, alignment))
    if hasattr(part, "train"):
        more = TokenizedBitext(Path(bitext[0]), Path(bitext[1])) if bitext else ()
        part.train(inputs, more)

    vocab = blank_vocab("xx")

    def projected() -> Iterator[Doc]:
        results = zip(checked(part, inputs), tagged, translated, strict=True)
        for projection, sentence, words in progress(results, len(pairs)):
            rows.append(_row(sentence, projection, counts))
            spans = sorted(Entity(*s[:3]) for s in projection.spans)
            yield make_doc(vocab, words, spans)

    write_corpus(output, projected(), form, counts=counts, source=target)
    return {"counts": dict(counts), "sentences": rows}


@command(
    project,
    source="SOURCE.iob",
    target="TARGET.txt",
    output=option("-o", metavar="OUT"),
    aligner=option("-a"),
    bitext=BITEXT,
    projector=option("-p"),
    config=CONFIG,
    json_path=JSON,
    labels=LABELS,
)
def project_cli(call: Callable[[], Json], output: PathLike, json_path: Optional[Path] = None) -> None:
    """Write the account, and say what was counted.

    json_path (Optional[Path]): Every span with its score and source, and every entity that was not projected with its
        reason.
    """
    with written_together():
        summary = call()
        write_json(json_path, summary)
    show_counts(summary["counts"])
    done(f"{summary['counts']['sentences']} sentences", output)


def _read_source(path: PathLike, labels: Optional[List[str]]) -> List[TaggedSentence]:
    sentences = []
    for sentence in read_tagged(path, labels):
        words, entities, _ = visible(sentence.words, sentence.entities)
        sentences.append(TaggedSentence(words, entities, sentence.line))
    return sentences


def _align(aligner: Aligner, pairs: Sequence[TokenPair], tagged: Sequence[TaggedSentence]) -> Iterator[Alignment]:
    if isinstance(aligner, MarkedAligner):
        return aligner.align_marked(
            SentencePair(s, t, sentence.entities, Alignment()) for (s, t), sentence in zip(pairs, tagged, strict=True)
        )
    return aligner(pairs)


def _row(sentence: TaggedSentence, projection: Projection, counts: Counter) -> Dict[str, Any]:
    counts["entities"] += len(sentence.entities)
    counts["projected spans"] += len(projection.spans)
    counts.update(f"not projected: {u.reason}" for u in projection.unprojected)
    return {
        "spans": [
            {
                "start": s.start,
                "end": s.end,
                "label": s.label,
                "source": list(sentence.entities[s.source][:2]),
                "score": round(float(s.score), 5),
            }
            for s in projection.spans
        ],
        "unprojected": [
            {
                "start": sentence.entities[u.source].start,
                "end": sentence.entities[u.source].end,
                "label": sentence.entities[u.source].label,
                "reason": u.reason,
            }
            for u in projection.unprojected
        ],
    }
