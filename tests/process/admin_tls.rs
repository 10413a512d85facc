//! TLS of the administrative listener: who gets in with which certificate, before and after a reload.

use super::reload::free_address;
use super::tls::Files;
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, date_time_ymd};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use venna_testkit::program::{Data, PATIENCE, Program, run, venna, wait_until};
use venna_testkit::socket::{is_closed, next_byte};

/// An authority, in a folder of its own.
struct Authority {
    folder: tempfile::TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let (folder, key) = (tempfile::tempdir().unwrap(), KeyPair::generate().unwrap());
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        std::fs::write(folder.path().join("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        Self { folder, issuer: Issuer::new(params, key) }
    }

    fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Issues a certificate for a client until this year. Returns its files.
    fn issue(&self, name: &str, year: i32) -> [PathBuf; 2] {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_after = date_time_ymd(year, 1, 1);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let files = ["pem", "key"].map(|kind| self.folder.path().join(format!("{name}.{kind}")));
        std::fs::write(&files[0], params.signed_by(&key, &self.issuer).unwrap().pem()).unwrap();
        std::fs::write(&files[1], key.serialize_pem()).unwrap();
        files
    }
}

/// Returns the command of a server whose administrative listener has this certificate.
fn serve(admin: &str, files: &Files, authority: Option<&Path>) -> Command {
    let mut command = venna(&["serve", "--admin-listen", admin, "--admin-tls-cert"]);
    command.arg(files.chain()).arg("--admin-tls-key").arg(files.key());
    if let Some(authority) = authority {
        command.arg("--admin-client-ca").arg(authority);
    }
    command
}

fn curl(admin: &str, files: &Files, client: Option<&[PathBuf; 2]>, more: &[&str]) -> Output {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--noproxy", "*", "--max-time", "30", "--cacert"]).arg(files.chain());
    if let Some([certificate, key]) = client {
        curl.arg("--cert").arg(certificate).arg("--key").arg(key);
    }
    curl.args(more).arg(format!("https://{admin}/metrics")).output().unwrap()
}

fn is_served(answer: &Output) -> bool {
    String::from_utf8_lossy(&answer.stdout).contains("venna_tls_failed_handshakes_total")
}

#[test]
fn only_a_certificate_of_the_authority_that_has_not_expired_gets_in() {
    let (data, files, authority, other, admin) =
        (Data::new(), Files::until(2100), Authority::new(), Authority::new(), free_address());
    let program = Program::spawn(serve(&admin, &files, Some(&authority.ca())), &data.path());
    let (right, expired) = (authority.issue("prometheus", 2100), authority.issue("old", 2020));
    let stranger = other.issue("prometheus", 2100);
    for version in ["1.2", "1.3"] {
        let most = ["--tls-max", version];
        let answer = curl(&admin, &files, Some(&right), &most);
        assert!(is_served(&answer), "{version}: {answer:?}");
        for client in [None, Some(&expired), Some(&stranger)] {
            let answer = curl(&admin, &files, client, &most);
            assert!(!answer.status.success() && answer.stdout.is_empty(), "{version} {client:?}: {answer:?}");
        }
    }
    let counted = String::from_utf8(curl(&admin, &files, Some(&right), &[]).stdout).unwrap();
    assert!(counted.contains("venna_tls_failed_handshakes_total 6\n"), "{counted}");
    assert!(counted.contains("venna_certificate_expiry_timestamp_seconds{listener=\"admin\"} 4"), "{counted}");

    // Another authority takes the place of the first one, without a restart.
    std::fs::copy(other.ca(), authority.ca()).unwrap();
    program.signal("HUP");
    wait_until("the other authority is trusted", || is_served(&curl(&admin, &files, Some(&stranger), &[])));
    assert!(!is_served(&curl(&admin, &files, Some(&right), &[])), "the first one is not");
    std::fs::write(authority.ca(), "no certificate").unwrap();
    program.signal("HUP");
    wait_until("it is refused", || program.whole_log.lock().unwrap().contains("reload refused"));
    assert!(is_served(&curl(&admin, &files, Some(&stranger), &[])), "the old one stays");
}

#[test]
fn health_needs_no_certificate() {
    let (data, files, api, authority) = (Data::new(), Files::until(2100), Files::until(2100), Authority::new());
    let admin = free_address();
    let mut command = serve(&admin, &files, Some(&authority.ca()));
    command.arg("--tls-cert").arg(api.chain()).arg("--tls-key").arg(api.key());
    let program = Program::spawn(command, &data.path());
    let health = |certificate: &Path| {
        let (address, [admin_chain, chain]) = (
            program.address.to_string(),
            [files.chain(), certificate.to_owned()].map(|path| path.display().to_string()),
        );
        let of_admin = ["--admin-listen", &admin, "--admin-tls-cert", &admin_chain];
        run(&[&["health", "--ready", "--listen", &address, "--tls-cert", &chain], &of_admin[..]].concat())
    };
    let answer = health(&api.chain());
    assert!(answer.status.success(), "{answer:?}");
    let other = health(&files.chain());
    assert_eq!(other.status.code(), Some(1), "it trusts the certificate of the API alone: {other:?}");
}

#[test]
fn files_that_cannot_be_used_refuse_the_start_with_their_name_and_the_reason() {
    let (files, other) = (Files::until(2100), Files::until(2100));
    let refusal = |command: Command| match Program::try_spawn(command, &Data::new().path()) {
        Ok(_) => panic!("it starts"),
        Err(log) => log.join("\n"),
    };
    let admin = free_address();
    let bare = |arguments: &[&str]| {
        let mut command = venna(&["serve", "--admin-listen", &admin]);
        command.args(arguments);
        command
    };
    let chain = files.chain().display().to_string();
    let mut mismatch = bare(&["--admin-tls-cert", &chain, "--admin-tls-key"]);
    mismatch.arg(other.key());
    let key = files.key().display().to_string();
    for (command, parts) in [
        (bare(&["--admin-tls-cert", &chain]), ["admin_tls_cert needs admin_tls_key", ""]),
        (bare(&["--admin-tls-key", &key]), ["admin_tls_key needs admin_tls_cert", ""]),
        (bare(&["--admin-client-ca", &chain]), ["admin_client_ca needs admin_tls_cert", ""]),
        (mismatch, ["(admin_tls_key) does not fit the certificate in", &chain]),
        (serve(&admin, &Files::until(2020), None), ["(admin_tls_cert) expired at", ""]),
        (serve(&admin, &files, Some(Path::new("/none/ca.pem"))), ["/none/ca.pem (admin_client_ca)", ""]),
        (serve(&admin, &files, Some(&files.key())), ["(admin_client_ca) has no certificate", ""]),
        (serve("off", &files, None), ["admin_tls_cert is set, and admin_listen is off", ""]),
    ] {
        let told = refusal(command);
        assert!(parts.iter().all(|part| told.contains(part)), "{parts:?}: {told}");
    }
}

#[test]
fn silent_and_too_many_clients_are_kept_off_here_too() {
    let (data, files, admin) = (Data::new(), Files::until(2100), free_address());
    let mut command = serve(&admin, &files, None);
    command.args(["--max-connections-per-address", "2"]);
    let _program = Program::spawn(command, &data.path());
    let connect = || {
        let socket = TcpStream::connect(&admin).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket
    };
    let held = [connect(), connect()];
    assert!(is_closed(&connect()), "the third connection is closed");
    for socket in &held {
        assert_eq!(next_byte(socket).unwrap(), None, "the handshake has a time limit");
    }
    wait_until("there is a place again", || is_served(&curl(&admin, &files, None, &[])));
}
