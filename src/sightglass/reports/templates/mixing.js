
const WEIGHTINGS = new Map([
  ["inverse_entropy", "the less an opinion wavers between classes (the smaller its entropy), the more it counts for that picture"],
  ["exp_neg_entropy", "an opinion counts for a picture by e to the power of its negative entropy: the less it wavers, the more"],
  ["max", "an opinion counts for a picture by the probability of its best class"],
  ["fixed", "every opinion counts the same for all pictures, by weights that were set beforehand"],
  ["stacked", "every opinion counts the same for all pictures, by coefficients fitted on the reference pictures, each judged as if it were not there"],
]);
const MODES = new Map([
  ["paper_formula", "the published formula"],
  ["released_code", "released_code, for regression only"],
]);
const SCALE_SOURCES = new Map([
  ["card", "from the model's card"],
  ["leave-one-out", "by leaving out one reference picture at a time"],
  ["default", "the documented default"],
  ["unlabelled pictures", "from the pictures themselves, without labels"],
]);
const ORIGINS = new Map([
  ["imagined", "made by an image generator"],
  ["harvested", "chosen from your own pictures"],
  ["brought", "brought by you"],
]);
const known = (map, key) => map.get(key) ?? words(String(key));

/** "2 of 3 opinions used" */
function mixedOf({ alignments = [] }) {
  const used = alignments.filter((one) => one.used).length;
  return used === alignments.length ? counted(used, "opinion") : `${used} of ${counted(alignments.length, "opinion")} used`;
}

function scaleFact({ logit_scale: scale, scale_source: source }) {
  if (typeof scale !== "number") return [];
  return fact("logit scale", String(Number(scale.toFixed(2))), source ? name(`, ${known(SCALE_SOURCES, source)}`) : null);
}

function leaveOneOutFact(tried) {
  if (!tried) return [];
  return fact("leave-one-out", `${percent(tried.accuracy, 1)} of ${counted(tried.n, "reference picture")} right; ${percent(tried.chance, 1)} would be by chance`);
}

/** One alignment: whether it was used, and why. */
function alignmentPart(alignment) {
  const { name: key, used, why, encoder } = alignment;
  return element(
    "div", { className: used ? "alignment" : "alignment unused" },
    element("h3", {}, ...alignmentTitle(alignmentWords(String(key))), used ? null : element("span", { className: "dissent" }, "not used")),
    why ? element("p", {}, name(String(why))) : null,
    element("dl", {}, ...record({ encoder }), ...scaleFact(alignment), ...leaveOneOutFact(alignment.leave_one_out)),
  );
}

/** Names with commas between them; many are folded away. */
function classesWithout(classes) {
  if (classes.length === 0) return [];
  const listed = classes.flatMap((one, at) => [at ? ", " : "", name(String(one))]);
  const said = counted(classes.length, "class", "classes");
  if (classes.length <= 12) return fact("without any", `${said}: `, ...listed);
  return fact("without any", element("details", { className: "fold" }, element("summary", {}, said), ...listed));
}

function referenceFacts({ folder, pictures, classes, without = [], origins = {} }) {
  const found = references.length;
  const shown = references.filter((one) => one.thumbnail !== null).length;
  const from = Object.entries(origins).map(([origin, number]) => `${count(number)} ${known(ORIGINS, origin)}`);
  return list([
    ...record({ folder }),
    ...(typeof pictures === "number" ? fact("pictures", count(pictures), typeof classes === "number" ? `, for ${counted(classes, "class", "classes")}` : "") : []),
    ...(from.length > 0 ? fact("origin", name(from.join(", "))) : []),
    ...classesWithout(without),
    ...(shown < found ? fact("thumbnails", `${count(shown)} of ${count(found)} that are near to some picture; those most often near come first`) : []),
  ]);
}

/** How the opinions were mixed, which were used, and the references; nothing where there was one. */
function mixingParts(fusion) {
  if (!fusion) return [];
  const { weighting, mode, calibration, alignments = [], references: given, warnings = [] } = fusion;
  const { pictures, note } = calibration ?? {};
  const said = [
    ...warnings.map((warning) => element("p", { className: "notice" }, name(String(warning)))),
    ...list([
      ...(weighting ? fact("weighting", name(words(String(weighting))), WEIGHTINGS.has(weighting) ? `: ${WEIGHTINGS.get(weighting)}` : null) : []),
      ...(mode ? fact("mode", name(known(MODES, mode))) : []),
      ...(typeof pictures === "number" ? fact("calibration", `on ${counted(pictures, "picture")}, without labels`) : []),
      ...(note ? fact("note", name(String(note))) : []),
    ]),
  ];
  return [
    ...part("How opinions were mixed", "wide", ...said),
    ...(alignments.length > 0 ? [element("div", { className: "alignments wide" }, ...alignments.map(alignmentPart))] : []),
    ...part("Reference pictures", "wide", ...(given ? referenceFacts(given) : [])),
  ];
}
