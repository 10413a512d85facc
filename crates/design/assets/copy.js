// Copies the text of a block of code.
const TOLD_MS = 2000;

export async function copy(text, button, source) {
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    if (source) getSelection().selectAllChildren(source);
    button.textContent = source ? "Selected" : "Not copied";
  }
  setTimeout(() => { button.textContent = label; }, TOLD_MS);
}

export function copyable(figure) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "button small copy", textContent: "Copy" });
  const caption = figure.querySelector("figcaption");
  button.setAttribute("aria-label", `Copy ${caption.textContent.trim()}`);
  const code = figure.querySelector("code");
  button.addEventListener("click", () => copy(code.textContent, button, code));
  caption.append(button);
}
