//! Folders, locks and secret files on this machine, which must be right before a store is opened.

use crate::config::StoreConfig;
use crate::filesystem::folder_of;
use crate::model::api_key::KeySecret;
use anyhow::{Context, Result, bail};
use rustix::process::geteuid;
use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const LOCK_FILE: &str = "lock";
/// The mark of an incomplete restore, in the data directory.
const RESTORING_FILE: &str = "restoring";
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
/// The user id of root.
const ROOT: u32 = 0;

/// The locks of an installation, released on drop.
#[derive(Debug)]
pub struct Locks {
    _files: Vec<File>,
}

/// Creates the folders of the stores.
pub fn create_folders(stores: &StoreConfig) -> Result<()> {
    let here = [Some(stores.data_dir.as_path()), stores.database().map(folder_of), stores.blobs_folder()];
    here.into_iter().flatten().try_for_each(create_folder)
}

/// Creates a folder and its ancestors durably.
pub fn create_folder(folder: &Path) -> Result<()> {
    create_durably(folder).with_context(|| format!("cannot create the folder {}", folder.display()))
}

fn create_durably(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder_of(folder);
    create_durably(above)?;
    match DirBuilder::new().mode(FOLDER_MODE).create(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => File::open(above)?.sync_all(),
    }
}

/// Locks the data directory, the database and the blob folder, as far as they are on this machine.
pub fn lock(stores: &StoreConfig) -> Result<Locks> {
    let mut files = vec![lock_file(&stores.data_dir.join(LOCK_FILE), "the data directory", &stores.data_dir)?];
    if let Some(database) = stores.database() {
        let mut file: OsString = database.into();
        file.push("-lock");
        files.push(lock_file(&PathBuf::from(file), "the database", database)?);
    }
    if let Some(folder) = stores.blobs_folder() {
        let blobs = File::open(folder).with_context(|| format!("cannot open {}", folder.display()))?;
        files.push(locked(blobs, "the blobs", folder)?);
    }
    Ok(Locks { _files: files })
}

/// Returns whether the locks exclude other writers of the blobs: unless both metadata and blobs are remote.
pub fn is_alone(stores: &StoreConfig) -> bool {
    stores.database().is_some() || stores.blobs_folder().is_some()
}

fn lock_file(path: &Path, what: &str, at: &Path) -> Result<File> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(FILE_MODE).open(path);
    locked(file.with_context(|| format!("cannot open {}", path.display()))?, what, at)
}

fn locked(file: File, what: &str, at: &Path) -> Result<File> {
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!("another server is running on {what} {}", at.display()),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", at.display())),
    }
}

/// Checks that root does not work on files of another user: the files that root creates would keep that user's server
/// from starting. With `may_begin`, root may begin an installation in a folder of another user, as containers do on a
/// mounted one.
///
/// # Errors
/// When the database, or a folder without one, belongs to another user.
pub fn check_owner(stores: &StoreConfig, may_begin: bool) -> Result<()> {
    if !geteuid().is_root() {
        return Ok(());
    }
    let owner = |path: &Path| std::fs::metadata(path).ok().map(|status| status.uid());
    let database = stores.database().filter(|database| database.exists());
    let files = match database {
        Some(database) => vec![database],
        None if may_begin => Vec::new(),
        None => [Some(stores.data_dir.as_path()), stores.database().map(folder_of)].into_iter().flatten().collect(),
    };
    for path in files {
        if let Some(uid) = owner(path).filter(|uid| *uid != ROOT) {
            let user = user_name(uid).unwrap_or_else(|| format!("#{uid}"));
            bail!(
                "{} belongs to user {user}, and this command runs as root: files created by root would keep that user's \
                 server from starting. Run it as that user: sudo -u '{user}' venna ...",
                path.display()
            );
        }
    }
    Ok(())
}

/// Returns a warning when root is about to create the data directory.
#[must_use]
pub fn root_warning(stores: &StoreConfig) -> Option<String> {
    let is_made = geteuid().is_root() && !stores.data_dir.exists();
    is_made.then(|| {
        format!(
            "{} is made by root: a server that runs as another user needs `chown -R USER` on it before it starts",
            stores.data_dir.display()
        )
    })
}

