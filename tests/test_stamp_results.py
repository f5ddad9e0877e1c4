"""Stamped numbers are those of the result files, and a wrong key changes nothing."""

import json

import pytest
import stamp_results
from hypothesis import given
from hypothesis import strategies as st
from stamp_results import numbers, pages, stamped, text_of

from colorize_lib.evaluation import results
from colorize_lib.evaluation.scores import GRAY

KNOWN = {"a.psnr": 20.486, "a.colorfulness.percent": 36.99, "a.photographs": 1399.0}
KNOWN |= {"a.L1 weight 10.psnr": 9.5}


def test_every_stamped_number_is_that_of_its_result_file():
    known = numbers()
    for page in pages():
        text = page.read_text()
        assert stamped(text, known, page.name) == text, "run tools/stamp_results.py"


def test_a_number_is_replaced_and_nothing_else():
    text = (
        "reaches 1.0<!--result a.psnr--> dB, 9<!-- result a.colorfulness.percent -->%"
    )
    told = "reaches 20.49<!--result a.psnr--> dB, 37<!-- result a.colorfulness.percent -->%"
    assert stamped(text, KNOWN, "page") == told
    assert stamped(told, KNOWN, "page") == told
    broken = "on 1<!--result\na.photographs--> and -20.48<!--result a.psnr .1f-->"
    told = "on 1,399<!--result\na.photographs--> and 20.5<!--result a.psnr .1f-->"
    assert stamped(broken, KNOWN, "page") == told
    broken = "has 10<!--result a.L1 weight\n10.psnr--> dB"
    assert stamped(broken, KNOWN, "page") == broken.replace("10<", "9.50<")


@given(st.text(st.characters(exclude_characters="<")), st.floats(-1e4, 1e4))
def test_a_page_without_stamps_stays_and_one_with_a_stamp_is_stable(text, value):
    assert stamped(text, KNOWN, "page") == text
    once = stamped(f"{text} 0<!--result a.psnr-->", {"a.psnr": value}, "page")
    assert once == f"{text} {value:.2f}<!--result a.psnr-->"
    assert stamped(once, {"a.psnr": value}, "page") == once


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "one\n2<!--result a.psnrr-->",
            "page, line 2: no result 'a.psnrr'; is it 'a.p",
        ),
        ("one\n2 <!--result a.psnr-->", "page, line 2: no number right before the key"),
        ("<!--result a.psnr-->", "no number right before"),
    ],
)
def test_a_wrong_stamp_is_named_with_its_line(text, message):
    with pytest.raises(ValueError, match=message):
        stamped(text, KNOWN, "page")


def test_a_wrong_key_changes_no_page(tmp_path, monkeypatch):
    good, bad = tmp_path / "good.md", tmp_path / "bad.md"
    key = next(iter(numbers()))
    good.write_text(f"0.123<!--result {key}-->")
    bad.write_text("1<!--result nothing.psnr-->")
    monkeypatch.setattr(stamp_results, "pages", lambda: [good, bad])
    monkeypatch.setattr(stamp_results, "ROOT", tmp_path)
    monkeypatch.setattr("sys.argv", ["stamp_results.py"])
    with pytest.raises(SystemExit, match=r"bad\.md, line 1: no result 'nothing\.psnr'"):
        stamp_results.main()
    assert good.read_text() == f"0.123<!--result {key}-->"
    bad.unlink()
    monkeypatch.setattr(stamp_results, "pages", lambda: [good])
    stamp_results.main()
    assert good.read_text() == f"{text_of(key, numbers())}<!--result {key}-->"


def test_keys_lead_to_what_the_files_hold(tmp_path, monkeypatch, capsys):
    def row(mean):
        return {"psnr": {"mean": mean, "low": mean - 1, "high": mean + 1}} | {
            "colorfulness": {"mean": 2 * mean, "low": 0.0, "high": 1.0}
        }

    test = {"photographs": {"test": ["1.jpg", "2.jpg"]}, "minutes": 72.4}
    model = {"summary": {GRAY: row(20.0), "net": row(22.5), "truth": row(30.0)}}
    rows = {GRAY: row(20.0), "x, y, seed 0": row(19.0), "x, y, seed 1": row(24.0)}
    compared = {
        "runs": [["x, y", 0], ["x, y", 1]],
        "summary": rows | {"truth": row(30.0)},
    }
    for name, result in (("net", model), ("compare-them", compared)):
        (tmp_path / f"{name}.json").write_text(json.dumps(result | test))
    (tmp_path / "landings.json").write_text('{"runs": []}')
    monkeypatch.setattr(stamp_results, "FOLDER", tmp_path)
    known = numbers()
    told = {
        "net.psnr": "22.50",
        "net.psnr.low": "21.50",
        "net.psnr.high": "23.50",
        "net.psnr.above-gray": "2.50",
        "net.psnr.below-gray": "-2.50",
        "net.gray.psnr": "20.00",
        "net.truth.colorfulness": "60.0",
        "net.colorfulness.percent": "75",
        "net.photographs": "2",
        "net.minutes": "72",
        "net.minutes .1f": "72.4",
        "compare-them.x, y.psnr": "21.50",
        "compare-them.x, y.psnr.above-gray": "1.50",
        "compare-them.x, y.colorfulness.percent": "72",
    }
    assert {key: text_of(key, known) for key in told} == told
    monkeypatch.setattr("sys.argv", ["stamp_results.py", "--keys", "x, y.psnr"])
    stamp_results.main()
    assert "   21.50  compare-them.x, y.psnr\n" in capsys.readouterr().out


def test_pages_that_scripts_make_are_not_stamped():
    names = [page.name for page in pages()]
    assert "README.md" in names
    assert "index.md" in names
    assert "all-results.md" not in names
    assert "all-recipes.md" not in names


def test_the_mean_of_a_key_is_the_mean_of_its_pictures():
    known = numbers()
    for path in results.FOLDER.glob("*.json"):
        if f"{path.stem}.psnr" in known:
            scores = results.read_result(path)["scores"][path.stem]
            for metric, mean in scores.means().items():
                assert known[f"{path.stem}.{metric}"] == pytest.approx(mean, abs=1e-4)
