
const BINS = 20;
const BIN_WIDTH = 100 / BINS;

/** Bars that are buttons; one tab stop, arrow keys between them. */
const bins = Array.from({ length: BINS }, (_, number) => {
  const button = element("button", { type: "button", className: "bin", tabIndex: number === BINS - 1 ? 0 : -1 }, element("span"));
  button.addEventListener("click", () => chooseBin(number));
  return button;
});
byId("histogram").append(...bins);

const binStart = (number) => number * BIN_WIDTH;
const isChosen = (number) => state.from === binStart(number) && state.to === binStart(number + 1);

function chooseBin(number) {
  const all = isChosen(number);
  changeRange(all ? 0 : binStart(number), all ? 100 : binStart(number + 1));
}

/** Pictures in each bar, and how many of them are unknown. */
function barsOf(list) {
  const heights = new Array(BINS).fill(0);
  const unknown = new Array(BINS).fill(0);
  for (const row of list) {
    if (row.confidence === null) continue;
    const number = Math.min(BINS - 1, Math.floor(fineConfidence(row) / (BIN_WIDTH * 100)));
    heights[number] += 1;
    if (isUnknown(row)) unknown[number] += 1;
  }
  return { heights, unknown };
}

/** Heights from the rows that fit all other filters; bars outside the range step back. */
function showHistogram(otherwise) {
  const ofAll = countsRun();
  const { heights, unknown } = ofAll ? { heights: wholeRun.bins, unknown: wholeRun.unknown_bins } : barsOf(otherwise);
  const note = byId("bars-count");
  if (note) note.textContent = ofAll ? `The bars count all ${counted(wholeRun.classified, "picture")} of the run.` : "The bars count rows on this page, those that fit the filters.";
  const highest = Math.max(1, ...heights);
  bins.forEach((button, number) => {
    const from = binStart(number);
    const text = `${from}% to ${from + BIN_WIDTH}%: ${ofAll ? counted(heights[number], "picture") : shownOnly(counted(heights[number], "picture"))}` + (unknown[number] ? `, ${count(unknown[number])} unknown` : "");
    button.title = text;
    button.setAttribute("aria-label", text);
    button.setAttribute("aria-pressed", isChosen(number));
    button.classList.toggle("outside", from + BIN_WIDTH <= state.from || from >= state.to);
    button.firstChild.style.setProperty("--height", heights[number] / highest);
    button.firstChild.style.setProperty("--unknown", unknown[number] / Math.max(1, heights[number]));
    button.classList.toggle("empty", heights[number] === 0);
  });
}

byId("histogram").addEventListener("keydown", (event) => {
  const at = bins.indexOf(event.target);
  const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: BINS - 1 }[event.key];
  if (to === undefined || !bins[to]) return;
  event.preventDefault();
  bins[at].tabIndex = -1;
  bins[to].tabIndex = 0;
  bins[to].focus();
});
