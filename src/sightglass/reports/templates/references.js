
const references = facts.references.map(([path, label, thumbnail]) => ({
  path,
  label: facts.names[label],
  text: visible(path),
  thumbnail: byId(`thumbnail-${thumbnail}`) ? thumbnail : null,
}));

/** A reference picture with its class; its button tells the file. */
function referenceTile(row, { reference, similarity }, tell) {
  const { path, label, text } = reference;
  const button = element(
    "button", { type: "button", className: "reference", title: text, aria: { pressed: "false" } },
    element("span", { className: "frame" }, thumbnail(reference, { eager: true })),
    name(label, label === row.top[0].label ? "answer" : ""),
    element("span", { className: "value" }, decimal(similarity)),
  );
  button.addEventListener("click", () => tell(button, path));
  return element("li", {}, button);
}

/** The references most alike, by the alignment that finds them so; nothing where there is none. */
function nearestPanel(row) {
  if (row.nearest.length === 0) return [];
  const told = element("p", { className: "told hint", role: "status" }, "Choose a picture to see its file name.");
  const tell = (button, path) => {
    for (const other of list.querySelectorAll(".reference")) other.setAttribute("aria-pressed", other === button);
    told.replaceChildren("File: ", name(path));
  };
  const byAlignment = new Map();
  for (const [number, alignment, similarity] of row.nearest) {
    if (!byAlignment.has(alignment)) byAlignment.set(alignment, []);
    byAlignment.get(alignment).push({ reference: references[number], similarity });
  }
  const list = element(
    "div", { className: "nearest" },
    ...[...byAlignment].map(([alignment, found]) => {
      const { against, by } = alignmentWords(facts.alignments[alignment]);
      return element(
        "div", {},
        element("h4", {}, name(by === "" ? against : `by the ${by}`)),
        element("ul", { className: "references", role: "list" }, ...found.map((one) => referenceTile(row, one, tell))),
      );
    }),
  );
  return [element(
    "section", { className: "panel" },
    element(
      "div", { className: "panel-head" },
      element("h3", {}, "Nearest reference pictures"),
      element("p", { className: "hint" }, "with their cosine similarity, 1 at most"),
    ),
    list,
    told,
  )];
}
