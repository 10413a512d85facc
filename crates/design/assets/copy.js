// Copies the text of a block of code, and the route of an operation.
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

// A button that copies a text, or selects what shows it where the clipboard is closed.
function copyButton(name, text, source) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "button small copy", textContent: "Copy" });
  button.setAttribute("aria-label", `Copy ${name}`);
  button.addEventListener("click", () => copy(text, button, source));
  return button;
}

export function copyable(figure) {
  const caption = figure.querySelector("figcaption");
  const code = figure.querySelector("code");
  caption.append(copyButton(caption.textContent.trim(), code.textContent, code));
}

// Method and path of an operation, which stand in elements of their own.
export function copyableRoute(route) {
  const text = [...route.children].map((part) => part.textContent).join(" ");
  route.append(copyButton("method and path", text, route.querySelector("code")));
}
