"""`xner.Eflomal.v1`: the aligner eflomal (Östling and Tiedemann 2016), run as a separate program.

eflomal is under the GPL and needs a C compiler to install, so it is never imported here: its command `eflomal-align` is
run on files. It saves no model: each call aligns its pairs together with the bitext of `train`, and the links depend on
all of them.
"""

import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterable, Iterator, List, Sequence

from ...corpora.formats.pharaoh import read_pharaoh
from ...errors import XnerError
from ...programs import check_program_name, find_program
from ...types import Alignment, TokenPair
from ..symmetrize import check_method, symmetrize

PROGRAM = "eflomal-align"
# The user can set this to the path of the program. A saved pipeline can't, because it could name a file of its own.
VARIABLE = "XNER_EFLOMAL"


@dataclass(eq=False)
class Eflomal:
    """`xner.Eflomal.v1`: aligns with eflomal.

    symmetrize (str): How the two directions are combined, a key of `symmetrize.METHODS`.
    program (str): Empty or "eflomal-align", for configs of version 0.1. The program is searched in the folder of the
        running Python and in PATH. The environment variable XNER_EFLOMAL can name another path.
    """

    symmetrize: str = "grow-diag-final-and"
    program: str = ""
    _bitext: List[TokenPair] = field(init=False, default_factory=list, repr=False)

    def __post_init__(self) -> None:
        check_method(self.symmetrize)
        check_program_name(self.program or PROGRAM, VARIABLE, (PROGRAM,), part="xner.Eflomal.v1")

    def train(self, pairs: Iterable[TokenPair]) -> None:
        """Keep a bitext, which is aligned together with the pairs of each call."""
        self._bitext = [(list(source), list(target)) for source, target in pairs]

    def __call__(self, pairs: Iterable[TokenPair]) -> Iterator[Alignment]:
        """Align sentence pairs, all in one run of the program. YIELDS (Alignment): One per pair; a score is 1 where
        both directions agree, else 0.5. RAISES: XnerError if eflomal is missing or fails.
        """
        forward, reverse = self.directed(pairs)
        for ahead, back in zip(forward, reverse, strict=True):
            yield symmetrize(ahead, back, self.symmetrize)

    def directed(self, pairs: Iterable[TokenPair]) -> Sequence[List[Alignment]]:
        """RETURNS (Sequence[List[Alignment]]): The forward and the reverse links of the pairs."""
        pairs = [(list(source), list(target)) for source, target in pairs]
        # The program stops at an empty side, so such pairs are left out.
        filled = [k for k, (source, target) in enumerate(pairs) if source and target]
        inputs = [pairs[k] for k in filled]
        inputs += [(list(source), list(target)) for source, target in self._bitext if source and target]
        results = [[Alignment() for _ in pairs] for _ in range(2)]
        if not filled:
            return results
        install = "Install it with: pip install 'xner-spacy[eflomal]' (this needs a C compiler)."
        program = find_program(PROGRAM, VARIABLE, (PROGRAM,), part="xner.Eflomal.v1", install=install)
        with tempfile.TemporaryDirectory(prefix="xner-eflomal-") as folder:
            for result, links in zip(results, _run(program, inputs, Path(folder)), strict=True):
                # The links of the bitext come after those of the pairs.
                for k, alignment in zip(filled, links[: len(filled)], strict=True):
                    result[k] = alignment
        return results

    def to_bytes(self) -> bytes:
        """RETURNS (bytes): Nothing: eflomal keeps no model."""
        return b""

    def from_bytes(self, data: bytes) -> "Eflomal":
        """RETURNS (Eflomal): Itself."""
        return self


def _run(program: str, pairs: Sequence[TokenPair], folder: Path) -> List[List[Alignment]]:
    names = {name: folder / name for name in ("source", "target", "forward", "reverse")}
    for side, name in enumerate(("source", "target")):
        # Half of a surrogate pair can't be written.
        with names[name].open("w", encoding="utf-8", errors="replace", newline="\n") as file:
            file.writelines(" ".join(map(_one_word, pair[side])) + "\n" for pair in pairs)
    command = [program, "--overwrite", "-s", names["source"], "-t", names["target"]]
    command += ["-f", names["forward"], "-r", names["reverse"]]
    process = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if process.returncode:
        last_line = (process.stderr.strip().splitlines() or ["no message"])[-1]
        raise XnerError(f"eflomal failed with exit code {process.returncode}: {last_line}")
    results = [list(read_pharaoh(names[name])) for name in ("forward", "reverse")]
    for links in results:
        if len(links) != len(pairs):
            raise XnerError(f"eflomal gave links for {len(links)} sentence pairs, but {len(pairs)} were sent.")
    return results


def _one_word(token: str) -> str:
    # Whitespace inside a token would split it into two tokens or two lines.
    return "".join(token.split()) or "_"
