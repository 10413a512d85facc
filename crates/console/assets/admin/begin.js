// Begins a page of the administration: anyone else is told whom it is for.
import { find } from "../core/dom.js";
import { begin } from "../core/shell.js";
import { empty } from "../core/state.js";

/** Calls `setup` for an administrator; `place` takes the state for anyone else. */
export function administration(setup, place = "#content") {
  return begin(async (context) => {
    if (context.isAdministrator) {
      await setup(context);
      return;
    }
    empty(find(place), {
      title: "For administrators",
      words: "Sign in with an admin key, or ask an administrator.",
      symbol: "key",
    });
  });
}
