// The columns of a table of JSON objects, by what the objects are.
const MAX_COLUMNS = 5;
const MAX_CELL_CHARACTERS = 300;
const SAMPLE = 50;

/** @typedef {{title: string, read: (value: object) => string}} Column */

const short = (value) => {
  const text = typeof value === "string" ? value : value === undefined || value === null ? "" : JSON.stringify(value);
  return text.length > MAX_CELL_CHARACTERS ? `${text.slice(0, MAX_CELL_CHARACTERS)}…` : text;
};

// The text of a message: a string, or parts with texts.
const spoken = (content) =>
  Array.isArray(content) ? content.map((part) => part?.text ?? `[${part?.type ?? "part"}]`).join(" ") : content;
const asked = (body) =>
  spoken(body?.messages?.findLast?.(({ role }) => role === "user")?.content) ??
  body?.input ??
  body?.prompt ??
  body?.messages;
const answered = (body) => spoken(body?.choices?.[0]?.message?.content) ?? body?.output ?? body?.data ?? body;

const REQUEST = [
  { title: "custom_id", read: ({ custom_id: id }) => short(id) },
  { title: "Request", read: ({ method, url }) => `${short(method)} ${short(url)}` },
  { title: "Model", read: ({ body }) => short(body?.model) },
  { title: "Input", read: ({ body }) => short(asked(body)) },
];
const RESULT = [
  { title: "custom_id", read: ({ custom_id: id }) => short(id) },
  { title: "Status", read: ({ response, error }) => short(response?.status_code ?? (error ? "error" : "")) },
  { title: "Answer", read: ({ response, error }) => short(error?.message ?? error ?? answered(response?.body)) },
];
const EXAMPLE = [
  { title: "Messages", read: ({ messages }) => String(messages?.length ?? "") },
  { title: "User", read: (value) => short(asked(value)) },
  {
    title: "Assistant",
    read: ({ messages }) => short(spoken(messages?.findLast?.(({ role }) => role === "assistant")?.content)),
  },
];

/** Returns the columns for these objects. @returns {Column[]} */
export function columnsOf(values) {
  const most = (test) => values.length > 0 && values.filter(test).length * 2 > values.length;
  if (most((value) => "custom_id" in value && ("response" in value || "error" in value))) return RESULT;
  if (most((value) => "custom_id" in value && "method" in value)) return REQUEST;
  if (most(({ messages }) => Array.isArray(messages))) return EXAMPLE;
  const names = new Set(values.slice(0, SAMPLE).flatMap((value) => Object.keys(value)));
  return [...names].slice(0, MAX_COLUMNS).map((name) => ({ title: name, read: (value) => short(value[name]) }));
}
