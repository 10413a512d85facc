// Writes comma-separated values (RFC 4180) of which no spreadsheet takes a text for a formula.
const FORMULA = /^\s*[=+\-@＝＋－＠]|^[\t\r\n]/;
const DIGITS = 9;

/** Returns the text of rows of numbers and texts. A text that a spreadsheet would compute gets an apostrophe. */
export const csvOf = (rows) => rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");

function cell(value) {
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : decimal(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

// An amount in nano-dollars has no exponent.
const decimal = (value) => value.toFixed(DIGITS).replace(/\.?0+$/, "");
