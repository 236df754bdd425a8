"""The runs that are shown, read in pages: shards and files of Docs, and the JSON of `xner project`."""

from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Iterator, List, Protocol, Sequence

from spacy.tokens import DocBin

from ...corpora.docs import docbin_paths, docs_of, part_of, read_docbin
from ...corpora.files import require_file
from ...corpora.reading import check_shape, read_json, reading
from ...corpora.shard_folder import read_manifest
from ...errors import InputError
from ...languages import blank_vocab
from ...types import PathLike
from .sentences import ProjectedRow, ShownSentence, of_doc, of_row, require_rows

# Of a folder, this many shards are kept in memory at a time.
MOST_OPEN = 4


class Run(Protocol):
    """The sentences of a run."""

    path: Path

    def __len__(self) -> int: ...

    def read(self, numbers: Sequence[int]) -> Iterator[ShownSentence]:
        """YIELDS (ShownSentence): Some sentences by their numbers, counted from 0, in the order given. RAISES:
        InputError for a file that is broken.
        """


def open_run(path: PathLike) -> Run:
    """RETURNS (Run): The sentences of a folder of shards, a .spacy file, or the JSON of `xner project`. RAISES:
    InputError if it is none of these, or holds no sentence.
    """
    path = Path(path)
    if not path.exists():
        raise InputError("no such file or folder.", path)
    require_file(path, "its sentences are read in pages")
    run: Run
    if path.is_dir() or path.suffix == ".spacy":
        run = DocRun(path)
    elif path.suffix == ".json":
        run = ProjectedRun(path)
    else:
        hint = "Give a folder of `xner annotate`, a .spacy file, or the file that `xner project --json` wrote."
        raise InputError("is none of the runs that can be shown.", path, None, f"{hint} Or convert it: xner convert.")
    if not len(run):
        raise InputError("is empty.", path)
    return run


class DocRun:
    """Docs in shards, of which a few are in memory at a time. A file of its own is one shard.

    path (Path): The folder or file. RAISES: InputError for files that are no DocBins.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files = docbin_paths(path)
        self._open = lru_cache(maxsize=MOST_OPEN)(read_docbin)
        self.vocab = blank_vocab("xx")
        sizes = self._sizes()
        self._ends = list(accumulate(sizes))

    def _sizes(self) -> List[int]:
        """RETURNS (List[int]): The number of Docs of each file, by the manifest if it says it: no file is read then."""
        shards = (read_manifest(self.path) or {}).get("shards", {}) if self.path.is_dir() else {}
        return [
            int(shards[file.name]["sentences"]) if "sentences" in shards.get(file.name, {}) else len(self._open(file))
            for file in self.files
        ]

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def read(self, numbers: Sequence[int]) -> Iterator[ShownSentence]:
        """See `Run`."""
        place = 0
        while place < len(numbers):
            # Neighbours in one shard are taken together.
            shard = next(k for k, end in enumerate(self._ends) if numbers[place] < end)
            start = self._ends[shard - 1] if shard else 0
            following = place + 1
            while following < len(numbers) and start <= numbers[following] < self._ends[shard]:
                following += 1
            file = self.files[shard]
            docbin = self._open(file)
            self._check(docbin, shard, start)
            part = part_of(docbin, [number - start for number in numbers[place:following]])
            # What a vocabulary learns of these sentences is forgotten again, so that memory does not grow.
            with self.vocab.memory_zone(), reading(file, "a DocBin of xner"):
                sentences = [of_doc(doc) for doc in docs_of(part, self.vocab, file)]
            yield from sentences
            place = following

    def _check(self, docbin: DocBin, shard: int, start: int) -> None:
        if len(docbin) != self._ends[shard] - start:
            message = f"holds {len(docbin)} sentences; the manifest says {self._ends[shard] - start}."
            raise InputError(message, self.files[shard], None, "Run the command that made the folder again.")


class ProjectedRun:
    """The JSON of `xner project`, which is in memory as a whole.

    path (Path): The file. RAISES: InputError for other JSON.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = require_rows(read_json(path), path)

    def __len__(self) -> int:
        return len(self.rows)

    def read(self, numbers: Sequence[int]) -> Iterator[ShownSentence]:
        """See `Run`."""
        for number in numbers:
            hint = f"The fault is in sentence {number + 1}; make it anew with `xner project --json`."
            with reading(self.path, "JSON of `xner project`", hint):
                row = check_shape({**self.rows[number], "links": list(map(tuple, self.rows[number]["links"]))},
                                  ProjectedRow, self.path, hint)  # fmt: skip
                sentence = of_row(row)
            yield sentence
