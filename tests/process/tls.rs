//! TLS of the API with curl and OpenSSL: versions, contents, refused starts, and reloads under load.

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tempfile::TempDir;
use venna_testkit::program::{Data, Program, venna, wait_until};

/// The files of a certificate for this machine.
pub(super) struct Files {
    folder: TempDir,
}

impl Files {
    /// Makes a certificate that lasts until this year.
    pub(super) fn until(year: i32) -> Self {
        let files = Self { folder: tempfile::tempdir().unwrap() };
        files.replace(year);
        files
    }

    pub(super) fn replace(&self, year: i32) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        params.not_after = date_time_ymd(year, 1, 1);
        let certificate = params.self_signed(&key).unwrap();
        std::fs::write(self.key(), key.serialize_pem()).unwrap();
        std::fs::write(self.chain(), certificate.pem()).unwrap();
    }

    pub(super) fn chain(&self) -> PathBuf {
        self.folder.path().join("chain.pem")
    }

    pub(super) fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    pub(super) fn serve(&self) -> Command {
        let mut command = venna(&["serve", "--tls-cert"]);
        command.arg(self.chain()).arg("--tls-key").arg(self.key());
        command
    }
}

fn curl(trusted: &Path, arguments: &[&str]) -> Output {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--noproxy", "*", "--max-time", "30", "--cacert"]);
    curl.arg(trusted).args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn url(address: SocketAddr, path: &str) -> String {
    format!("https://{address}{path}")
}

#[test]
fn the_api_speaks_tls_1_2_and_1_3_and_nothing_else() {
    let (data, files) = (Data::new(), Files::until(2100));
    let program = Program::spawn(files.serve(), &data.path());
    let health = url(program.address, "/healthz");
    for (version, most) in [("--tlsv1.2", "1.2"), ("--tlsv1.3", "1.3")] {
        let answer = text(&curl(&files.chain(), &["--include", "--http1.1", version, "--tls-max", most, &health]));
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("strict-transport-security: max-age=31536000\r\n"), "{answer}");
    }
    let old = curl(&files.chain(), &["--tlsv1.0", "--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0", &health]);
    assert!(!old.status.success(), "{}", text(&old));
    let plain = curl(&files.chain(), &[&health.replace("https", "http")]);
    assert!(!plain.status.success(), "{}", text(&plain));
    let protocol = text(&curl(&files.chain(), &["--verbose", "--http2", &health]));
    assert!(protocol.contains("HTTP/2 200"), "a client that offers HTTP/2 gets it: {protocol}");
}

