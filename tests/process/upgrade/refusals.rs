//! Only `serve`, `venna upgrade` and a restore change a schema. Every other command refuses one of another version and
//! leaves it as it is.

use super::fixture::{Fixture, Installation};
use super::store::Store;
use std::collections::BTreeSet;
use venna_testkit::program::{Data, Program, run, venna};

/// The help of every command.
const REFERENCE: &str = include_str!("../../../docs/cli.md");
/// Commands that have subcommands, and nothing to run themselves.
const GROUPS: [&str; 7] = ["audit", "clock", "files", "keys", "limits", "stores", "workspaces"];
/// Commands that open no schema, such as clients, that may migrate it, or that only tell of it.
const OTHERS: [&str; 15] = [
    "check",
    "completions",
    "export",
    "files content",
    "files delete",
    "files get",
    "files list",
    "files sync",
    "files upload",
    "health",
    "import",
    "manual",
    "restore",
    "serve",
    "upgrade",
];
/// The other commands, with arguments.
const REFUSING: [(&str, &[&str]); 27] = [
    ("audit list", &[]),
    ("backup", &["DESTINATION"]),
    ("clock confirm", &["--yes"]),
    ("clock status", &[]),
    ("compact", &[]),
    ("fsck", &[]),
    ("keys create", &[]),
    ("keys list", &[]),
    ("keys revoke", &["key_00VbjUjhHGglY7j08O6M3Oj9"]),
    ("keys rotate", &["key_00VbjUjhHGglY7j08O6M3Oj9"]),
    ("limits get", &["default"]),
    ("limits set", &["default", "max_files=1"]),
    ("migrate", &["--to-metadata-url", "postgres://127.0.0.1:1/none"]),
    ("scrub", &[]),
    ("stores confirm", &["--yes"]),
    ("stores status", &[]),
    ("usage", &["--rebuild"]),
    ("usage export", &[]),
    ("usage export refused", &[]),
    ("usage export retry", &[]),
    ("usage export show", &["evt_waiting"]),
    ("usage export skip", &["evt_waiting"]),
    ("workspaces archive", &["default"]),
    ("workspaces create", &["x"]),
    ("workspaces expiry", &["default", "evals=7200"]),
    ("workspaces list", &[]),
    ("workspaces purge", &["--yes", "default"]),
];
/// Commands that are of SQLite alone.
const EMBEDDED: [&str; 2] = ["compact", "migrate"];
/// The schema of a later version.
const LATER: &str = "INSERT INTO schema_migrations VALUES (9999, 'of tomorrow', '', 0)";
/// The words for a person who has the wrong program for a database.
const TOO_NEW: &str = "the database is at schema 9999, this program knows";

#[test]
fn every_command_is_known_here() {
    let headings = REFERENCE.lines().filter_map(|line| line.strip_prefix("## venna "));
    let known: BTreeSet<&str> = REFUSING.iter().map(|(name, _)| *name).chain(GROUPS).chain(OTHERS).collect();
    assert_eq!(
        headings.collect::<BTreeSet<_>>(),
        known,
        "say what a new command does with the schema of another version"
    );
}

/// Runs every command, which refuses the schema with this text and changes no row.
fn all_refuse(installation: &Installation, store: Store, text: &str) {
    let before = installation.tables();
    let backup = Data::new();
    for (name, arguments) in REFUSING {
        if store == Store::Postgres && EMBEDDED.contains(&name) {
            continue;
        }
        let mut words: Vec<&str> = name.split(' ').chain(arguments.iter().copied()).collect();
        let place = backup.text();
        words.iter_mut().filter(|word| **word == "DESTINATION").for_each(|word| *word = &place);
        refuses(installation, &words, text);
    }
    assert_eq!(installation.tables(), before);
    assert!(!backup.path().exists(), "no backup is begun");
}

fn refuses(installation: &Installation, words: &[&str], text: &str) {
    let refused = installation.command(words).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains(text), "{words:?}: {said}");
    assert!(refused.stdout.is_empty(), "{words:?}");
}

#[test]
fn commands_refuse_the_schema_of_an_earlier_version() {
    for store in Store::ALL {
        let fixtures = Fixture::all(store);
        for fixture in [&fixtures[0], &fixtures[fixtures.len() - 2]] {
            let Some(installation) = fixture.install() else { return };
            let text = format!("is at schema {}, this program needs", fixture.schema);
            all_refuse(&installation, store, &text);
            let checked = installation.command(&["check"]).output().unwrap();
            let said = String::from_utf8_lossy(&checked.stderr);
            let state = format!("schema {}, which `venna serve` migrates to", fixture.schema);
            assert!(said.contains(&state), "{said}");
            assert_eq!(installation.schema(), fixture.schema);
        }
    }
}

#[test]
fn every_command_refuses_the_schema_of_a_later_version_and_says_what_to_do() {
    for store in Store::ALL {
        let Some(installation) = Fixture::all(store).pop().unwrap().install() else { return };
        installation.rows().execute(&LATER.replace("''", installation.rows().choose("x''", "''"))).unwrap();
        all_refuse(&installation, store, TOO_NEW);
        let before = installation.tables();
        refuses(&installation, &["upgrade"], "run the version that made it, or a later one");
        let mut serve = venna(&["serve"]);
        serve.args(installation.store_arguments());
        let log = Program::try_spawn(serve, &installation.data.path()).err().expect("no server starts");
        let log = log.join("\n");
        assert!(log.contains(TOO_NEW) && log.contains("run the version that made it, or a later one"), "{log}");
        let checked = installation.command(&["check"]).output().unwrap();
        let said = String::from_utf8_lossy(&checked.stderr);
        assert!(checked.status.code() == Some(1) && said.contains(TOO_NEW), "{said}");
        assert_eq!(installation.tables(), before);
    }
}

#[test]
fn a_server_migrates_at_its_start_and_nothing_is_migrated_under_it() {
    let fixtures = Fixture::all(Store::Sqlite);
    let installation = fixtures[0].install().unwrap();
    let server = installation.serve();
    assert_eq!(installation.schema(), fixtures.last().unwrap().schema);
    assert!(server.log.iter().any(|line| line.contains("migration started")), "{:?}", server.log);
    server.client(&installation.key("first-key")).upload(b"a", 10).unwrap().id();
    refuses(&installation, &["upgrade"], "stop the server first");
    drop(server);
    installation.output(&["upgrade"]);
}

#[test]
fn there_is_nothing_to_upgrade_where_nothing_is() {
    let data = Data::new();
    assert!(!run(&["upgrade", "--data-dir", &data.text()]).status.success());
    assert!(!data.path().exists(), "nothing is made");
}
