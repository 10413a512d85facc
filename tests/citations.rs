//! What comments and pages refer to is there: pages, their sections and rules, and the targets of links.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

#[test]
fn pages_that_comments_cite_exist() {
    let mut seen = 0;
    for file in files(&["src", "crates", "tests", "fuzz/fuzz_targets"], "rs") {
        let comments = comments_of(&std::fs::read_to_string(&file).unwrap());
        for citation in citations(&comments) {
            let page = std::fs::read_to_string(root().join(&citation.page));
            let page = page.unwrap_or_else(|_| panic!("{}: there is no page {}", file.display(), citation.page));
            for place in citation.places {
                let at = file.display();
                assert!(has_place(&page, &place), "{at}: {} has no section or rule {place}", citation.page);
            }
            seen += 1;
        }
    }
    assert!(seen > 30, "the scanner finds citations: {seen}");
}

#[test]
fn links_between_pages_lead_somewhere() {
    let pages = files(&["crates", "docs", "bench"], "md").into_iter().chain(files(&["."], "md"));
    let mut seen = 0;
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        for link in links(&text) {
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if path.is_empty() { page.clone() } else { page.parent().unwrap().join(path) };
            assert!(target.exists(), "{}: {link} leads nowhere", page.display());
            if !anchor.is_empty() && target.extension().is_some_and(|ending| ending == "md") {
                let anchors = anchors(&std::fs::read_to_string(&target).unwrap());
                assert!(anchors.contains(anchor), "{}: there is no heading for {link}", page.display());
            }
            seen += 1;
        }
    }
    assert!(seen > 60, "the scanner finds links: {seen}");
}

#[test]
fn the_scanner_sees_what_is_cited() {
    let comment = "//! A ledger (docs/a.md, sections 1 to 3).\n/// See docs/b.md, R8 and R9; not x.md.gz.";
    let found = citations(&comments_of(comment));
    let found: Vec<(&str, String)> = found.iter().map(|one| (&*one.page, one.places.join(" "))).collect();
    assert_eq!(found, [("docs/a.md", "1 3".to_owned()), ("docs/b.md", "R8 R9".to_owned())]);
    assert!(has_place("## 3. List", "3") && has_place("### 1.3 Errors", "1.3") && has_place("| R8 | x |", "R8"));
    assert!(!has_place("## 3. List", "4") && !has_place("R8", "R8"));
    assert_eq!(links("[a](b.md#c) and `[x](y)` [u](https://example.com)"), ["b.md#c"]);
    assert!(anchors("## When it fails, *twice*\n").contains("when-it-fails-twice"));
}

/// A page, and the sections or rules of it.
struct Citation {
    page: String,
    places: Vec<String>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files below these folders with this ending; of the root only its own.
fn files(folders: &[&str], ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in folders {
        walk(&root().join(folder), ending, *folder != ".", &mut found);
    }
    found
}

fn walk(folder: &Path, ending: &str, deep: bool, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && deep {
            walk(&path, ending, deep, found);
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
}

/// The comments as one line each block, without their slashes.
fn comments_of(code: &str) -> String {
    let lines = code.lines().map(|line| line.trim_start().strip_prefix("//").unwrap_or("\n"));
    lines.map(|line| line.trim_start_matches(['/', '!'])).collect()
}

fn citations(comments: &str) -> Vec<Citation> {
    let mut found = Vec::new();
    for (at, _) in comments.match_indices(".md") {
        let end = at + ".md".len();
        let rest = &comments[end..];
        if rest.starts_with(|next: char| next.is_alphanumeric() || next == '.' && !rest.starts_with(". ")) {
            continue;
        }
        let is_path = |character: char| character.is_alphanumeric() || "/_-.".contains(character);
        let begin = comments[..at].rfind(|character| !is_path(character)).map_or(0, |before| before + 1);
        let page = comments[begin..end].to_owned();
        // A path that begins with a slash is one of the server's.
        if !page.starts_with('/') {
            found.push(Citation { page, places: places(rest) });
        }
    }
    found
}

/// The numbers of sections and rules that follow a page: `, section 4`, `, sections 1 to 3`, `, R8 and R9`.
fn places(rest: &str) -> Vec<String> {
    let Some(list) = rest.strip_prefix(", ") else { return Vec::new() };
    let words = list.split([' ', ',']).filter(|word| !word.is_empty());
    let connects = |word: &str| ["section", "sections", "to", "and"].contains(&word);
    let bare = |word: &str| word.trim_end_matches([')', '.', ':', ';']).to_owned();
    words.take_while(|word| connects(word) || is_place(&bare(word))).filter(|word| !connects(word)).map(bare).collect()
}

fn is_place(word: &str) -> bool {
    let number = word.strip_prefix(['R', 'S']).unwrap_or(word);
    !number.is_empty() && number.chars().all(|character| character.is_ascii_digit() || character == '.')
}

fn has_place(page: &str, place: &str) -> bool {
    let heads = [format!("## {place}. "), format!("### {place} "), format!("| {place} |")];
    page.lines().any(|line| heads.iter().any(|head| line.starts_with(head)))
}

/// The targets of links within the project.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for prose in text.split("```").step_by(2) {
        let without_code: String = prose.split('`').step_by(2).collect();
        for (at, _) in without_code.match_indices("](") {
            let target = without_code[at + 2..].split(')').next().unwrap();
            if !target.contains("://") && !target.starts_with("mailto:") {
                found.push(target.to_owned());
            }
        }
    }
    found
}

/// What headings are called in links, lower case, without punctuation, with dashes for spaces; and ids in HTML.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings = page.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let slug = |heading: &str| -> String {
        let kept = heading.chars().filter(|character| character.is_alphanumeric() || " -_".contains(*character));
        kept.collect::<String>().to_lowercase().replace(' ', "-")
    };
    let ids = page.split("id=\"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned);
    headings.map(slug).chain(ids).collect()
}
