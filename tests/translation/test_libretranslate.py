"""`xner.LibreTranslate.v1`, asked of a server of this process."""

import json
import logging
import pickle
import threading
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import pytest

from xner_spacy.errors import XnerError
from xner_spacy.registry import get_part
from xner_spacy.translation.libretranslate import LibreTranslate
from xner_spacy.translation.store import Stored

pytestmark = pytest.mark.usefixtures("no_secrets")
KEY = "libre-tests-0123456789-recognisable"
LANGUAGES = [
    {"code": "en", "name": "English", "targets": ["is", "en"]},
    {"code": "is", "name": "Icelandic", "targets": ["en"]},
    {"code": "zh-Hans", "name": "Chinese", "targets": ["en"]},
]


class Server:
    """Answers each request for translations with `reply(texts, n)`, where n counts them: translations, or a status with
    a body and headers.
    """

    def __init__(self, reply: Callable[[List[str], int], Any], languages: Any = LANGUAGES) -> None:
        self.asked: List[List[str]] = []
        self.requests: List[Dict[str, Any]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                self.answer(200, languages if self.path == "/languages" else {}, {})

            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["content-length"])))
                server.requests.append({"path": self.path, **request})
                server.asked.append(request["q"])
                result = reply(request["q"], len(server.asked) - 1)
                if isinstance(result, tuple):
                    self.answer(*result)
                else:
                    self.answer(200, {"translatedText": result}, {})

            def answer(self, status: int, body: Any, headers: Dict[str, str]) -> None:
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in headers:
                    self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                pass

        self.server = Quiet(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture()
def libre() -> Iterator[Callable[..., Server]]:
    running: List[Server] = []

    def start(*args: Any, **settings: Any) -> Server:
        running.append(Server(*args, **settings))
        return running[-1]

    yield start
    for server in running:
        server.close()


def upper(texts: List[str], number: int) -> List[str]:
    return [text.upper() for text in texts]


def part_of(server: Server, **settings: Any) -> LibreTranslate:
    return LibreTranslate(**{"source_lang": "isl", "target_lang": "en", "url": server.url, **settings})


TEXTS = [f"texti númer {k}" for k in range(7)]


def test_batches_in_order(libre: Any, tmp_path: Path) -> None:
    server = libre(upper)
    part = part_of(server, batch_size=3)
    texts = [*TEXTS[:4], "  ", *TEXTS[4:]]
    assert [t.text for t in part(texts)] == [text.upper().strip() for text in texts]
    assert server.asked == [TEXTS[:3], [TEXTS[3], TEXTS[4]], TEXTS[5:]]
    assert server.requests[0] == {
        "path": "/translate", "q": TEXTS[:3], "source": "is", "target": "en", "format": "text",
    }  # fmt: skip
    store = Stored(part, tmp_path / "s.db")
    list(store(TEXTS[:3]))
    assert len(server.asked) == 4
    store.close()


def test_a_long_text_is_sent_alone(libre: Any) -> None:
    server = libre(upper)
    list(part_of(server, batch_characters=20)(["a" * 5, "b " * 30, "c" * 5, "d" * 5]))
    assert [len(texts) for texts in server.asked] == [1, 1, 2]


@pytest.mark.parametrize(
    "wrong",
    [
        (429, {"error": "Slowdown: 10 per 1 minute"}, {}),
        (429, {"error": "Slowdown"}, {"Retry-After": "0.02"}),
        (502, b"<html>", {}),
        (503, {}, {}),
        (200, b"<html>a page</html>", {}),
        (200, {"translatedText": 5}, {}),
        (200, b'{"translatedText": ["cut', {"Content-Length": "500"}),
    ],
)
def test_what_may_pass_is_tried_again(libre: Any, wrong: Any) -> None:
    server = libre(lambda texts, n: wrong if n < 2 else upper(texts, n))
    assert [t.text for t in part_of(server)(TEXTS)] == [text.upper() for text in TEXTS]
    assert server.asked == [TEXTS] * 3


def test_no_answer_in_time(libre: Any) -> None:
    server = libre(lambda texts, n: time.sleep(1.0 if n == 0 else 0) or upper(texts, n))
    assert [t.text for t in part_of(server, timeout=0.3)(["a"])] == ["A"]
    assert len(server.asked) == 2


@pytest.mark.parametrize("status", [400, 413, 500])
def test_one_odd_text_does_not_affect_the_others(libre: Any, status: int, tmp_path: Path) -> None:
    odd = TEXTS[2]
    server = libre(lambda texts, n: (status, {"error": "odd"}, {}) if odd in texts else upper(texts, n))
    store = Stored(part_of(server, retries=1), tmp_path / "s.db")
    assert [t.fault for t in store(TEXTS)] == [None, None, "failed", None, None, None, None]
    store.close()
    n_asked = len(server.asked)
    assert [t.fault for t in Stored(part_of(server, retries=0), tmp_path / "s.db")(TEXTS)][2] == "failed"
    assert server.asked[n_asked:] == [[odd]]


def test_too_few_translations(libre: Any) -> None:
    server = libre(lambda texts, n: upper(texts, n)[:1])
    assert [t.text for t in part_of(server)(["a", "b"])] == ["A", "B"]
    assert server.asked == [["a", "b"], ["a"], ["b"]]


def test_a_faulty_translation(libre: Any) -> None:
    server = libre(lambda texts, n: ["" for _ in texts])
    assert [t.fault for t in part_of(server)(["a"])] == ["empty"]


@pytest.mark.parametrize(
    "wrong, message, hint",
    [
        ((500, {"error": "oh"}, {}), "it says 500: oh", "run again"),
        ((403, {"error": "Invalid API key"}, {}), "it says 403: Invalid API key", "It needs a key"),
        ((404, b"", {}), "it says 404", "Check `url`"),
        ((301, b"", {"Location": "http://elsewhere.example/translate"}), "moved", "Set `url`"),
        ((429, {}, {"Retry-After": "4000"}), "429", "asks to wait 4000 s"),
        ((200, b"<html>a page</html>", {}), "not that of LibreTranslate", "Check `url`"),
    ],
)
def test_what_ends_the_run(libre: Any, wrong: Any, message: str, hint: str) -> None:
    server = libre(lambda texts, n: wrong)
    with pytest.raises(XnerError, match=message) as error:
        list(part_of(server, retries=1)(TEXTS))
    assert hint in error.value.hint and server.url in error.value.message


def test_no_server_is_one_message(libre: Any) -> None:
    server = libre(upper)
    server.close()
    with pytest.raises(XnerError, match=r"can't be used: the connection failed.*Is the server running"):
        list(part_of(server, retries=1)(TEXTS))
    libre(upper)  # the fixture closes it


def test_languages(libre: Any) -> None:
    server = libre(upper)
    assert part_of(server, source_lang="zh")._codes == ("zh-Hans", "en")
    assert part_of(server, source_lang="auto", target_lang="isl_Latn")._codes == ("auto", "is")
    with pytest.raises(XnerError, match=r"has no language 'lug' \(Luganda\).*It has: en, is, zh_Hans"):
        list(part_of(server, source_lang="lug")(["a"]))
    with pytest.raises(XnerError, match=r"translates 'is', but it has no language 'zh' .*It has: en\."):
        list(part_of(server, target_lang="zh")(["a"]))
    with pytest.raises(XnerError, match="not that of LibreTranslate"):
        list(part_of(libre(upper, languages={"a": 1}), retries=0)(["a"]))
    assert server.asked == []


@pytest.mark.parametrize("status", [200, 400, 403])
def test_the_key_is_nowhere(
    libre: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: Any, capfd: Any, status: int
) -> None:
    monkeypatch.setenv("TESTS_API_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    said = f"Invalid {KEY}"
    server = libre(lambda texts, n: [said] * len(texts) if status == 200 else (status, {"error": said}, {}))
    store = Stored(part_of(server, key_variable="TESTS_API_KEY", retries=0), tmp_path / "s.db")
    shown: List[Any] = []
    try:
        shown += list(store(TEXTS))
    except XnerError as error:
        shown += [error, *traceback.format_exception(error)]
    assert {request["api_key"] for request in server.requests} == {KEY}
    shown += [
        pickle.dumps(store).decode("latin1"),
        vars(store.translator),
        store.identity,
        caplog.text,
        capfd.readouterr(),
    ]
    store.close()
    shown += [path.read_bytes().decode("latin1") for path in tmp_path.iterdir()]
    assert "Invalid ***" in str(shown)
    assert KEY not in str(shown)


def test_a_key_goes_where_the_user_lets_it_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESTS_API_KEY", KEY)
    part = LibreTranslate("is", "en", url="https://collector.example", key_variable="TESTS_API_KEY")
    with pytest.raises(XnerError, match="is not sent to collector"):
        list(part(["a"]))
    with pytest.raises(XnerError, match="LIBRETRANSLATE_API_KEY is not set"):
        list(LibreTranslate("is", "en", url="https://libretranslate.com")(["a"]))


@pytest.mark.parametrize(
    "settings, message",
    [({"url": "here"}, "no address"), ({"retries": -1}, "`retries`"), ({"batch_size": 0}, "`batch_size` is 0")],
)
def test_wrong_settings(settings: Dict[str, Any], message: str) -> None:
    with pytest.raises(XnerError, match=message):
        get_part("xner_translators", "xner.LibreTranslate.v1", source_lang="is", target_lang="en", **settings)
