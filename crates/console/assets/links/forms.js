// The forms that make links. The URL of a link is shown once.
import { post } from "../core/api.js";
import { ask, choice, field, tick } from "../core/dialog.js";
import { el } from "../core/dom.js";
import { copy } from "../core/notices.js";
import { sampleOf, showOnce } from "../core/once.js";
import { CHOOSABLE } from "../files/purposes.js";

const HOUR_S = 3600;
const DAY_S = 86_400;
const MIB = 1024 * 1024;
const MAX_NAME_CHARACTERS = 255;
const LIFETIMES = [
  [String(HOUR_S), "An hour"],
  [String(DAY_S), "A day"],
  [String(7 * DAY_S), "A week"],
];

const lifetimes = () => choice("expires_in", LIFETIMES, String(DAY_S));

/** Asks for a new link to a file, and shows its URL. Resolves with whether one was made. */
export async function share(file) {
  let made;
  const lifetime = lifetimes();
  const isMade = await ask({
    title: "Share the file",
    label: "Make a link",
    fields: [
      el("p", {}, "Whoever has the link can read the file without a key, until it expires or is revoked."),
      field("The link works for", lifetime),
      tick("one_time", "1", "Only once", "The first download uses the link up."),
    ],
    submit: async (form) => {
      const wanted = { expires_in: Number(lifetime.value), one_time: form.elements.one_time.checked };
      made = await post(`files/${file.id}/links`, wanted);
    },
  });
  if (isMade) await showUrl(made);
  return isMade;
}

/** Asks for a new link that takes a file, and shows its URL with a command. Resolves with whether one was made. */
export async function askForFile() {
  let made;
  const name = el("input", { name: "filename", required: true, maxlength: MAX_NAME_CHARACTERS, autocomplete: "off" });
  const purpose = choice("purpose", CHOOSABLE, "user_data");
  const most = el("input", { name: "max_mib", type: "number", min: "0.001", step: "any", placeholder: "no limit" });
  const lifetime = lifetimes();
  const isMade = await ask({
    title: "Ask for a file",
    label: "Make a link",
    fields: [
      el("p", {}, "Whoever has the link can send this one file without a key, until it expires or is revoked."),
      field("Name of the file", name, "The file gets this name, whatever it is called where it comes from."),
      field("Purpose", purpose),
      el("div", { class: "two" }, field("At most, in MiB", most), field("The link works for", lifetime)),
    ],
    submit: async () => {
      const wanted = { filename: name.value.trim(), purpose: purpose.value, expires_in: Number(lifetime.value) };
      if (most.value) wanted.max_bytes = Math.round(Number(most.value) * MIB);
      made = await post("upload_links", wanted);
    },
  });
  if (isMade) await showUrl(made, command(made));
  return isMade;
}

function showUrl({ url }, line = null) {
  const copyLine = { type: "button", class: "button small push", onclick: () => copy(line, "Command") };
  const sample = line && [
    el(
      "div",
      { class: "actions" },
      el("span", { class: "quiet" }, "A command that sends the file"),
      el("button", copyLine, "Copy the command"),
    ),
    sampleOf(el("code", {}, line), "Command"),
  ];
  return showOnce({
    title: "Copy the link now",
    words: "The link is shown this one time. Make another one if it is lost.",
    label: "Link",
    named: "Link",
    value: url,
    more: sample ?? [],
  });
}

// Without `-g`, curl reads brackets and braces of a name as a pattern.
const command = ({ filename, url }) => `curl -g -T ${quoted(filename)} ${quoted(url)}`;
const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;
