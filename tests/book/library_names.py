"""Which of the library's names a chapter imports and uses, and which it has shown."""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from functools import reduce

from nbformat import NotebookNode

SHELL = re.compile(r"^(\s*)[!%].*$", re.MULTILINE)


class Library:
    """What one chapter takes from the library.

    Attributes:
        names: as imported, by the name they have in the chapter.
        used: functions and classes that are called or handed on, by their full name;
            without those of ``colorize_lib.notebook``, which open chapters and draw.
        shown: of how many the source is shown.
    """

    def __init__(self, notebook: NotebookNode):
        cells = [x.source for x in notebook.cells if x.cell_type == "code"]
        tree = ast.parse("\n".join(SHELL.sub(r"\1pass", cell) for cell in cells))
        self.names = dict(_imported(tree))
        nodes = [x for x in ast.walk(tree) if isinstance(x, ast.Name | ast.Attribute)]
        self.used = set(filter(None, map(self._full_name, nodes)))
        self.shown = set()
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "show_source":
                self.shown |= set(filter(None, map(self._full_name, call.args)))

    def _full_name(self, node):
        root, *parts = ast.unparse(node).split(".")
        try:
            thing = inspect.unwrap(reduce(getattr, parts, self.names[root]))
        except (KeyError, AttributeError):
            return None  # not of the library
        if not (inspect.isfunction(thing) or inspect.isclass(thing)):
            return None
        if not thing.__module__.startswith("colorize_lib."):
            return None
        if thing.__module__.startswith("colorize_lib.notebook"):
            return None
        # A class counts as shown where one of its methods is.
        return f"{thing.__module__}.{thing.__qualname__.split('.')[0]}"


def _imported(tree) -> Iterator[tuple[str, object]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("colorize_lib"):
            module = importlib.import_module(node.module)
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                found = getattr(module, alias.name, None) or importlib.import_module(
                    name
                )
                yield alias.asname or alias.name, found
