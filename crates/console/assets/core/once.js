// Shows a secret, once: a key or a link that no later answer of the server has.
import { dialog } from "./dialog.js";
import { all, el } from "./dom.js";
import { copy } from "./notices.js";

/**
 * Shows a secret in a field with a button that copies it. Resolves when the person closes the dialog.
 * @param {{title: string, words: string, label: string, named: string, value: string, more?: Node[]}} shown `named` is the
 *   secret in the message of a copy, `more` stands below the field
 */
export function showOnce({ title, words, label, named, value, more = [] }) {
  return new Promise((resolve) => {
    const input = el("input", {
      readonly: true,
      value,
      id: "secret",
      spellcheck: "false",
      onfocus: ({ target }) => target.select(),
    });
    const done = el("button", { type: "button", class: "button primary", onclick: () => box.close() }, "Done");
    const box = dialog(
      title,
      el(
        "div",
        { class: "inside" },
        el("p", {}, words),
        el(
          "div",
          { class: "row" },
          el("label", { for: "secret" }, label),
          el(
            "div",
            { class: "with-button" },
            input,
            el("button", { type: "button", class: "button", onclick: () => copy(value, named) }, "Copy"),
          ),
        ),
        ...more,
        el("div", { class: "actions end" }, done),
      ),
    );
    box.addEventListener("close", () => {
      // The secret stays nowhere in the page.
      for (const element of all("input, code", box)) element.value = element.textContent = "";
      resolve();
    });
    input.focus();
  });
}

/** Builds a sample, to which a screen reader and the keyboard have access. */
export const sampleOf = (code, label = "Sample") =>
  el("pre", { tabindex: "0", role: "group", "aria-label": label }, code);
