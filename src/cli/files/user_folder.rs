//! The folders of a user, by the XDG Base Directory Specification.

use std::path::PathBuf;

/// Returns the folder `venna` below that of a variable, or below a folder of the home; none if neither is set.
pub fn user_folder(variable: &str, below_home: &str) -> Option<PathBuf> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute(variable).or_else(|| Some(absolute("HOME")?.join(below_home)))?;
    Some(base.join("venna"))
}
