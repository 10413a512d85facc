//! Generated pages stand in the repository as the program would write them; `UPDATE_DOCS=1` writes them.

use std::path::Path;

#[test]
fn generated_pages_are_current() {
    let pages = [
        ("docs/config.md", venna::config::reference()),
        ("docs/metrics.md", venna::metrics::reference()),
        ("docs/errors.md", venna::http::reference::errors()),
        ("docs/cli.md", venna::cli::reference()),
        ("docs/openapi.json", format!("{:#}\n", venna::http::reference::openapi("http://127.0.0.1:8080"))),
    ];
    for (path, page) in pages {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&file, &page).unwrap();
        }
        let stored = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(
            stored == page,
            "{path} is not what the program says; run `UPDATE_DOCS=1 cargo test --test it generated`"
        );
    }
}
