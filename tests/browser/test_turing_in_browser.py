"""The Turing test, played by mouse and by keyboard."""

import json

import pytest
import torch
from browser_helpers import Tab

from colorize_lib.notebook.widgets import turing_test

SITE = "http://book.test/"
NAMES = [f"Picture {letter}" for letter in "ABCDEF"]
REAL = torch.rand(6, 3, 8, 8, generator=torch.Generator().manual_seed(0))
REAL = (255 * REAL).to(torch.uint8).repeat_interleave(8, -1).repeat_interleave(8, -2)
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Test</title>
<meta name="viewport" content="width=device-width"></head><body>{}</body></html>"""
# What a player can know: texts, pictures, and all attributes but the pictures' own.
SHOWN = """root => {
    const seen = (element) => element.checkVisibility({ visibilityProperty: true });
    const texts = (kind) => [...root.querySelectorAll(kind)].map((one) => one.textContent);
    return {
        state: root.dataset.state,
        question: root.querySelector(".question").textContent,
        told: texts(".told p"),
        images: [...root.querySelectorAll("img")].filter(seen).map(
            ({ src, alt, naturalWidth }) => ({ src, alt, drawn: naturalWidth > 0 })),
        buttons: [...root.querySelectorAll("button")].filter((one) => seen(one) &&
            !one.disabled).map((one) => one.childNodes[0].textContent),
        attributes: [...root.querySelectorAll("*")].filter(seen).flatMap((element) =>
            [...element.attributes].filter(({ name }) => name !== "src").map(
                ({ name, value }) => `${name}=${value.replaceAll(/\\d+/g, "N")}`)),
        focused: root.contains(document.activeElement) ?
            document.activeElement.textContent : null,
        overflow: root.scrollWidth > root.clientWidth + 1,
    };
}"""
# Pictures and verdicts, as they stand in the page's source.
SOURCE = """root => {
    const mark = `[data-widget="${root.dataset.widget}"]`;
    const { text } = [...document.scripts].find(({ text }) => text.includes(mark));
    return text.match(/^const given = (.*);$/m)[1];
}"""


PLACES = {"real": ".answers button", "colored": ".answers button + button"}


def by_mouse(page, game):
    return lambda what: game.locator(PLACES.get(what, ".next")).first.click()


def by_letters(page, game):
    def press(what):
        if what == "again":
            page.keyboard.press("Tab")
        page.keyboard.press({"real": "r", "colored": "c"}.get(what, "Enter"))

    return press


def by_tab_and_space(page, game):
    def press(what):  # what comes next has the focus; from the question it is Tab away
        for _ in range({"real": 1, "colored": 2, "again": 1}.get(what, 0)):
            page.keyboard.press("Tab")
        page.keyboard.press("Space")

    return press


WIDE, PHONE = (1300, "light"), (390, "dark")


@pytest.fixture
def opened(request, browser):
    tab = Tab(browser, SITE, *getattr(request, "param", WIDE))
    html = turing_test(NAMES, REAL, REAL.flip(1), model="U-Net").html
    page_of = {"body": PAGE.format(html), "content_type": "text/html"}
    tab.context.route("**", lambda route: route.fulfill(**page_of))
    page = tab.open("")
    yield page, page.locator(".turing-test").first
    assert tab.problems == []
    tab.close()


@pytest.mark.parametrize("opened", [WIDE, PHONE], indirect=True, ids=str)
def test_played_in_three_ways(opened):
    page, game = opened
    other = {"real": "colored", "colored": "real"}
    orders = [
        play(game, by_mouse(page, game), lambda truth: truth),
        play(game, by_letters(page, game), lambda truth: "real"),
        play(game, by_tab_and_space(page, game), other.get),
    ]
    assert orders[0] != orders[1] or orders[1] != orders[2], "always the same order"


def play(game, press, decide):
    """Play one run, look at all that is shown; return (name, truth) in their order."""
    test = json.loads(game.evaluate(SOURCE))
    count, right, order, attributes = len(test["pictures"]), 0, [], set()
    for turn in range(count):
        asked = game.evaluate(SHOWN)
        assert asked["state"] == "asking"
        assert asked["question"] == f"Picture {turn + 1} of {count}: real or colored?"
        assert [one["alt"] for one in asked["images"]] == [
            f"Photograph {turn + 1} of {count}"
        ]
        assert asked["images"][0]["drawn"]
        assert asked["buttons"] == ["Real", "Colored"]
        assert not asked["overflow"]
        assert not [
            one["name"]
            for one in test["pictures"]
            if any(one["name"] in told for told in asked["attributes"])
        ], "a name before the answer"
        attributes.add("|".join(asked["attributes"]))

        name, truth = truth_of(asked["images"][0]["src"], test["pictures"])
        said = decide(truth)
        press(said)
        right += said == truth
        told = game.evaluate(SHOWN)
        origin = "real" if truth == "real" else f"colored by {test['model']}"
        verdict = "✓ Right" if said == truth else "✗ Wrong"
        following = "Next picture" if turn + 1 < count else "Your score"
        assert told["state"] == "told"
        assert told["told"] == [
            f"{verdict}: it is {origin}. {name}.",
            f"{right} of {turn + 1} right so far.",
        ]
        assert len(told["images"]) == 2
        assert told["buttons"] == [following] == [told["focused"]]
        assert not told["overflow"]
        order.append((name, truth))
        press("next")

    over = game.evaluate(SHOWN)
    assert over["state"] == "over"
    assert over["question"] == f"Your score: {right} of {count}"
    assert over["told"][:2] == test["verdicts"][right]
    assert over["buttons"] == ["Play again"]
    assert len({name for name, _ in order}) == count, "each picture once"
    assert len(attributes) == 1, "an attribute tells"
    press("again")
    assert game.evaluate(SHOWN)["state"] == "asking"
    return order


def truth_of(source, pictures):
    """Name and origin of the picture with this address."""
    return next(
        (one["name"], truth)
        for one in pictures
        for truth in ("real", "colored")
        if one[truth] == source
    )


def test_the_page_keeps_its_focus_and_its_keys(opened):
    page, game = opened
    assert page.evaluate("document.activeElement.tagName") == "BODY"
    page.keyboard.press("r")  # outside of the test a letter is a letter
    assert game.evaluate(SHOWN)["state"] == "asking"
    game.locator("button").first.focus()
    page.keyboard.press("Enter")
    assert game.evaluate(SHOWN)["state"] == "told"


def test_real_and_colored_are_equally_frequent(opened):
    """Over 60 runs, played by the page's own buttons."""
    _, game = opened
    real, turns = game.evaluate("""root => {
        const [answer] = root.querySelectorAll("button");
        const next = root.querySelector(".next");
        let real = 0, turns = 0;
        for (let run = 0; run < 60; run++, next.click())
            for (; root.dataset.state !== "over"; next.click(), turns++) {
                answer.click();
                real += root.querySelector(".told").textContent.includes("Right");
            }
        return [real, turns];
    }""")
    # 5 standard deviations: by chance once in two million runs.
    assert abs(real / turns - 0.5) < 5 * 0.5 / turns**0.5