fn user_name(uid: u32) -> Option<String> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let wanted = uid.to_string();
    let user = users.lines().find(|line| line.split(':').nth(2) == Some(&wanted))?;
    user.split(':').next().map(str::to_owned)
}

/// Checks that the stores are not an incomplete restore.
pub fn check_not_restoring(stores: &StoreConfig) -> Result<()> {
    if stores.data_dir.join(RESTORING_FILE).exists() {
        bail!("{} is an incomplete restore: empty it and restore again", stores.data_dir.display());
    }
    Ok(())
}

/// Marks the stores durably as being restored.
pub fn begin_restoring(stores: &StoreConfig) -> Result<()> {
    let mark = || {
        let path = stores.data_dir.join(RESTORING_FILE);
        OpenOptions::new().create(true).truncate(false).write(true).mode(FILE_MODE).open(path)?;
        File::open(&stores.data_dir)?.sync_all()
    };
    mark().with_context(|| format!("cannot write to {}", stores.data_dir.display()))
}

/// Removes the mark.
pub fn end_restoring(stores: &StoreConfig) -> Result<()> {
    let unmark = || {
        std::fs::remove_file(stores.data_dir.join(RESTORING_FILE))?;
        File::open(&stores.data_dir)?.sync_all()
    };
    unmark().with_context(|| format!("cannot write to {}", stores.data_dir.display()))
}

/// The suffixes of SQLite's files beside a database.
const BESIDE_DATABASE: [&str; 3] = ["-wal", "-journal", "-shm"];

/// Checks that no log of another database lies beside a fresh database's path: SQLite would apply it.
///
/// # Errors
/// When there is one.
pub fn check_no_stale_log(database: &Path) -> Result<()> {
    for suffix in BESIDE_DATABASE {
        let mut beside: OsString = database.into();
        beside.push(suffix);
        let beside = PathBuf::from(beside);
        if beside.symlink_metadata().is_ok() {
            bail!(
                "{} belongs to another database and would be mixed with this one: move it away first",
                beside.display()
            );
        }
    }
    Ok(())
}

/// Checks that no log lies beside a missing or empty database: SQLite would begin a new database and remove the log,
/// with acknowledged changes.
///
/// # Errors
/// When there is such a log.
pub fn check_no_orphan_log(database: &Path) -> Result<()> {
    let length = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
    let mut log: OsString = database.into();
    log.push("-wal");
    let log = PathBuf::from(log);
    if length(database) == 0 && length(&log) > 0 {
        bail!(
            "the database {} is missing, but its log {} exists: restore the database, or move the log away to start anew",
            database.display(),
            log.display()
        );
    }
    Ok(())
}

/// Checks that a folder is empty or missing.
pub fn check_empty(folder: &Path) -> Result<()> {
    match std::fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("cannot list {}", folder.display())),
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => bail!("{} is not empty", folder.display()),
        },
    }
}

/// Writes a secret and a newline to a file that only its owner can read, in place of an older one.
pub fn write_secret(path: &Path, secret: &KeySecret) -> io::Result<()> {
    write_durably(path, format!("{}\n", secret.expose()).as_bytes())
}

/// Writes a file that only its owner can read, atomically and durably.
pub fn write_durably(path: &Path, content: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    match std::fs::remove_file(&temporary) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().create_new(true).write(true).mode(FILE_MODE).open(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)?;
    File::open(folder_of(path))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::api_key::KeyKind;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_secret_is_its_owners_alone_whatever_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let (file, elsewhere) = (folder.path().join("key"), folder.path().join("elsewhere"));
        File::create(&elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
        let secret = KeySecret::from_digits(KeyKind::Workspace, [b'0'; 30]);
        write_secret(&file, &secret).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "vk_00000000000000000000000000000000R6IX\n");
        let status = std::fs::symlink_metadata(&file).unwrap();
        assert!(status.is_file() && status.permissions().mode() & 0o777 == 0o600);
        assert_eq!(std::fs::metadata(&elsewhere).unwrap().len(), 0);
    }

    #[test]
    fn folders_are_made_with_those_above_them() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b/c");
        create_folder(&deep).unwrap();
        create_folder(&deep).unwrap();
        assert_eq!(std::fs::metadata(&deep).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
