"""Dead links are told from silent ones, and named with every place where they stand."""

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import dead_links
import nbformat
import pytest
from dead_links import Link, place, places_of, report, verdict
from nbformat.v4 import new_markdown_cell, new_notebook

POOL = "HTTPSConnectionPool(host='x.org', port=443): "
RETRIES = POOL + "Max retries exceeded with url: /a (Caused by "
CONNECTION = "HTTPSConnection(host='x.org', port=443): "


def one(status, info="", *, code=0, uri="https://x.org/a", lineno=3):
    return {
        "filename": "book/a.md",
        "lineno": lineno,
        "status": status,
        "code": code,
        "uri": uri,
        "info": info,
    }


@pytest.mark.parametrize(
    "info",
    [
        "404 Client Error: Not Found for url: https://x.org/a",
        "410 Client Error: Gone for url: https://x.org/a",
        "404 Client Error: Not Found for url: https://x.org/SSLError-timed out",
        "Anchor 'gone' not found",
        "",  # a file of the book that is not there
        f"{RETRIES}NameResolutionError(\"{CONNECTION}Failed to resolve 'x.org' "
        '([Errno -2] Name or service not known)"))',
    ],
)
def test_dead(info):
    assert verdict(one("broken", info)) == "dead"


@pytest.mark.parametrize(
    "info",
    [
        "403 Client Error: Forbidden for url: https://x.org/a",
        "429 Client Error: Too Many Requests for url: https://x.org/a",
        "418 Client Error: I'm a teapot for url: https://x.org/a",
        "502 Server Error: Bad Gateway for url: https://x.org/a",
        "unauthorized",
        f"{POOL}Read timed out. (read timeout=30)",
        f"{RETRIES}ConnectTimeoutError('Connection to x.org timed out.'))",
        f'{RETRIES}NewConnectionError("{CONNECTION}Failed to establish a new '
        'connection: [Errno 111] Connection refused"))',
        "('Connection aborted.', RemoteDisconnected('Remote end closed connection "
        "without response'))",
        f"{RETRIES}NameResolutionError(\"{CONNECTION}Failed to resolve 'x.org' "
        '([Errno -3] Temporary failure in name resolution)"))',
        f"{RETRIES}SSLError(SSLCertVerificationError(1, 'certificate has expired')))",
        "Exceeded 30 redirects.",
    ],
)
def test_no_answer(info):
    assert verdict(one("broken", info)) == "no answer"


def test_other_verdicts():
    assert verdict(one("timeout", "anything")) == "no answer"
    assert verdict(one("ignored", "service unavailable")) == "no answer"
    assert verdict(one("ignored", "matched by linkcheck_ignore")) == "fine"
    assert verdict(one("working")) == "fine"
    assert verdict(one("unchecked")) == "fine"
    assert verdict(one("redirected", "https://y.org", code=302)) == "fine"
    assert verdict(one("redirected", "https://y.org", code=301)) == "moved"
    assert verdict(one("redirected", "https://y.org", code=308)) == "moved"


@pytest.fixture
def book(tmp_path):
    """Sources that name addresses, some of which begin like others."""
    (tmp_path / "book").mkdir()
    (tmp_path / "colorize_lib" / "models").mkdir(parents=True)
    (tmp_path / "book" / "a.md").write_text(
        "One\n\n[a](https://x.org/a), <https://x.org/a.html>, https://x.org/a/b\n"
        "and at the end of a sentence https://x.org/a.\n"
    )
    (tmp_path / "book" / "r.bib").write_text("@misc{x,\n  doi = {10.1/XY-z},\n}\n")
    cells = [new_markdown_cell("# B"), new_markdown_cell("B\n\nhttps://x.org/a?b=1")]
    nbformat.write(new_notebook(cells=cells), tmp_path / "book" / "b.ipynb")
    source = '"""See https://x.org/a#b."""\n'
    (tmp_path / "colorize_lib" / "models" / "c.py").write_text(source)
    return tmp_path


@pytest.mark.parametrize(
    ("address", "places"),
    [
        ("https://x.org/a", ["book/a.md, line 3", "book/a.md, line 4"]),
        ("https://x.org/a.html", ["book/a.md, line 3"]),
        ("https://x.org/a/b", ["book/a.md, line 3"]),
        ("https://x.org/a?b=1", ["book/b.ipynb, cell 2, line 3"]),
        ("https://x.org/a#b", ["colorize_lib/models/c.py, line 1"]),
        ("https://doi.org/10.1/XY-z", ["book/r.bib, line 2"]),
        ("https://doi.org/10.1/XY", []),
        ("https://y.org", []),
    ],
)
def test_every_place_is_named(book, address, places):
    assert list(places_of(address, book)) == places


