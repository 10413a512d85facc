// Small choices of the reader. A browser may refuse to store anything; then a choice lasts as long as the page.
export function read(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

export function write(name, value) {
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
  } catch { /* the choice is not kept */ }
}
