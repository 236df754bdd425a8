"""`xner annotate` with a chat model: what it would cost, what it did cost, killed runs, and a key that is nowhere."""

import logging
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import spacy
from confection import Config

from tests.cli.helpers import xner
from tests.translation.chat_server import KEY, ChatServer, Step, completion
from xner_spacy.corpora.annotate import plan
from xner_spacy.corpora.docs import read_docs

pytest.importorskip("openai")
pytestmark = pytest.mark.usefixtures("no_secrets")

SENTENCES = [f"Anna fór {k} sinnum." for k in range(30)]
PRICES = {"input_price": 1000.0, "output_price": 2000.0}


def answer(text: str, number: int) -> str:
    """The translator asks in Icelandic, the annotator in English."""
    if "sinnum" in text:
        return text.replace("fór", "went").replace("sinnum", "times")
    return text.replace("Anna", "<PER>Anna</PER>")


def teacher(folder: Path, server: ChatServer, annotator: bool = True, **settings: Any) -> Path:
    """RETURNS (Path): A saved teacher of a chat translator and, if it is wanted, a chat annotator."""
    nlp = spacy.blank("is")
    ask = {"model": "tiny", "base_url": server.url, **settings}
    part = {"@xner_translators": "xner.Chat.v1", "source_lang": "is", "target_lang": "en", **ask}
    store = {"@xner_translators": "xner.Stored.v1", "path": str(folder / "store.db"), "translator": part}
    nlp.add_pipe("xner_translator", config={"translator": store})
    if annotator:
        part = {"@xner_annotators": "xner.Chat.v1", "store": str(folder / "store.db"), **ask}
        nlp.add_pipe("xner_annotator", config={"annotator": part})
    nlp.initialize()
    nlp.to_disk(folder / "teacher")
    (folder / "text.txt").write_text("".join(f"{s}\n" for s in SENTENCES), encoding="utf8")
    return folder / "teacher"


def test_a_dry_run_asks_nothing_and_says_what_it_would_cost(serve: Any, tmp_path: Path) -> None:
    server = serve(answer)
    pipeline = teacher(tmp_path, server, budget=50.0, **PRICES)
    before = plan(pipeline, tmp_path / "text.txt", tmp_path / "out")
    assert server.asked == []
    assert [cost["texts"] for cost in before["costs"].values()] == [30, 30]
    assert before["seconds"] is None and all(cost["money"] > 0 for cost in before["costs"].values())
    shown = xner("annotate", pipeline, tmp_path / "text.txt", tmp_path / "out", "--dry-run")
    assert shown.code == 0
    assert "xner_translator: 30 texts without a stored answer, about" in shown.out
    assert "xner_annotator: 0.00 spent before, of a budget of 50.00" in shown.out
    assert not (tmp_path / "out").exists()

    done = xner("annotate", pipeline, tmp_path / "text.txt", tmp_path / "out")
    assert done.code == 0, done.err
    assert "xner_translator: requests: 30" in done.err and "xner_annotator: input tokens: 600" in done.err
    docs = list(read_docs(tmp_path / "out", spacy.blank("is").vocab))
    assert [[e.text for e in doc._.xner_source.ents] for doc in docs] == [["Anna"]] * 30

    after = plan(pipeline, tmp_path / "text.txt", tmp_path / "other")
    assert [cost["texts"] for cost in after["costs"].values()] == [0, 0]
    assert [cost["money"] for cost in after["costs"].values()] == [0.0, 0.0]
    assert [cost["spent"] for cost in after["costs"].values()] == pytest.approx([1.2, 1.2])
    # Another run is paid by the store.
    assert xner("annotate", pipeline, tmp_path / "text.txt", tmp_path / "other").code == 0
    assert len(server.asked) == 60


def test_without_prices_the_estimate_is_in_tokens(serve: Any, tmp_path: Path) -> None:
    pipeline = teacher(tmp_path, serve(answer), annotator=False)
    shown = xner("annotate", pipeline, tmp_path / "text.txt", tmp_path / "out", "--dry-run")
    assert "from it (no prices are set)" in shown.out and "0 tokens spent before" in shown.out


