"""The command, as a user meets it."""

import errno
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from colorize_lib.cli import main, photos
from colorize_lib.models import Autoencoder
from colorize_lib.weights import save_weights, stored_names

CASES = Path(__file__).parent.parent / "cases"


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


def test_again_goes_on_with_what_is_missing(album, weights, tmp_path, capsys):
    out = tmp_path / "out"
    main([str(album), "-o", str(out), "--weights", weights])
    assert names(out) == ["1931/b.png", "a.jpg", "c.bmp.png"]
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


# ------------------------------------------------------------ as people call it


@pytest.mark.parametrize(
    ("where", "named", "results"),
    [
        ("album", ".", "album-color"),
        ("album/1931", "../../album/", "album-color"),
        (".", "./album/../link/", "link-color"),
    ],
)
def test_any_way_to_name_a_folder(
    album, weights, tmp_path, monkeypatch, where, named, results
):
    (tmp_path / "link").symlink_to(album)
    monkeypatch.chdir(tmp_path / where)
    before = names(album)
    for _ in range(2):
        assert main([named, "--weights", weights]) == 0
        assert names(tmp_path / results) == ["1931/b.png", "a.jpg", "c.bmp.png"]
        assert names(album) == before


def test_the_root_has_no_folder_beside_it(weights, capsys, monkeypatch):
    monkeypatch.setattr(photos, "files_in", None)
    assert main(["/", "--weights", weights]) == 2
    assert "/ has no folder beside it: name one with -o" in capsys.readouterr().err


