"""What must not be in the code, looked for in its syntax; the tests of each area show that it holds
at run time (tests/translation/test_neural.py, test_hub.py and test_apertium.py,
tests/corpora/test_paths.py).
"""

import ast
from pathlib import Path
from typing import Iterator, List, Tuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted([*(ROOT / "xner_spacy").rglob("*.py"), *(ROOT / "scripts").glob("*.py")])

# Modules that run what they read, or unpack archives.
MODULES = {
    *("pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"),
    *("tarfile", "zipfile", "zipimport"),
}
# Calls by their dotted end.
CALLS = {
    *("eval", "exec", "compile", "__import__"),
    *("os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"),
    *("torch.load", "shutil.unpack_archive", "yaml.load", "pickle.loads", "pickle.load"),
}
# Arguments and the only value that they may have.
ARGUMENTS = {"shell": False, "trust_remote_code": False, "allow_pickle": False}


def dotted(node: ast.AST) -> str:
    """RETURNS (str): `a.b.c` of an expression of names, else ""."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def findings(code: str) -> Iterator[Tuple[int, str]]:
    """YIELDS (Tuple[int, str]): Line and what is forbidden there."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
            yield from ((node.lineno, n) for n in names if n.split(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            yield node.lineno, str(node.module)
        elif isinstance(node, ast.Call):
            if dotted(node.func) in CALLS:
                yield node.lineno, dotted(node.func)
            for argument in node.keywords:
                if argument.arg in ARGUMENTS:
                    value = getattr(argument.value, "value", None)
                    if value is not ARGUMENTS[argument.arg]:
                        yield node.lineno, argument.arg
        elif isinstance(node, ast.Dict):
            for key, item in zip(node.keys, node.values, strict=True):
                name = getattr(key, "value", None)
                if name in ARGUMENTS and getattr(item, "value", None) is not ARGUMENTS[name]:
                    yield node.lineno, str(name)


@pytest.mark.parametrize(
    "code, names",
    [
        ("import pickle", ["pickle"]),
        ("from tarfile import open", ["tarfile"]),
        ("import os\nos.system('x')", ["os.system"]),
        ("subprocess.run(x, shell=True)", ["shell"]),
        ("f(trust_remote_code=yes)", ["trust_remote_code"]),
        ("options = {'trust_remote_code': True}", ["trust_remote_code"]),
        ("torch.load(x)\nnp.load(x, allow_pickle=True)", ["torch.load", "allow_pickle"]),
        ("subprocess.run(x, shell=False)\nre.compile(x)\nnp.load(x)", []),
    ],
)
def test_the_search_finds(code: str, names: List[str]) -> None:
    assert [name for _, name in findings(code)] == names


def test_no_pickle_no_shell_no_archive_no_remote_code() -> None:
    assert len(FILES) > 100
    found = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in FILES
        for line, name in findings(path.read_text(encoding="utf8"))
    ]
    assert not found, found
