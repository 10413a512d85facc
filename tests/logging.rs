//! `docs/logging.md` lists every event that `src` logs: its name, levels and fields, no more and no less.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const LEVELS: [&str; 4] = ["error", "warn", "info", "debug"];

/// Levels and fields of the events, by name.
type Events = BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)>;

#[test]
fn the_page_lists_the_events_of_the_source() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut logged = Events::new();
    read_sources(&root.join("src"), &mut logged);
    let listed = events_of_page(&std::fs::read_to_string(root.join("docs/logging.md")).unwrap());
    let names = |events: &Events| events.keys().cloned().collect::<BTreeSet<_>>();
    assert!(logged.len() > 80, "the scanner finds events: {}", logged.len());
    assert_eq!(names(&logged), names(&listed), "left is the source, right docs/logging.md");
    for (name, event) in &logged {
        assert_eq!(event, &listed[name], "`{name}`: left is the source, right docs/logging.md");
    }
}

#[test]
fn an_event_is_read_with_its_level_and_fields() {
    let source = r#"tracing::warn!(sink, error = %ErrorChain(&a, b), ?swept, %x.id, "delivery failed"); tracing::info!("done");"#;
    let mut found = Events::new();
    read_events(source, &mut found);
    let (levels, fields) = &found["delivery failed"];
    assert_eq!(levels, &BTreeSet::from(["warn".to_owned()]));
    assert_eq!(fields, &["error", "id", "sink", "swept"].map(str::to_owned).into());
    assert!(found.contains_key("done"));
}

#[test]
#[should_panic(expected = "has no constant name")]
fn a_name_that_varies_is_refused() {
    read_events(r#"tracing::warn!("lost {n} files");"#, &mut Events::new());
}

fn read_sources(folder: &Path, events: &mut Events) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_sources(&path, events);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            read_events(&std::fs::read_to_string(&path).unwrap(), events);
        }
    }
}

fn read_events(source: &str, events: &mut Events) {
    for level in LEVELS {
        for (start, opening) in source.match_indices(&format!("tracing::{level}!(")) {
            let mut arguments = arguments(&source[start + opening.len()..]);
            let name = arguments.pop().unwrap();
            let name = name.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
            let name = name.filter(|name| !name.contains('{'));
            let name = name.unwrap_or_else(|| panic!("an event of level {level} has no constant name: {arguments:?}"));
            let (levels, fields) = events.entry(name.to_owned()).or_default();
            levels.insert(level.to_owned());
            fields.extend(arguments.iter().map(|argument| field(argument)));
        }
    }
}

/// The arguments of a macro whose opening bracket is before `source`.
fn arguments(source: &str) -> Vec<String> {
    let (mut found, mut argument, mut depth, mut quoted, mut escaped) = (Vec::new(), String::new(), 0, false, false);
    for character in source.chars() {
        match character {
            _ if quoted => {
                quoted = escaped || character != '"';
                escaped = character == '\\' && !escaped;
            }
            '"' => quoted = true,
            '(' | '[' | '{' => depth += 1,
            ')' if depth == 0 => break,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(std::mem::take(&mut argument));
                continue;
            }
            _ => {}
        }
        argument.push(character);
    }
    found.push(argument);
    found.into_iter().map(|argument| argument.trim().to_owned()).filter(|argument| !argument.is_empty()).collect()
}

/// The name of a field: what stands before `=`, or the last segment of the value.
fn field(argument: &str) -> String {
    let name = argument.split_once(" = ").map_or(argument, |(name, _)| name);
    name.trim_start_matches(['%', '?']).rsplit('.').next().unwrap().to_owned()
}

fn events_of_page(page: &str) -> Events {
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let rows = rows.filter(|row| row.matches(" | ").count() == 3 || row.contains(" | | "));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let split = |cell: &str| {
            cell.split(", ").map(|one| one.trim_matches('`').to_owned()).filter(|one| !one.is_empty()).collect()
        };
        (cells[0].trim_end_matches('`').to_owned(), (split(cells[1]), split(cells[2])))
    })
    .collect()
}