def test_a_bitext_is_read_for_the_estimate_of_an_annotator(serve: Any, tmp_path: Path) -> None:
    """Sentences that have no translation are not asked for."""
    server = serve(answer)
    (tmp_path / "is.txt").write_text("".join(f"{s}\n" for s in SENTENCES[:10]), encoding="utf8")
    (tmp_path / "en.txt").write_text("Anna went.\n" * 10, encoding="utf8")
    (tmp_path / "text.txt").write_text("".join(f"{s}\n" for s in SENTENCES), encoding="utf8")
    nlp = spacy.blank("is")
    bitext = {
        "@xner_translators": "xner.Bitext.v1",
        "source": str(tmp_path / "en.txt"),
        "target": str(tmp_path / "is.txt"),
    }
    nlp.add_pipe("xner_translator", config={"translator": {**bitext, "missing": "skip"}})
    nlp.add_pipe(
        "xner_annotator",
        config={"annotator": {"@xner_annotators": "xner.Chat.v1", "model": "tiny", "base_url": server.url}},
    )
    nlp.to_disk(tmp_path / "teacher")
    costs = plan(tmp_path / "teacher", tmp_path / "text.txt", tmp_path / "out")["costs"]
    assert list(costs) == ["xner_annotator"] and costs["xner_annotator"]["texts"] == 1


def test_a_killed_run_pays_nothing_twice(serve: Any, tmp_path: Path) -> None:
    server = serve(lambda text, n: Step(completion(answer(text, n)), wait=0.03))
    pipeline = teacher(tmp_path, server, concurrency=2)
    command = [sys.executable, "-m", "xner_spacy", "annotate", pipeline, tmp_path / "text.txt", tmp_path / "out"]
    with subprocess.Popen([str(part) for part in command], stderr=subprocess.DEVNULL) as child:
        while len(server.asked) < 40:
            assert child.poll() is None
            time.sleep(0.01)
        child.kill()
    time.sleep(0.2)
    assert xner(*command[3:]).code == 0
    assert len(set(server.asked)) == 60 and len(server.asked) <= 60 + 2


def test_a_run_that_the_budget_ended_goes_on(serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(answer)
    pipeline = teacher(tmp_path, server, annotator=False, budget=1000, max_tokens=50, concurrency=1)
    ended = xner("annotate", pipeline, tmp_path / "text.txt", tmp_path / "out")
    assert ended.code == 1 and "xner_translator: The budget of 1,000 for the chat model 'tiny'" in ended.err
    monkeypatch.setenv("XNER_CHAT_BUDGET", "100000")
    assert xner("annotate", pipeline, tmp_path / "text.txt", tmp_path / "out").code == 0
    assert sorted(server.asked) == sorted(SENTENCES)


@pytest.mark.parametrize("wrong", [False, True])
def test_the_key_is_in_no_file_and_in_no_message(
    serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any, capfd: Any, wrong: bool
) -> None:
    monkeypatch.setenv("TESTS_API_KEY", KEY)
    monkeypatch.setenv("XNER_DEBUG", "1")
    caplog.set_level(logging.DEBUG)
    error = Step({"error": {"message": f"Incorrect API key provided: {KEY}"}}, 401)
    server = serve(lambda text, n: error if wrong and n == 0 and text == SENTENCES[7] else answer(text, n))
    pipeline = teacher(tmp_path, server, key_variable="TESTS_API_KEY", concurrency=1)
    said = [xner("annotate", pipeline, tmp_path / "text.txt", tmp_path / "out", *more) for more in (["--dry-run"], [])]
    assert said[1].code == int(wrong)
    if wrong:
        assert "the server says 401: Incorrect API key provided: ***" in said[1].err
    assert {headers["authorization"] for headers in server.headers} == {f"Bearer {KEY}"}
    config = Config().from_disk(pipeline / "config.cfg").to_str()
    assert "TESTS_API_KEY" in config
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"manifest.json", "store.db", "config.cfg"} <= {path.name for path in files}
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []
    assert KEY not in caplog.text + str(capfd.readouterr()) + str(said)
    assert KEY in os.environ.values()
