"""The workflows are valid by GitHub's own schemas, safe, and run what is there."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
STEPS = [
    (f"{path.name}, {name}", step)
    for path in WORKFLOWS
    for name, job in yaml.safe_load(path.read_text())["jobs"].items()
    for step in job["steps"]
]


def run(name, *words):
    """A program of this environment: nothing to say is good news."""
    program = Path(sys.executable).with_name(name)
    if not program.exists():
        pytest.skip(f"{name} is not installed")
    done = subprocess.run([program, *words], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("schema", "paths"),
    [("github-workflows", WORKFLOWS), ("dependabot", [".github/dependabot.yml"])],
)
def test_schemas_of_github(schema, paths):
    run("check-jsonschema", "--builtin-schema", f"vendor.{schema}", *paths)


def test_zizmor_finds_no_way_in():
    """Unpinned actions, too many rights, tokens left behind, injected scripts."""
    run("zizmor", "--offline", "--no-config", "--no-progress", "-q", ".github")


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_scripts_are_bash_and_name_what_is_there():
    targets = re.findall(
        r"^([\w$(){}./-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE
    )
    for where, script in [
        (where, step["run"]) for where, step in STEPS if "run" in step
    ]:
        done = subprocess.run(
            ["bash", "-n"], input=script, text=True, capture_output=True
        )
        assert not done.stderr, f"{where}: {done.stderr}"
        for name in re.findall(r"tools/\w+\.py", script):
            assert (ROOT / name).is_file(), f"{where}: there is no {name}"
        for target in re.findall(r"^make ([a-z]+)", script, re.MULTILINE):
            assert target in targets, f"{where}: the Makefile has no {target}"


def test_every_python_that_the_makefile_accepts_is_tested():
    makefile = (ROOT / "Makefile").read_text()
    first, end = re.search(r"\(3, (\d+)\) <= \S+ < \(3, (\d+)\)", makefile).groups()
    accepted = [f"3.{minor}" for minor in range(int(first), int(end))]
    tests = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text())
    assert tests["jobs"]["test"]["strategy"]["matrix"]["python"] == accepted
    told = f"Python {', '.join(accepted[:-1])} or {accepted[-1]}"
    assert told in (ROOT / "README.md").read_text()
    assert (
        f'requires-python = ">={accepted[0]}"' in (ROOT / "pyproject.toml").read_text()
    )
