"""`xner align`: word links for two parallel files."""

import json
from itertools import chain
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Tuple

from ..corpora.bitext import TokenizedBitext
from ..corpora.files import require_same_length
from ..corpora.formats.lines import read_sentences
from ..corpora.formats.pharaoh import write_pharaoh
from ..corpora.reading import read_bytes, read_config, read_json, reading
from ..corpora.writing import write_together, written_together
from ..errors import InputError, XnerError
from ..streams import paired
from ..types import Aligner, PathLike, TokenPair
from .options import command, option
from .output import done, progress
from .parts import ENCODER_ALIGNERS, make_part

STATE, DESCRIPTION = "aligner", "aligner.json"


def align(
    source: PathLike,
    target: PathLike,
    output: PathLike,
    *,
    aligner: str = "lexical",
    bitext: Optional[Tuple[PathLike, PathLike]] = None,
    model: Optional[PathLike] = None,
    symmetrize: Optional[str] = None,
    config: Optional[PathLike] = None,
) -> int:
    """Align the words of parallel sentences. Lines of which a side is empty get an empty line of links, and are skipped
    in training.

    source (PathLike): One whitespace-tokenised sentence a line.
    target (PathLike): Its translations, line by line.
    output (PathLike): Where the links go (Pharaoh i-j).
    aligner (str): lexical, simalign, awesome, encoder, eflomal, links, or a registered name.
    bitext (Optional[Tuple[PathLike, PathLike]]): More parallel lines to learn from, tokenised alike.
    model (Optional[PathLike]): A trained aligner: read if the folder holds one (then without --bitext), else written to
        a new folder. For simalign, awesome and encoder the model to use.
    symmetrize (Optional[str]): How two directions become one, where the aligner has them.
    config (Optional[PathLike]): A config with a section [aligner].
    RETURNS (int): Sentence pairs. RAISES: InputError for files that do not run parallel; nothing is written then.
    """
    pairs = read_parallel(source, target)
    with written_together():  # no model is left behind if the links can't be written
        part = load_aligner(pairs, aligner=aligner, bitext=bitext, model=model, symmetrize=symmetrize, config=config)
        linked = paired(pairs, part(pairs), f"The aligner {type(part).__name__}", "sentence pairs", "alignments")
        return write_pharaoh(output, progress((links for _, links in linked), len(pairs), "pair"))


@command(align, source="SOURCE.txt", target="TARGET.txt", output=option("-o", metavar="LINKS"))
def align_cli(call: Callable[[], int], output: PathLike) -> None:
    """Print the number of pairs."""
    done(f"{call()} sentence pairs aligned", output)


def read_parallel(source: PathLike, target: PathLike) -> List[Tuple[List[str], List[str]]]:
    """RETURNS (List[Tuple[List[str], List[str]]]): Token pairs; an empty line has no tokens. RAISES: InputError if the
    files differ in length.
    """
    source_sentences, target_sentences = (read_sentences(path, allow_empty=True) for path in (source, target))
    require_same_length(source, len(source_sentences), target, len(target_sentences))
    return list(zip(source_sentences, target_sentences, strict=True))


def load_aligner(
    pairs: Sequence[TokenPair],
    *,
    aligner: str,
    bitext: Optional[Tuple[PathLike, PathLike]] = None,
    model: Optional[PathLike] = None,
    symmetrize: Optional[str] = None,
    config: Optional[PathLike] = None,
    links: Optional[PathLike] = None,
    link_form: Optional[Dict[str, Any]] = None,
) -> Aligner:
    """Build the aligner, and load or train it. Arguments are those of the commands.

    pairs (Sequence[TokenPair]): The pairs to align; a trainable aligner learns from them too.
    link_form (Optional[Dict[str, Any]]): The form of `links`: settings of `xner.Links.v1`.
    RETURNS (Aligner): The aligner, ready. RAISES: XnerError for options that the aligner does not use; InputError for
        a model folder that is broken or holds something else.
    """
    settings: Dict[str, Any] = {"symmetrize": symmetrize} if symmetrize else {}
    if links is not None:
        aligner, settings = "links", {"path": str(links), **(link_form or {})}
    if aligner in ENCODER_ALIGNERS and model is not None:
        settings["model"], model = str(model), None
    part = make_part("aligner", aligner, config, **settings)
    if not hasattr(part, "train"):
        if model is not None or bitext is not None:
            raise XnerError(f"The aligner {aligner!r} does not learn: --model and --bitext are not for it.")
        return part
    if config is not None:
        aligner = str(read_config(config, interpolate=True)["aligner"]["@xner_aligners"])
    folder = None if model is None else Path(model)
    if folder is not None and _is_trained(part, aligner, folder, bitext is not None):
        return _read_state(part, folder / STATE)
    part.train(chain(pairs, more_pairs(bitext)))
    if folder is not None:
        with write_together([folder / STATE, folder / DESCRIPTION], "wb") as (state, description):
            state.write(part.to_bytes())
            description.write((json.dumps({"aligner": aligner}) + "\n").encode("utf8"))
    return part


def more_pairs(bitext: Optional[Tuple[PathLike, PathLike]]) -> Iterable[TokenPair]:
    """RETURNS (Iterable[TokenPair]): The pairs of --bitext, to learn from."""
    return TokenizedBitext(Path(bitext[0]), Path(bitext[1])) if bitext else ()


def _is_trained(part: Any, name: str, folder: Path, has_bitext: bool) -> bool:
    """RETURNS (bool): Whether the folder holds this aligner, trained; if not, it is new or empty. RAISES: XnerError."""
    if not part.to_bytes():
        raise XnerError(f"The aligner {name!r} keeps no model: --model is not for it.")
    if not (folder / STATE).exists():
        if folder.exists() and not folder.is_dir():
            raise InputError("is not a folder.", folder)
        if folder.exists() and any(folder.iterdir()):
            raise InputError(
                "is a folder of something else: it holds no trained aligner, and is not empty.",
                folder,
                hint="Name a new folder for the aligner, or the one that `xner align --model` made.",
            )
        return False
    if has_bitext:
        raise XnerError(
            f"{folder} holds a trained aligner, which would not learn from the bitext.",
            "Leave --bitext out, or name a new folder to train another one.",
        )
    description = folder / DESCRIPTION
    trained_name = read_json(description, Dict[str, Any]).get("aligner") if description.exists() else None
    if trained_name not in (None, name):
        hint = f"Add --aligner {trained_name}, or name another folder."
        raise InputError(f"is of the aligner {trained_name!r}, not of {name!r}.", folder, hint=hint)
    return True


def _read_state(part: Any, state: Path) -> Aligner:
    data = read_bytes(state)
    hint = "Remove the folder and train the aligner anew."
    try:
        with reading(state, "a trained aligner", hint):
            return part.from_bytes(data) or part
    except XnerError as error:
        if isinstance(error, InputError) and error.path == str(state):
            raise
        raise InputError(f"can't be used ({error.message})", state, hint=hint) from error
