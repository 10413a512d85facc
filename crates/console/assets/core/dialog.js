// Dialogs: a question, a form, or something to read.
import { el, fill } from "./dom.js";
import { icon } from "./icons.js";
import { explained } from "./problem.js";
import { requestLine } from "./state.js";

let number = 0;

/** Opens a dialog, and returns it; it is removed when it is closed. */
export function dialog(title, ...content) {
  number += 1;
  const id = `dialog-${number}`;
  const box = el(
    "dialog",
    { class: "dialog", "aria-labelledby": id },
    el(
      "div",
      { class: "top" },
      el("h2", { id }, title),
      el(
        "button",
        { type: "button", class: "icon-button", "aria-label": "Close", onclick: () => box.close() },
        icon("close"),
      ),
    ),
    ...content,
  );
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
  return box;
}

/**
 * Asks for input, and resolves with true when `submit` succeeded, else with false.
 * @param {{title: string, fields: Node[], label: string, danger?: boolean, submit: (form: HTMLFormElement) => Promise<unknown>}} asked
 */
export function ask({ title, fields, label, danger = false, submit }) {
  return new Promise((resolve) => {
    let done = false;
    const failure = el("div", { class: "failure", role: "alert", hidden: true });
    const send = el("button", { type: "submit", class: `button ${danger ? "danger" : "primary"}` }, label);
    const form = el(
      "form",
      { class: "inside", onsubmit: submitted },
      ...fields,
      failure,
      el(
        "div",
        { class: "actions end" },
        el("button", { type: "button", class: "button", onclick: () => box.close() }, "Cancel"),
        send,
      ),
    );
    const box = dialog(title, form);
    box.addEventListener("close", () => resolve(done));
    (form.querySelector("input, select, textarea") ?? send).focus();

    async function submitted(event) {
      event.preventDefault();
      send.disabled = true;
      failure.hidden = true;
      try {
        await submit(form);
        done = true;
        box.close();
      } catch (error) {
        const { title: problem, detail, requestId } = explained(error);
        fill(failure, el("b", {}, problem), el("p", {}, detail), requestLine(requestId));
        failure.hidden = false;
        send.disabled = false;
      }
    }
  });
}

/** Builds a labelled field of a form. */
export function field(label, input, hint) {
  number += 1;
  input.id ||= `field-${number}`;
  if (hint) input.setAttribute("aria-describedby", `${input.id}-hint`);
  return el(
    "div",
    { class: "row" },
    el("label", { for: input.id }, label),
    input,
    hint && el("p", { class: "hint", id: `${input.id}-hint` }, hint),
  );
}

/** Builds a choice of values, each with its words. */
export function choice(name, options, chosen) {
  return el(
    "select",
    { name },
    ...options.map(([value, words]) => el("option", { value, selected: value === chosen }, words)),
  );
}

/** Builds a box to tick. */
export function tick(name, value, label, hint, checked = false) {
  number += 1;
  const id = `field-${number}`;
  return el(
    "div",
    { class: "row tick" },
    el(
      "label",
      { class: "choice", for: id },
      el("input", { type: "checkbox", name, value, id, checked }),
      el("span", {}, label),
    ),
    hint && el("p", { class: "hint" }, hint),
  );
}
