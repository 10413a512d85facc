// The button of the theme: the one of the system, light, dark.
import { read, write } from "./storage.js";

const THEME = "venna-theme";
const NEXT = { system: "light", light: "dark", dark: "system" };

export function themed(button) {
  const current = () => read(THEME) ?? document.documentElement.dataset.theme ?? "system";
  const show = (theme) => {
    const label = `Theme: ${theme}. Change to ${NEXT[theme]}`;
    button.setAttribute("aria-label", label);
    button.title = label;
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  };
  button.addEventListener("click", () => {
    const theme = NEXT[current()] ?? "system";
    write(THEME, theme === "system" ? null : theme);
    show(theme);
  });
  show(NEXT[current()] ? current() : "system");
}
