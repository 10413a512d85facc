// The parts that every page has: copy buttons, language tabs, the theme button and the sidebar.
import { copyable, copyableRoute } from "./copy.js";
import { sidebar, contents } from "./sidebar.js";
import { tabs } from "./tabs.js";
import { themed } from "./theme.js";

tabs(document.querySelectorAll(".tabs"));
document.querySelectorAll("figure.code").forEach(copyable);
document.querySelectorAll(".endpoint > .route").forEach(copyableRoute);
document.querySelectorAll("[data-action=theme]").forEach(themed);
document.querySelectorAll(".sidebar").forEach(sidebar);
document.querySelectorAll(".contents").forEach(contents);
