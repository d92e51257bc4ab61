
const dialog = byId("details");
let opened = null;

const fact = (term, ...answer) => [element("dt", {}, term), element("dd", {}, ...answer)];

function action(text, className, act) {
  const button = element("button", { type: "button", className }, text);
  button.addEventListener("click", act);
  return button;
}

const closing = action("Close", "solid", () => dialog.close());
const body = element("div");
dialog.append(
  element(
    "div", { className: "actions" },
    action("Previous", "quiet", () => opened.walk.step(opened.row, -1)),
    action("Next", "quiet", () => opened.walk.step(opened.row, 1)),
    closing,
  ),
  body,
);

function thresholdNote() {
  const { enabled, threshold } = facts.run.unknown ?? {};
  return enabled && typeof threshold === "number" ? ` (unknown above ${Number(threshold.toFixed(3))})` : "";
}

function detailFacts(row) {
  const size = row.width && row.height ? `${count(row.width)} × ${count(row.height)} pixels` : "–";
  return element(
    "dl", {},
    ...fact("Path", name(row.path)),
    ...(row.outcome === "duplicate" ? fact("Duplicate", name(duplicateNote(row))) : []),
    ...fact("Margin to the second class", percent(row.margin, 1)),
    ...fact("Unknown score", decimal(row.unknownScore) + thresholdNote()),
    ...fact("Size", size),
    ...fact("SHA-256", name(row.sha256 ?? "–", "hash")),
  );
}

/** Show a picture's details. `walk.step` goes to a neighbour, `walk.focus` back to its card. */
function openDetails(row, walk) {
  opened = { row, walk };
  const panels = [...opinionsPanel(row), ...nearestPanel(row)];
  dialog.classList.toggle("long", panels.length > 0);
  body.replaceChildren(
    element(
      "div", { className: "evidence" },
      element("div", { className: "frame" }, thumbnail(row, { eager: true })),
      element("div", {}, element("h2", { id: "details-title", className: "verdict" }, ...verdict(row, 1)), bars(row, Infinity, 1)),
    ),
    ...panels,
    detailFacts(row),
  );
  if (dialog.open) {
    // What had the focus may be gone with the picture before; the arrow keys must go on working.
    if (!dialog.contains(document.activeElement)) closing.focus();
    return;
  }
  dialog.showModal();
  closing.focus();
}

dialog.addEventListener("keydown", (event) => {
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (by) opened.walk.step(opened.row, by);
});
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();
});
dialog.addEventListener("close", () => opened.walk.focus(opened.row));
