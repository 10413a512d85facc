// Runs before the page is painted: says that there are scripts, and sets the theme that the reader chose.
document.documentElement.classList.add("scripted");
try {
  const theme = localStorage.getItem("venna-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch { /* a browser that stores nothing has the theme of the system */ }
