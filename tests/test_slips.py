"""Slips: the names near a wrong one are found, and the code of a remedy is one."""

import pickle

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from colorize_lib.models import COLORIZERS
from colorize_lib.scenes import LAWS
from colorize_lib.slips import (
    Named,
    UnknownName,
    check_picture,
    check_tensor,
    did_you_mean,
    missing_file,
    near_names,
)
from colorize_lib.training.recipes import RECIPES

# ------------------------------------------------------------ names


@st.composite
def slips(draw):
    """One of a few names, and the same with a letter lost, doubled or in capitals."""
    names = draw(st.lists(st.sampled_from([*RECIPES, *LAWS]), min_size=1, unique=True))
    name = draw(st.sampled_from(names))
    i = draw(st.integers(0, len(name) - 1))
    wrong = draw(
        st.sampled_from(
            [name[:i] + name[i + 1 :], name[:i] + name[i] + name[i:], name.upper()]
        )
    )
    assume(wrong not in names)
    return names, name, wrong


@given(slips())
@settings(max_examples=50)
def test_a_name_with_a_slip_is_found_again(slip):
    names, name, wrong = slip
    near = near_names(wrong, names)
    assert name in near
    assert len(near) <= 3
    assert set(near) <= set(names)
    assert name in did_you_mean(wrong, names)


@pytest.mark.parametrize(
    ("names", "question"),
    [
        (["car"], "; did you mean car?"),
        (["car", "cars."], "; did you mean cars. or car?"),
        (["card", "car", "cars."], "; did you mean cars., car or card?"),
        (["cars"], ""),
    ],
)
def test_the_question_names_the_nearest_first(names, question):
    assert did_you_mean("cars", names) == question


# ------------------------------------------------------------ dictionaries


@pytest.mark.parametrize(
    ("named", "wrong", "called", "right"),
    [
        (RECIPES, "Unet", "RECIPES", "unet"),
        (COLORIZERS, "autoencodr", "COLORIZERS", "autoencoder"),
        (LAWS, "cars", "LAWS", "car"),
    ],
)
def test_the_books_dictionaries_tell_the_near_names(named, wrong, called, right):
    with pytest.raises(KeyError) as caught:
        named[wrong]
    start = f"{called} has no '{wrong}'; list({called}) names all; did you mean {right}"
    assert str(caught.value).startswith(start)
    assert str(caught.value).endswith("?")
    assert isinstance(pickle.loads(pickle.dumps(caught.value)), UnknownName)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


PLAIN = {"one": 1, "two": 2}


def test_it_is_a_dictionary_in_all_else():
    named = Named(PLAIN, "NUMBERS")
    assert named == PLAIN
    assert named.get("on", 3) == 3
    assert "on" not in named, "or looking a name up would have entered it"
    assert named | {"three": 3} == PLAIN | {"three": 3}


def test_copies_tell_the_near_names_too():
    named = pickle.loads(pickle.dumps(Named(PLAIN, "NUMBERS")))
    assert named == PLAIN
    with pytest.raises(UnknownName, match=r"NUMBERS has no 'on'.* mean one"):
        named["on"]


# ------------------------------------------------------------ files


@pytest.fixture
def album(tmp_path, monkeypatch):
    """The working directory, with a photograph and a folder of photographs."""
    (tmp_path / "photos").mkdir()
    for name in ("grandmother.jpg", "photos/uncle.png"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("grandmothr.jpg", "grandmother.jpg"),
        ("photos/unkle.png", "photos/uncle.png"),
        ("phtos/uncle.png", "photos"),
    ],
)
def test_a_misspelt_path_is_told_what_is_near(album, path, near):
    error = missing_file(path)
    assert isinstance(error, FileNotFoundError)
    expected = f"{path} does not exist (looked in {album}); did you mean {near}?"
    assert str(error) == expected
    inside = str(missing_file(album / path))
    assert inside == f"{album / path} does not exist; did you mean {album / near}?"


@pytest.mark.parametrize("path", ["no/such/folder", "grandmother.jpg/x", "a" * 5000])
def test_with_nothing_near_the_folder_is_told_alone(album, path):
    expected = f"{path} does not exist (looked in {album})"
    assert str(missing_file(path)) == expected


def test_the_error_may_begin_otherwise(album):
    error = missing_file("photoss", "photoss holds nothing")
    expected = f"photoss holds nothing (looked in {album}); did you mean photos?"
    assert str(error) == expected


def test_a_folder_that_may_not_be_listed_tells_no_names(album, monkeypatch):
    def refused(self):
        raise PermissionError(str(self))

    monkeypatch.setattr("pathlib.Path.iterdir", refused)
    assert "did you mean" not in str(missing_file("grandmothr.jpg"))


# ------------------------------------------------------------ pictures


def remedy(error, **names):
    """What the code at the end of a message gives."""
    code = str(error).split("; give ")[1]
    return eval(code, {"torch": torch, "np": np, **names})


shapes = st.lists(st.integers(0, 4), max_size=5).map(tuple)


@given(shapes, st.integers(1, 3), st.sampled_from("*B"), st.booleans())
@settings(max_examples=100)
def test_of_any_shape_it_is_right_or_refused_with_code_that_works(
    shape, channels, batch, array
):
    x = np.zeros(shape) if array else torch.zeros(shape)
    right = (
        len(shape) >= 3 and shape[-3] == channels and (batch == "*" or len(shape) == 4)
    )
    if right and not array:
        check_picture(x, "x", channels, batch)
        return
    with pytest.raises((TypeError, ValueError)) as caught:
        check_picture(x, "x", channels, batch)
    assert f"({batch}, {channels}, H, W), not " in str(caught.value)
    assert str(shape) in str(caught.value)
    mended = len(shape) in (3, 4) and channels in (shape[-3], shape[-1])
    if mended:
        check_picture(remedy(caught.value, x=x), "x", channels, batch)
    elif not array and batch == "B":
        assert "give" not in str(caught.value)


def test_what_is_no_array_either_is_named():
    image = Image.new("L", (5, 4))
    with pytest.raises(
        TypeError, match=r"rgb must be a tensor.*not a Pillow"
    ) as caught:
        check_picture(image, "rgb", 3, "B")
    assert remedy(caught.value, rgb=image).shape == (1, 3, 4, 5)
    with pytest.raises(TypeError, match=r"not a Pillow image$"):
        check_picture(image, "l", 1)  # its codes are no lightness
    with pytest.raises(TypeError, match=r"rgb must be a tensor.*not str$"):
        check_tensor("photo.jpg", "rgb")
