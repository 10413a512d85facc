//! The access log of a real server: every line is parsed, and none holds what a client made up.

use serde_json::Value;
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use venna_testkit::program::{Data, Program, run, venna, wait_until};

/// More than the buffers of two sockets.
const LARGE_BYTES: usize = 32 << 20;

/// Returns the command of a server with an access log in this file.
fn serve(format: &str, file: &Path) -> Command {
    let mut command = venna(&["serve", "--trusted-proxies", "127.0.0.1", "--access-log", format, "--access-log-file"]);
    command.arg(file);
    command
}

/// Returns the command of a server whose standard output is this file.
fn serve_to_stdout(format: &str, file: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "exec \"$0\" \"$@\" > \"$STDOUT\""]).env("STDOUT", file);
    let server = venna(&["serve", "--access-log", format]);
    command.arg(server.get_program()).args(server.get_args());
    for (name, _) in server.get_envs() {
        command.env_remove(name);
    }
    command
}

/// Sends a request of HTTP/1.1 with these lines, and returns all of the answer.
fn send(address: SocketAddr, lines: &[&str]) -> String {
    let mut socket = TcpStream::connect(address).unwrap();
    write!(socket, "{}\r\nHost: x\r\nConnection: close\r\n\r\n", lines.join("\r\n")).unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap()
}

/// Waits for so many whole lines.
fn lines(file: &Path, count: usize) -> Vec<String> {
    let found = || read(file).matches('\n').count();
    wait_until("every request has its line", || found() >= count);
    assert_eq!(found(), count, "{}", read(file));
    read(file).lines().map(str::to_owned).collect()
}

/// Sends one request of each kind, and returns their number.
fn use_server(program: &Program, key: &str) -> usize {
    let client = program.client(key);
    let small = client.upload(b"content", 5000).unwrap().id();
    assert_eq!(client.drain(&small).unwrap(), 5000);
    assert_eq!(client.send("DELETE", &format!("/v1/files/{small}")).unwrap().status, 200);
    let authorization = format!("Authorization: Bearer {key}");
    for request in [
        &["HEAD /healthz HTTP/1.1", "X-Forwarded-For: 198.51.100.7"][..],
        &[&format!("GET /v1/files/{key}?key={key} HTTP/1.1"), &authorization],
        &["GET /a.bin\"x HTTP/1.1"],
        &["MADE-UP /v1/files HTTP/1.1"],
        &["GET /v1/files HTTP/1.1", "Authorization: Bearer vk_wrong", "User-Agent: \"a.bin", "Referer: a.bin"],
        &["OPTIONS /v1/files HTTP/1.1", "Origin: http://a.bin", "Access-Control-Request-Method: POST"],
    ] {
        send(program.address, request);
    }
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--noproxy", "*", "--http2-prior-knowledge", "--header", &authorization]);
    assert!(curl.arg(format!("http://{}/v1/files", program.address)).output().unwrap().status.success());
    let large = client.upload(b"content", LARGE_BYTES).unwrap().id();
    let mut socket = TcpStream::connect(program.address).unwrap();
    write!(socket, "GET /v1/files/{large}/content HTTP/1.1\r\nHost: x\r\n{authorization}\r\n\r\n").unwrap();
    socket.read_exact(&mut [0; 100]).unwrap();
    drop(socket);
    12
}

#[test]
fn a_request_has_a_line_of_json_with_what_became_of_it() {
    let data = Data::new();
    let file = data.folder.path().join("access.log");
    let mut program = Program::spawn(serve("json", &file), &data.path());
    let key = data.first_key();
    let count = use_server(&program, &key);
    let text = lines(&file, count).join("\n");
    for secret in [key.as_str(), "a.bin", "MADE-UP", "vk_wrong"] {
        assert!(!text.contains(secret), "{text}");
    }
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told = |line: &Value| {
        let text = |member: &str| line[member].as_str().unwrap_or("-").to_owned();
        (text("method"), text("route"), text("protocol"), line["status"].as_u64().unwrap(), line["key"].is_string())
    };
    let is_whole = |line: &&Value| line["cut_short"] == false;
    let is_large = |line: &&&Value| line["received_bytes"].as_u64() > Some(1 << 20);
    let (whole, cut): (Vec<&Value>, Vec<&Value>) = lines.iter().partition(|line| is_whole(line));
    let found: Vec<_> = whole.iter().filter(|line| !is_large(line)).map(|line| told(line)).collect();
    let expected = [
        ("POST", "/v1/files", "HTTP/1.1", 200, true),
        ("GET", "/v1/files/{id}/content", "HTTP/1.1", 200, true),
        ("DELETE", "/v1/files/{id}", "HTTP/1.1", 200, true),
        ("HEAD", "/healthz", "HTTP/1.1", 200, false),
        ("GET", "/gemini/v1/files/{id}", "HTTP/1.1", 403, true),
        ("GET", "none", "HTTP/1.1", 404, false),
        ("other", "/v1/files", "HTTP/1.1", 401, false),
        ("GET", "/v1/files", "HTTP/1.1", 401, false),
        ("OPTIONS", "/v1/files", "HTTP/1.1", 204, false),
        ("GET", "/v1/files", "HTTP/2.0", 200, true),
    ]
    .map(|(method, route, protocol, status, key)| {
        (method.to_owned(), route.to_owned(), protocol.to_owned(), status, key)
    });
    assert_eq!(found, expected);
    let [upload, download, _, head, ..] = whole[..] else { panic!("{whole:?}") };
    assert!(upload["received_bytes"].as_u64() > Some(5000) && upload["sent_bytes"].as_u64() > Some(100));
    assert_eq!((&download["received_bytes"], &download["sent_bytes"]), (&0.into(), &5000.into()));
    assert_eq!((upload["client"].as_str(), head["client"].as_str()), (Some("127.0.0.1"), Some("198.51.100.7")));
    assert!(upload["workspace"].as_str().unwrap().starts_with("ws_") && head["workspace"].is_null());
    assert!(upload["id"].as_str().unwrap().starts_with("req_") && upload["duration_us"].as_u64() > Some(0));
    assert!(upload["time"].as_str().unwrap().ends_with('Z'));
    let [cut] = cut[..] else { panic!("{cut:?}") };
    assert_eq!((cut["route"].as_str(), &cut["status"]), (Some("/v1/files/{id}/content"), &200.into()));
    assert!(cut["sent_bytes"].as_u64() < Some(LARGE_BYTES as u64), "{cut}");
    program.signal("TERM");
    assert_eq!(program.wait(), Some(0));
}

