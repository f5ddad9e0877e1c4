"""What the tests of tests/browser/ share: a tab that notes what goes wrong in it, and
checks of the page that it shows. A check returns what it found, each with its place.
"""

import re
from functools import cache
from importlib.resources import files

# The reason of a skipped test starts with it; the end of a run counts those that do.
NO_CHROMIUM = "NO CHROMIUM"

HEIGHTS = {1300: 900, 390: 844}  # a laptop and a phone
ALIKE = 2  # texts of one look whose contrast is measured
OWN = ("data:", "blob:", "about:")


class Tab:
    """One tab of a width and a theme, for many pages one after another.

    Attributes:
        page: Playwright's page.
        problems: errors and failed requests since the last :meth:`open`.
    """

    def __init__(self, browser, site, width=1300, theme="light", **options):
        self.site = site
        self.context = browser.new_context(
            viewport={"width": width, "height": HEIGHTS.get(width, 900)},
            color_scheme=theme,
            reduced_motion="reduce",  # nothing is still moving when it is looked at
            **options,
        )
        self.page = self.context.new_page()
        self.problems = []
        self._expected = ("", 200)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self._note(f"error: {error}"))
        self.page.on("request", self._request)
        self.page.on("requestfailed", self._failed)
        self.page.on("response", self._response)

    def open(self, name, *, status=200):
        """Load a page of the site and wait until its mathematics is set."""
        self.problems.clear()
        self._expected = (self.site + name, status)
        self.page.goto(self.site + name, wait_until="load", timeout=60_000)
        self.page.evaluate("() => window.MathJax?.startup?.promise?.then(() => 0)")
        return self.page

    def close(self):
        self.context.close()

    def _note(self, problem):
        self.problems.append(problem)

    def _console(self, message):
        # What failed to load is told with its status, below.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self._note(f"console: {message.text}")

    def _request(self, request):
        if not request.url.startswith((self.site, *OWN)):
            self._note(f"request to elsewhere: {request.url}")

    def _failed(self, request):
        # Whoever leaves a page while it still asks for something breaks that off.
        if request.failure != "net::ERR_ABORTED":
            self._note(f"failed: {request.url}")

    def _response(self, response):
        expected = (response.url, response.status) == self._expected
        if not expected and response.status >= 400:
            self._note(f"status {response.status}: {response.url}")


def broken_pictures(page):
    """Pictures that did not load, or have no alternative text."""
    return page.evaluate("""() => [...document.images]
        .filter((image) => image.hasAttribute("src"))  // else a script's, for later
        .flatMap((image) => [
            ...(image.complete && image.naturalWidth ? [] : ["no picture"]),
            ...(image.alt.trim() ? [] : ["no alt text"]),
        ].map((problem) => `${problem}: ${image.getAttribute("src").slice(0, 80)}`))""")


def unset_mathematics(page):
    """Formulas that show as TeX."""
    return page.evaluate("""() => [...document.querySelectorAll(".math")]
        .filter((math) => !math.querySelector("mjx-container"))
        .map((math) => `mathematics not set: ${math.textContent.slice(0, 60)}`)""")


def overflow(page):
    """What makes a page wider than the screen."""
    return page.evaluate("""() => {
        const { scrollWidth, clientWidth } = document.documentElement;
        if (scrollWidth <= clientWidth) return [];
        const clipped = (element) => {
            for (let up = element.parentElement; up; up = up.parentElement)
                if (getComputedStyle(up).overflowX !== "visible") return true;
        };
        const wide = [...document.body.querySelectorAll("*")].filter((element) =>
            element.getBoundingClientRect().right > clientWidth + 1 && !clipped(element));
        const name = ({ localName, className }) => `${localName}.${className}`;
        return [`${scrollWidth} wide on a screen of ${clientWidth}: ` +
            wide.slice(0, 3).map(name).join(", ")];
    }""")


def dead_links(page, site, known):
    """Links to the same site that lead nowhere. Each address is asked for once.

    Args:
        known: address to the ids of the page there, None where there is none. Filled.
    """
    hrefs = page.evaluate(
        "() => [...new Set([...document.querySelectorAll('a[href]')]"
        ".map((link) => link.href))]"
    )
    # Here those that scripts made count, too, and 404.html has no address of its own.
    known[page.url.partition("#")[0]] = page.evaluate(
        "() => [...document.querySelectorAll('[id]')].map((element) => element.id)"
    )
    dead = []
    for href in hrefs:
        address, _, anchor = href.partition("#")
        if address.startswith(site):
            if address not in known:
                answer = page.request.get(address)
                is_page = "html" in answer.headers.get("content-type", "")
                text = answer.text() if is_page else ""
                ids = set(re.findall(r'\sid="([^"]*)"', text))
                known[address] = ids if answer.ok else None
            if known[address] is None or (anchor and anchor not in known[address]):
                dead.append(f"dead link: {href.removeprefix(site)}")
        elif address.startswith(site[: site.index("/", 8)]):
            dead.append(f"link out of the book's folder: {href}")
    return dead


