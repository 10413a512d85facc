//! A volume of blobs that is not mounted: nothing is acknowledged that is not there when it comes back.

use std::path::{Path, PathBuf};
use venna_testkit::program::{Client, Data, Program, output, run, venna};

const SIZE: usize = 100_000;

struct Mount {
    folder: PathBuf,
    away: PathBuf,
}

impl Mount {
    fn new(data: &Data) -> Self {
        let (folder, away) = (data.folder.path().join("mount"), data.folder.path().join("away"));
        std::fs::create_dir(&folder).unwrap();
        Self { folder, away }
    }

    /// An empty folder lies where the volume was.
    fn unmount(&self) {
        std::fs::rename(&self.folder, &self.away).unwrap();
        std::fs::create_dir(&self.folder).unwrap();
    }

    fn mount(&self) {
        std::fs::remove_dir_all(&self.folder).unwrap();
        std::fs::rename(&self.away, &self.folder).unwrap();
    }

    fn url(&self) -> String {
        format!("file:{}", self.folder.display())
    }

    fn start(&self, data: &Data) -> Result<Program, Vec<String>> {
        Program::try_spawn(venna(&["serve", "--blobs-url", &self.url()]), &data.path())
    }
}

fn stop(mut server: Program) {
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_none()
}

fn content(client: &Client, id: &str) -> u16 {
    client.send("GET", &format!("/v1/files/{id}/content")).unwrap().status
}

#[test]
fn a_server_refuses_to_start_on_blobs_that_are_not_there() {
    let data = Data::new();
    let mount = Mount::new(&data);
    let server = mount.start(&data).unwrap();
    let (key, id) = (data.first_key(), server.client(&data.first_key()).upload(b"a", SIZE).unwrap().id());
    stop(server);
    mount.unmount();
    let said = mount.start(&data).err().expect("it does not start").join("\n");
    assert!(said.contains("its volume is not mounted") && said.contains("venna stores confirm --yes"), "{said}");
    assert!(is_empty(&mount.folder), "nothing is made where a volume is to be mounted");
    mount.mount();
    let server = mount.start(&data).unwrap();
    assert_eq!(content(&server.client(&key), &id), 200);
    stop(server);

    mount.unmount();
    let stores = ["--data-dir", &data.text(), "--blobs-url", &mount.url()];
    let refused = run(&[&["stores", "confirm"], stores.as_slice()].concat());
    assert_eq!(refused.status.code(), Some(2), "it wants to be meant");
    let status = output(&[&["stores", "status"], stores.as_slice()].concat());
    assert!(status.contains("its blobs are not where blobs_url says"), "{status}");
    output(&[&["stores", "confirm", "--yes"], stores.as_slice()].concat());
    let server = mount.start(&data).expect("the operator has said that it is a pair");
    assert_eq!(content(&server.client(&key), &id), 500);
    server.client(&key).upload(b"b", SIZE).unwrap().id();
    let running = run(&[&["stores", "confirm", "--yes"], stores.as_slice()].concat());
    assert!(!running.status.success(), "not under a running server");
}

#[test]
fn a_first_start_that_was_cut_off_between_two_stamps_is_begun_again() {
    let data = Data::new();
    let mount = Mount::new(&data);
    stop(mount.start(&data).unwrap());
    let database = rusqlite::Connection::open(data.path().join("venna.db")).unwrap();
    let stamp: String =
        database.query_row("SELECT value FROM installation WHERE name = 'stamp'", [], |row| row.get(0)).unwrap();
    let first = format!("{} 1", stamp.split(' ').next().unwrap());
    database.execute("UPDATE installation SET value = ?1 WHERE name = 'stamp'", [first]).unwrap();
    std::fs::remove_file(mount.folder.join("stamp")).unwrap();
    stop(mount.start(&data).unwrap());
}

#[test]
fn nothing_is_acknowledged_while_the_volume_is_away() {
    let data = Data::new();
    let mount = Mount::new(&data);
    let server = mount.start(&data).unwrap();
    let client = server.client(&data.first_key());
    let id = client.upload(b"a", SIZE).unwrap().id();
    mount.unmount();
    let refused = client.upload(b"b", SIZE).unwrap();
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (503, &"service_unavailable".into()));
    let ready = client.send("GET", "/readyz").unwrap();
    assert_eq!((ready.status, &ready.json()["blobs"]), (503, &"unavailable".into()));
    assert!(ready.json()["warnings"].to_string().contains("not where blobs_url says"), "{}", ready.json());
    assert_eq!(content(&client, &id), 200, "the volume that was opened can be read");
    let log = server.whole_log.lock().unwrap().clone();
    assert!(log.contains("is another folder than at the start"), "{log}");
    mount.mount();
    std::thread::sleep(std::time::Duration::from_millis(2100));
    assert_eq!(client.send("GET", "/readyz").unwrap().status, 200);
    let other = client.upload(b"c", SIZE).unwrap().id();
    std::fs::remove_file(mount.folder.join("stamp")).unwrap();
    assert_eq!(client.upload(b"d", SIZE).unwrap().status, 503, "a folder that lost its stamp");
    assert_eq!(content(&client, &other), 200);
}
