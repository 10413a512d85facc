//! The comparison of a folder with the server: pure, without I/O.

use super::tree::LocalFile;
use std::collections::{BTreeMap, BTreeSet};
use venna_client::{Checksum, FileObject, Layout};

/// A File on the server, with the checksum that the server states.
#[derive(Clone, Debug)]
pub struct ServerFile {
    pub file: FileObject,
    pub checksum: Option<Checksum>,
}

/// Returns the layouts in which each local file is hashed: those of the Files with its name and size.
pub fn layouts(local: Vec<LocalFile>, there: &[ServerFile]) -> Vec<(LocalFile, BTreeSet<Layout>)> {
    let mut by_name: BTreeMap<(&str, u64), BTreeSet<Layout>> = BTreeMap::new();
    for ServerFile { file, checksum } in there {
        let layouts = by_name.entry((&file.filename, file.bytes)).or_default();
        layouts.extend(checksum.as_ref().map(|checksum| checksum.layout));
    }
    let of = |file: &LocalFile| by_name.get(&(file.name.as_str(), file.size_bytes)).cloned().unwrap_or_default();
    local.into_iter().map(|file| (of(&file), file)).map(|(layouts, file)| (file, layouts)).collect()
}

/// The steps that make the server have a folder.
#[derive(Debug, Default)]
pub struct Plan {
    /// The files that the server does not have.
    pub missing: Vec<LocalFile>,
    /// The files that the server has.
    pub present: Vec<LocalFile>,
    /// The Files on the server that the folder does not have: other names, other contents, and second copies.
    pub extra: Vec<FileObject>,
}

/// Compares local files and their checksums with the Files of the purpose on the server.
pub fn plan(local: Vec<(LocalFile, Vec<Checksum>)>, there: Vec<ServerFile>) -> Plan {
    let mut by_name: BTreeMap<&str, Vec<&ServerFile>> = BTreeMap::new();
    for candidate in &there {
        by_name.entry(&candidate.file.filename).or_default().push(candidate);
    }
    let (mut plan, mut kept) = (Plan::default(), BTreeSet::new());
    for (file, checksums) in local {
        let candidates = by_name.get(file.name.as_str()).into_iter().flatten();
        match candidates.copied().find(|there| is_same(&file, &checksums, there)) {
            Some(there) => {
                kept.insert(there.file.id.clone());
                plan.present.push(file);
            }
            None => plan.missing.push(file),
        }
    }
    let there = there.into_iter().map(|there| there.file);
    plan.extra = there.filter(|file| !kept.contains(&file.id)).collect();
    plan
}

/// Compares contents: by the checksum that the server states, or by size if it states none.
fn is_same(file: &LocalFile, checksums: &[Checksum], there: &ServerFile) -> bool {
    let is_same = there.checksum.as_ref().is_none_or(|stated| checksums.contains(stated));
    there.file.bytes == file.size_bytes && is_same
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(name: &str, sha256: &str) -> (LocalFile, Vec<Checksum>) {
        let file = LocalFile { name: name.into(), path: name.into(), size_bytes: 1, modified_at: (0, 0) };
        (file, vec![Checksum::of_whole(sha256)])
    }

    fn there(id: &str, name: &str, bytes: u64, sha256: Option<&str>) -> ServerFile {
        let (id, filename, checksum) = (id.into(), name.into(), sha256.map(Checksum::of_whole));
        let purpose = "user_data".into();
        let file = FileObject { id, filename, purpose, bytes, created_at: 0, expires_at: None, sha256: None };
        ServerFile { file, checksum }
    }

    fn names(files: &[LocalFile]) -> Vec<&str> {
        files.iter().map(|file| file.name.as_str()).collect()
    }

    #[test]
    fn files_are_the_same_by_name_and_content() {
        let mine = vec![local("a", "1"), local("b/c", "2"), local("d", "3"), local("e", "4")];
        let theirs = vec![
            there("file-1", "a", 1, Some("1")),
            there("file-2", "a", 1, Some("1")),
            there("file-3", "b/c", 1, Some("9")),
            there("file-4", "d", 1, None),
            there("file-5", "e", 2, None),
            there("file-6", "gone", 1, Some("1")),
        ];
        let layouts = layouts(mine.iter().map(|(file, _)| file.clone()).collect(), &theirs);
        let hashed: Vec<&str> =
            layouts.iter().filter(|(_, all)| !all.is_empty()).map(|(file, _)| &*file.name).collect();
        assert_eq!(hashed, ["a", "b/c"], "others have nothing to be compared with");
        let plan = plan(mine, theirs);
        assert_eq!((names(&plan.present), names(&plan.missing)), (vec!["a", "d"], vec!["b/c", "e"]));
        let extra: Vec<&str> = plan.extra.iter().map(|file| file.id.as_str()).collect();
        assert_eq!(extra, ["file-2", "file-3", "file-5", "file-6"]);
    }
}