def test_a_pattern_that_no_shell_expanded(
    album, weights, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(album)
    assert main(["*.jpg", "**/b.png", "--weights", weights]) == 0
    assert (album / "a-color.jpg").exists()
    assert (album / "1931/b-color.png").exists()
    assert main(["*.webp", "--weights", weights]) == 2
    assert "nothing matches *.webp" in capsys.readouterr().err
    Image.new("L", (40, 30)).save(album / "b[1].png")  # a name, not a pattern
    assert main(["b[1].png", "--weights", weights]) == 0
    assert (album / "b[1]-color.png").exists()


def test_results_are_recognized_wherever_they_lie(album, weights, tmp_path, capsys):
    assert main([str(album / "a.jpg"), "--weights", weights]) == 0
    assert main([str(album), "--weights", weights]) == 0
    assert "1 passed over that `colorize` made" in capsys.readouterr().err
    assert names(tmp_path / "album-color") == ["1931/b.png", "a.jpg", "c.bmp.png"]
    everything = [str(album / name) for name in ("a.jpg", "a-color.jpg", "c.bmp")]
    assert main([*everything, "--weights", weights]) == 0
    assert not (album / "a-color-color.jpg").exists()
    assert main([everything[1], "--weights", weights]) == 0  # asked for by name, alone
    assert (album / "a-color-color.jpg").exists()


def test_every_format_in_a_folder_and_every_other_file_counted(
    album, weights, tmp_path, capsys
):
    gray = Image.new("L", (40, 30), 120)
    kinds = {"d.jfif": "JPEG", "e.jpe": "JPEG", "f.jp2": "JPEG2000", "g.pgm": "PPM"}
    for name, kind in (kinds | {"h.tga": "TGA"}).items():
        gray.save(album / name, kind)
    for name in ("notes.txt", "more.TXT", "clip.mov", ".DS_Store"):
        (album / name).write_bytes(b"x")
    assert main([str(album), "-o", str(tmp_path / "out"), "--weights", weights]) == 0
    assert len(names(tmp_path / "out")) == 8
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert "8 of 8 colored" in last
    passed_over = "4 passed over that are no pictures (2 .txt, 1 hidden, 1 .mov)"
    assert (
        passed_over in last
        or passed_over.replace("1 hidden, 1 .mov", "1 .mov, 1 hidden") in last
    )


def test_pages_are_said_and_colored_on_demand(weights, tmp_path, capsys):
    pages = [Image.new("L", (40, 30), 60 * n) for n in range(3)]
    album = tmp_path / "album.tif"
    pages[0].save(album, save_all=True, append_images=pages[1:])
    assert main([str(album), "--weights", weights]) == 0
    said = f"{album}: 3 pages, the first is colored; --pages colors all"
    assert said in capsys.readouterr().err
    assert names(tmp_path) == ["album-color.tif", "album.tif"]
    out = tmp_path / "out" / "a.png"
    assert main([str(album), "-o", str(out), "--pages", "--weights", weights]) == 0
    assert names(tmp_path / "out") == ["a-p1.png", "a-p2.png", "a-p3.png"]
    lightness = [
        Image.open(tmp_path / "out" / f"a-p{n}.png").convert("L") for n in (1, 3)
    ]
    assert lightness[0].getextrema()[1] < lightness[1].getextrema()[0]
    assert main([str(album), "-o", str(out), "--pages", "--weights", weights]) == 0
    assert "3 were there already" in capsys.readouterr().err


def test_a_stored_model_by_its_name_and_the_command_as_a_module(album, monkeypatch):
    words = ["colorize", str(album / "a.jpg"), "--weights", stored_names()[0]]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as stop:
        runpy.run_module("colorize_lib.cli", run_name="__main__")
    assert stop.value.code == 0
    assert (album / "a-color.jpg").exists()


def test_a_misspelt_model_and_file_are_told_the_near_names(album, capsys):
    assert main([str(album / "a.jpg"), "--weights", "unet-eficientnet-lite"]) == 2
    assert "did you mean unet-efficientnet-lite" in capsys.readouterr().err
    assert main([str(album / "a.jpeg")]) == 2
    assert "did you mean" in (error := capsys.readouterr().err)
    assert "a.jpg?" in error


def test_ctrl_c_says_what_was_done_and_how_to_go_on(
    album, weights, tmp_path, capsys, monkeypatch
):
    saved = photos.save_photo

    def interrupted_at_the_second(photo, output):
        if "b.png" not in str(output):
            raise KeyboardInterrupt
        saved(photo, output)

    monkeypatch.setattr(photos, "save_photo", interrupted_at_the_second)
    out = tmp_path / "out"
    assert main([str(album), "-o", str(out), "--weights", weights]) == 130
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert "1 of 3 colored" in last
    assert "interrupted: the same command goes on with what is missing" in last
    assert "Traceback" not in last


def test_a_full_disk_stops_the_rest(album, weights, tmp_path, capsys, monkeypatch):
    def full(photo, output):
        raise OSError(errno.ENOSPC, f"disk full: could not write {output}")

    monkeypatch.setattr(photos, "save_photo", full)
    assert main([str(album), "-o", str(tmp_path / "out"), "--weights", weights]) == 1
    errors = capsys.readouterr().err
    assert errors.count("failed: [Errno 28] disk full") == 1
    last = errors.strip().splitlines()[-1]
    assert "1 failed" in last
    assert "no space is left: the same command goes on" in last


def test_notes_about_a_photograph_become_lines(weights, tmp_path, capsys):
    broken = CASES / "broken-exif/c.jpg"
    assert main([str(broken), "-o", str(tmp_path / "c.tif"), "--weights", weights]) == 0
    errors = capsys.readouterr().err
    assert errors.count("its EXIF is damaged; what cannot be read stays behind") == 1
    assert Image.open(tmp_path / "c.tif").size == (96, 64)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells this peak")
def test_memory_goes_by_the_pixels_whatever_the_shape(weights, tmp_path):
    thin = tmp_path / "thin.png"
    Image.new("L", (500_000, 4), 99).save(thin)
    # Not getrusage, whose peak a new process inherits from the one that started it.
    command = "import re, sys; from colorize_lib.cli import main; main(sys.argv[1:]); "
    command += "said = open('/proc/self/status').read(); "
    command += "print(re.search(r'VmHWM:\\s+(\\d+)', said)[1])"
    words = [sys.executable, "-c", command, str(thin), "--weights", weights]
    result = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "1 of 1 colored" in result.stderr
    with Image.open(tmp_path / "thin-color.png") as colored:
        assert colored.size == (500_000, 4)
    # kB: 0.9 GB here. Matrices as long as the picture would take 2 GB more.
    assert int(result.stdout.split()[-1]) < 1_800_000


def test_help_names_what_it_does(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    options = ("--output", "--weights", "--overwrite")
    for part in ("PHOTO", *options, "examples:", "never known to be"):
        assert part in text
