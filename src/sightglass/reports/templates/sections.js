
const FIRST_CARDS = 24;
const MORE_CARDS = 96;
const MORE_LINES = 200;
// The sections of pictures on the page, in their order.
let shown = [];

/** A foldable part of the page that holds `list`, made in batches by `make`. */
function section({ title, kind, list, holder, make, first, more }) {
  const button = element("button", { type: "button", className: "quiet more" });
  const heading = element("h2", {}, typeof title === "string" ? name(title) : title);
  const details = element(
    "details", { className: `group ${kind}`, open: true },
    element("summary", {}, heading, element("span", { className: "number" }, shownOnly(count(list.length)))),
    holder.outer, button,
  );
  if (kind !== "failed") details.dataset.few = list.length;
  const made = { details, list, items: holder.inner.children, fill };
  /** Make items until there are `n`. */
  function fill(n) {
    const missing = list.slice(made.items.length, n);
    holder.inner.append(...missing.map(make));
    const left = list.length - made.items.length;
    button.hidden = left === 0;
    button.textContent = `Show ${count(Math.min(more, left))} more of ${count(left)}`;
    if (left > 0 && shown.length === 1) whenNear(button, showMore);
  }
  function showMore() {
    fill(made.items.length + more);
  }
  button.addEventListener("click", () => {
    const at = made.items.length;
    showMore();
    if (made.items[at].querySelector(".card")) focusCard(made, at);
  });
  button.hidden = true;
  whenNear(details, () => fill(Math.max(first, made.items.length)));
  return made;
}

function pictureSection(title, kind, list) {
  const inner = element("ul", { className: "cards", role: "list" });
  return section({
    title, kind, list, holder: { outer: inner, inner }, first: FIRST_CARDS, more: MORE_CARDS,
    make: (row) => {
      const item = card(row, () => openDetails(row, walk));
      if (row === list[0]) item.firstChild.tabIndex = 0;
      return item;
    },
  });
}

const OUTCOME_WORDS = {
  corrupt: "damaged", truncated: "incomplete", unsupported: "not supported",
  too_large: "too large", unreadable: "cannot be read",
};

function failureSection(list) {
  const inner = element("tbody");
  const outer = element(
    "table", {},
    element("thead", {}, element("tr", {}, ...["File", "Status", "Why"].map((text) => element("th", { scope: "col" }, text)))),
    inner,
  );
  return section({
    title: "Not classified", kind: "failed", list, holder: { outer, inner }, first: MORE_LINES, more: MORE_LINES,
    make: (row) => element(
      "tr", {},
      element("td", {}, name(row.path)),
      element("td", {}, element("span", { className: "status" }, OUTCOME_WORDS[row.outcome] ?? row.outcome)),
      element("td", {}, name(row.detail)),
    ),
  });
}

/** Put the chosen rows on the page, in sections. */
function showSections(chosen) {
  const parts = new Map();
  for (const row of sorted(chosen)) {
    const part = state.grouped || row.group === FAILED ? row.group : "all";
    if (!parts.has(part)) parts.set(part, []);
    parts.get(part).push(row);
  }
  shown = [];
  if (parts.has("all")) shown.push(pictureSection("All pictures", "all", parts.get("all")));
  for (const { id, title } of groups) {
    if (parts.has(id) && id !== FAILED) {
      shown.push(pictureSection(title, id === UNKNOWN ? "unknown" : "class", parts.get(id)));
    }
  }
  const all = parts.has(FAILED) ? [...shown, failureSection(parts.get(FAILED))] : shown;
  byId("sections").replaceChildren(...all.map(({ details }) => details));
  // The first ones are there at once; an observer would leave the page blank for a moment.
  for (const made of all.slice(0, 2)) made.fill(FIRST_CARDS);
}

/** The walk through all pictures on the page, in the order in which they stand. */
const walk = {
  find(row) {
    for (const made of shown) {
      const at = made.list.indexOf(row);
      if (at >= 0) return { made, at };
    }
    return null;
  },
  step(row, by) {
    const { made, at } = walk.find(row);
    const next = made.list[at + by] ?? (by > 0 ? after(made)?.list[0] : before(made)?.list.at(-1));
    if (next) openDetails(next, walk);
  },
  focus(row) {
    const found = walk.find(row);
    if (found) focusCard(found.made, found.at);
  },
};

const after = (made) => shown[shown.indexOf(made) + 1];
const before = (made) => shown[shown.indexOf(made) - 1];

/** Move the section's one tab stop to a card, making it first if need be. */
function focusCard(made, at) {
  if (at >= made.items.length) made.fill(at + 1);
  made.details.open = true;
  for (const button of made.details.querySelectorAll(".card[tabindex='0']")) button.tabIndex = -1;
  const button = made.items[at].firstChild;
  button.tabIndex = 0;
  button.focus();
}

function columns(items) {
  const top = items[0].offsetTop;
  const below = [...items].findIndex((item) => item.offsetTop !== top);
  return below < 0 ? items.length : below;
}

byId("sections").addEventListener("keydown", (event) => {
  const button = event.target.closest(".card");
  if (!button || event.ctrlKey || event.altKey || event.metaKey) return;
  const made = shown.find(({ details }) => details.contains(button));
  const at = [...made.items].indexOf(button.parentElement);
  const last = made.list.length - 1;
  const to = {
    ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: made.items.length - 1,
    ArrowUp: at - columns(made.items), ArrowDown: at + columns(made.items),
  }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  if (to < 0) { if (before(made)) focusCard(before(made), before(made).list.length - 1); }
  else if (to > last) { if (after(made)) focusCard(after(made), 0); }
  else focusCard(made, to);
});
