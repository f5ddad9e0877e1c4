"""``colorize evaluate``, as a user meets it: one table, or a reason, nothing half."""

import json
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from hub_helpers import SQUEEZENET, empty_hub, put_random_squeezenet
from PIL import Image
from torch import nn

from colorize_lib.cli import evaluate, evaluate_sheets, main
from colorize_lib.cli.evaluate_options import EPILOG, parser
from colorize_lib.color import normalize_lab, rgb_to_lab
from colorize_lib.evaluation import (
    LPIPS,
    PooledFeatures,
    frechet_distance,
    recognition,
    tables,
)
from colorize_lib.evaluation.scores import GRAY, TRUTH, bootstrap
from colorize_lib.inference import join, predict_ab
from colorize_lib.metrics import ciede2000
from colorize_lib.models import COLORIZERS
from colorize_lib.photos import from_path, read_photo
from colorize_lib.weights import DEFAULT, load_weights, save_weights

PERCEPTION = ["--lpips", "squeeze", "--frechet", "squeezenet1_1"]
PERCEPTION += ["--classifier", "squeezenet1_1"]


class Tiny(nn.Sequential):
    """A network that colors in no time."""

    def __init__(self):
        super().__init__(nn.Conv2d(1, 2, 3, padding=1), nn.Tanh())


