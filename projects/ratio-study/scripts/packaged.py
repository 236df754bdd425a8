"""Make the surfaces of a study those that come with the package, for `xner study plan`.

python scripts/packaged.py ../../docs/study/masakhane-cpu-2 ../../xner_spacy/study/measured.json
"""

from pathlib import Path
from typing import Any, Dict

import typer

from xner_spacy.corpora.reading import read_json
from xner_spacy.corpora.writing import write_json


def main(
    report: Path = typer.Argument(..., help="Folder of the study's report."),
    packaged: Path = typer.Argument(..., help="The file of the package."),
) -> None:
    """Write the parts of the report that `xner study plan` reads."""
    found = read_json(report / "report.json", Dict[str, Any])
    answer = {"arm": found["answer"]["arm"]}
    write_json(packaged, {"study": report.name, "answer": answer, "surfaces": found["surfaces"]})


if __name__ == "__main__":
    typer.run(main)
