"""Note which notebooks ran from top to bottom in the tests, for tools/runs_page.py."""

import json
import platform
from collections import defaultdict
from datetime import date
from importlib.metadata import version
from pathlib import Path

import nbformat
import pytest

BOOK = Path(__file__).parent
RECORD = BOOK.parent / "_build" / "green-runs.json"


class GreenRuns:
    """Counts the cells that passed, of each notebook, and those that did not."""

    def __init__(self):
        self.passed, self.seconds = defaultdict(set), defaultdict(float)
        self.failed = set()

    def pytest_runtest_logreport(self, report):
        path, _, cell = report.nodeid.partition("::")
        if not path.endswith(".ipynb"):
            return
        name = Path(path).stem
        self.seconds[name] += report.duration
        if report.failed:
            self.failed.add(name)
        elif report.when == "call" and report.passed:
            self.passed[name].add(cell)

    def green(self):
        """By notebook, those whose cells all passed: when, where, and for how long."""
        where = {
            "date": date.today().isoformat(),
            "system": platform.system(),
            "python": platform.python_version(),
            "torch": version("torch"),
        }
        return {
            name: where | {"minutes": round(self.seconds[name] / 60, 2)}
            for name, cells in self.passed.items()
            if name not in self.failed and len(cells) == _code_cells(name)
        }

    def pytest_sessionfinish(self, session):
        if hasattr(session.config, "workerinput") or not self.passed:
            return  # of several processes, the first hears of all tests
        known = json.loads(RECORD.read_text()) if RECORD.exists() else {}
        RECORD.parent.mkdir(exist_ok=True)
        RECORD.write_text(json.dumps(known | self.green(), indent=1))


def _code_cells(name):
    path = BOOK / f"{name}.ipynb"
    if not path.exists():
        return None
    cells = nbformat.read(path, as_version=4).cells
    return sum(cell.cell_type == "code" for cell in cells)


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    config.pluginmanager.register(GreenRuns(), "green-runs")
