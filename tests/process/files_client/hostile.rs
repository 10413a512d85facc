//! Servers whose ids and names of files are no names for a local file.

use super::stub::{Reply, Stub, file};
use super::{client, command, text};
use std::collections::BTreeSet;
use std::fs::{read, read_dir};
use std::path::Path;

/// The length of the longest name of a file on Linux, in bytes.
const MAX_NAME_BYTES: usize = 255;

/// Starts a server that has these files by id and name. Each content is its id.
fn stub(files: &[(&str, &str)]) -> Stub {
    let objects: Vec<(String, String)> =
        files.iter().map(|(id, name)| ((*id).to_owned(), file(id, name, id.len() as u64))).collect();
    Stub::start(move |request, _| {
        let object = |id: &str| objects.iter().find(|(known, _)| known == id).map(|(_, object)| object.clone());
        match request.line.trim_start_matches("GET /v1/").split('/').collect::<Vec<_>>().as_slice() {
            ["files", id] if let Some(object) = object(id) => Reply::Answer(200, "", object),
            ["files", id, "content"] => Reply::Answer(200, "", (*id).to_owned()),
            [list] if list.starts_with("files?") => {
                let all: Vec<&str> = objects.iter().map(|(_, object)| object.as_str()).collect();
                Reply::Answer(200, "", format!(r#"{{"data":[{}],"has_more":false}}"#, all.join(",")))
            }
            _ => Reply::Answer(404, "", String::new()),
        }
    })
}

/// Returns the names in a folder.
fn names(folder: &Path) -> BTreeSet<String> {
    read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn an_id_that_leads_elsewhere_writes_nothing() {
    let stub = stub(&[("../../../escaped", "a.txt"), ("..", "b.txt"), ("file-1", "a.txt")]);
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("below/exported");
    let done = client(stub.address, "vk_test", home.path(), &["export"]).arg(&folder).output().unwrap();
    let told = text(&done.stderr);
    assert_eq!(done.status.code(), Some(1), "{told}");
    assert!(told.contains("'../../../escaped' is no id") && told.contains("2 failed"), "{told}");
    assert_eq!(read(folder.join("files/file-1/a.txt")).unwrap(), b"file-1", "the others go on");
    assert_eq!(names(home.path()), ["below".to_owned()].into());
    assert_eq!(names(&home.path().join("below")), ["exported".to_owned()].into());
    assert_eq!(names(&folder), ["files".to_owned(), "manifest.jsonl".to_owned()].into());
    assert_eq!(names(&folder.join("files")), ["file-1".to_owned()].into());
}

#[test]
fn control_characters_of_a_server_do_not_reach_a_terminal() {
    let stub = stub(&[("file-\u{1b}[31m", "\u{1b}[31m")]);
    let home = tempfile::tempdir().unwrap();
    let listed = command(stub.address, "vk_test", home.path(), &["list"]).output().unwrap();
    assert!(listed.status.success() && text(&listed.stdout).contains("file-\\u{1b}[31m"), "{listed:?}");
    assert!(!listed.stdout.contains(&b'\x1b'), "{listed:?}");
}

#[test]
fn long_names_are_shortened_to_what_a_file_may_have_and_stay_different() {
    let (whole, long) = (format!("{}.txt", "w".repeat(MAX_NAME_BYTES - 4)), "\u{e4}".repeat(200));
    let all = [
        ("file-1", whole.clone()),
        ("file-2", format!("{long}1.txt")),
        ("file-3", format!("{long}2.txt")),
        ("file-4", "x".repeat(300)),
    ];
    let stub = stub(&all.each_ref().map(|(id, name)| (*id, name.as_str())));
    let home = tempfile::tempdir().unwrap();
    let back = home.path().join("back");
    let words = ["content", "file-1", "file-2", "file-3", "file-4", "-o", &format!("{}/", back.display())];
    let done = command(stub.address, "vk_test", home.path(), &words).output().unwrap();
    assert!(done.status.success(), "{}", text(&done.stderr));
    let there = names(&back);
    assert!(there.len() == 4 && there.contains(&whole), "{there:?}");
    assert_eq!(there.iter().filter_map(|name| name.strip_suffix(".txt")).count(), 3, "{there:?}");
    let contents: BTreeSet<Vec<u8>> = there.iter().map(|name| read(back.join(name)).unwrap()).collect();
    assert_eq!(contents, all.map(|(id, _)| id.as_bytes().to_vec()).into());

    let folder = home.path().join("exported");
    let done = client(stub.address, "vk_test", home.path(), &["export"]).arg(&folder).output().unwrap();
    assert!(text(&done.stderr).contains("4 files exported, 0 were there, 0 failed"), "{done:?}");
    let exported: BTreeSet<String> =
        (1..=4).flat_map(|number| names(&folder.join(format!("files/file-{number}")))).collect();
    assert_eq!(exported, there, "names are shortened in the same way everywhere");
}
