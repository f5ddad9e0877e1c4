/* What the theme does too late or not at all. Read before the page is drawn. */
(() => {
  const root = document.documentElement;
  const set = (theme) => { root.dataset.theme = theme; };

  // The theme chooses light or dark at the end of a page; until then it flashes, and on
  // a first visit it reports an error.
  root.dataset.mode ||= "auto";
  if (root.dataset.mode === "auto")
    set(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");

  // Paper is white.
  let shown;
  addEventListener("beforeprint", () => { shown = root.dataset.theme; set("light"); });
  addEventListener("afterprint", () => set(shown));

  // book.css wraps lines on a phone, but not those of two columns and more.
  const columns = (text) => (text.match(/\S {2,}\S/g) ?? []).length > 1;
  addEventListener("DOMContentLoaded", () => {
    for (const printed of document.querySelectorAll(".cell_output .output pre"))
      printed.classList.toggle("columns", columns(printed.textContent));
  });

  // A list has items: docutils gives these a role that ARIA has withdrawn.
  addEventListener("DOMContentLoaded", () => {
    for (const entry of document.querySelectorAll(".citation-list > .citation"))
      entry.setAttribute("role", "listitem");
  });
})();
