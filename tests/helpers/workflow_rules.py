"""What the workflows and Dependabot's settings must obey, beyond GitHub's own schema.

Each rule takes the repository's folder and tells what is wrong, and where."""

import re
import tomllib
from functools import cache
from pathlib import Path

import yaml

PINNED = re.compile(r"^[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)+$")
# By job: nothing but reading the code, unless it hands finished pages to Pages.
READS, DEPLOYS = {"contents": "read"}, {"pages": "write", "id-token": "write"}
# A pull request from a stranger would run with the repository's own rights.
DANGEROUS = ("pull_request_target", "workflow_run", "issue_comment")


def workflows(root: Path) -> dict[str, dict]:
    """By file name, with the triggers under "on": YAML 1.1 reads that word as true."""
    found = {}
    for path in sorted((root / ".github" / "workflows").glob("*.yml")):
        workflow = _parsed(path.read_text())
        found[path.name] = workflow | {"on": workflow[True]}
    return found


@cache  # the rules read the same files over and over
def _parsed(text):
    return yaml.safe_load(text)


def pins(root: Path):
    """Every action by its commit, its version in a comment, the same everywhere."""
    seen = {}
    for path in sorted((root / ".github" / "workflows").glob("*.yml")):
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            used = re.search(r"uses:\s*(.*)", line)
            if used is None:
                continue
            where, used = f"{path.name}, line {number}", used[1].strip()
            if not PINNED.match(used):
                yield f"{where}: {used!r} is not pinned as owner/name@COMMIT # vVERSION"
            name = used.split("@")[0]
            if seen.setdefault(name, used) != used:
                yield f"{where}: another {name} than elsewhere"


def rights(root: Path):
    """No rights at the top; a job gets what it needs; nothing is left lying about."""
    for name, workflow in workflows(root).items():
        if workflow.get("permissions") != {}:
            yield f"{name}: its permissions are not {{}}"
        for trigger in DANGEROUS:
            if trigger in workflow["on"]:
                yield f"{name}: started by {trigger}"
        for job, settings in workflow["jobs"].items():
            uses = [step.get("uses", "") for step in settings["steps"]]
            runs = any("run" in step for step in settings["steps"])
            deploys = any("deploy-pages@" in used for used in uses) and not runs
            if settings.get("permissions") != (DEPLOYS if deploys else READS):
                yield f"{name}, {job}: permissions {settings.get('permissions')}"
            for step in settings["steps"]:
                keeps = step.get("with", {}).get("persist-credentials", True)
                if "actions/checkout@" in step.get("uses", "") and keeps:
                    yield f"{name}, {job}: checkout leaves its token behind"
    for path in sorted((root / ".github" / "workflows").glob("*.yml")):
        if "secrets." in path.read_text():
            yield f"{path.name}: needs a secret, which a fork does not have"


def scripts(root: Path):
    """Scripts get what they need as variables; what they name is there."""
    for name, workflow in workflows(root).items():
        if workflow.get("defaults", {}).get("run", {}).get("shell") != "bash":
            yield f"{name}: without `shell: bash` a pipe hides that a command failed"
        for job, settings in workflow["jobs"].items():
            if "timeout-minutes" not in settings:
                yield f"{name}, {job}: no timeout-minutes, six hours in its place"
        for job, script in runs(workflow):
            if "${{" in script:
                yield f"{name}, {job}: an expression inside a script: {script[:60]!r}"
            for tool in re.findall(r"tools/\w+\.py", script):
                if not (root / tool).is_file():
                    yield f"{name}, {job}: there is no {tool}"


def pythons(root: Path):
    """Every Python that the Makefile accepts is tested, and no other is used."""
    makefile = (root / "Makefile").read_text()
    first, end = re.search(r"\(3, (\d+)\) <= \S+ < \(3, (\d+)\)", makefile).groups()
    accepted = [f"3.{minor}" for minor in range(int(first), int(end))]
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    if project["requires-python"] != f">={accepted[0]}":
        yield f"pyproject.toml: requires-python is not >={accepted[0]}, as in Makefile"
    told = f"Python {', '.join(accepted[:-1])} or {accepted[-1]}"
    for name in ("README.md", "Makefile"):
        if told not in (root / name).read_text():
            yield f"{name}: does not say {told!r}"
    for name, workflow in workflows(root).items():
        for job, settings in workflow["jobs"].items():
            tested = settings.get("strategy", {}).get("matrix", {}).get("python")
            if name == "test.yml" and tested != accepted:
                yield f"{name}, {job}: tests Python {tested}, the Makefile has {accepted}"
            for step in settings["steps"]:
                version = step.get("with", {}).get("python-version", accepted[-1])
                if version not in (*accepted, "${{ matrix.python }}"):
                    yield f"{name}, {job}: Python {version}"


