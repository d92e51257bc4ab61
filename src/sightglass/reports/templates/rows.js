
const byId = (id) => document.getElementById(id);
const block = (script) => JSON.parse(script.textContent);

const facts = block(byId("facts"));
const FAILED = "failed";
const UNKNOWN = "unknown";

const ranked = (packed) => packed.map(([number, probability]) => ({ label: facts.names[number], probability }));

const rows = [];
for (const script of document.querySelectorAll("script.rows")) {
  for (const [path, outcome, detail, label, confidence, margin, unknownScore, top, width, height, sha256, thumbnail, heard = [], nearest = []] of block(script)) {
    const text = visible(path);
    const opinions = heard.filter(([, , said]) => said.length > 0);
    const agreeing = opinions.filter(([, , said]) => said[0][0] === top[0][0]).length;
    rows.push({
      path, outcome, detail, confidence, margin, unknownScore, width, height, sha256, thumbnail, opinions, nearest, agreeing,
      label: label === null ? null : facts.names[label],
      top: ranked(top),
      disputed: agreeing < opinions.length,
      place: rows.length,
      text,
      folded: text.normalize("NFC").toLowerCase(),
      group: groupOf(label),
    });
  }
  script.remove();
}

/** A label's number, or "unknown" or "failed" where there is none of the classes. */
function groupOf(label) {
  if (label === null) return FAILED;
  return label >= facts.n_classes && facts.names[label] === facts.unknown ? UNKNOWN : label;
}

/** Every group in the order of its section: the classes, unknown, failed. */
const groups = facts.names
  .map((text, number) => ({ id: groupOf(number), title: text, rows: [] }))
  .filter(({ id }) => id !== UNKNOWN);
groups.push({ id: UNKNOWN, title: "Unknown", rows: [] });
groups.push({ id: FAILED, title: "Not classified", rows: [] });
const groupById = new Map(groups.map((group) => [group.id, group]));
for (const row of rows) groupById.get(row.group).rows.push(row);

const state = { search: "", from: 0, to: 100, only: new Set(), disputed: false, sort: "path", grouped: true };

/** Confidence in hundredths of a percent: whole numbers, so that the ends of ranges are exact. */
const fineConfidence = (row) => Math.round(row.confidence * 10000);

function inRange(row) {
  if (state.from <= 0 && state.to >= 100) return true;
  if (row.confidence === null) return false;
  const fine = fineConfidence(row);
  return fine >= state.from * 100 && (fine < state.to * 100 || state.to >= 100);
}

/** Whether the row fits every filter but the range of confidence. */
function fitsOtherwise(row, search) {
  return (
    (state.only.size === 0 || state.only.has(row.group)) &&
    (row.disputed || !state.disputed) &&
    row.folded.includes(search)
  );
}

/** Rows that fit every filter, and those that the histogram counts. */
function chosenRows() {
  const search = state.search.normalize("NFC").toLowerCase();
  const otherwise = rows.filter((row) => fitsOtherwise(row, search));
  return { otherwise, chosen: otherwise.filter(inRange) };
}

const SORT_KEYS = {
  path: (row) => row.place,
  least: (row) => row.confidence,
  most: (row) => (row.confidence === null ? null : -row.confidence),
  margin: (row) => row.margin,
  unknown: (row) => (row.unknownScore === null ? null : -row.unknownScore),
};

/** A sorted copy: rows without a value last, equal ones by path. */
function sorted(list) {
  const key = SORT_KEYS[state.sort];
  const value = (row) => key(row) ?? Infinity;
  return [...list].sort((a, b) => (value(a) === value(b) ? a.place - b.place : value(a) - value(b)));
}
