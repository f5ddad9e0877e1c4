"""The workflows are valid, pinned, with least rights, and do what they are for.

Nothing here can run them; but each rule finds what it is for, in a broken copy."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from workflow_rules import RULES, runs, workflows

ROOT = Path(__file__).parents[1]
FILES = ("Makefile", "README.md", "pyproject.toml", "requirements.in")
TESTS = (ROOT / ".github" / "workflows" / "test.yml").read_text()
# As pinned today: Dependabot moves it.
CHECKOUT = re.search(r"actions/checkout@(\S+) # (\S+)", TESTS)
PIN, COMMIT, VERSION = CHECKOUT.group(0, 1, 2)


def problems(root):
    return [problem for rule in RULES for problem in rule(root)]


def run(name, *words):
    """A program of this environment: whether it is content, and what it said."""
    done = subprocess.run(
        [Path(sys.executable).with_name(name), *words], capture_output=True, text=True
    )
    return done.returncode == 0, done.stdout + done.stderr


def fits_the_schema(kind, *paths):
    return run("check-jsonschema", "--builtin-schema", f"vendor.{kind}", *paths)


def is_safe(folder):
    """zizmor knows the ways in which workflows are attacked."""
    return run("zizmor", "--offline", "--no-config", "--no-progress", "-q", folder)


def test_the_workflows_obey():
    assert problems(ROOT) == []


def test_they_fit_the_schemas_of_github():
    paths = (ROOT / ".github" / "workflows").glob("*.yml")
    good, said = fits_the_schema("github-workflows", *paths)
    assert good, said
    settings = ROOT / ".github" / "dependabot.yml"
    good, said = fits_the_schema("dependabot", settings)
    assert good, said


def test_they_are_safe():
    good, said = is_safe(ROOT / ".github")
    assert good, said


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_scripts_are_bash():
    """A slip in a script shows before it has been pushed."""
    for name, workflow in workflows(ROOT).items():
        for job, script in runs(workflow):
            error = _syntax_error(script)
            assert not error, f"{name}, {job}: {error}"
    assert "syntax error" in _syntax_error("if true; then echo")


def _syntax_error(script):
    command = ["bash", "-n"]
    return subprocess.run(command, input=script, text=True, capture_output=True).stderr


@pytest.fixture
def copy(tmp_path):
    """A copy of what the rules read; what is replaced in it must be there."""
    shutil.copytree(ROOT / ".github", tmp_path / ".github")
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    for name in FILES:
        shutil.copy(ROOT / name, tmp_path)

    def broken(file, old, new):
        path = tmp_path / file
        if not path.exists():
            path = tmp_path / ".github" / "workflows" / file
        text = path.read_text()
        assert old in text, f"{file} has no {old!r} to break"
        path.write_text(text.replace(old, new, 1))
        return tmp_path

    return broken


READS = "    permissions:\n      contents: read\n"
BROKEN = {
    "a tag": ("test.yml", PIN, "actions/checkout@v7", "checkout@v7' is not pinned"),
    "no version": ("test.yml", f" # {VERSION}", "", f"{COMMIT}' is not pinned"),
    "a major version": ("test.yml", f"# {VERSION}", "# v7", "# v7' is not pinned"),
    "a short commit": ("test.yml", COMMIT, COMMIT[:7], "is not pinned"),
    "two versions": (
        "weekly.yml",
        COMMIT,
        "0" * 40,
        "another actions/checkout than elsewhere",
    ),
    "no top rights": ("test.yml", "permissions: {}\n", "", "its permissions are not"),
    "top rights": (
        "test.yml",
        "permissions: {}",
        "permissions: read-all",
        "test.yml: its permissions are not {}",
    ),
    "more rights": (
        "test.yml",
        "contents: read",
        "contents: write",
        "test.yml, test: permissions {'contents': 'write'}",
    ),
    "the default rights": ("weekly.yml", READS, "", "newest: permissions None"),
    "rights to deploy where code runs": (
        "publish.yml",
        "      - id: deployment",
        "      - run: make book\n      - id: deployment",
        "publish.yml, deploy: permissions {'pages': 'write'",
    ),
    "the token stays": (
        "weekly.yml",
        "          persist-credentials: false",
        "          fetch-depth: 0",
        "weekly.yml, newest: checkout leaves its token",
    ),
    "a stranger's rights": (
        "test.yml",
        "  pull_request:",
        "  pull_request_target:",
        "test.yml: started by pull_request_target",
    ),
    "a secret": (
        "test.yml",
        "      - run: make test",
        "      - run: make test\n        env:\n          A: ${{ secrets.A }}",
        "test.yml: needs a secret",
    ),
    "an expression in a script": (
        "publish.yml",
        '"$GITHUB_REF_NAME"',
        '"${{ github.ref_name }}"',
        "publish.yml, build: an expression inside a script: '.venv/bin/python",
    ),
    "no bash": ("weekly.yml", "    shell: bash", "    shell: sh", "a pipe hides"),
    "no limit": (
        "test.yml",
        "    timeout-minutes: 60\n",
        "",
        "test.yml, test: no timeout-minutes",
    ),
    "a tool that is gone": (
        "weekly.yml",
        "tools/stamp.py",
        "tools/address.py",
        "weekly.yml, links: there is no tools/address.py",
    ),
    "a Python less": ("test.yml", '"3.11", ', "", "tests Python ['3.12', '3.13']"),
    "a Python more in the Makefile": (
        "Makefile",
        "< (3, 14)",
        "< (3, 15)",
        "the Makefile has ['3.11', '3.12', '3.13', '3.14']",
    ),
    "another lowest Python": (
        "pyproject.toml",
        'requires-python = ">=3.11"',
        'requires-python = ">=3.10"',
        "requires-python is not >=3.11",
    ),
    "an untested Python": ("publish.yml", '"3.13"', '"3.14"', "build: Python 3.14"),
    "another README": (
        "README.md",
        "Python 3.11, 3.12 or 3.13",
        "Python 3.11 or 3.12",
        "README.md: does not say 'Python 3.11, 3.12 or 3.13'",
    ),
    "not the README's command": (
        "test.yml",
        "- run: make test",
        "- run: .venv/bin/python -m pytest tests",
        "test.yml, test: does not run make test",
    ),
    "no such command in the README": (
        "README.md",
        "make book  ",
        "make html  ",
        "README.md: does not have 'make book'",
    ),
    "published before it is tested": (
        "publish.yml",
        "      - run: make test\n      - run: make book\n",
        "      - run: make book\n      - run: make test\n",
        "publish.yml, build: does not run tools/stamp.py, then make test, then make",
    ),
    "the locked versions": (
        "weekly.yml",
        "--requirement requirements.in",
        "--requirement requirements.txt",
        "weekly.yml, newest: does not run --requirement requirements.in",
    ),
    "links that nobody reads": (
        "weekly.yml",
        ".venv/bin/python tools/dead_links.py",
        "cat _build/html/output.txt",
        "weekly.yml, links: does not run",
    ),
    "only some changes": (
        "test.yml",
        "  push:\n",
        "  push:\n    branches: [main]\n",
        "test.yml: is started by {'push': {'branches': ['main']}",
    ),
    "no tags": ("publish.yml", '    tags: ["v*"]\n', "", "publish.yml: is started by"),
    "no clock": (
        "weekly.yml",
        '  schedule:\n    - cron: "23 4 * * 1" # not on the hour, when GitHub is busiest\n',
        "",
        "weekly.yml: is not started both by the clock and by hand",
    ),
    "a branch by its name": (
        "publish.yml",
        "    if: github.ref == format('refs/heads/{0}', "
        "github.event.repository.default_branch)",
        "    if: github.ref == 'refs/heads/main'",
        "publish.yml, build: runs if github.ref == 'refs/heads/main'",
    ),
    "interrupted": (
        "publish.yml",
        "cancel-in-progress: false",
        "cancel-in-progress: true",
        "publications can overtake or interrupt",
    ),
    "untested pages": ("publish.yml", "    needs: build\n", "", "does not wait"),
    "a cache": (
        "publish.yml",
        '          python-version: "3.13"\n',
        '          python-version: "3.13"\n          cache: pip\n',
        "publish.yml, build: what is published must not come from a cache",
    ),
    "other pages": ("publish.yml", "path: _build/html", "path: book", "not handed on"),
    "Jupyter Book 2": (
        ".github/dependabot.yml",
        'versions: [">=2"]',
        'versions: [">=3"]',
        "dependabot.yml, pip: Jupyter Book is not kept below 2",
    ),
    "Jupyter Book 2 in requirements": (
        "requirements.in",
        "jupyter-book<2",
        "jupyter-book",
        "requirements.in: Jupyter Book is not kept below 2",
    ),
    "higher bounds": (
        ".github/dependabot.yml",
        "increase-if-necessary",
        "increase",
        "raises the lower bounds",
    ),
    "a flood": (
        ".github/dependabot.yml",
        "interval: weekly",
        "interval: daily",
        "github-actions: not one pull request a week",
    ),
    "packages forgotten": (
        ".github/dependabot.yml",
        "package-ecosystem: pip",
        "package-ecosystem: npm",
        "dependabot.yml: is for ['github-actions', 'npm']",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_rule_finds_what_it_is_for(copy, name):
    file, old, new, finding = BROKEN[name]
    found = problems(copy(file, old, new))
    assert [problem for problem in found if finding in problem], found


def test_the_schemas_find_a_slip(copy):
    root = copy("test.yml", "runs-on:", "run-on:")
    good, said = fits_the_schema(
        "github-workflows", root / ".github/workflows/test.yml"
    )
    assert not good
    assert "run-on" in said
    root = copy(".github/dependabot.yml", "interval: weekly", "interval: now and then")
    good, said = fits_the_schema("dependabot", root / ".github/dependabot.yml")
    assert not good
    assert "now and then" in said


def test_zizmor_finds_a_hole(copy):
    root = copy("publish.yml", '"$GITHUB_REF_NAME"', '"${{ github.ref_name }}"')
    good, said = is_safe(root / ".github")
    assert not good
    assert "template-injection" in said