def stuck_folds(page):
    """Folded parts that do not open and shut by mouse and by keyboard."""
    stuck = []
    for part in page.locator("details").all():
        summary = part.locator("> summary")
        for name, act in {
            "mouse": summary.click,
            "Enter": lambda summary=summary: summary.press("Enter"),
            "Space": lambda summary=summary: summary.press("Space"),
        }.items():
            before = part.evaluate("part => part.open")
            act()
            if part.evaluate("part => part.open") == before:
                stuck.append(f"by {name} nothing folds: {summary.inner_text()}")
    return stuck


def weight(page):
    """Bytes of the page itself and of its pictures, as the browser has them."""
    return page.evaluate("""() => performance.getEntries()
        .filter((entry) => entry.entryType === "navigation" || entry.initiatorType === "img")
        .reduce((sum, entry) => sum + entry.decodedBodySize, 0)""")


@cache
def axe_source():
    """axe-core, which comes inside a Python package."""
    return files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")


def barriers(page, *, only_colors=False, measured=None):
    """What axe-core finds serious or critical, folded parts opened.

    The contrast of words and links takes axe nearly all of its time. It depends on few
    things: each combination of these is measured a few times.

    Args:
        only_colors: only the rules that a theme can break.
        measured: how often each combination was, on the pages before. Updated, unless
            a bad one is found: the next page shall name it, too.
    """
    measured = {} if measured is None else measured
    page.evaluate(axe_source())
    found, looks = page.evaluate(
        """async ([only_colors, before]) => {
            document.querySelectorAll("details").forEach((folded) => folded.open = true);
            const grounds = new Map([[null, ""]]);
            const ground = (element) => {
                if (!grounds.has(element)) {
                    const { backgroundColor, backgroundImage, opacity, filter } =
                        getComputedStyle(element);
                    const plain = "rgba(0, 0, 0, 0) none 1 none";
                    const own = [backgroundColor, backgroundImage, opacity, filter].join(" ");
                    grounds.set(element,
                        ground(element.parentElement) + (own === plain ? "" : own + ";"));
                }
                return grounds.get(element);
            };
            const looks = new Map(Object.entries(before));
            const mark = (element, rule, ...kind) => {
                const look = [rule, ...kind, ground(element)].join("|");
                looks.set(look, (looks.get(look) ?? 0) + 1);
                if (looks.get(look) <= ALIKE) element.setAttribute("data-" + rule, "");
            };
            for (const element of document.body.querySelectorAll("*")) {
                if (!element.checkVisibility({ visibilityProperty: true })) continue;
                const { color, fontSize, fontWeight, textShadow, textDecorationLine } =
                    getComputedStyle(element);
                // A single letter axe takes for a picture.
                if (element.matches("input, select, textarea") ||
                    [...element.childNodes].some((node) =>
                        node.nodeType === Node.TEXT_NODE && node.data.trim().length > 1))
                    mark(element, "color-contrast", color, fontSize, fontWeight, textShadow);
                if (element.matches("a[href]"))
                    mark(element, "link-in-text-block", color, fontWeight, textDecorationLine,
                        getComputedStyle(element.parentElement).color);
            }
            const rules = ["color-contrast", "link-in-text-block"];
            axe.configure({ rules: rules.map((id) => ({ id, selector: `[data-${id}]` })) });
            const { violations } = await axe.run(document, {
                resultTypes: ["violations"],
                preload: false,  // it would load style sheets again, from wrong addresses
                ...(only_colors ? { runOnly: rules }
                    : { rules: { region: { enabled: false } } }),  // slow, and moderate
            });
            return [violations
                .filter(({ impact }) => ["serious", "critical"].includes(impact))
                .flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) =>
                    [id, target.flat().join(" "), failureSummary.split("\\n")[1].trim()])),
                Object.fromEntries(looks)];
        }""".replace("ALIKE", str(ALIKE)),
        [only_colors, measured],
    )
    if not {"color-contrast", "link-in-text-block"} & {rule for rule, _, _ in found}:
        measured.update(looks)
    return [f"{rule} at {place}: {why}" for rule, place, why in found]