#[test]
fn combined_lines_on_standard_output_are_alone_there() {
    let data = Data::new();
    let stdout = data.folder.path().join("stdout");
    let program = Program::spawn(serve_to_stdout("combined", &stdout), &data.path());
    let key = data.first_key();
    let count = use_server(&program, &key);
    let lines = lines(&stdout, count);
    let fields = combined_fields(&lines);
    assert!(fields.iter().all(|(request, ..)| request.split(' ').count() == 3), "{lines:?}");
    assert_eq!(fields[1].0, "GET /v1/files/{id}/content HTTP/1.1");
    assert_eq!((fields[1].1.as_str(), fields[1].2.as_str()), ("200", "5000"));
    assert_eq!(lines.iter().filter(|line| line.ends_with(" cut=true")).count(), 1);
    for secret in [key.as_str(), "a.bin", "MADE-UP", "vk_wrong"] {
        assert!(!lines.concat().contains(secret), "{lines:?}");
    }
    assert!(program.whole_log.lock().unwrap().contains("  API     http://"), "the introduction is on standard error");
}

/// Returns request line, status and bytes of each line of the combined format.
fn combined_fields(lines: &[String]) -> Vec<(String, String, String)> {
    let fields = lines.iter().map(|line| {
        let [before, request, numbers, referrer, between, agent, rest] = line.split('"').collect::<Vec<_>>()[..] else {
            panic!("a client made up a quotation mark: {line}")
        };
        let (address, time) = before.split_once(" [").unwrap();
        assert_eq!(address.split(' ').count(), 3, "{line}");
        assert!(time.ends_with(" +0000] ") && time.len() == "28/May/2026:20:26:40 +0000] ".len(), "{line}");
        assert_eq!((referrer, between, agent), ("-", " ", "-"), "{line}");
        assert!(rest.starts_with(" id=req_") && rest.split(' ').count() == 6, "{line}");
        let (status, bytes) = numbers.trim().split_once(' ').unwrap();
        assert!(status.parse::<u16>().is_ok() && bytes.parse::<u64>().is_ok(), "{line}");
        (request.to_owned(), status.to_owned(), bytes.to_owned())
    });
    fields.collect()
}

#[test]
fn a_rotated_file_is_left_at_the_signal() {
    let data = Data::new();
    let path = |name: &str| -> PathBuf { data.folder.path().join(name) };
    let (file, rotated) = (path("access.log"), path("access.log.1"));
    let program = Program::spawn(serve("json", &file), &data.path());
    let logged = |message: &str, times: usize| {
        wait_until(message, || program.whole_log.lock().unwrap().matches(message).count() == times);
    };
    let health = || send(program.address, &["GET /healthz HTTP/1.1"]);
    health();
    lines(&file, 1);
    std::fs::rename(&file, &rotated).unwrap();
    health();
    lines(&rotated, 2);
    program.signal("HUP");
    logged("access log reopened", 1);
    health();
    lines(&file, 1);
    lines(&rotated, 2);
    // A file that cannot be opened leaves the old one in place.
    std::fs::rename(&file, &rotated).unwrap();
    std::fs::create_dir(&file).unwrap();
    program.signal("HUP");
    logged("reload refused", 1);
    health();
    lines(&rotated, 2);
}

#[test]
fn a_reader_that_takes_no_lines_stops_no_request() {
    let data = Data::new();
    let pipe = data.folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let _reader = OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
    let mut program = Program::spawn(serve_to_stdout("json", &pipe), &data.path());
    // More lines than a pipe has room for.
    for _ in 0..600 {
        assert!(send(program.address, &["GET /healthz HTTP/1.1"]).starts_with("HTTP/1.1 200"));
    }
    program.signal("TERM");
    assert_eq!(program.wait(), Some(0));
    assert!(program.whole_log.lock().unwrap().contains("access log lines lost at the stop"));
}

#[test]
fn a_file_that_cannot_be_opened_stops_the_start() {
    let data = Data::new();
    let folder = data.folder.path().to_str().unwrap();
    let settings = ["--access-log", "json", "--access-log-file", folder, "--admin-listen", "off"];
    let data_dir = data.text();
    let arguments = ["serve", "--data-dir", &data_dir, "--listen", "127.0.0.1:0"];
    let output = run(&[&arguments[..], &settings].concat());
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains(folder) && message.contains("access_log_file"), "{message}");
}
