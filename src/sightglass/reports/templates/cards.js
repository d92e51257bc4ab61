
const isUnknown = (row) => row.group === UNKNOWN;

function labelName(row, className) {
  return isUnknown(row) ? element("span", { className: `${className} none` }, "unknown") : name(row.label, className);
}

/** One class with its probability, as a bar behind the words. */
function bar({ label, probability }, digits) {
  const made = element("span", { className: "bar" }, name(label), element("span", { className: "value" }, percent(probability, digits)));
  made.style.setProperty("--share", `${probability * 100}%`);
  return made;
}

const bars = (row, most, digits = 0) =>
  element("span", { className: "bars" }, ...row.top.slice(0, most).map((entry) => bar(entry, digits)));

function splitPath(path) {
  const end = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1;
  return [path.slice(0, end), path.slice(end)];
}

/** The label with its confidence. An unknown picture has none: its best class is not its label. */
const verdict = (row, digits) => [
  labelName(row, "label"),
  isUnknown(row) ? null : element("span", { className: "value" }, percent(row.confidence, digits)),
];

/** A picture's answer at a glance; its button opens the details. */
function card(row, open) {
  const [folder, file] = splitPath(row.path);
  const label = isUnknown(row) ? "unknown" : `${visible(row.label)}, ${percent(row.confidence)}`;
  const button = element(
    "button",
    {
      type: "button", className: "card", tabIndex: -1, title: row.text,
      aria: { label: `${row.text}: ${label}. ${row.disputed ? `${agreement(row)}. ` : ""}Open details.`, haspopup: "dialog" },
    },
    element("span", { className: "frame" }, thumbnail(row)),
    element("span", { className: "verdict" }, ...verdict(row, 0)),
    bars(row, 3),
    element("span", { className: "where" }, folder === "" ? null : name(folder, "folder"), name(file, "file")),
    element("span", { className: "score" }, `unknown score ${decimal(row.unknownScore)}`),
    row.disputed ? element("span", { className: "agreement" }, agreement(row)) : null,
    row.outcome === "duplicate" ? element("span", { className: "duplicate" }, name(duplicateNote(row))) : null,
  );
  button.addEventListener("click", open);
  return element("li", {}, button);
}

/** "duplicate of …", whether or not the detail already says so. */
const duplicateNote = (row) => (/^(same|duplicate)/i.test(row.detail) ? row.detail : `duplicate of ${row.detail}`);
