// Asks for the purpose and the expiry of files before they are uploaded.
import { ask, choice, field } from "../core/dialog.js";
import { el } from "../core/dom.js";
import { count, plural, size } from "../core/format.js";
import { CHOOSABLE, EXPIRIES } from "../files/purposes.js";

const LAST = "venna-upload-options";
const SHOWN_NAMES = 5;

function last() {
  try {
    return JSON.parse(localStorage.getItem(LAST)) ?? {};
  } catch {
    return {};
  }
}

/** Resolves with `{purpose, expires}`, or null when the person cancels. */
export async function options(items) {
  const before = last();
  const purposes = choice(
    "purpose",
    CHOOSABLE.map(([value, words]) => [value, words]),
    before.purpose ?? "user_data",
  );
  const expiries = choice("expires", EXPIRIES, before.expires ?? "");
  const hint = el("p", { class: "hint", id: "purpose-hint", role: "status" });
  const tell = () => {
    hint.textContent = CHOOSABLE.find(([value]) => value === purposes.value)[2];
  };
  purposes.setAttribute("aria-describedby", "purpose-hint");
  purposes.addEventListener("change", tell);
  tell();
  const purposeField = field("Purpose", purposes);
  purposeField.append(hint);
  const bytes = items.reduce((sum, { file }) => sum + file.size, 0);
  let answer = null;
  await ask({
    title: `Upload ${plural(items.length, "file")}`,
    label: "Upload",
    fields: [
      el(
        "ul",
        { class: "names" },
        ...items
          .slice(0, SHOWN_NAMES)
          .map(({ file, name }) => el("li", {}, el("bdi", {}, name), el("span", { class: "quiet" }, size(file.size)))),
        items.length > SHOWN_NAMES &&
          el("li", { class: "quiet" }, `and ${count(items.length - SHOWN_NAMES)} more, ${size(bytes)} in all`),
      ),
      purposeField,
      field("Expires", expiries),
    ],
    submit: async () => {
      answer = { purpose: purposes.value, expires: expiries.value };
      try {
        localStorage.setItem(LAST, JSON.stringify(answer));
      } catch {
        /* the choice is not kept */
      }
    },
  });
  return answer;
}