@pytest.fixture(autouse=True)
def tiny(monkeypatch, tmp_path):
    monkeypatch.setitem(COLORIZERS, "tiny", Tiny)
    monkeypatch.setenv("COLORIZE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(tables, "bootstrap", partial(bootstrap, resamples=20))


@pytest.fixture
def hub(monkeypatch, tmp_path):
    return empty_hub(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def home(tmp_path_factory, write_photos):
    """Weights, and photographs: 9 in color, one of them twice, one gray, one broken."""
    home = tmp_path_factory.mktemp("home")
    photos = write_photos(home / "photos", 9)
    (photos / "03.png").rename(photos / "ins_n01440764_tench.png")
    (photos / "again.png").write_bytes((photos / "00.png").read_bytes())
    gray = np.tile(np.arange(96, dtype=np.uint8), (80, 1))
    Image.fromarray(gray).save(photos / "gray.png")
    (photos / "broken.jpg").write_bytes(b"no picture")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(COLORIZERS, "tiny", Tiny)
        for seed, name in enumerate(("one", "two")):
            torch.manual_seed(seed)
            network = Tiny()
            about = {"architecture": "tiny", "size": 32 + 32 * seed, "about": name}
            save_weights(network, home / f"{name}.safetensors", **about)
            save_weights(network, home / name / "model.safetensors", **about)
    return home


@pytest.fixture
def command(home):
    data, prepared = str(home / "photos"), str(home / "prepared")
    return [
        "evaluate", str(home / "one.safetensors"), "--data", data, "--size", "64",
        "--prepared", prepared, "--device", "cpu", "--batch-size", "4",
    ]  # fmt: skip


def run_json(command, capsys):
    capsys.readouterr()
    assert main([*command, "--format", "json"]) == 0
    return json.loads(capsys.readouterr().out)


def files(folder):
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file()
    )


# ------------------------------------------------------------ the table


def test_a_table_with_gray_truth_and_protocol(command, capsys):
    assert main(command) == 0
    shown = capsys.readouterr()
    for row in (GRAY, "one", TRUTH):
        assert f"\n{row} " in shown.out
    caption = " ".join(shown.out.split())
    for part in (
        "9 photographs of photos (12 files; left out: 1 near-gray ones, 1 duplicates, "
        "1 unreadable files), center squares of 64 px, resized bicubically",
        "at its own size (one 32 px)",
        "95 % bootstrap intervals",
    ):
        assert part in caption
    assert "scoring 9 photographs" in shown.err
    last = shown.err.rstrip().splitlines()[-2:]
    assert last[0] == "1 unreadable files were skipped:"
    assert last[1].startswith("  photos/broken.jpg: not a picture")


def test_the_numbers_are_those_of_the_library(command, home, hub, capsys):
    put_random_squeezenet(hub)
    content = run_json([*command, *PERCEPTION], capsys)
    left_out = {"again.png", "gray.png", "broken.jpg"}
    photos = [p for p in from_path(home / "photos").photos if p.name not in left_out]
    truths = torch.stack([read_photo(photo.open(), 64) for photo in photos])
    l, _ = normalize_lab(rgb_to_lab(truths))
    network, _ = load_weights(home / "one.safetensors")
    colored = join(l, predict_ab(network, l, 32))
    extractor = PooledFeatures.load("squeezenet1_1")
    right = {
        "CIEDE2000 ↓": ciede2000(colored, truths).mean().item(),
        "LPIPS (SqueezeNet) ↓": LPIPS("squeeze")(colored, truths).mean().item(),
    }
    row = content["rows"]["one"]
    for heading, value in right.items():
        assert row[heading]["mean"] == pytest.approx(value, rel=1e-4)
    distance = frechet_distance(extractor(colored), extractor(truths))
    assert row["Fréchet distance (SqueezeNet) ↓"] == pytest.approx(distance, rel=1e-3)
    assert len(row) == 9
    assert row["SqueezeNet: right class, of 1 labeled, % ↑"]["mean"] in (0, 100)
    assert (
        content["rows"][TRUTH]["SqueezeNet: same class as for the truth, % ↑"]["mean"]
        == 100
    )
    assert content["rows"][TRUTH]["LPIPS (SqueezeNet) ↓"]["mean"] == 0
    assert "Fréchet distance (SqueezeNet) is of 9 pictures" in content["caption"]


def test_without_labels_there_is_agreement_alone(
    command, hub, tmp_path, write_photos, capsys
):
    put_random_squeezenet(hub)
    write_photos(tmp_path / "photos", 3)
    command[3] = str(tmp_path / "photos")
    content = run_json([*command, "--classifier", "squeezenet1_1"], capsys)
    assert not [heading for heading in content["rows"][GRAY] if "right" in heading]
    assert "SqueezeNet: same class as for the truth, % ↑" in content["rows"][GRAY]
    assert "No photograph is labeled" in content["caption"]


def test_models_by_file_by_run_and_by_name_each_with_a_row(
    command, home, monkeypatch, capsys
):
    monkeypatch.setattr("colorize_lib.weights.FOLDERS", (home,))
    more = [str(home / "one"), str(home / "two" / "model.safetensors"), "two"]
    content = run_json([*command[:2], *more, *command[2:]], capsys)
    assert list(content["rows"]) == [GRAY, "one", "one (2)", "two", "two (2)", TRUTH]
    assert content["rows"]["one"] == content["rows"]["one (2)"]
    assert content["rows"]["one"] != content["rows"]["two"]
    assert "(one 32 px, one (2) 32 px, two 64 px, two (2) 64 px)" in content["caption"]


def test_no_row_can_be_mistaken_for_gray_or_truth(command, home, tmp_path, capsys):
    path = tmp_path / "truth.safetensors"
    path.write_bytes((home / "one.safetensors").read_bytes())
    command[1] = str(path)
    assert list(run_json(command, capsys)["rows"]) == [GRAY, "truth (2)", TRUTH]


def test_several_folders_count_together(command, home, tmp_path, write_photos, capsys):
    write_photos(tmp_path / "photos", 4, seed=7)
    more = ["--data", str(tmp_path / "photos")]
    content = run_json([*command, *more], capsys)
    assert "13 photographs of photos, photos (16 files" in content["caption"]


def test_a_draw_is_seeded_and_said(command, capsys):
    seven = [*command, "--limit", "7"]
    one, again = (run_json([*seven, "--seed", "3"], capsys) for _ in range(2))
    assert one == again
    assert "(12 files, 7 drawn with seed 3; left out" in one["caption"]
    other = run_json([*seven, "--seed", "4"], capsys)
    assert other["rows"][GRAY] != one["rows"][GRAY]
    everything = run_json([*command, "--limit", "999"], capsys)
    assert everything == run_json(command, capsys)


def test_squashed(command, capsys):
    content = run_json([*command, "--fit", "squash"], capsys)
    assert "whole pictures squashed to squares of 64 px" in content["caption"]
    assert content["rows"][GRAY] != run_json(command, capsys)["rows"][GRAY]


@pytest.mark.parametrize(
    ("suffix", "start"), [(".md", "|  | PSNR"), (".json", "{"), (".txt", "      ")]
)
def test_the_table_goes_into_a_file_as_its_suffix_says(
    command, tmp_path, capsys, suffix, start
):
    output = tmp_path / "new" / f"table{suffix}"
    assert main([*command, "-o", str(output)]) == 0
    shown = capsys.readouterr()
    assert output.read_text().startswith(start)
    assert shown.out.startswith("      "), "on the screen it stays text"
    assert f"the table is in {output}" in shown.err
    assert main([*command, "-o", str(output)]) == 2
    assert f"{output}: there already" in capsys.readouterr().err
    wanted = ["-o", str(output), "--overwrite", "--format", "markdown"]
    assert main([*command, *wanted]) == 0
    assert output.read_text().startswith("|  | PSNR")
    assert capsys.readouterr().out.startswith("|  | PSNR")


def test_a_file_that_cannot_be_written_costs_no_table(command, tmp_path, capsys):
    (tmp_path / "file").write_text("no folder")
    assert main([*command, "-o", str(tmp_path / "file" / "table.md")]) == 1
    shown = capsys.readouterr()
    assert "PSNR" in shown.out
    assert "could not write" in shown.err


# ------------------------------------------------------------ the sheets


def test_sheets_show_failures_and_random_pictures(command, home, tmp_path, monkeypatch):
    drawn = []

    def spy(pictures, notes, *, title):
        drawn.append((pictures, notes, title))
        return original(pictures, notes, title=title)

    original = evaluate_sheets.contact_sheet
    monkeypatch.setattr(evaluate_sheets, "contact_sheet", spy)
    sheets = tmp_path / "sheets"
    more = [str(home / "two.safetensors"), *command[2:], "--sheets", str(sheets)]
    assert main([*command[:2], *more]) == 0
    assert files(sheets) == ["failures.png", "side-by-side.png"]
    for file in sheets.iterdir():
        assert Image.open(file).format == "PNG"
    (failures, notes, title), (fair, _, fair_title) = drawn
    assert list(failures) == list(fair) == [GRAY, "one", "two", TRUTH]
    assert len(failures[GRAY]) == 1
    assert len(fair[GRAY]) == 9
    assert "Failures of one: 1 of the 1 pictures with its highest CIEDE2000" in title
    assert "the worst tenth of 9, drawn at random (seed 0)" in title
    assert "they flatter the others" in title
    assert "9 of 9 pictures, drawn at random (seed 0)" in fair_title
    assert notes["two"][0].startswith("CIEDE2000 ")
    worst = notes[TRUTH][0]
    truth = read_photo(home / "photos" / worst, 64)[None]
    l, _ = normalize_lab(rgb_to_lab(truth))
    colored = join(l, predict_ab(load_weights(home / "one.safetensors")[0], l, 32))
    assert notes["one"] == [f"CIEDE2000 {ciede2000(colored, truth).item():.1f}"]
    others = [float(x.split()[1]) for x in drawn[1][1]["one"]]
    assert max(others) == float(notes["one"][0].split()[1])


def test_sheets_are_not_overwritten_unasked(command, tmp_path, capsys):
    (tmp_path / "failures.png").write_bytes(b"dear")
    assert main([*command, "--sheets", str(tmp_path)]) == 2
    assert "failures.png: there already; choose another name, or --overwrite" in (
        capsys.readouterr().err
    )
    assert (tmp_path / "failures.png").read_bytes() == b"dear"


# ------------------------------------------------------------ what can go wrong


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no weights", "is not a whole safetensors file"),
        (None, f"; stored models here: {DEFAULT} (an installed package holds"),
    ],
)
def test_a_bad_checkpoint_is_refused_by_name_before_anything_is_done(
    command, tmp_path, capsys, monkeypatch, content, message
):
    monkeypatch.setattr(evaluate, "prepare", None)
    stored = (
        Path(evaluate.__file__).parents[1] / "stored"
    )  # as an installed package has
    monkeypatch.setattr("colorize_lib.weights.FOLDERS", (stored,))
    bad = tmp_path / "bad.safetensors"
    if content is not None:
        bad.write_bytes(content)
    assert main([*command[:2], str(bad), *command[2:]]) == 2
    error = capsys.readouterr().err
    assert error.startswith("colorize evaluate: ")
    assert str(bad) in error
    assert message in error


