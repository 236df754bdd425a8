"""The server answers its own computer, in pages; the command serves and writes."""

import html
import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Dict, Iterator, Tuple
from urllib.parse import quote

import pytest

from tests.cli.helpers import xner
from tests.conftest import ROOT
from xner_spacy.report.view.comparing import Rows
from xner_spacy.report.view.pages import Pages
from xner_spacy.report.view.server import Server

from .toy import SCRIPT, gold_file, other_run, toy_run


def wait_for_index(server: Server) -> None:
    while server.index.done < len(server.pages.rows) and server.index.fault is None:
        time.sleep(0.01)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("served")
    rows = Rows(
        toy_run(folder / "a.spacy", 10), other_run(folder / "b.spacy", 10), gold_file(folder / "g.spacy", 10)
    )  # fmt: skip
    server = Server(Pages(rows))
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    wait_for_index(server)
    yield server
    server.stop()
    thread.join()
    server.close()


def ask(server: Server, path: str, method: str = "GET", **headers: str) -> Tuple[int, Dict[str, str], str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request(method, path, headers={"Host": f"127.0.0.1:{server.port}", **headers})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, dict(answer.getheaders()), text


def test_the_first_page_holds_the_first_sentences(server: Server) -> None:
    status, headers, text = ask(server, "/")
    assert status == 200 and text.count("<article") == 20
    assert headers["Content-Type"] == "text/html; charset=utf-8" and headers["X-Content-Type-Options"] == "nosniff"
    assert SCRIPT not in text and "&lt;script&gt;document.title" in text
    assert "script-src 'sha256-" in html.unescape(text) and "connect-src 'self'" in html.unescape(text)


def test_pages_filters_and_state(server: Server) -> None:
    part = json.loads(ask(server, "/rows?page=2")[2])
    assert (part["total"], part["html"].count("<article")) == (50, 10)
    part = json.loads(ask(server, f"/rows?text={quote('STRASSE')}&order=doubt")[2])
    assert (part["total"], part["html"].count("<article")) == (10, 10)
    assert (part["done"], part["of"], part["fault"]) == (50, 50, "")
    assert ["LOC", "LOC", 20] in part["choices"]["label"]
    page = ask(server, "/?label=ORG&order=sure")[2]
    assert page.count("<article") == 10 and '<option value="ORG" selected>' in page
    assert json.loads(ask(server, "/state")[2])["done"] == 50


def test_a_page_after_the_last_is_the_last(server: Server) -> None:
    part = json.loads(ask(server, "/rows?page=99")[2])
    assert (part["page"], part["html"].count("<article")) == (2, 10)
    part = json.loads(ask(server, "/rows?page=99&text=nothing-has-this")[2])
    assert (part["page"], part["total"], part["html"].strip()) == (0, 0, "")
    assert ask(server, "/?page=99")[2].count("<article") == 10


def test_another_name_of_this_computer_is_refused(server: Server) -> None:
    for host in ("evil.example", f"evil.example:{server.port}", "127.0.0.1", "127.0.0.1:1", ""):
        status, _, text = ask(server, "/", Host=host)
        assert (status, text) == (403, "This server answers to its own name alone.")
    assert ask(server, "/", Host=f"LOCALHOST:{server.port}")[0] == 200


def test_what_is_not_there(server: Server) -> None:
    for path in ("/etc/passwd", "/../xner", "/index.html"):
        assert ask(server, path)[0] == 404
    assert ask(server, "/", method="POST")[0] == 501
    status, _, text = ask(server, "/rows?order=up")
    assert status == 400 and "Unknown order 'up'" in json.loads(text)["fault"]
    assert ask(server, "/?low=x")[0] == 400


def test_it_listens_to_this_computer_alone(server: Server) -> None:
    assert server._server.server_address[0] == "127.0.0.1"


def test_many_at_a_time(server: Server) -> None:
    answers = []
    threads = [
        threading.Thread(target=lambda k=k: answers.append(ask(server, f"/rows?page={k % 3}&order=doubt")[0]))
        for k in range(24)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 24


def test_a_run_that_breaks_is_told(tmp_path: Path) -> None:
    toy_run(tmp_path / "in.spacy", 20)
    assert xner("convert", tmp_path / "in.spacy", tmp_path / "run", "--shard-size", "10").code == 0
    (tmp_path / "run" / "00004.spacy").write_bytes(b"x")
    server = Server(Pages(Rows(tmp_path / "run")))
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        wait_for_index(server)
        assert "00004.spacy" in json.loads(ask(server, "/state")[2])["fault"]
        assert ask(server, "/")[0] == 200
        status, _, text = ask(server, "/rows?page=2")
        assert status == 400 and "00004.spacy" in json.loads(text)["fault"]
    finally:
        server.stop()
        thread.join()
        server.close()


# --- The command


def test_a_page_in_one_file(tmp_path: Path) -> None:
    run = toy_run(tmp_path / "a.spacy", 4)
    done = xner("view", run, "-o", tmp_path / "page.html", "--limit", 6, "--by", "doubt")
    assert done.code == 0 and "6 sentences; 14 are left out (see --limit)" in done.err
    text = (tmp_path / "page.html").read_text(encoding="utf8")
    assert "These are the 6 most doubtful of 20 sentences." in text
    assert text.count("<article") == 6 and SCRIPT not in text
    facts = json.loads(text.split('id="facts">')[1].split("</script>")[0])
    assert [fact["lowest"] for fact in facts] == [0.42] * 4 + [0.77] * 2
    again = xner("view", run, "-o", tmp_path / "again.html", "--limit", 6, "--by", "doubt")
    assert again.code == 0 and (tmp_path / "again.html").read_bytes() == text.encode()


def test_nothing_is_written_of_a_broken_run(tmp_path: Path) -> None:
    (tmp_path / "a.spacy").write_bytes(b"x")
    result = xner("view", tmp_path / "a.spacy", "-o", tmp_path / "page.html")
    assert result.code == 1 and "a.spacy: is not a DocBin" in result.err
    assert not (tmp_path / "page.html").exists()


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    run = toy_run(tmp_path / "a.spacy")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = xner("view", run, "--port", taken.getsockname()[1])
    assert result.code == 1 and "can't be used" in result.err and "--port" in result.err


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal")
def test_ctrl_c_ends_it(tmp_path: Path, signals_heard: Any) -> None:
    import signal

    run = toy_run(tmp_path / "a.spacy")
    command = [sys.executable, "-m", "xner_spacy", "view", str(run)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    line = next(line for line in process.stderr if "http://127.0.0.1:" in line)
    port = int(line.split("127.0.0.1:")[1].split("/")[0])
    with socket.create_connection(("127.0.0.1", port), timeout=10):
        pass
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 0 and "Ended" in rest
