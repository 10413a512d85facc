//! The manifest of an exported folder: one line for each File.

use crate::cli::files::local_name::safe_name;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use venna_client::{ClientError, FileObject, segment};

/// The name of the manifest in its folder.
pub const MANIFEST: &str = "manifest.jsonl";
/// The folder of the contents. Each has a folder of its own, named by its id, so that names need not differ.
pub const CONTENTS: &str = "files";
/// The name of the content of a File whose own name no file can have.
const UNNAMED: &str = "content";

/// A File that was exported.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Exported {
    /// The File, as the server sent it.
    #[serde(flatten)]
    pub file: FileObject,
    /// The path of the content, relative to the folder.
    pub path: String,
}

/// Returns the path of the content of a File, relative to the folder. Refuses an id that would lead out of the folder;
/// a name cannot.
pub fn path_of(file: &FileObject) -> Result<String, ClientError> {
    let name = safe_name(&file.filename).unwrap_or_else(|_| UNNAMED.to_owned());
    Ok(format!("{CONTENTS}/{}/{name}", segment(&file.id)?))
}

/// Returns the last line of each id, in the order of the lines. A manifest only grows, so a later line replaces an
/// earlier one.
pub fn last_lines(lines: Vec<Exported>) -> Vec<Exported> {
    let last: BTreeMap<String, usize> = (0..).zip(&lines).map(|(at, line)| (line.file.id.clone(), at)).collect();
    let numbered = (0..).zip(lines);
    numbered.filter(|(at, line)| last.get(&line.file.id) == Some(at)).map(|(_, line)| line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_the_folder() {
        let path = |id: &str, filename: &str| {
            let (id, filename, purpose) = (id.to_owned(), filename.to_owned(), String::new());
            path_of(&FileObject { id, filename, purpose, bytes: 0, created_at: 0, expires_at: None, sha256: None })
        };
        assert_eq!(path("file-1", "a/b.txt").unwrap(), "files/file-1/b.txt");
        for name in ["", "..", "a/..", "a\nb"] {
            assert_eq!(path("file-1", name).unwrap(), "files/file-1/content", "{name}");
        }
        for id in ["", ".", "..", "../a", "/a", "a/b"] {
            assert!(path(id, "a.txt").is_err(), "{id}");
        }
    }
}
