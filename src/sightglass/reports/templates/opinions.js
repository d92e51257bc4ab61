
const words = (key) => key.replaceAll("_", " ");

// What each alignment holds a picture against, and what tells two of the same kind apart.
const ALIGNMENTS = new Map([
  ["text_image", { against: "Class names", by: "" }],
  ["image_image", { against: "Reference pictures", by: "name-aligned encoder" }],
  ["vision_only", { against: "Reference pictures", by: "vision-only encoder" }],
]);
const alignmentWords = (alignment) => ALIGNMENTS.get(alignment) ?? { against: words(alignment), by: "" };

/** How many opinions have the same best class as the answer. */
function agreement({ agreeing, opinions: { length } }) {
  if (agreeing === length) return `all ${length} opinions agree`;
  return `${agreeing || "none"} of ${length} opinions ${agreeing > 1 ? "agree" : "agrees"}`;
}

const alignmentTitle = ({ against, by }) => [
  element("span", { className: "against" }, name(against)),
  by === "" ? null : element("span", { className: "by" }, by),
];

/** What one alignment says, and how much that counted. */
function opinionItem(row, [alignment, weight, top]) {
  const answer = row.top[0].label;
  const said = ranked(top);
  const agrees = said[0].label === answer;
  const meter = element("span", { className: "meter", aria: { hidden: "true" } });
  meter.style.setProperty("--share", `${weight * 100}%`);
  const bars = said.slice(0, 3).map((entry) => {
    const made = bar(entry, 0);
    made.classList.toggle("answer", entry.label === answer);
    return made;
  });
  return element(
    "li", { className: agrees ? "opinion" : "opinion dissenting" },
    element(
      "div", { className: "who" },
      ...alignmentTitle(alignmentWords(facts.alignments[alignment])),
      agrees ? null : element("span", { className: "dissent" }, "disagrees"),
    ),
    element("div", { className: "weight" }, "weight ", element("span", { className: "value" }, percent(weight)), meter),
    element("div", { className: "bars" }, ...bars),
  );
}

/** Every opinion with its weight, the dissenting ones marked; nothing where there is none. */
function opinionsPanel(row) {
  if (row.opinions.length === 0) return [];
  const several = row.opinions.length > 1;
  return [element(
    "section", { className: "panel" },
    element(
      "div", { className: "panel-head" },
      element("h3", {}, "Opinions"),
      several ? element("p", { className: row.disputed ? "hint disputed" : "hint" }, agreement(row)) : null,
    ),
    element("ul", { className: "opinions", role: "list" }, ...row.opinions.map((opinion) => opinionItem(row, opinion))),
  )];
}
