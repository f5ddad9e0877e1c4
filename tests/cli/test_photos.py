"""The command, as a user meets it."""

import subprocess
import sys

import pytest
import torch
from PIL import Image

from colorize_lib.cli import main
from colorize_lib.models import Autoencoder
from colorize_lib.weights import save_weights


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "random.safetensors"
    about = {"architecture": "autoencoder", "size": 32, "about": "rnd"}
    return str(save_weights(Autoencoder(), path, **about))


@pytest.fixture
def album(tmp_path):
    folder = tmp_path / "album"
    (folder / "1931").mkdir(parents=True)
    for name in ("a.jpg", "1931/b.png", "c.bmp"):
        Image.new("L", (40, 30), 120).save(folder / name)
    return folder


def names(folder):
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file()
    )


def test_one_photograph_beside_itself(album, weights, capsys):
    assert main([str(album / "a.jpg"), "--weights", weights]) == 0
    assert (album / "a-color.jpg").exists()
    errors = capsys.readouterr().err
    assert "model: rnd" in errors
    assert "1 of 1 colored" in errors
    assert "a-color.jpg" in errors


def test_one_photograph_into_a_named_file(album, weights):
    output = album / "new" / "out.png"
    assert main([str(album / "a.jpg"), "-o", str(output), "--weights", weights]) == 0
    assert Image.open(output).format == "PNG"


def test_a_folder_into_a_folder(album, weights, tmp_path):
    out = tmp_path / "out"
    assert main([str(album), "-o", str(out), "--weights", weights]) == 0
    assert names(out) == ["1931/b.png", "a.jpg", "c.bmp.png"]


def test_a_folder_beside_itself(album, weights, tmp_path):
    assert main([str(album), "--weights", weights]) == 0
    assert names(tmp_path / "album-color") == ["1931/b.png", "a.jpg", "c.bmp.png"]


def test_again_goes_on_with_what_is_missing(album, weights, tmp_path, capsys):
    out = tmp_path / "out"
    main([str(album), "-o", str(out), "--weights", weights])
    (out / "a.jpg").unlink()
    (out / "c.bmp.png").write_bytes(b"kept")
    assert main([str(album), "-o", str(out), "--weights", weights]) == 0
    assert "1 of 3 colored" in (text := capsys.readouterr().err)
    assert "2 were there already" in text
    assert (out / "c.bmp.png").read_bytes() == b"kept"
    assert main([str(album), "-o", str(out), "--weights", weights, "--overwrite"]) == 0
    assert (out / "c.bmp.png").read_bytes() != b"kept"


def test_results_inside_the_folder_are_not_colored_again(album, weights):
    out = album / "colored"
    for _ in range(2):
        assert main([str(album), "-o", str(out), "--weights", weights]) == 0
        assert names(out) == ["1931/b.png", "a.jpg", "c.bmp.png"]


def test_one_bad_file_does_not_stop_the_others(album, weights, tmp_path, capsys):
    (album / "broken.jpg").write_bytes(b"no picture")
    out = tmp_path / "out"
    assert main([str(album), "-o", str(out), "--weights", weights]) == 1
    assert len(names(out)) == 3
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert "3 of 4 colored" in last
    assert "1 failed" in last
    assert "broken.jpg" in last


def test_a_photograph_is_never_written_over(album, weights, capsys):
    photo = album / "a.jpg"
    before = photo.read_bytes()
    assert main([str(photo), "-o", str(photo), "--weights", weights]) == 2
    assert main([str(album), "-o", str(album), "--weights", weights]) == 0
    assert photo.read_bytes() == before
    assert "a.jpg is there already" in capsys.readouterr().err
    over = [str(photo), "-o", str(photo), "--weights", weights, "--overwrite"]
    assert main(over) == 0
    assert photo.read_bytes() != before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.jpg"], "no such file or folder: nowhere.jpg"),
        (
            ["{album}/a.jpg", "-o", "out.gif"],
            "out.gif: unknown suffix; use one of .png",
        ),
        (
            ["{album}", "-o", "out.png"],
            "out.png is one file: several photographs need a folder",
        ),
        (
            ["{album}/a.jpg", "--weights", "nowhere.safetensors"],
            "no weight file at nowhere",
        ),
        (["{album}/a.jpg", "{album}/../a.jpg", "-o", "out"], "would both become"),
        (["{album}/a.jpg", "--device", "toaster"], "toaster"),
        (["{album}/empty"], "no pictures in"),
    ],
)
def test_misuse_is_explained_and_writes_nothing(
    album, weights, arguments, message, capsys
):
    (album / "empty").mkdir()
    (album.parent / "a.jpg").write_bytes((album / "a.jpg").read_bytes())
    before = names(album.parent)
    arguments = [argument.format(album=album) for argument in arguments]
    if "--weights" not in arguments:
        arguments += ["--weights", weights]
    assert main(arguments) == 2
    assert message in capsys.readouterr().err
    assert names(album.parent) == before


def test_help_names_what_it_does(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    options = ("--output", "--weights", "--overwrite")
    for part in ("PHOTO", *options, "examples:", "never known to be"):
        assert part in text


def test_as_a_module(album, weights):
    command = [sys.executable, "-m", "colorize_lib.cli"]
    command += [str(album / "a.jpg"), "--weights", weights]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "1 of 1 colored" in result.stderr
