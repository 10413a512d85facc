//! Folders, locks and secrets on this machine: what has to be right before a store is opened.

use crate::config::StoreConfig;
use crate::model::api_key::KeySecret;
use crate::volume::folder_of;
use anyhow::{Context, Result, bail};
use rustix::process::geteuid;
use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const LOCK_FILE: &str = "lock";
/// Lies in the data directory while an installation is being restored.
const RESTORING_FILE: &str = "restoring";
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
/// The user id of root.
const ROOT: u32 = 0;

/// Keeps other servers away from an installation for as long as it is there.
#[derive(Debug)]
pub struct Locks {
    _files: Vec<File>,
}

/// Makes the folders in which the stores lie.
pub fn create_folders(stores: &StoreConfig) -> Result<()> {
    let here = [Some(stores.data_dir.as_path()), stores.database().map(folder_of), stores.blobs_folder()];
    here.into_iter().flatten().try_for_each(create_folder)
}

/// Makes a folder and those above it, each so that its name survives a power cut.
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

/// Locks the data directory, the database and the folder of blobs where they are on this machine, each of which may lie
/// elsewhere.
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

/// Whether the locks of a server prove that no other writes to its blobs: they do unless rows and bytes are both elsewhere.
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

/// Refuses to work as root on files of another user: what root makes among them keeps that user's server from starting. A
/// server may begin an installation as root in a folder that is another's, as containers do on a mounted one.
///
/// # Errors
/// When the database, or a folder without one, belongs to another user.
pub fn refuse_foreign(stores: &StoreConfig, may_begin: bool) -> Result<()> {
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
                "{} belongs to user {user}, and this runs as root: what root makes there keeps the server of that user from \
                 starting. Run it as that user: sudo -u '{user}' venna ...",
                path.display()
            );
        }
    }
    Ok(())
}

/// Returns what an operator should know when a command that runs as root is about to make the data directory.
#[must_use]
pub fn made_by_root(stores: &StoreConfig) -> Option<String> {
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

/// Refuses stores that a restore did not finish.
pub fn refuse_half_restored(stores: &StoreConfig) -> Result<()> {
    if stores.data_dir.join(RESTORING_FILE).exists() {
        bail!("{} was not restored to the end: empty it and restore it again", stores.data_dir.display());
    }
    Ok(())
}

/// Says, durably, that the stores are being restored.
pub fn begin_restoring(stores: &StoreConfig) -> Result<()> {
    let mark = || {
        let path = stores.data_dir.join(RESTORING_FILE);
        OpenOptions::new().create(true).truncate(false).write(true).mode(FILE_MODE).open(path)?;
        File::open(&stores.data_dir)?.sync_all()
    };
    mark().with_context(|| format!("cannot write to {}", stores.data_dir.display()))
}

/// Says that they are whole.
pub fn end_restoring(stores: &StoreConfig) -> Result<()> {
    let unmark = || {
        std::fs::remove_file(stores.data_dir.join(RESTORING_FILE))?;
        File::open(&stores.data_dir)?.sync_all()
    };
    unmark().with_context(|| format!("cannot write to {}", stores.data_dir.display()))
}

/// Endings of the files that SQLite leaves beside a database.
const BESIDE_DATABASE: [&str; 3] = ["-wal", "-journal", "-shm"];

/// Refuses a path for a fresh database beside which the log of another lies: SQLite would apply it.
///
/// # Errors
/// When there is one.
pub fn refuse_left_log(database: &Path) -> Result<()> {
    for suffix in BESIDE_DATABASE {
        let mut beside: OsString = database.into();
        beside.push(suffix);
        let beside = PathBuf::from(beside);
        if beside.symlink_metadata().is_ok() {
            bail!(
                "{} is left of another database and would be mixed with this one: move it away first",
                beside.display()
            );
        }
    }
    Ok(())
}

/// Refuses a log whose database is gone or empty: SQLite would begin a new database and remove the log, which may hold what
/// was acknowledged.
///
/// # Errors
/// When there is such a log.
pub fn refuse_log_without_database(database: &Path) -> Result<()> {
    let length = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
    let mut log: OsString = database.into();
    log.push("-wal");
    let log = PathBuf::from(log);
    if length(database) == 0 && length(&log) > 0 {
        bail!(
            "the database {} is gone and its log {} is there: put the database back, or move the log away to begin anew",
            database.display(),
            log.display()
        );
    }
    Ok(())
}

/// Refuses a folder that holds anything.
pub fn refuse_filled(folder: &Path) -> Result<()> {
    match std::fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("cannot look into {}", folder.display())),
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => bail!("{} is not empty", folder.display()),
        },
    }
}

/// Writes a secret and a newline to a fresh file that only its owner can read; one of that name is replaced.
pub fn write_secret(path: &Path, secret: &KeySecret) -> io::Result<()> {
    write_durably(path, format!("{}\n", secret.expose()).as_bytes())
}

/// Writes a fresh file that only its owner can read: whole, or not at all.
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
