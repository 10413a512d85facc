//! The style sheet and the scripts of the pages.

use std::collections::BTreeSet;
use venna_design::{Bundle, BundleFile, SCRIPT, STYLE};

/// Lists scripts by their paths below `assets`.
macro_rules! scripts {
    ($($name:literal),* $(,)?) => {
        &[
            BundleFile {
                name: "console.css",
                content_type: STYLE,
                text: concat!(
                    include_str!("../assets/frame.css"),
                    include_str!("../assets/parts.css"),
                    include_str!("../assets/files.css"),
                    include_str!("../assets/workspace.css"),
                ),
            },
            $(BundleFile { name: $name, content_type: SCRIPT, text: include_str!(concat!("../assets/", $name)) }),*
        ]
    };
}

const FILES: &[BundleFile] = scripts![
    "sign_in.js",
    "core/api.js",
    "core/banners.js",
    "core/csv.js",
    "core/dialog.js",
    "core/dom.js",
    "core/format.js",
    "core/growing.js",
    "core/icons.js",
    "core/network.js",
    "core/notices.js",
    "core/once.js",
    "core/pace.js",
    "core/problem.js",
    "core/root.js",
    "core/session.js",
    "core/shell.js",
    "core/state.js",
    "core/table.js",
    "core/time.js",
    "files/access.js",
    "files/delete.js",
    "files/faults.js",
    "files/file.js",
    "files/kind.js",
    "files/links.js",
    "files/list.js",
    "files/page.js",
    "files/purposes.js",
    "files/query.js",
    "files/rows.js",
    "files/selection.js",
    "links/forms.js",
    "links/page.js",
    "links/rows.js",
    "upload/drop.js",
    "upload/item.js",
    "upload/options.js",
    "upload/panel.js",
    "upload/parts.js",
    "upload/queue.js",
    "upload/rate.js",
    "upload/send.js",
    "upload/slots.js",
    "upload/stay.js",
    "upload/store.js",
    "upload/transfer.js",
    "upload/walk.js",
    "upload/whole.js",
    "preview/bytes.js",
    "preview/csv.js",
    "preview/jsonl.js",
    "preview/media.js",
    "preview/pager.js",
    "preview/preview.js",
    "preview/shapes.js",
    "preview/text.js",
    "preview/windows.js",
    "workspace/accounts.js",
    "workspace/chart.js",
    "workspace/cost_tables.js",
    "workspace/expiries.js",
    "workspace/download.js",
    "workspace/figures.js",
    "workspace/keys.js",
    "workspace/key_forms.js",
    "workspace/limits.js",
    "workspace/members.js",
    "workspace/secret.js",
    "workspace/sessions.js",
    "workspace/usage.js",
    "admin/audit.js",
    "admin/begin.js",
    "admin/limit_form.js",
    "admin/overview.js",
    "admin/people.js",
    "admin/settings.js",
    "admin/workspaces.js",
];

/// Returns the style sheet and the scripts. The caller serves them beside those of `venna_design::bundle`.
#[must_use]
pub fn bundle() -> Bundle {
    Bundle::new(FILES)
}

/// Returns the modules that a module imports, its own first, so that a browser asks for all of them at once.
pub fn modules_of(entry: &'static str) -> Vec<&'static str> {
    let mut found = vec![entry];
    let mut seen = BTreeSet::from([entry.to_owned()]);
    let mut at = 0;
    while let Some(name) = found.get(at) {
        let text = FILES.iter().find(|file| file.name == *name).map_or("", |file| file.text);
        for imported in imports(name, text, STATIC) {
            let Some(file) = FILES.iter().find(|file| file.name == imported) else { continue };
            if seen.insert(imported) {
                found.push(file.name);
            }
        }
        at += 1;
    }
    found
}

/// The beginning of the path of an import that a module needs before it runs.
const STATIC: &str = "from \"";

/// Returns the paths that the module `name` imports, relative to the root of the bundle. `begin` stands before each.
fn imports(name: &str, text: &str, begin: &str) -> Vec<String> {
    let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
    let relative = text.split(begin).skip(1).filter_map(|rest| rest.split('"').next());
    relative
        .filter(|path| path.starts_with('.'))
        .map(|path| match path.strip_prefix("../") {
            Some(above) => above.to_owned(),
            None => format!("{folder}/{}", path.trim_start_matches("./")).trim_start_matches('/').to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_imported_module_is_in_the_bundle() {
        let mut number = 0;
        for file in FILES.iter().filter(|file| file.content_type == SCRIPT) {
            let later = imports(file.name, file.text, "import(\"");
            for imported in imports(file.name, file.text, STATIC).into_iter().chain(later) {
                assert!(FILES.iter().any(|file| file.name == imported), "{} imports {imported}", file.name);
                number += 1;
            }
        }
        assert!(number > 100, "{number} imports");
    }

    #[test]
    fn a_page_asks_for_what_its_modules_import() {
        let modules = modules_of("files/page.js");
        assert!(modules.contains(&"files/rows.js") && modules.contains(&"core/api.js"));
        assert!(!modules.contains(&"upload/panel.js") && !modules.contains(&"workspace/usage.js"));
    }

    /// Returns the names of icons that a script asks for, as far as they are written out.
    fn icons_of(text: &str) -> Vec<&str> {
        // The name is the first literal behind `icon(` and `symbol:`, and the second one behind `tool(`.
        let literals = |begin: &'static str, number: usize| {
            let calls = text.split(begin).skip(1).filter(|rest| rest.trim_start().starts_with('"'));
            calls.filter_map(move |rest| rest.split('"').nth(2 * number + 1))
        };
        literals("icon(", 0).chain(literals("symbol:", 0)).chain(literals("tool(", 1)).collect()
    }

    #[test]
    fn every_icon_is_drawn() {
        let text = |name: &str| FILES.iter().find(|file| file.name == name).unwrap().text;
        let drawn: BTreeSet<&str> = text("core/icons.js")
            .lines()
            .filter_map(|line| line.strip_prefix("  ")?.split_once(": \""))
            .map(|(name, _)| name)
            .collect();
        let mut number = 0;
        for file in FILES.iter().filter(|file| file.content_type == SCRIPT) {
            for name in icons_of(file.text) {
                assert!(drawn.contains(name), "{} asks for the icon {name}", file.name);
                number += 1;
            }
        }
        assert!(drawn.len() > 15 && number > 30, "{number} of {}", drawn.len());
    }

    #[test]
    fn data_never_becomes_markup_or_code() {
        let refused =
            ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "srcdoc"];
        for file in FILES.iter().filter(|file| file.content_type == SCRIPT) {
            for word in refused {
                assert!(!file.text.contains(word), "{} uses {word}", file.name);
            }
        }
    }

    #[test]
    fn colours_are_tokens() {
        for word in FILES[0].text.split([' ', ';', '\n', ':', '(', ',']) {
            let is_colour = word
                .strip_prefix('#')
                .is_some_and(|rest| matches!(rest.len(), 3 | 6) && rest.chars().all(|one| one.is_ascii_hexdigit()));
            assert!(!is_colour && !word.starts_with("rgb"), "{word} is not a token");
        }
    }
}
