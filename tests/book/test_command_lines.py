"""Every command line that stands in prose, in a help text or on a card can be typed.

Each is run in a folder that holds what it names. A training is run up to its first
step, everything else to its end.
"""

import json
import re
import shlex
import shutil
import tarfile
from pathlib import Path

import pytest
import torch
from PIL import Image

from colorize_lib.cli import COMMANDS, evaluate, main, photos, recipes, train
from colorize_lib.models import Autoencoder
from colorize_lib.photos import from_path
from colorize_lib.weights import save_weights

ROOT = Path(__file__).parents[2]
PLACEHOLDERS = {
    "NAME": "autoencoder-l1", "RECIPE": "autoencoder-l1", "MODEL": "pix2pix",
    "DIR": "photos", "FOLDER": "runs/mine", "FILE": "model.safetensors", "...": "",
}  # fmt: skip
FOLDERS = (
    *("photos", "test-photos", "album", "everyday", "train_sample", "landscapes"),
    "public_test",  # else it would be fetched
)


class Started(Exception):
    """A training got as far as its first step."""


def texts():
    """The name and the text of everything that people read."""
    for path in [
        ROOT / "README.md",
        *ROOT.glob("book/*.md"),
        *ROOT.glob("weights/*.md"),
    ]:
        yield path.name, path.read_text()
    for path in sorted(ROOT.glob("book/*.ipynb")):
        cells = json.loads(path.read_text())["cells"]
        prose = [cell["source"] for cell in cells if cell["cell_type"] == "markdown"]
        yield path.name, "\n\n".join("".join(source) for source in prose)
    for module in (photos, evaluate, recipes, train):
        yield module.__name__, module.EPILOG


def command_lines(text):
    """What stands between backticks, or on a line of its own before its explanation."""
    text = text.replace("\\\n", " ")
    inline = re.findall(r"`(colorize [^`\n]+)`", text)
    alone = re.findall(r"^[ >]*(?:! ?|\$ )?(colorize [^`\n]*)$", text, re.M)
    return inline + [re.split(r"\s{2,}|  #", line.strip())[0] for line in alone]


FOUND = sorted({line for _, text in texts() for line in command_lines(text)})


@pytest.fixture(scope="module")
def home(tmp_path_factory, write_photos):
    folder = tmp_path_factory.mktemp("home")
    for name in FOLDERS:
        write_photos(folder / name, 12)
    for name in ("photo.jpg", "grandmother.jpg", "scan.tif", "album.tif"):
        Image.open(folder / "album" / "00.png").save(folder / name)
    with tarfile.open(folder / "small64.tar", "w") as tar:
        tar.add(folder / "photos", "small64")
    torch.manual_seed(0)
    about = {"architecture": "autoencoder", "size": 32, "about": "random"}
    for path in ("model.safetensors", "runs/mine/model.safetensors"):
        save_weights(Autoencoder(), folder / path, **about)
    words = ["autoencoder-l1", "--data", "photos", "--folder", "runs/mine"]
    (folder / "runs/mine/arguments.json").write_text(json.dumps(words))
    return folder


def test_there_are_command_lines():
    assert "colorize photo.jpg -o colored.png" in FOUND
    assert any(
        line.startswith("colorize train autoencoder-l1 --data") for line in FOUND
    )
    assert "colorize album/ scan.tif -o colored/" in FOUND  # of the help text


@pytest.mark.parametrize("line", FOUND)
def test_it_can_be_typed(line, home, tmp_path, monkeypatch, capsys):
    def started(*arguments, **more):
        raise Started

    monkeypatch.chdir(shutil.copytree(home, tmp_path / "home"))
    monkeypatch.setattr(train, "train", started)
    monkeypatch.setattr(train.datasets, "coco_sample", lambda: from_path("photos"))
    words = [PLACEHOLDERS.get(word, word) for word in shlex.split(line)[1:]]
    words = [word for word in words if word]
    if words in [[name] for name in COMMANDS]:
        return  # the name of a command, not a command line
    if "--help" in words:
        with pytest.raises(SystemExit) as stop:
            main(words)
        assert stop.value.code == 0
    elif words[0] == "train":
        with pytest.raises(Started):
            main(words)
    else:
        assert main(words) == 0, capsys.readouterr().err
