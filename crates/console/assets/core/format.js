// Sizes, times and amounts in words.
const KIB = 1024;
const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const STEPS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

const whole = new Intl.NumberFormat("en");
// Days of usage begin at midnight UTC, wherever the person is.
const dated = new Intl.DateTimeFormat("en", { timeZone: "UTC", year: "numeric", month: "short", day: "numeric" });
const timed = new Intl.DateTimeFormat("en", {
  year: "numeric",
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
});
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

export const count = (number) => whole.format(number);
export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

/** Returns a size with three digits: `1.5 MiB`. */
export function size(bytes) {
  let [value, unit] = [bytes, 0];
  while (Math.abs(value) >= KIB && unit < UNITS.length - 1) [value, unit] = [value / KIB, unit + 1];
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${Number(value.toFixed(digits))} ${UNITS[unit]}`;
}

export const utcDay = (seconds) => dated.format(seconds * 1000);
export const time = (seconds) => timed.format(seconds * 1000);

/** Returns the distance to now: `3 days ago`, `in 2 hours`. */
export function ago(seconds) {
  const from = seconds - Date.now() / 1000;
  const [unit, length] = STEPS.find(([, step]) => Math.abs(from) >= step) ?? ["second", 1];
  return relative.format(Math.trunc(from / length), unit);
}

/** Returns a duration with its two largest units: `2 min 5 s`. */
export function duration(seconds) {
  const rest = Math.max(0, Math.round(seconds));
  if (rest < 60) return `${rest} s`;
  if (rest < 3600) return `${Math.floor(rest / 60)} min ${rest % 60} s`;
  if (rest < 86_400) return `${Math.floor(rest / 3600)} h ${Math.floor((rest % 3600) / 60)} min`;
  return `${Math.floor(rest / 86_400)} d ${Math.floor((rest % 86_400) / 3600)} h`;
}

/** Returns an amount of dollars; small ones keep their first digits. */
export function dollars(value) {
  const digits = value === 0 || Math.abs(value) >= 0.01 ? 2 : Math.min(9, 1 - Math.floor(Math.log10(Math.abs(value))));
  return `${value < 0 ? "-" : ""}$${Math.abs(value).toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: Math.max(2, digits) })}`;
}
