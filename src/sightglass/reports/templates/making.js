
const simple = (value) => value !== null && ["string", "number", "boolean"].includes(typeof value) && value !== "";

/** Pairs of whatever simple values a record holds. */
const record = (values) =>
  Object.entries(values ?? {}).filter(([, value]) => simple(value)).flatMap(([key, value]) => fact(words(key), name(String(value))));

const stageTime = (seconds) => (seconds < 0.005 ? "<0.01 s" : `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`);

const part = (title, className, ...children) =>
  children.length === 0 ? [] : [element("div", { className }, element("h3", {}, title), ...children)];
const list = (pairs) => (pairs.length === 0 ? [] : [element("dl", {}, ...pairs)]);

function modelFacts(model) {
  const { name: title, source, licence, precision, dim, logit_scale: scale, notes } = model ?? {};
  const chosen = { name: title, source, licence, precision, width: dim, logit_scale: scale, notes };
  return list(record(chosen));
}

function unknownFacts(unknown) {
  if (!unknown) return [];
  const made = [];
  const { rule, meaning } = unknown;
  if (rule) made.push(element("p", {}, "Rule: ", name(String(rule)), "."));
  if (meaning) made.push(element("p", {}, name(String(meaning))));
  if (unknown.enabled !== false) {
    made.push(element("p", {}, "Sort by unknown score, highest first, to see the pictures near the threshold."));
  }
  return made;
}

/** "2026-11-20T10:12:44+00:00" as "2026-11-20 10:12 UTC"; anything else unchanged. */
const moment = (iso) => iso.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d):[\d.]+(?:Z|\+00:00)$/, "$1 $2 UTC");

function classNames(classes) {
  const several = (classes ?? []).filter((entry) => entry.names?.length > 1);
  return several.flatMap((entry) => fact(name(entry.name), name(entry.names.join(", "))));
}

const templateFact = (templates) =>
  (templates?.length ? fact("templates", ...templates.flatMap((text) => [name(String(text)), element("br")])) : []);

function showMaking() {
  const { run, command } = facts;
  const { sightglass, created, prompts, timings, platform, model } = run;
  byId("made").replaceChildren(
    ...[
      created && ["Made ", name(moment(String(created)))],
      model?.name && ["model ", name(String(model.name))],
      sightglass && ["version ", name(String(sightglass))],
      run.fusion && [mixedOf(run.fusion)],
    ].filter(Boolean).flatMap((said, at) => (at ? [" · ", ...said] : said)),
  );
  const seconds = Object.entries(timings ?? {}).filter(([, value]) => typeof value === "number");
  byId("making").append(
    ...part("When a picture is unknown", "wide", ...unknownFacts(run.unknown)),
    ...mixingParts(run.fusion),
    ...part("Model", "", ...modelFacts(model)),
    ...part("Classes and prompts", "", ...list([...record({ classes: run.classes?.length, prompts }), ...templateFact(run.templates), ...classNames(run.classes)])),
    ...part("Time", "", ...list(seconds.flatMap(([stage, value]) => fact(words(stage), stageTime(value))))),
    ...part("Versions", "", ...list([...record({ sightglass }), ...record(platform), ...record(platform?.libraries)])),
    ...(command ? part("Run it again", "wide", element("pre", { tabIndex: 0 }, name(String(command)))) : []),
    element(
      "details", { className: "record wide" },
      element("summary", {}, "The whole record of this run (run.json)"),
      element("pre", { tabIndex: 0 }, JSON.stringify(run, null, 2).split("\n").map(visible).join("\n")),
    ),
  );
}