def test_the_report_has_the_dead_first_and_in_full():
    dead = Link("https://x.org/a", ("b.md, line 3", "c.md, line 4"), "404 | Gone\n!")
    first = Link("https://x.org/b", ("a.md, line 9",), "404 for url: https://x.org/b")
    error = "NameResolutionError('Failed to resolve (x)')"
    silent = Link("https://y.org", ("d.md, line 5",), f"{RETRIES}{error})")
    text = report(7, dead=[dead, first], no_answer=[silent], moved=[])
    lines = text.splitlines()
    assert lines[0] == "### 2 of 7 external links are dead"
    assert lines[4] == "| a.md, line 9 | https://x.org/b | 404 |"
    assert lines[5] == (
        r"| b.md, line 3<br>c.md, line 4 | https://x.org/a | 404 \| Gone ! |"
    )
    assert text.index("1 without an answer") < text.index(f"https://y.org | {error}) |")
    assert "moved" not in text
    assert report(7, [], [], []) == "### 0 of 7 external links are dead\n"


@pytest.fixture
def run(monkeypatch, tmp_path):
    """dead_links.py on made lines of output.json."""

    def run(*lines):
        path = tmp_path / "output.json"
        path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        monkeypatch.setattr(dead_links, "ROOT", tmp_path)
        monkeypatch.setattr(sys, "argv", ["dead_links.py", str(path)])
        return dead_links.main()

    return run


def test_only_a_dead_link_fails_the_run(run, capsys):
    works = one("working", uri="https://x.org")
    assert run(works, one("broken", "403 Client Error: Forbidden")) == 0
    assert run(works, one("broken", "404 Client Error", lineno=20_004)) == 1
    assert "| book/a.md, cell 2, line 3 | https://x.org/a |" in capsys.readouterr().out


def test_a_check_that_did_not_take_place_is_no_good_news(run, monkeypatch):
    with pytest.raises(SystemExit, match="None of 1 links works: is there a network"):
        run(one("broken", "404 Client Error"), one("unchecked", uri="mailto:x"))
    with pytest.raises(SystemExit, match="None of 0 links"):
        run()
    monkeypatch.setattr(sys, "argv", ["dead_links.py", "nothing.json"])
    with pytest.raises(SystemExit, match=r"nothing\.json is missing"):
        dead_links.main()


class Answers(BaseHTTPRequestHandler):
    """Answers /CODE with that code."""

    def do_GET(self):
        code = int(self.path[1:4])
        self.send_response(code)
        if code == 301:
            self.send_header("Location", "/200")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET

    def log_message(self, *args):
        pass


def test_what_sphinx_writes_is_understood(tmp_path):
    """A real link check, of a server on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    # Without the 0 a 429 is asked again, a minute later.
    settings = "extensions = ['myst_nb']\nlinkcheck_rate_limit_timeout = 0\n"
    (source / "conf.py").write_text(f"{settings}nb_execution_mode = 'off'\n")
    links = [f"- <{base}/{code}>" for code in (200, 301, 403, 429, 503, 404)]
    links.append("- <http://127.0.0.1:1/closed>")
    (source / "index.md").write_text("\n".join(["# A", "", *links]))
    cells = [new_markdown_cell("# B"), new_markdown_cell(f"B\n\n<{base}/410>")]
    nbformat.write(new_notebook(cells=cells), source / "b.ipynb")
    command = [sys.executable, "-m", "sphinx", "-q", "-b", "linkcheck", source, out]
    subprocess.run(command, capture_output=True)
    server.shutdown()
    server.server_close()
    lines = (out / "output.json").read_text().splitlines()
    found = {line["uri"].split("/")[-1]: line for line in map(json.loads, lines)}
    assert {what: verdict(line) for what, line in found.items()} == {
        "200": "fine",
        "301": "moved",
        "403": "no answer",
        "429": "no answer",
        "503": "no answer",
        "closed": "no answer",
        "404": "dead",
        "410": "dead",
    }
    assert place(found["404"]) == "index.md, line 8"
    assert place(found["410"]) == "b.ipynb, cell 2, line 3"
