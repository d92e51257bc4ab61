// Characters that show nothing, or that change how their neighbours are shown.
const HIDDEN = /[\p{Cc}\p{Cs}\p{Bidi_Control}\u00ad\u200b\u2028\u2029\u2060\ufeff]/gu;
const SHORT_ESCAPES = new Map([["\n", "\\n"], ["\r", "\\r"], ["\t", "\\t"]]);

const asEscape = (character) =>
  SHORT_ESCAPES.get(character) ?? "\\u" + character.codePointAt(0).toString(16).padStart(4, "0");

/** The text with hidden characters written out, for attributes and for searching. */
const visible = (text) => text.replace(HIDDEN, asEscape);

/** A new element. Children are elements or texts; a text never becomes markup. */
function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  const { aria = {}, ...plain } = properties;
  Object.assign(made, plain);
  for (const [name, value] of Object.entries(aria)) made.setAttribute(`aria-${name}`, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** A name from outside: its own direction of writing, its hidden characters shown as escapes. */
function name(text, className = "") {
  const made = element("bdi", { className });
  let end = 0;
  for (const match of text.matchAll(HIDDEN)) {
    made.append(text.slice(end, match.index));
    made.append(element("span", { className: "escape" }, asEscape(match[0])));
    end = match.index + match[0].length;
  }
  made.append(text.slice(end));
  return made;
}

const whole = new Intl.NumberFormat("en");
const count = (number) => whole.format(number);

/** "1 file", "2 files". */
const counted = (number, noun, nouns = noun + "s") => `${count(number)} ${number === 1 ? noun : nouns}`;

/** A probability in percent that never rounds up to certainty or down to impossibility. */
function percent(probability, digits = 0) {
  if (probability === null) return "–";
  const step = 10 ** -digits;
  const value = probability * 100;
  if (value > 0 && value < step / 2) return `<${step}%`;
  if (value < 100 && value >= 100 - step / 2) return `>${100 - step}%`;
  return `${value.toFixed(digits)}%`;
}

const decimal = (number) => (number === null ? "–" : number.toFixed(3));
