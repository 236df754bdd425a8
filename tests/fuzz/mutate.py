"""Ways to break a file: byte by byte, line by line, by its structure, and by what stands in its place."""

import gzip
import json
import os
import shutil
import sqlite3
import zlib
from pathlib import Path
from random import Random
from typing import Any, Callable, List, Optional, Tuple

import srsly

# Text that has broken readers before.
ODD_TOKENS = [
    "\u00a0", "\u2028", "\u0085", "\u3000", "\u200b", "\ufeff", "\u202e", "\x1b[2J", "\x00", "\x07", "\x0b", "\x0c", "\x1c", "\r", "\u00ad",
    "e\u0301", "👍", "👩\u200d👩\u200d👧", "\U000e0041", "\ue000", "\ufffe", "中文字", "ไทย", "ሰላም", "عربي", "-", "--", "|||", "<e0>", "</e0>", "[", "]", "{", "'",
    '"', "\\", "\\n", "=1+1", "<b>&amp;", "<!-- xner: k -->", "-DOCSTART-", "#", "# x", "1-2", "2.1", "O", "B-PER", "I-PER", "B-", "I", "xx:word", "__xner_doc__",
    "${x.y}", "%s", "../../x", "NaN", "inf", "1e999", "9" * 400, "-1", "a" * 5000, "word word", "x\u2028y", "a\u00a0b", "\u200bword", "word\u200d",
]  # fmt: skip
ODD_VALUES: List[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**63, -(2**63), 10**30, 0.5, 1e308, -0.0, "", "x", "\x1b[2J", "\u2028", "../x", "/tmp/no/such/place", "\0", "a" * 10000, [], {}, [[]],
    [None], {"x": {}}, {"": 0}, ["x"] * 50, "9" * 500, "NaN", "<b>", "-", "1e5",
]  # fmt: skip
BYTES_ODD = [b"\xff", b"\xed\xa0\x80", b"\0", b"\xc3", b"\xef\xbb\xbf", b"\r", b"\r\n", b"\n", b"\n\n", b"\x1a", b"\xf4\x90\x80\x80", b"\xc0\x80"]  # fmt: skip
CONFIG_VALUES = [
    "null", "true", "-1", "0", "1e999", "NaN", "99999999999999999999", '""', '"x"', '"../x"', '"/tmp/no/such/place"', "[]", "{}", '["a"]', '{"a":1}', "${paths.nope}", "${nlp.lang}",
    "", "'single'", '"\\ud800"', '"\u2028"', "nan", "inf", "-inf", "0.5", "10**9", "[" * 200, '{"@misc":"spacy.nope.v1"}', '"xner.NoOp.v1"', '"tlh"', "1" * 5000,
]  # fmt: skip

Mutation = Callable[[Random, bytes], bytes]


def _place(rng: Random, data: bytes) -> int:
    return rng.randrange(len(data) + 1) if data else 0


# --- bytes ---


