"""What the index says of near-gray pictures, duplicates, groups; that damage shows."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colorize_lib.photos.index import (
    DamagedSet,
    damaged_names,
    listed,
    make_index,
    read_index,
    write_index,
)
from colorize_lib.photos.sources import Source

SOURCE = Source("s", ())


def entry(name, group=None, digest=None, chroma=20.0):
    return {
        "name": name,
        "group": group or name,
        "sha256": digest or f"hash of {name}",
        "chroma": chroma,
    }


def index_of(*entries):
    return make_index(SOURCE, 8, "crop", list(entries))


def test_flags():
    index = index_of(
        entry("a", chroma=0.1),
        entry("b"),
        {"name": "c", "reason": "empty"},
        entry("d", digest="hash of b"),
    )
    assert [p["near_gray"] for p in index["pictures"]] == [True, False, False]
    assert [p["duplicate_of"] for p in index["pictures"]] == [None, None, "b"]
    assert index["skipped"] == [{"name": "c", "reason": "empty"}]


def test_groups_that_share_a_picture_become_one():
    entries = [
        entry("1", "ann", "x"), entry("2", "ann", "y"), entry("3", "bo", "y"),
        entry("4", "bo", "z"), entry("5", "cy", "z"), entry("6", "di", "w"),
    ]  # fmt: skip
    assert [p["group"] for p in index_of(*entries)["pictures"]] == ["ann"] * 5 + ["di"]


@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 12)), min_size=1, max_size=25),
    st.randoms(),
)
def test_joined_groups_are_the_connected_parts_in_any_order(pairs, random):
    entries = [
        entry(str(i), f"g{group}", f"h{digest}")
        for i, (group, digest) in enumerate(pairs)
    ]
    joined = {p["name"]: p["group"] for p in index_of(*entries)["pictures"]}
    for i, (group, digest) in enumerate(pairs):
        for j, (other_group, other_digest) in enumerate(pairs):
            if group == other_group or digest == other_digest:
                assert joined[str(i)] == joined[str(j)]
    reference = {}  # by repeated merging of sets
    for group, digest in pairs:
        merged = {f"g{group}", f"h{digest}"}.union(
            *(s for s in reference.values() if s & {f"g{group}", f"h{digest}"})
        )
        reference.update(dict.fromkeys(merged, merged))
    assert len(set(joined.values())) == len(
        {id(s) for s in map(reference.get, reference)}
    )
    random.shuffle(entries)
    assert {p["name"]: p["group"] for p in index_of(*entries)["pictures"]} == joined


def test_nothing_usable():
    with pytest.raises(
        ValueError, match="source s: none of 0 photographs can be read; c: empty"
    ):
        index_of({"name": "c", "reason": "empty"})


def test_written_and_read(tmp_path):
    index = index_of(entry("ä"), entry("b"))
    write_index(tmp_path, index)
    assert read_index(tmp_path) == index


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "other"])
def test_a_damaged_index_is_noticed(damage, tmp_path):
    write_index(tmp_path, index_of(entry("a"), entry("b")))
    content = (tmp_path / "index.json").read_bytes()
    changed = json.loads(content)
    changed["pictures"][0]["near_gray"] = True
    content = {
        "flip": content.replace(b"hash of b", b"hash of c"),
        "cut": content[:-9],
        "empty": b"",
        "other": b"[]",
    }
    (tmp_path / "index.json").write_bytes(content[damage])
    with pytest.raises(DamagedSet, match=r"index.json is damaged; delete"):
        read_index(tmp_path)
    (tmp_path / "index.json").write_text(json.dumps(changed))
    with pytest.raises(DamagedSet):
        read_index(tmp_path)


def test_pixels_that_do_not_match(tmp_path):
    from hashlib import sha256

    contents = [bytes([i]) * 12 for i in range(3)]
    index = make_index(
        SOURCE,
        2,
        "crop",
        [entry(str(i), digest=sha256(c).hexdigest()) for i, c in enumerate(contents)],
    )
    (tmp_path / "pixels.bin").write_bytes(b"".join(contents))
    assert damaged_names(tmp_path, index) == ()
    (tmp_path / "pixels.bin").write_bytes(
        contents[0] + b"x" + contents[1][1:] + contents[2][:-1]
    )
    assert damaged_names(tmp_path, index) == ("1", "2")
    (tmp_path / "pixels.bin").write_bytes(b"".join(contents) + b"x")
    assert damaged_names(tmp_path, index) == ("2",)


def test_listed():
    assert listed("abc") == "a, b, c"
    assert listed("abcdefgh", most=2) == "a, b and 6 more"