def test_an_unfinished_run_is_refused(command, tmp_path, capsys):
    command[1] = str(tmp_path)
    assert main(command) == 2
    error = capsys.readouterr().err
    message = f"no model.safetensors in the folder {tmp_path}: is the run finished?"
    assert message in error


@pytest.mark.parametrize(
    "option", [PERCEPTION[:2], PERCEPTION[2:4], PERCEPTION[4:]], ids=lambda x: x[0]
)
def test_missing_weights_are_named_before_anything_is_scored(
    command, hub, capsys, monkeypatch, option
):
    monkeypatch.setattr(evaluate, "prepare", None)
    assert main([*command, *option]) == 2
    error = capsys.readouterr().err
    assert f"Download https://download.pytorch.org/models/{SQUEEZENET}" in error
    assert str(hub / SQUEEZENET) in error


def test_by_default_no_pretrained_network_is_asked_for(command, hub, capsys):
    assert main(command) == 0
    assert not hub.exists()


def test_labels_without_timm_stop_before_scoring(command, hub, monkeypatch, capsys):
    put_random_squeezenet(hub)
    recognition._numbers.cache_clear()
    monkeypatch.setitem(sys.modules, "timm.data", None)
    monkeypatch.setattr(evaluate, "evaluate", None)
    assert main([*command, "--classifier", "squeezenet1_1"]) == 2
    assert "pip install timm" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--data", "nowhere"], "nowhere does not exist"),
        (["--frechet", "magic"], "no classification network 'magic'"),
        (["--device", "toaster"], "toaster"),
    ],
)
def test_what_cannot_be_is_explained(command, capsys, change, message):
    assert main([*command, *change]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--size", "16"], "16: at least 32 pixels"),
        (["--limit", "0"], "0: at least 1"),
        (["--fit", "pad"], "'pad'"),
        (["--lpips", "resnet"], "'resnet'"),
    ],
)
def test_what_cannot_be_understood_is_explained(command, capsys, change, message):
    with pytest.raises(SystemExit) as stop:
        main([*command, *change])
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def test_photographs_without_color_cannot_be_scored(command, tmp_path, capsys):
    for number in range(2):
        Image.new("RGB", (64, 64), (number, number, number)).save(
            tmp_path / f"{number}.png"
        )
    command[3] = str(tmp_path)
    assert main(command) == 2
    assert "0 of 2 photographs are neither near gray nor" in capsys.readouterr().err


