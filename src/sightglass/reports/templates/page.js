
/** A toggle that filters, with the share of files as a bar; `press` says whether it is on now. */
function choice({ title, kind, length, files, highest, press }) {
  const button = element(
    "button", { type: "button", className: `choice ${kind}`, aria: { pressed: "false" } },
    name(title), element("span", { className: "number" }, ofRun(length, files)),
  );
  button.disabled = length === 0;
  button.style.setProperty("--share", files / highest);
  button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", press());
    update();
  });
  return button;
}

const highest = Math.max(1, ...filesOf.values());
const choices = groups.map(({ id, title, rows: { length } }) => choice({
  title, length, files: filesOf.get(id), highest, kind: typeof id === "number" ? "class" : id,
  press: () => {
    if (!state.only.delete(id)) state.only.add(id);
    return state.only.has(id);
  },
}));
byId("choices").append(...choices);

const heard = rows.filter((row) => row.opinions.length > 1);
const nHeard = wholeRun ? wholeRun.heard : heard.length;
if (nHeard > 0) {
  const { length } = heard.filter((row) => row.disputed);
  choices.push(choice({
    title: "opinions disagree", length, files: wholeRun ? wholeRun.disputed : length, highest: nHeard, kind: "disputed",
    press: () => (state.disputed = !state.disputed),
  }));
  byId("opinions").append(choices.at(-1));
  byId("opinions").hidden = false;
}

/** Show what the state asks for. */
function update() {
  const { otherwise, chosen } = chosenRows();
  showHistogram(otherwise);
  showSections(chosen);
  byId("count").textContent = `Showing ${count(chosen.length)} of ${wholeRun ? `the ${counted(rows.length, "row")} on this page` : counted(rows.length, "file")}`;
  byId("nothing").hidden = chosen.length > 0;
  byId("clear").hidden = chosen.length === rows.length;
}

function changeRange(from, to) {
  state.from = from;
  state.to = to;
  byId("from").value = from;
  byId("to").value = to;
  update();
}

/** A field's number within 0 … 100, or `otherwise` while the field is empty. */
function bounded(field, otherwise) {
  return Number.isNaN(field.valueAsNumber) ? otherwise : Math.min(100, Math.max(0, field.valueAsNumber));
}

byId("search").addEventListener("input", (event) => { state.search = event.target.value; update(); });
byId("from").addEventListener("input", (event) => { state.from = bounded(event.target, 0); update(); });
byId("to").addEventListener("input", (event) => { state.to = bounded(event.target, 100); update(); });
byId("sort").addEventListener("change", (event) => { state.sort = event.target.value; update(); });
byId("grouped").addEventListener("change", (event) => { state.grouped = event.target.checked; update(); });
byId("clear").addEventListener("click", () => {
  state.search = byId("search").value = "";
  state.only.clear();
  state.disputed = false;
  for (const button of choices) button.setAttribute("aria-pressed", "false");
  changeRange(0, 100);
  byId("search").focus();
});

addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, select, textarea, dialog");
  if (event.key !== "/" || typing || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  byId("filters").open = true;
  byId("search").focus();
});

// On a phone the filters would push the pictures off the first screen.
const narrow = matchMedia("(max-width: 760px)");
const fold = () => { byId("filters").open = !narrow.matches; };
narrow.addEventListener("change", fold);
fold();

// A browser that goes back may have kept what the fields said.
byId("search").value = "";
byId("sort").value = state.sort;
byId("grouped").checked = state.grouped;
changeRange(state.from, state.to);
showMaking();