def commands(root: Path):
    """The workflows do what their names say, with the README's commands."""
    readme, found = (root / "README.md").read_text(), workflows(root)
    steps = {
        ("test.yml", "test"): ["make test"],
        ("publish.yml", "build"): ["tools/stamp.py", "make test", "make book"],
        ("weekly.yml", "newest"): ["--requirement requirements.in", "make test"],
        ("weekly.yml", "links"): ["--builder linkcheck", "tools/dead_links.py"],
        ("weekly.yml", "colab"): ["docker pull", "tools/try_in_colab.py"],
    }
    for (name, job), wanted in steps.items():
        ran = [script for at, script in runs(found[name]) if at == job]
        at = [
            next((n for n, script in enumerate(ran) if part in script), None)
            for part in wanted
        ]
        if None in at or at != sorted(at):
            yield f"{name}, {job}: does not run {', then '.join(wanted)}"
        for command in [part for part in wanted if part.startswith("make ")]:
            if f"\n{command} " not in readme:
                yield f"README.md: does not have {command!r}"
    for name, triggers in {
        "test.yml": {"push": None, "pull_request": None},
        "publish.yml": {
            "push": {"branches": ["**"], "tags": ["v*"]},
            "workflow_dispatch": None,
        },
    }.items():
        if found[name]["on"] != triggers:
            yield f"{name}: is started by {found[name]['on']}, not by {triggers}"
    if set(found["weekly.yml"]["on"]) != {"schedule", "workflow_dispatch"}:
        yield "weekly.yml: is not started both by the clock and by hand"


def publication(root: Path):
    """From the default branch, whatever its name, and tags; one after another."""
    workflow = workflows(root)["publish.yml"]
    build, deploy = workflow["jobs"]["build"], workflow["jobs"]["deploy"]
    where = (
        "github.ref == format('refs/heads/{0}', github.event.repository.default_branch)"
        " || startsWith(github.ref, 'refs/tags/v')"
    )
    if build.get("if") != where:
        yield f"publish.yml, build: runs if {build.get('if')}"
    line = {
        "group": f"${{{{ ({where}) && 'pages' || github.run_id }}}}",
        "cancel-in-progress": False,
    }
    if workflow.get("concurrency") != line:
        yield "publish.yml: publications can overtake or interrupt one another"
    if deploy.get("needs") != "build":
        yield "publish.yml, deploy: does not wait for the tests in build"
    if "actions/cache@" in str(build) or "'cache'" in str(build):
        yield "publish.yml, build: what is published must not come from a cache"
    paths = [step.get("with", {}).get("path") for step in build["steps"]]
    if "_build/html" not in paths:
        yield "publish.yml, build: _build/html is not handed on"


def dependabot(root: Path):
    """Weekly, grouped, and without what is another program by the same name."""
    path = root / ".github" / "dependabot.yml"
    updates = {
        update["package-ecosystem"]: update
        for update in yaml.safe_load(path.read_text())["updates"]
    }
    if set(updates) != {"github-actions", "pip"}:
        yield f"dependabot.yml: is for {sorted(updates)}"
    for name, update in updates.items():
        if update["schedule"] != {"interval": "weekly"} or not update.get("groups"):
            yield f"dependabot.yml, {name}: not one pull request a week"
    pip = updates.get("pip", {})
    ignored = {one["dependency-name"]: one for one in pip.get("ignore", [])}
    if ignored.get("jupyter-book", {}).get("versions") != [">=2"]:
        yield "dependabot.yml, pip: Jupyter Book is not kept below 2"
    if "\njupyter-book<2\n" not in (root / "requirements.in").read_text():
        yield "requirements.in: Jupyter Book is not kept below 2"
    if pip.get("versioning-strategy") != "increase-if-necessary":
        yield "dependabot.yml, pip: raises the lower bounds that Colab needs"


def runs(workflow: dict) -> list[tuple[str, str]]:
    """Job and script of every step that runs one."""
    return [
        (job, step["run"])
        for job, settings in workflow["jobs"].items()
        for step in settings["steps"]
        if "run" in step
    ]


RULES = (pins, rights, scripts, pythons, commands, publication, dependabot)
