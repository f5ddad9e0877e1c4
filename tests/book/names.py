"""Which names a cell defines and which it needs, read from its code, without a run."""

import ast
import builtins
import re
import symtable
from collections.abc import Iterator
from dataclasses import dataclass, field

from nbformat import NotebookNode

SETUP = "chapter.start("  # in the cell that has the imports
GIVEN = {*dir(builtins), "get_ipython"}
SHELL = re.compile(r"^(\s*)[!%].*$", re.MULTILINE)
DISPLAYS = ("Markdown(", "table(")  # what a cell that shows a table ends with
FUNCTIONS = (ast.FunctionDef, ast.ClassDef)


@dataclass
class Cell:
    """A code cell: what it defines, and what it needs from cells above."""

    number: int  # in the notebook, from 1
    tree: ast.Module
    shows: bool  # source, a figure or a table: a reader may skip it
    defines: set[str] = field(default_factory=set)
    functions: set[str] = field(default_factory=set)  # and classes
    needs: set[str] = field(default_factory=set)

    def __post_init__(self):
        later = set()  # names in functions, which are looked up when those are called
        for statement in _in_order(self.tree.body):
            if isinstance(statement, FUNCTIONS):
                self.functions.add(statement.name)
                later |= _read(statement)
            else:
                self.needs |= _read(statement) - self.defines
            self.defines |= _bound(statement)
        self.needs = (self.needs | (later - self.defines)) - GIVEN

    @property
    def only_functions(self) -> bool:
        """Whether all that it does is to define functions and classes."""
        return self.defines == self.functions != set()

    @property
    def imports(self) -> bool:
        """Whether anything in it is an import."""
        return any(
            isinstance(x, ast.Import | ast.ImportFrom) for x in ast.walk(self.tree)
        )

    def uses(self, name: str) -> bool:
        """Whether it calls for a function of its own, outside of that function."""
        statements = [x for x in self.tree.body if getattr(x, "name", None) != name]
        return any(name in _read(x) for x in statements)


def code_cells(notebook: NotebookNode) -> list[Cell]:
    """The code cells of a notebook."""
    found = []
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type == "code":
            tree = ast.parse(SHELL.sub(r"\1pass", cell.source))
            found.append(Cell(number, tree, _shows(cell, tree)))
    return found


def misplaced(notebook: NotebookNode) -> list[str]:
    """What keeps a reader from starting late, or from skipping what only shows."""
    cells = code_cells(notebook)
    return [*_imported_late(notebook), *_needed(cells), *_defined_early(cells)]


# ------------------------------------------------------------ rules


def _imported_late(notebook):
    """Imports stand in one cell at the top; what Colab needs has its own above it."""
    setup = [i for i, x in enumerate(notebook.cells, start=1) if SETUP in x.source]
    late = [x.number for x in code_cells(notebook) if x.imports]
    if not setup:
        yield f"no cell calls {SETUP}...)"
    for number in late:
        if setup and number > setup[0]:
            yield f"cell {number}: an import below cell {setup[0]}, which has them all"


def _needed(cells):
    """Every name comes from a cell above, and from none that only shows something."""
    for place, cell in enumerate(cells):
        for name in sorted(cell.needs):
            above = [other for other in cells[:place] if name in other.defines]
            if not above:
                yield f"cell {cell.number}: needs {name}, which no cell above defines"
            elif above[-1].shows:
                shows = f"cell {above[-1].number}: shows something, and defines {name}"
                yield f"{shows}, which cell {cell.number} needs"


def _defined_early(cells):
    """A function stands where it is first used; between, there are only others."""
    for place, cell in enumerate(cells):
        below = cells[place + 1 :]
        for name in sorted(cell.functions):
            users = [i for i, other in enumerate(below) if name in other.needs]
            if not users or cell.uses(name):
                continue
            if not all(other.only_functions for other in below[: users[0]]):
                user = below[users[0]].number
                yield f"cell {cell.number}: defines {name}, first needed by cell {user}"


# ------------------------------------------------------------ parts


def _shows(cell, tree):
    last = ast.unparse(tree.body[-1]) if tree.body else ""
    figure = "image" in cell.metadata.get("mystnb", {})
    return figure or last.startswith(DISPLAYS) or "show_source(" in cell.source


def _in_order(statements) -> Iterator[ast.stmt]:
    """Statements as they run; of one that holds others, its head comes first."""
    for statement in statements:
        parts = [getattr(statement, x, []) for x in ("body", "orelse", "finalbody")]
        if isinstance(statement, FUNCTIONS) or not any(parts):
            yield statement
            continue
        if not isinstance(statement, ast.Try):
            yield _head(statement)
        yield from _in_order(parts[0])
        for handler in getattr(statement, "handlers", []):
            if handler.name:
                yield ast.parse(f"{handler.name} = None").body[0]
            yield from _in_order(handler.body)
        yield from _in_order(parts[1] + parts[2])


def _head(statement):
    """An if, for, with or while without what it holds."""
    parts = {name: getattr(statement, name) for name in statement._fields}
    parts |= {"body": [ast.Pass()]} | ({"orelse": []} if "orelse" in parts else {})
    return type(statement)(**parts)


def _symbols(statement):
    """A statement's own names, and those of the functions and loops inside it."""
    code = ast.unparse(ast.fix_missing_locations(statement))
    tables = [symtable.symtable(code, "cell", "exec")]
    for table in tables:  # which grows
        tables += table.get_children()
    return [(table is tables[0], s) for table in tables for s in table.get_symbols()]


def _read(statement):
    """Names that it reads, but for those that only a loop or function inside has."""
    found = {
        symbol.get_name()
        for own, symbol in _symbols(statement)
        if symbol.is_referenced() and (own or symbol.is_global())
    }
    return found | (
        _bound(statement) if isinstance(statement, ast.AugAssign) else set()
    )


def _bound(statement):
    return {
        symbol.get_name()
        for own, symbol in _symbols(statement)
        if own and (symbol.is_assigned() or symbol.is_imported())
    }