def flip(rng: Random, data: bytes) -> bytes:
    if not data:
        return b"\x00"
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def cut(rng: Random, data: bytes) -> bytes:
    return data[: rng.choice((0, 1, len(data) // 2, max(len(data) - 1, 0), _place(rng, data)))]


def drop_slice(rng: Random, data: bytes) -> bytes:
    at = _place(rng, data)
    return data[:at] + data[at + rng.choice((1, 4, 100, 1000)) :]


def repeat_slice(rng: Random, data: bytes) -> bytes:
    at = _place(rng, data)
    piece = data[at : at + rng.choice((1, 10, 200))]
    return data[:at] + piece * rng.choice((2, 50)) + data[at:]


def insert(rng: Random, data: bytes) -> bytes:
    at = _place(rng, data)
    piece = rng.choice([*BYTES_ODD, rng.randbytes(16)])
    return data[:at] + piece + data[at:]


def prefix(rng: Random, data: bytes) -> bytes:
    return rng.choice([b"\xef\xbb\xbf", b"\xff\xfe", b"\x00", b"\n", b"\x1f\x8b", b"#", b" ", b"PK"]) + data


def zeros(rng: Random, data: bytes) -> bytes:
    at = _place(rng, data)
    n = rng.choice((1, 8, 512))
    return data[:at] + b"\0" * n + data[at + n :]


def noise(rng: Random, data: bytes) -> bytes:
    return rng.randbytes(rng.choice((1, 100, 5000)))


def append(rng: Random, data: bytes) -> bytes:
    return data + rng.choice([*BYTES_ODD, data[:50], rng.randbytes(40)])


def other_line_ends(rng: Random, data: bytes) -> bytes:
    return data.replace(b"\n", rng.choice([b"\r\n", b"\r", b"\n\n", b"", b" \n", b"\t\n", "\u2028".encode()]))


def other_encoding(rng: Random, data: bytes) -> bytes:
    text = data.decode("utf8", "replace")
    return text.encode(rng.choice(["utf-16", "utf-32", "latin-1", "cp1252"]), "replace")


def empty(rng: Random, data: bytes) -> bytes:
    return rng.choice([b"", b"\n", b" ", b"\n\n\n", b"\0"])


BYTE_LEVEL: List[Mutation] = [
    flip,
    cut,
    drop_slice,
    repeat_slice,
    insert,
    prefix,
    zeros,
    noise,
    append,
    empty,
]


# --- lines ---


def _on_lines(change: Callable[[Random, List[bytes], int], None]) -> Mutation:
    def mutation(rng: Random, data: bytes) -> bytes:
        lines = data.split(b"\n")
        change(rng, lines, rng.randrange(len(lines)))
        return b"\n".join(lines)

    mutation.__name__ = change.__name__.strip("_")
    return mutation


def _drop_line(rng: Random, lines: List[bytes], at: int) -> None:
    del lines[at : at + rng.choice((1, 1, 3))]


def _double_line(rng: Random, lines: List[bytes], at: int) -> None:
    lines[at:at] = [lines[at]] * rng.choice((1, 2, 40))


def _swap_lines(rng: Random, lines: List[bytes], at: int) -> None:
    other = rng.randrange(len(lines))
    lines[at], lines[other] = lines[other], lines[at]


def _odd_line(rng: Random, lines: List[bytes], at: int) -> None:
    odd = rng.choice(["", " ", "\t", "\u00a0", "# comment", "-DOCSTART- -X- O O", "1-2\tdel\t_", "2.1\tx\tO", "\ufeff", "{}", "[]", "null", "x" * 200000, "<<<<<<< HEAD"])  # fmt: skip
    lines.insert(at, odd.encode("utf8"))


def _odd_token(rng: Random, lines: List[bytes], at: int) -> None:
    split = lines[at].replace(b"\t", b" ").split(b" ")
    split[rng.randrange(len(split))] = rng.choice(ODD_TOKENS).encode("utf8")
    lines[at] = (b"\t" if b"\t" in lines[at] else b" ").join(split)


def _glued_token(rng: Random, lines: List[bytes], at: int) -> None:
    odd = rng.choice(ODD_TOKENS).encode("utf8")
    place = rng.randrange(len(lines[at]) + 1)
    lines[at] = lines[at][:place] + odd + lines[at][place:]


def _other_separators(rng: Random, lines: List[bytes], at: int) -> None:
    old, new = rng.choice([(b"\t", b" "), (b" ", b"\t"), (b" ", b"  "), (b" ", "\u00a0".encode()), (b"\t", b""), (b" ", "\u3000".encode())])  # fmt: skip
    for i in [at] if rng.random() < 0.5 else range(len(lines)):
        lines[i] = lines[i].replace(old, new)


def _long_line(rng: Random, lines: List[bytes], at: int) -> None:
    words = rng.choice((300, 2000, 20000))
    row = lines[at].split(b" ") if b" " in lines[at] else [b"w"]
    lines[at] = b" ".join((row * (words // len(row) + 1))[:words])


def _very_long_line(rng: Random, lines: List[bytes], at: int) -> None:
    lines[at] = rng.choice((b"a" * 1_100_000, b"ab " * 400_000, b" " * 1_200_000, lines[at] + b"x" * 300_000))


def _columns(rng: Random, lines: List[bytes], at: int) -> None:
    split = lines[at].split(b"\t")
    kind = rng.randrange(4)
    if kind == 0:
        split.append(b"x")
    elif kind == 1 and len(split) > 1:
        del split[rng.randrange(len(split))]
    elif kind == 2:
        split.reverse()
    else:
        split[-1] = rng.choice([b"I-PER", b"B-XYZ", b"B-", b"PER", b"", b"S-PER", b"E-LOC", b"B-PER|B-LOC", b"b-per", b"-", b"B_PER", b"B-A B", b"B-\x1b[2J"])  # fmt: skip
    lines[at] = b"\t".join(split)


def _all_blank_lines(rng: Random, lines: List[bytes], at: int) -> None:
    lines[:] = [x for line in lines for x in (line, b"")]


LINE_LEVEL: List[Mutation] = [
    *(_on_lines(f) for f in (_drop_line, _double_line, _swap_lines, _odd_line, _odd_token, _odd_token, _glued_token, _glued_token, _other_separators, _columns, _columns, _all_blank_lines)),
    other_line_ends, other_encoding,
]  # fmt: skip
LONG: List[Mutation] = [_on_lines(_long_line), _on_lines(_very_long_line)]


# --- structure ---


def _places(data: Any, found: Optional[List[Tuple[Any, Any]]] = None) -> List[Tuple[Any, Any]]:
    found = [] if found is None else found
    if isinstance(data, dict):
        for key in data:
            found.append((data, key))
            _places(data[key], found)
    elif isinstance(data, list):
        for i, item in enumerate(data[:200]):
            found.append((data, i))
            _places(item, found)
    return found


def change_structure(rng: Random, data: Any) -> Any:
    """Change one place of nested data. RETURNS (Any): The data, maybe another object."""
    places = _places(data)
    if not places or rng.random() < 0.05:
        return rng.choice(ODD_VALUES)
    # Places high up decide more than the thousandth number of a list.
    here, key = rng.choice(places[: rng.choice((10, 50, len(places)))])
    value = here[key]
    kind = rng.randrange(8)
    if kind == 0:
        del here[key]
    elif kind == 1 and isinstance(here, dict):
        here[rng.choice(["x", "", "__proto__", "name", "\u2028"])] = here.pop(key)
    elif kind == 2:
        here[key] = [value] if rng.random() < 0.5 else {"x": value}
    elif kind == 3 and isinstance(value, (int, float)) and not isinstance(value, bool):
        here[key] = rng.choice([-value, value + 1, value * 10**6, -1, 0, str(value), float(value) + 0.5, 2**40])
    elif kind == 3 and isinstance(value, bytes):
        here[key] = rng.choice(BYTE_LEVEL)(rng, value)
    elif kind == 3 and isinstance(value, str):
        here[key] = rng.choice([value[:-1], value + "x", value.upper(), value * 2, rng.choice(ODD_TOKENS)])
    elif kind == 3 and isinstance(value, list):
        here[key] = rng.choice([value[:-1], value * 2, value[::-1], value[:1]])
    elif kind == 4:
        deep: Any = 0
        for _ in range(rng.choice((5, 200))):
            deep = [deep]
        here[key] = deep
    elif kind == 5 and isinstance(here, dict) and len(here) > 1:
        other = rng.choice(sorted(here, key=str))
        here[key], here[other] = here[other], here[key]
    else:
        here[key] = rng.choice(ODD_VALUES)
    return data


def json_structure(rng: Random, data: bytes) -> bytes:
    kind = rng.randrange(10)
    if kind == 0:
        return b"[" * 100000 + b"]" * 100000
    if kind == 1:
        return data.replace(b"{", b'{"x": 1, "x": 2, ', 1)
    if kind == 2:
        return data.replace(b": ", b": NaN, \"y\": ", 1) if rng.random() < 0.5 else data.replace(b'": "', b'": "\\ud800', 1)  # fmt: skip
    try:
        loaded = json.loads(data)
    except (ValueError, RecursionError):
        return flip(rng, data)
    return json.dumps(change_structure(rng, loaded), ensure_ascii=rng.random() < 0.5).encode("utf8", "surrogatepass")  # fmt: skip


def jsonl_structure(rng: Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    at = rng.randrange(len(lines))
    lines[at] = json_structure(rng, lines[at])
    return b"\n".join(lines)


def msgpack_structure(rng: Random, data: bytes) -> bytes:
    """For what is msgpack, packed or not; else bytes are changed."""
    packed = data[:1] == b"\x78"
    try:
        loaded = srsly.msgpack_loads(zlib.decompress(data) if packed else data)
        raw = srsly.msgpack_dumps(change_structure(rng, loaded))
    except Exception:  # noqa: BLE001  (not msgpack, or no longer)
        return rng.choice(BYTE_LEVEL)(rng, data)
    return zlib.compress(raw) if packed else raw


def msgpack_inside(rng: Random, data: bytes) -> bytes:
    """One byte inside of what is compressed, with the checksum made right."""
    try:
        raw = zlib.decompress(data)
    except zlib.error:
        return flip(rng, data)
    return zlib.compress(rng.choice(BYTE_LEVEL)(rng, raw))


def bomb(rng: Random, data: bytes) -> bytes:
    """A few kilobytes that unpack to gigabytes."""
    if data[:2] == b"\x1f\x8b":
        return gzip.compress(b"a " * 2_000_000 * rng.choice((1, 40)))
    if data[:1] == b"\x78":
        return zlib.compress(b"\xdd\x7f\xff\xff\xff" + b"\xc0" * 1000)
    return b"\xdd\x7f\xff\xff\xff\xc0"


def config_structure(rng: Random, data: bytes) -> bytes:
    lines = data.decode("utf8", "replace").split("\n")
    settings = [i for i, line in enumerate(lines) if " = " in line or line.endswith("=")]
    sections = [i for i, line in enumerate(lines) if line.startswith("[")]
    kind = rng.randrange(10)
    if not settings or not sections:
        return flip(rng, data)
    at = rng.choice(settings)
    name, _, value = lines[at].partition(" = ")
    if kind <= 3:
        lines[at] = f"{name} = {rng.choice(CONFIG_VALUES)}"
    elif kind == 4:
        lines.insert(at, lines[at])
    elif kind == 5:
        del lines[at]
    elif kind == 6:
        lines[at] = f"{rng.choice(['x', '@xner_aligners', '@misc', name + 'x', '', '*', 'path'])} = {value}"
    elif kind == 7:
        section = rng.choice(sections)
        lines[section] = rng.choice(["[x]", "[]", "[[x]]", "[nlp", "[a.b.c.d]", lines[section] + "\n" + lines[section], lines[section].replace("]", ".x]")])  # fmt: skip
    elif kind == 8:
        number = value.strip().strip('"')
        known = [v.partition(" = ")[2] for v in (lines[i] for i in settings)]
        lines[at] = f"{name} = {rng.choice([*known, '-' + number, number + '0000000', number + '.5'])}"
    else:
        section = rng.choice(sections)
        end = next((i for i in sections if i > section), len(lines))
        del lines[section:end]
    return "\n".join(lines).encode("utf8")


def yaml_structure(rng: Random, data: bytes) -> bytes:
    kind = rng.randrange(8)
    bombs = b"a: &a [x,x]\n" + b"".join(
        b"%c: &%c [*%c,*%c,*%c,*%c]\n" % ((98 + i,) * 2 + (97 + i,) * 4) for i in range(20)
    )
    extra = [bombs, b"x: *nope\n", b"description: [\n", b"- 1\n", b"!!python/object/apply:os.system ['x']\n", b"a: {" * 500, b"sources: x\n", b"license: 5\n"]  # fmt: skip
    if kind <= 2:
        return rng.choice([data + x for x in extra] + extra)
    try:
        loaded = srsly.yaml_loads(data.decode("utf8"))
    except ValueError:  # broken by an earlier change
        return rng.choice(BYTE_LEVEL)(rng, data)
    changed = change_structure(rng, loaded)
    try:
        return srsly.yaml_dumps(changed).encode("utf8", "replace")
    except Exception:  # noqa: BLE001  (values that YAML has no form for)
        return json.dumps(changed).encode("utf8")


def csv_structure(rng: Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    at = rng.randrange(len(lines))
    cells = lines[at].split(b",")
    place = rng.randrange(len(cells))
    kind = rng.randrange(5)
    odd = [b"", b"NaN", b"inf", b"-1", b"1e999", b"x", b'"', b'"a\nb"', b"=1+1", b"../../x", b"\xff", b"9" * 5000, b"x" * 140000, b"<b>", b"0.0000001", b"2"]  # fmt: skip
    if kind == 0:
        del cells[place]
    elif kind == 1:
        cells.append(b"x")
    else:
        cells[place] = rng.choice(odd)
    lines[at] = b",".join(cells)
    return b"\n".join(lines)


def sqlite_structure(rng: Random, path: Path) -> None:
    values = [None, 5, -1, 1.5, "", "[]", "{}", "null", '{"text": 5}', "\x1b[2J", b"\xff", "[" * 2000, '[["x"]]', '{"text": "a", "score": "x"}', '"\\ud800"', "x" * 100000]  # fmt: skip
    statements = [
        ("update translations set translation = ?", True),
        ("update translations set source = ?", True),
        ("update engines set identity = ?", True),
        ("update translations set engine = ?", True),
        ("delete from engines", False),
        ("delete from translations", False),
        ("drop table engines", False),
        ("drop table translations", False),
        ("alter table translations rename column translation to other", False),
        ("alter table translations add column more text", False),
        ("create table more (x)", False),
        ("pragma user_version = 99", False),
    ]
    text, with_value = rng.choice(statements)
    connection = sqlite3.connect(path)
    try:
        connection.execute(text, (rng.choice(values),) if with_value else ())
        connection.commit()
    except sqlite3.Error:
        pass
    finally:
        connection.close()


STRUCTURE = {
    ".json": json_structure, ".jsonl": jsonl_structure, ".cfg": config_structure, ".yml": yaml_structure, ".csv": csv_structure, ".spacy": msgpack_structure,
}  # fmt: skip
TEXT = {".iob", ".conll", ".panx", ".uner", ".tsv", ".txt", ".links", ".md"}


def change_file(rng: Random, path: Path) -> str:
    """Break one file. RETURNS (str): How."""
    ending = path.suffix
    if ending == ".sqlite" and rng.random() < 0.7:
        sqlite_structure(rng, path)
        return "sqlite_structure"
    if ending in TEXT:
        choices = LINE_LEVEL * 3 + BYTE_LEVEL + (LONG if rng.random() < 0.5 else [])
    elif ending in STRUCTURE:
        choices = [STRUCTURE[ending]] * 12 + BYTE_LEVEL
        if ending in (".jsonl", ".csv", ".cfg", ".yml"):
            choices += LINE_LEVEL
        if ending == ".jsonl":
            choices += LONG
        if ending == ".spacy":
            choices += [msgpack_inside, msgpack_inside, bomb]
    else:
        choices = [msgpack_structure] * 12 + BYTE_LEVEL + [bomb, msgpack_inside]
    mutation = rng.choice(choices)
    path.write_bytes(mutation(rng, path.read_bytes()))
    return mutation.__name__


def change_place(rng: Random, path: Path, folder: Path) -> str:
    """Put something else where a file or folder is. RETURNS (str): What."""
    kinds = ["missing", "folder", "link", "dangling", "loop", "empty", "swapped", "special"]
    kind = rng.choice(kinds)
    if kind == "swapped":
        others = [p for p in sorted(folder.iterdir()) if p != path and p.is_file()]
        if not others or path.is_dir() or path.is_symlink():
            kind = "missing"
        else:
            other = rng.choice(others)
            shutil.copyfile(other, path)
            return f"swapped with {other.name}"
    if kind == "link":
        elsewhere = folder / f".{path.name}.real"
        while elsewhere.exists():  # from a change before this one
            elsewhere = elsewhere.with_name(f".{elsewhere.name}")
        path.rename(elsewhere)
        path.symlink_to(os.path.relpath(elsewhere, path.parent))
        return kind
    if path.is_dir() and not path.is_symlink():  # a change before this one may have made a link of it
        shutil.rmtree(path)
    else:
        path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "dangling":
        path.symlink_to("nowhere")
    elif kind == "loop":
        path.symlink_to(path.name)
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "special":
        # Never a place outside that can be written to: what is broken next, and what a command writes, stays in the case.
        path.symlink_to("/dev/null")
    return kind
