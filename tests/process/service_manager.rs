//! Notifications by `sd_notify` on a socket of the test, and `venna health`.

use super::tls::{Files, shown, stored};
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use tempfile::TempDir;
use venna_testkit::program::{Data, PATIENCE, Program, run, venna, wait_until};

/// The socket of a service manager.
struct Manager {
    folder: TempDir,
    socket: UnixDatagram,
}

impl Manager {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { folder, socket }
    }

    /// Makes this the service manager of a command.
    fn manages(&self, mut command: Command) -> Command {
        command.env("NOTIFY_SOCKET", self.folder.path().join("notify"));
        command
    }

    /// Returns the lines of the next message.
    fn told(&self) -> Vec<String> {
        let mut message = [0; 1024];
        let length = loop {
            match self.socket.recv(&mut message) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                received => break received.expect("the server tells something"),
            }
        };
        let message = std::str::from_utf8(&message[..length]).unwrap();
        message.lines().map(str::to_owned).collect()
    }

    /// Returns whether a message waits.
    fn has_more(&self) -> bool {
        self.socket.set_nonblocking(true).unwrap();
        let more = self.socket.recv(&mut [0; 1024]).is_ok();
        self.socket.set_nonblocking(false).unwrap();
        more
    }
}

#[test]
fn the_service_manager_is_told_of_readiness_a_reload_and_the_stop() {
    let (data, files, manager) = (Data::new(), Files::until(2100), Manager::new());
    let mut command = files.serve();
    command.args(["--drain-timeout-seconds", "20"]);
    let mut program = Program::spawn(manager.manages(command), &data.path());
    assert_eq!(manager.told(), ["READY=1"]);
    assert!(!manager.has_more(), "without WATCHDOG_USEC there is no heartbeat");
    for year in [2101, 2102] {
        files.replace(year);
        program.signal("HUP");
        let begun = manager.told();
        let since = begun[1].strip_prefix("MONOTONIC_USEC=").map(str::parse::<u64>);
        assert!(begun.len() == 2 && begun[0] == "RELOADING=1" && matches!(since, Some(Ok(1..))), "{begun:?}");
        assert_eq!(manager.told(), ["READY=1", "STATUS=the last reload succeeded"]);
        assert_eq!(shown(program.address), stored(&files), "the reload has ended when the manager is told");
    }
    std::fs::write(files.key(), "no key").unwrap();
    program.signal("HUP");
    assert_eq!(manager.told()[0], "RELOADING=1");
    assert_eq!(manager.told(), ["READY=1", "STATUS=the last reload was refused, see the log"]);
    program.signal("TERM");
    assert_eq!(manager.told(), ["STOPPING=1", "EXTEND_TIMEOUT_USEC=30000000"]);
    assert_eq!(program.wait(), Some(0));
}

#[test]
fn a_server_that_does_not_start_is_not_ready() {
    let (data, manager) = (Data::new(), Manager::new());
    let mut command = venna(&["serve", "--blobs-url", "file:/proc/none"]);
    command.env("WATCHDOG_USEC", "1000");
    assert!(Program::try_spawn(manager.manages(command), &data.path()).is_err());
    assert!(!manager.has_more());
}

#[test]
fn the_heartbeat_goes_on_during_the_drain() {
    let (data, manager) = (Data::new(), Manager::new());
    let mut command = venna(&["serve"]);
    command.env("WATCHDOG_USEC", "20000");
    let mut program = Program::spawn(manager.manages(command), &data.path());
    assert_eq!(manager.told(), ["READY=1"]);
    for _ in 0..3 {
        assert_eq!(manager.told(), ["WATCHDOG=1"]);
    }
    // A request without its end keeps the server in its drain.
    let client = program.client(&data.first_key());
    let held = client.post("/v1/files", "multipart/form-data; boundary=x", 100, |_| {
        program.signal("TERM");
        while manager.told() != ["STOPPING=1", "EXTEND_TIMEOUT_USEC=25000000"] {}
        for _ in 0..3 {
            assert_eq!(manager.told(), ["WATCHDOG=1"]);
        }
        program.signal("TERM");
        Ok(())
    });
    assert!(held.is_err(), "the second signal ends the server at once");
    assert_eq!(program.wait(), Some(1));
}

#[test]
fn a_server_goes_on_when_the_service_manager_is_gone() {
    let data = Data::new();
    let mut command = venna(&["serve"]);
    command.env("NOTIFY_SOCKET", "/none/notify");
    let mut program = Program::spawn(command, &data.path());
    program.client(&data.first_key()).upload(b"kept", 4).unwrap().id();
    program.signal("TERM");
    assert_eq!(program.wait(), Some(0));
    let log = program.whole_log.lock().unwrap();
    assert!(log.contains("service manager notification failed"), "{log}");
}

#[test]
fn health_asks_the_server_of_the_configuration() {
    let data = Data::new();
    let program = Program::start(&data.path());
    let address = program.address.to_string();
    for (words, wanted) in [(&["health"][..], "\"ok\""), (&["health", "--ready"], "\"ready\"")] {
        let mut command = venna(words);
        // A proxy of the environment is for other hosts than this one.
        command.args(["--admin-listen", "off", "--listen", &address]).env("http_proxy", "http://127.0.0.1:9");
        let answer = command.output().unwrap();
        let text = String::from_utf8_lossy(&answer.stdout).into_owned() + &String::from_utf8_lossy(&answer.stderr);
        assert!(answer.status.success() && text.contains(wanted), "{text}");
    }
    std::fs::rename(data.path().join("blobs"), data.path().join("moved")).unwrap();
    // An answer of the stores holds for two seconds.
    wait_until("the server is not ready", || {
        let unready = run(&["health", "--ready", "--admin-listen", &address]);
        unready.status.code() == Some(1) && String::from_utf8_lossy(&unready.stderr).contains("503")
    });
    assert!(run(&["health", "--admin-listen", &address]).status.success(), "the process is healthy");
    drop(program);
    let absent = run(&["health", "--admin-listen", &address]);
    let text = String::from_utf8_lossy(&absent.stderr).into_owned();
    assert!(absent.status.code() == Some(1) && text.contains("does not answer"), "{text}");
}
