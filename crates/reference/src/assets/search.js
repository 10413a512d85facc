// Full-text search over the rows of /docs/search.json. Pure: it touches no document.
const MOST_FOUND = 24;
// Many operations have a parameter of one name: they leave room for other pages.
const MOST_FIELDS_FOUND = 10;
const EXCERPT_CHARACTERS = 140;
const BEFORE_CHARACTERS = 40;
// What a title that is the whole query weighs more.
const TITLE_WEIGHT = 40;
// What a field of a request, and one of an answer, weighs beside a page with an equal match.
const FIELD_WEIGHT = 0.8;
const ANSWER_WEIGHT = 0.7;
const ANSWER = "response.";
const FIELDS = "Parameters and fields";

export function wordsOf(query) {
  return query.toLowerCase().split(/\s+/).filter(Boolean);
}

// The rows of the index, and one for each parameter and field, which the index keeps with their operation.
export function rowsOf(index) {
  const rows = [];
  const fields = [];
  for (const { members = [], ...row } of index) {
    const texts = members.map(([, name, text]) => `${name}: ${text}`);
    rows.push({ ...row, text: [row.text, ...texts].join(" ") });
    for (const [anchor, name, text] of members) {
      fields.push({ group: FIELDS, title: name, page: row.title, path: `${row.path}#${anchor}`, anchor, text: `${anchor}: ${text}` });
    }
  }
  return [...rows, ...fields];
}

// How well a title fits a word; 0 when it does not have it.
function weightOfTitle(text, { word, pattern }) {
  const title = text.toLowerCase();
  if (title === word) return 62;
  if (title.startsWith(word)) return 60;
  if (pattern.test(title)) return 40;
  return title.includes(word) ? 20 : 0;
}

// How well a row fits a word by itself.
function weight(row, one) {
  const ofTitle = weightOfTitle(row.title, one);
  if (ofTitle) return ofTitle;
  if (row.anchor?.toLowerCase().includes(one.word)) return 20;
  const at = row.text.toLowerCase().indexOf(one.word);
  if (at < 0) return row.method?.toLowerCase() === one.word ? 5 : 0;
  return at < EXCERPT_CHARACTERS ? 6 : 3;
}

// How well a page fits all words; 0 when it lacks one.
function scoreOfPage(row, words, query) {
  const weights = words.map((one) => {
    const own = weight(row, one);
    return own < 8 && row.page.toLowerCase().includes(one.word) ? 8 : own;
  });
  if (!weights.every(Boolean)) return 0;
  return weights.reduce((sum, one) => sum + one, row.title.toLowerCase() === query ? TITLE_WEIGHT : 0);
}

// The same of a field. The title of its operation counts beside its own name, but does not find it alone.
function scoreOfField(row, words) {
  const pairs = words.map((one) => [weight(row, one), Math.min(weightOfTitle(row.page, one), 40)]);
  if (!pairs.some(([own, ofPage]) => own > ofPage)) return 0;
  const weights = pairs.map((pair) => Math.max(...pair));
  if (!weights.every(Boolean)) return 0;
  return weights.reduce((sum, one) => sum + one) * (row.anchor.startsWith(ANSWER) ? ANSWER_WEIGHT : FIELD_WEIGHT);
}

function escaped(word) {
  return word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

// The rows that have every word, the best first, in groups; the group of the best row is the first.
export function search(rows, query) {
  const words = wordsOf(query);
  if (!words.length) return [];
  const patterns = words.map((word) => ({ word, pattern: new RegExp(`(^|[^a-z0-9])${escaped(word)}`) }));
  const score = (row) => (row.anchor ? scoreOfField(row, patterns) : scoreOfPage(row, patterns, words.join(" ")));
  const scored = rows.map((row) => ({ row, score: score(row) })).filter((one) => one.score > 0);
  // Of equal ones the field whose operation has the fewest other words.
  scored.sort((one, other) => other.score - one.score || one.row.page.length - other.row.page.length);
  let fields = 0;
  const found = scored.filter(({ row }) => !row.anchor || ++fields <= MOST_FIELDS_FOUND).slice(0, MOST_FOUND);
  const groups = new Map();
  for (const { row } of found) {
    if (!groups.has(row.group)) groups.set(row.group, []);
    groups.get(row.group).push(row);
  }
  return [...groups].map(([name, rows]) => ({ name, rows }));
}

// A piece of the text around the first word that is found in it.
export function excerpt(text, words) {
  const lower = text.toLowerCase();
  const places = words.map((word) => lower.indexOf(word)).filter((at) => at >= 0);
  const first = places.length ? Math.min(...places) : 0;
  const from = first <= BEFORE_CHARACTERS ? 0 : text.indexOf(" ", first - BEFORE_CHARACTERS) + 1 || first;
  const piece = text.slice(from, from + EXCERPT_CHARACTERS);
  return `${from ? "… " : ""}${piece}${from + EXCERPT_CHARACTERS < text.length ? " …" : ""}`;
}

// A text cut at the words: [piece, is it a word] one after the other.
export function marked(text, words) {
  if (!words.length) return [[text, false]];
  const pattern = new RegExp(`(${[...words].sort((one, other) => other.length - one.length).map(escaped).join("|")})`, "gi");
  return text.split(pattern).filter(Boolean).map((piece) => [piece, words.includes(piece.toLowerCase())]);
}
