"""`xner project`: carry the entities of one file over to its translation."""

from collections import Counter
from pathlib import Path
from typing import Callable, Iterator, List, Optional, Tuple

from ..corpora.docs import make_doc
from ..corpora.files import is_stream, require_same_length
from ..corpora.formats.columns import TaggedSentence, visible
from ..corpora.formats.lines import read_sentences
from ..corpora.labelled import read_tagged
from ..corpora.write import form_of, write_corpus, write_sentences
from ..corpora.writing import written_together
from ..errors import require
from ..garbage import collecting_seldom
from ..languages import blank_vocab
from ..pipeline.aligner import align_pairs
from ..projection.projectors import learn_and_project
from ..types import Alignment, Entity, Json, PathLike, Projection, SentencePair
from .align import load_aligner, more_pairs
from .options import command, option
from .output import done, progress, show_counts, write_json
from .parts import make_part


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
    details: bool = True,
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
    details (bool): False leaves `sentences`, which take much memory, empty.
    RETURNS (Json): `counts` (sentences, entities, projected, a count a reason) and `sentences` (per sentence: the
        words of both sides, links with scores, spans, and what was not projected).
    RAISES: InputError with file and line; nothing is written then.
    """
    form = form_of(output, "iob" if is_stream(output) else None)
    require(form != "txt", f"{output}: .txt holds no entities.", "Write .iob or .spacy.")
    tagged = [visible(sentence.words, sentence.entities)[:2] for sentence in read_tagged(source, labels)]
    translated = read_sentences(target)
    require_same_length(source, len(tagged), target, len(translated), "sentences")
    has_form = one_indexed or reverse or possible != "refuse"
    require(links is not None or not has_form, "--one-indexed, --reverse and --possible say how --links are written.")
    part = make_part("projector", projector, config)
    no_links = Alignment()
    pairs = [SentencePair(s, t, entities, no_links) for (s, entities), t in zip(tagged, translated, strict=True)]
    ready_aligner = load_aligner(
        [(pair.source, pair.target) for pair in pairs],
        aligner=aligner,
        # With --links, the bitext is only for the projector.
        bitext=None if links is not None and hasattr(part, "train") else bitext,
        model=model,
        links=links,
        link_form={"one_indexed": one_indexed, "reverse": reverse, "possible": possible},
        config=config if aligner == "config" else None,
    )
    for pair, alignment in zip(pairs, align_pairs(ready_aligner, pairs), strict=True):
        pair.alignment = alignment
    projections = learn_and_project(part, pairs, more_pairs(bitext))
    rows: List[Json] = []
    counts: Counter = Counter(sentences=len(pairs))

    def projected() -> Iterator[TaggedSentence]:
        for projection, pair in progress(zip(projections, pairs, strict=True), len(pairs)):
            _count(pair, projection, counts)
            if details:
                rows.append(_row(pair, projection))
            entities = sorted(Entity(*span[:3]) for span in projection.spans)
            yield TaggedSentence(list(pair.target), entities)

    if form == "iob":
        write_sentences(output, projected(), target, counts)
    else:
        vocab = blank_vocab("xx")
        docs = (make_doc(vocab, sentence.words, sentence.entities) for sentence in projected())
        write_corpus(output, docs, form, counts=counts, source=target)
    return {"counts": dict(counts), "sentences": rows}


@command(
    project,
    source="SOURCE.iob",
    target="TARGET.txt",
    output=option("-o", metavar="OUT"),
    projector=option("-p"),
    details=None,
)
def project_cli(call: Callable[..., Json], output: PathLike, json_path: Optional[Path] = None) -> None:
    """Write the spans and reasons as JSON, and print the counts.

    json_path (Optional[Path]): Every span with its score and source, and every entity that was not projected with its
        reason.
    """
    with collecting_seldom(), written_together():
        summary = call(details=json_path is not None)
        write_json(json_path, summary)
    show_counts(summary["counts"])
    done(f"{summary['counts']['sentences']} sentences", output)


def _count(pair: SentencePair, projection: Projection, counts: Counter) -> None:
    counts["entities"] += len(pair.entities)
    counts["projected spans"] += len(projection.spans)
    for entity in projection.unprojected:
        counts[f"not projected: {entity.reason}"] += 1


def _row(pair: SentencePair, projection: Projection) -> Json:
    entities = pair.entities
    spans = []
    for span in projection.spans:
        score = round(float(span.score), 5)
        spans.append({**span._asdict(), "source": list(entities[span.source][:2]), "score": score})
    unprojected = []
    for source, reason in projection.unprojected:
        start, end, label, _ = entities[source]
        unprojected.append({"start": start, "end": end, "label": label, "reason": reason})
    scored_links = zip(pair.alignment.links.tolist(), pair.alignment.scores.tolist(), strict=True)
    links = [[source, target, round(score, 5)] for (source, target), score in scored_links]
    words = {"target": list(pair.target), "source": list(pair.source)}
    return {**words, "links": links, "spans": spans, "unprojected": unprojected}
