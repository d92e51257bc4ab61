
// Of a run with too many rows the page holds a sample, and counts of all its files beside it.
const wholeRun = facts.whole_run ?? null;

/** Files of every group, of the whole run. */
const filesOf = new Map(groups.map(({ id, rows: { length } }) => [id, wholeRun ? 0 : length]));
if (wholeRun) {
  wholeRun.labels.forEach((files, number) => filesOf.set(groupOf(number), filesOf.get(groupOf(number)) + files));
  filesOf.set(FAILED, wholeRun.failed);
}

/** How many rows there are, and of how many files where these are not all. */
const ofRun = (here, files) => (wholeRun ? `${count(here)} of ${count(files)}` : count(here));

/** Says of a number that it counts rows of the page, where these are not all. */
const shownOnly = (text) => (wholeRun ? `${text} shown` : text);

/** Whether the bars count the whole run: every other filter can look at rows of the page alone. */
const countsRun = () => wholeRun !== null && state.search === "" && state.only.size === 0 && !state.disputed;