def test_one_photograph_has_no_frechet_distance(
    command, hub, tmp_path, write_photos, capsys
):
    put_random_squeezenet(hub)
    write_photos(tmp_path / "photos", 1)
    command[3] = str(tmp_path / "photos")
    assert main([*command, "--frechet", "squeezenet1_1"]) == 2
    assert "at least 2 are needed" in capsys.readouterr().err
    assert main(command) == 0


@pytest.mark.parametrize("where", ["prepare", "evaluate", "save_sheets"])
def test_ctrl_c_leaves_nothing_half_written(
    command, tmp_path, monkeypatch, capsys, where
):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    out = tmp_path / "out"
    monkeypatch.setattr(evaluate, where, interrupted)
    assert main([*command, "-o", str(out / "t.md"), "--sheets", str(out)]) == 1
    assert "stopped; no file is half-written" in capsys.readouterr().err
    assert not out.exists() or files(out) == ["t.md"] * (where == "save_sheets")


def test_help_says_what_test_pictures_are(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["evaluate", "--help"])
    assert stop.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for part in (
        "must be none that a model was trained on", "stored models here: ", "--sheets",
        "--frechet", "fetched where they are not on this machine", "unet-squeezenet",
    ):  # fmt: skip
        assert part in text
    line = next(x for x in EPILOG.splitlines() if x.startswith("  colorize"))
    options = parser().parse_args(line.split()[2:])
    assert options.checkpoints == ["unet-squeezenet", "runs/mine"]
