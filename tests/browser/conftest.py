"""A Chromium and the built book as GitHub Pages would serve it.

The Chromium is the one of COLORIZE_CHROMIUM, else the machine's, else Playwright's,
else one that is installed now. Where none can be had the tests skip, and the last
lines of the run say so (tests/conftest.py).
"""

import functools
import os
import shutil
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from browser_helpers import NO_CHROMIUM, Tab
from filelock import FileLock
from playwright.sync_api import Error, sync_playwright
from stamp import address

ROOT = Path(__file__).parents[2]
HTML = ROOT / "_build" / "html"
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
SUBFOLDER = f"/{address().repository}/"  # Pages serves a project from below its name


@pytest.fixture(scope="module")
def browser():
    """Playwright's synchronous Browser, running Chromium.

    One a module, not one a session: while Playwright runs, Python believes that an
    event loop does, and what comes later in this process (nbval) would stumble over it.
    """
    with sync_playwright() as playwright:
        running, reasons = _start(playwright.chromium)
        if running is None:
            pytest.skip(f"{NO_CHROMIUM} ({'; '.join(reasons)})")
        yield running
        running.close()


@pytest.fixture(scope="session")
def site():
    """The address of the built book on a server of this machine, with the last slash.

    Below a folder, as Pages serves it: an address from the root is found out.
    """
    if not (HTML / "index.html").exists():
        pytest.skip("the book is not built: run `make book`")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}{SUBFOLDER}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def tab(browser, site):
    """A function that gives the tab of a width and a theme, the same each time."""
    tabs = {}

    def tab_of(width=1300, theme="light"):
        if (width, theme) not in tabs:
            tabs[width, theme] = Tab(browser, site, width, theme)
        return tabs[width, theme]

    yield tab_of
    for one in tabs.values():
        one.close()


class _Pages(SimpleHTTPRequestHandler):
    """GitHub Pages: one folder, and 404.html for whatever is not there."""

    protocol_version = "HTTP/1.1"  # one connection for all files of a page

    def __init__(self, *args):
        super().__init__(*args, directory=str(HTML))

    def translate_path(self, path):
        if not path.startswith(SUBFOLDER):
            return str(HTML / "no such file")
        return super().translate_path(path.removeprefix(SUBFOLDER[:-1]))

    def send_error(self, code, message=None, explain=None):
        page = HTML / "404.html"
        if code != 404 or not page.exists():
            return super().send_error(code, message, explain)
        body = page.read_bytes()
        self.send_response(404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *args):
        """A failed request is the tests' to report."""


def _start(chromium):
    """The first Chromium that starts, or None with the reason of each that did not."""
    named = os.environ.get("COLORIZE_CHROMIUM")
    if named:  # asked for: its error is the user's to see
        return chromium.launch(executable_path=named), []
    reasons = []
    found = [path for path in map(shutil.which, NAMES) if path]
    for path in (*found, chromium.executable_path):
        if Path(path).exists():
            browser, reason = _launch(chromium, path)
            if browser:
                return browser, []
            reasons.append(reason)
    for install in (_install_with_playwright, _install_with_apt):
        reason = install()
        if reason is None:
            path = shutil.which("chromium") or chromium.executable_path
            browser, reason = _launch(chromium, path)
            if browser:
                return browser, []
        reasons.append(reason)
    return None, reasons


def _launch(chromium, path):
    try:
        return chromium.launch(executable_path=path), None
    except Error as error:  # such as a missing system library
        return None, f"{path}: {str(error).splitlines()[0]}"


@functools.cache  # tried once, not once a module
def _install_with_playwright():
    return _run([sys.executable, "-m", "playwright", "install", "chromium"], 300)


@functools.cache
def _install_with_apt():
    if not shutil.which("apt-get") or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "apt-get: not Debian, or not root"
    install = ["apt-get", "install", "-y", "--no-install-recommends", "chromium"]
    return _run(install, 300)


def _run(command, seconds):
    """None where it went well, else why not. One worker at a time."""
    (ROOT / "_build").mkdir(exist_ok=True)
    with FileLock(ROOT / "_build" / "chromium.lock"):
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired:
            return f"{command[0]}: no end after {seconds} s"
    if done.returncode == 0:
        return None
    said = (done.stderr + done.stdout).splitlines()
    why = next((line for line in said if line.startswith(("E:", "Error"))), "no word")
    return f"{Path(command[0]).name}: {why}"
