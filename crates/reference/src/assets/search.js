// Full-text search over the rows of /docs/search.json. Pure: it touches no document.
const MOST_FOUND = 24;
const EXCERPT_CHARACTERS = 140;
const BEFORE_CHARACTERS = 40;
// What a title that is the whole query weighs more.
const TITLE_WEIGHT = 40;

export function wordsOf(query) {
  return query.toLowerCase().split(/\s+/).filter(Boolean);
}

// How well a row fits a word; 0 when it does not have it.
function weight(row, word) {
  const title = row.title.toLowerCase();
  if (title.startsWith(word)) return 60;
  if (new RegExp(`(^|[^a-z0-9])${escaped(word)}`).test(title)) return 40;
  if (title.includes(word)) return 20;
  if (row.page.toLowerCase().includes(word)) return 8;
  const at = row.text.toLowerCase().indexOf(word);
  if (at < 0) return row.method?.toLowerCase() === word ? 5 : 0;
  return at < EXCERPT_CHARACTERS ? 6 : 3;
}

function escaped(word) {
  return word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

// The rows that have every word, the best first, in groups; the group of the best row is the first.
export function search(rows, query) {
  const words = wordsOf(query);
  if (!words.length) return [];
  const found = [];
  for (const row of rows) {
    const weights = words.map((word) => weight(row, word));
    const isTitle = row.title.toLowerCase() === words.join(" ");
    if (weights.every(Boolean)) found.push({ row, score: weights.reduce((sum, one) => sum + one, isTitle ? TITLE_WEIGHT : 0) });
  }
  found.sort((one, other) => other.score - one.score);
  const groups = new Map();
  for (const { row } of found.slice(0, MOST_FOUND)) {
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