#[test]
fn a_large_file_is_the_same_after_its_way_through_tls() {
    let (data, files) = (Data::new(), Files::until(2100));
    let program = Program::spawn(files.serve(), &data.path());
    let content: Vec<u8> =
        (0..20_000_000_u32).map(|place| place.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let (sent, received) = (files.folder.path().join("sent"), files.folder.path().join("received"));
    std::fs::write(&sent, &content).unwrap();
    let key = format!("Authorization: Bearer {}", data.first_key());
    let form = format!("file=@{};filename=large.bin", sent.display());
    let created =
        curl(&files.chain(), &["-H", &key, "-F", "purpose=user_data", "-F", &form, &url(program.address, "/v1/files")]);
    let created: serde_json::Value = serde_json::from_slice(&created.stdout).unwrap();
    let path = format!("/v1/files/{}/content", created["id"].as_str().unwrap());
    let target = received.display().to_string();
    assert!(curl(&files.chain(), &["-H", &key, "-o", &target, &url(program.address, &path)]).status.success());
    assert!(std::fs::read(&received).unwrap() == content);
    let range = curl(&files.chain(), &["-H", &key, "-r", "1000-1999", &url(program.address, &path)]);
    assert_eq!(range.stdout, content[1000..2000]);
}

/// Returns why a server with these files does not start.
fn refusal(command: Command) -> String {
    match Program::try_spawn(command, &Data::new().path()) {
        Ok(_) => panic!("it starts"),
        Err(log) => log.join("\n"),
    }
}

#[test]
fn a_certificate_that_cannot_be_used_is_refused_with_its_file_and_the_reason() {
    let (files, other) = (Files::until(2100), Files::until(2100));
    let chain = files.chain().display().to_string();
    let alone = refusal(venna(&["serve", "--tls-cert", &chain]));
    assert!(alone.contains("tls_cert needs tls_key"), "{alone}");
    let mut command = venna(&["serve", "--tls-cert", &chain, "--tls-key"]);
    command.arg(other.key());
    let mismatch = refusal(command);
    let named = other.key().display().to_string();
    assert!(mismatch.contains(&named) && mismatch.contains("does not fit the certificate"), "{mismatch}");
    let expired = Files::until(2020);
    let told = refusal(expired.serve());
    assert!(told.contains(&expired.chain().display().to_string()) && told.contains("expired"), "{told}");
    let missing = refusal(venna(&["serve", "--tls-cert", &chain, "--tls-key", "/none/key.pem"]));
    assert!(missing.contains("/none/key.pem"), "{missing}");
    std::fs::write(files.chain(), "no certificate").unwrap();
    let empty = refusal(files.serve());
    assert!(empty.contains(&chain) && empty.contains("no certificate"), "{empty}");
}

/// Returns the certificate that the server shows.
pub(super) fn shown(address: SocketAddr) -> String {
    let mut client = Command::new("openssl");
    client.args(["s_client", "-connect", &address.to_string()]).stdin(std::process::Stdio::null());
    let told = String::from_utf8_lossy(&client.output().unwrap().stdout).into_owned();
    let (_, rest) = told.split_once("-----BEGIN CERTIFICATE-----").unwrap();
    rest.split_once("-----END CERTIFICATE-----").unwrap().0.replace('\n', "")
}

/// Returns the certificate in the file.
pub(super) fn stored(files: &Files) -> String {
    let pem = std::fs::read_to_string(files.chain()).unwrap();
    let body = pem.lines().filter(|line| !line.starts_with("-----"));
    body.collect()
}

#[test]
fn a_reload_fails_no_request_and_a_pair_that_cannot_be_used_is_kept_out() {
    let (data, files) = (Data::new(), Files::until(2100));
    let program = Program::spawn(files.serve(), &data.path());
    let (health, ready) = (url(program.address, "/healthz"), url(program.address, "/readyz"));
    assert_eq!(shown(program.address), stored(&files));
    let (done, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let answer =
                        Command::new("curl").args(["-s", "-k", "--noproxy", "*", "-f", &health]).output().unwrap();
                    assert!(answer.status.success(), "no request fails: {}", text(&answer));
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for year in 2101..2106 {
            files.replace(year);
            program.signal("HUP");
            wait_until("the new certificate is shown", || shown(program.address) == stored(&files));
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(asked.load(Ordering::Relaxed) > 10);
    let good = shown(program.address);

    std::fs::write(files.key(), Files::until(2100).key().display().to_string()).unwrap();
    program.signal("HUP");
    let note = || text(&Command::new("curl").args(["-s", "-k", "--noproxy", "*", &ready]).output().unwrap());
    wait_until("/readyz tells of the bad pair", || note().contains("the certificate in place is not in use"));
    assert_eq!(shown(program.address), good, "the old one stays");
    assert!(program.whole_log.lock().unwrap().contains("reload refused"));

    files.replace(2107);
    wait_until("a changed file is noticed without a signal", || shown(program.address) == stored(&files));
    assert!(!note().contains("not in use"));
}

#[test]
fn an_early_refusal_reaches_a_client_that_is_still_sending() {
    let (data, files) = (Data::new(), Files::until(2100));
    let mut command = files.serve();
    command.args(["--max-file-bytes", "1000"]);
    let program = Program::spawn(command, &data.path());
    let large = files.folder.path().join("large");
    std::fs::write(&large, vec![7; 30 << 20]).unwrap();
    let (key, form) = (format!("Authorization: Bearer {}", data.first_key()), format!("file=@{}", large.display()));
    let files_url = url(program.address, "/v1/files");
    for (version, status) in [("--http1.1", "HTTP/1.1 413"), ("--http2", "HTTP/2 413")] {
        let upload = ["-i", version, "-H", &key, "-F", "purpose=user_data", "-F", &form, &files_url];
        let refused = text(&curl(&files.chain(), &upload));
        assert!(refused.contains(status) && refused.contains("\"error\""), "{refused}");
    }
}

#[test]
fn a_client_that_says_nothing_is_disconnected_and_a_drain_does_not_wait_for_it() {
    let (data, files) = (Data::new(), Files::until(2100));
    let mut program = Program::spawn(files.serve(), &data.path());
    let silent = std::net::TcpStream::connect(program.address).unwrap();
    silent.set_read_timeout(Some(venna_testkit::program::PATIENCE)).unwrap();
    assert_eq!(venna_testkit::socket::next_byte(&silent).unwrap(), None, "the handshake has a time limit");
    let _silent = std::net::TcpStream::connect(program.address).unwrap();
    assert_eq!(curl(&files.chain(), &[&url(program.address, "/healthz")]).status.code(), Some(0));
    program.signal("TERM");
    assert_eq!(program.wait(), Some(0));
    assert!(!program.whole_log.lock().unwrap().contains("connections aborted at drain timeout"));
}
