// Builds elements. Text becomes text nodes only, so no name and no content of a file can become markup.
const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {string} name
 * @param {Record<string, unknown>} [attributes] attributes; `on...` are listeners, null and false are left out
 * @param {...(Node | string | number | null | undefined | false)} children
 */
export function el(name, attributes = {}, ...children) {
  return built(document.createElement(name), attributes, children);
}

export function svg(name, attributes = {}, ...children) {
  return built(document.createElementNS(SVG, name), attributes, children);
}

function built(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "disabled") element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter(shown).map(node));
  return element;
}

const shown = (child) => child !== null && child !== undefined && child !== false;
const node = (child) => (child instanceof Node ? child : document.createTextNode(String(child)));

export const find = (selector, within = document) => within.querySelector(selector);
export const all = (selector, within = document) => [...within.querySelectorAll(selector)];

export function fill(element, ...children) {
  element.replaceChildren(...children.flat().filter(shown).map(node));
  return element;
}

export function show(element, is) {
  element.hidden = !is;
}

/** Adds a listener to the elements with this `data-action`. */
export function action(name, listener, within = document) {
  for (const element of all(`[data-action="${name}"]`, within)) element.addEventListener("click", listener);
}
