//! Passwords, tokens and keys on a wrong place of the command line: no error repeats them. The password of a database
//! is taken from where libpq takes it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use venna_testkit::program::{Data, PATIENCE, Program, run, venna};

const KEY: &str = "vk_00000000000000000000000000000000R6IX";

#[test]
fn no_error_repeats_a_secret() {
    let data = Data::new();
    drop(Program::start(&data.path()));
    let text = data.text();
    let broken = data.folder.path().join("venna.toml");
    std::fs::write(&broken, "metadata_url = 'postgres://ada:hunter2@db/x\n").unwrap();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--admin-listen", "off"].as_slice();
    for (command, arguments, part) in [
        (serve, ["--metadata-url", "host=db user=ada password=hunter2"], "host=db user=ada password=***"),
        (serve, ["--metadata-url", "postgres://ada:hunter2@db:port/x"], "metadata_url"),
        (serve, ["--metadata-url", "postgres://db/x?sslmode=disable&nonsense=hunter2"], "metadata_url"),
        (serve, ["--usage-sink-url", "https://billing.example/?token=hunter2"], "token=***"),
        (serve, ["--public-url", "https://ada:hunter2@example.org/?a=hunter2"], "***@example.org/?a=***"),
        (serve, ["--bootstrap-key-file", KEY], "bootstrap_key_file ***"),
        (serve, ["--bootstrap-key-file", "hunter2"], "bootstrap_key_file *** (no existing path"),
        (serve, ["--config", broken.to_str().unwrap()], "venna.toml:1"),
        (&["limits", "get"], [KEY, "--json"], "there is no workspace \"vk_***\""),
        (&["keys", "revoke"], [KEY, "--log=x"], "unexpected argument"),
        (&["usage"], ["--workspace", KEY], "vk_***"),
        (&["audit", "list"], ["--actor", KEY], "vk_***"),
        (&["serve"], ["postgres://ada:hunter2@db/x", "x"], "postgres://***@db/x"),
    ] {
        let refused = run(&[command, &["--data-dir", &text], &arguments].concat());
        let said = [refused.stdout.as_slice(), &refused.stderr].map(String::from_utf8_lossy).concat();
        assert!(!refused.status.success() && said.contains(part), "{arguments:?}: {said}");
        assert!(!said.contains("hunter2") && !said.contains(KEY), "{arguments:?}: {said}");
    }
    let sink = ["--usage-sink-url", "http://127.0.0.1:1/", "--usage-sink-token-file", "hunter2"];
    let refused = run(&[serve, &["--data-dir", &text], &sink].concat());
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("cannot read usage_sink_token_file ***") && !said.contains("hunter2"), "{said}");
    let shown = run(&["check", "--usage-sink-token-file", "hunter2", "--data-dir", &text]);
    assert!(!String::from_utf8_lossy(&shown.stdout).contains("hunter2"), "{shown:?}");
}

/// A server that speaks just enough of PostgreSQL's protocol to ask for a password. It refuses every one.
fn asks_for_a_password() -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, passwords) = channel();
    std::thread::spawn(move || {
        for socket in listener.incoming().map_while(Result::ok) {
            // A client without a password closes the connection.
            drop(ask(socket).map(|password| sender.send(password)));
        }
    });
    (port, passwords)
}

fn ask(mut socket: TcpStream) -> std::io::Result<String> {
    message(&mut socket)?;
    socket.write_all(b"N")?;
    message(&mut socket)?;
    socket.write_all(b"R\0\0\0\x08\0\0\0\x03")?;
    socket.read_exact(&mut [0])?;
    let password = message(&mut socket)?;
    let fields = b"SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user \"ada\"\0\0";
    socket.write_all(b"E")?;
    socket.write_all(&u32::try_from(fields.len() + 4).unwrap().to_be_bytes())?;
    socket.write_all(fields)?;
    Ok(String::from_utf8_lossy(&password).trim_end_matches('\0').to_owned())
}

/// Reads a message behind its type.
fn message(socket: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut length = [0; 4];
    socket.read_exact(&mut length)?;
    let mut body = vec![0; u32::from_be_bytes(length) as usize - 4];
    socket.read_exact(&mut body)?;
    Ok(body)
}

fn list(url: &str, data: &Data) -> Command {
    let mut command = venna(&["keys", "list", "--metadata-url", url, "--data-dir", &data.text()]);
    command.env_remove("PGPASSWORD").env_remove("PGPASSFILE").env("HOME", data.folder.path());
    command
}

fn said(mut command: Command) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("hunter"), "{said}");
    said
}

#[test]
fn the_password_of_the_database_is_where_libpq_has_it() {
    let data = Data::new();
    let (port, passwords) = asks_for_a_password();
    let url = format!("postgres://ada@127.0.0.1:{port}/venna");
    let missing = said(list(&url, &data));
    let expected = "venna: cannot open the metadata store of metadata_url: no connection to the database: 127.0.0.1:";
    assert!(missing.starts_with(expected) && missing.contains("set it in metadata_url, in PGPASSWORD"), "{missing}");
    let sent = |command: Command, password: &str| {
        let refused = said(command);
        let cause = "metadata_url: password authentication failed for user \"ada\" (FATAL 28P01)";
        assert!(refused.contains(cause), "{refused}");
        assert_eq!(passwords.recv_timeout(PATIENCE).unwrap(), password);
    };
    let mut by_variable = list(&url, &data);
    by_variable.env("PGPASSWORD", "hunter2&=");
    sent(by_variable, "hunter2&=");
    let file = data.folder.path().join(".pgpass");
    std::fs::write(&file, format!("127.0.0.1:{port}:venna:ada:hunter3\n*:*:*:*:hunter4\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    sent(list(&url, &data), "hunter3");
    let elsewhere = data.folder.path().join("elsewhere");
    std::fs::rename(&file, &elsewhere).unwrap();
    sent(list(&format!("{url}?passfile={}", elsewhere.display()), &data), "hunter3");
    let mut by_file = list(&url.replace("ada@", "ada:hunter5@"), &data);
    by_file.env("PGPASSFILE", &elsewhere);
    sent(by_file, "hunter5");
    std::fs::set_permissions(&elsewhere, std::fs::Permissions::from_mode(0o644)).unwrap();
    let mut open = list(&url, &data);
    open.env("PGPASSFILE", &elsewhere);
    assert!(said(open).contains("other users can read or write it; chmod 600"));
}

#[test]
fn a_database_that_cannot_be_reached_is_named_with_its_cause() {
    let data = Data::new();
    let refused = said(list("postgres://ada:hunter2@127.0.0.1:1/x", &data));
    let cause = "metadata_url: no connection to the database: 127.0.0.1:1: Connection refused";
    assert!(refused.contains(cause), "{refused}");
}
