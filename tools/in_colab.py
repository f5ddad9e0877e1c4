"""Make the book importable in Colab; run by the first cell of every chapter.

What Colab ships stays at its version: its packages are constraints of the installation.
If something must move, pip refuses, and the message says what."""

import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib.metadata import distributions
from pathlib import Path

from packaging.version import InvalidVersion, Version

BOOK = Path(__file__).resolve().parents[1]
DRIVE = Path("/content/drive/MyDrive")


def main() -> None:
    install()
    if str(BOOK) not in sys.path:  # pip's own entry is read at the next start only
        sys.path.insert(0, str(BOOK))
    if DRIVE.is_dir():
        os.environ.setdefault("COLORIZE_RUNS", str(DRIVE / "colorize-runs"))
        print(f"Trainings are saved on Drive, in {os.environ['COLORIZE_RUNS']}")
    print(f"The book is in {BOOK}")


def install() -> None:
    """Install the book and what it lacks, and nothing else.

    Raises:
        RuntimeError: pip could not; what it says is shown.
    """
    if _installed():
        return
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("\n".join(sorted(_pinned())))
        options = ["--disable-pip-version-check", "--constraint", constraints]
        command = [sys.executable, "-m", "pip", "install", *options, "--editable", BOOK]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        print(done.stdout, done.stderr, sep="\n")
        raise RuntimeError(
            "The book could not be installed; what pip says stands above. Try Runtime > "
            "Disconnect and delete runtime, and run the notebook again."
        )


def _installed():
    """Whether this very copy was, by an earlier run of the cell."""
    for one in distributions(name="learning-to-colorize"):
        if BOOK.as_uri() in (one.read_text("direct_url.json") or ""):
            return True
    return False


def _pinned():
    for one in distributions():
        # What lies in a folder or at an address has no version that pip could find.
        if not one.metadata["Name"] or one.read_text("direct_url.json"):
            continue
        with suppress(InvalidVersion):  # of the operating system's own, "1.16-unknown"
            yield f"{one.metadata['Name']}=={Version(one.version)}"


if __name__ == "__main__":
    main()
