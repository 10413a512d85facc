//! Both stores of metadata as the tests of upgrades see them: all rows, and a dump as SQL.

use rusqlite::Connection;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use venna_testkit::rows::Rows;

/// A store of metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    Sqlite,
    Postgres,
}

/// The columns of a row by their names, as text.
pub type Row = BTreeMap<String, String>;
/// The rows of each table, sorted.
pub type TableRows = BTreeMap<String, Vec<Row>>;

/// Lines of `pg_dump` that older servers, or other clients than `psql`, do not know.
const NOT_PORTABLE: [&str; 3] = ["\\", "SET ", "SELECT pg_catalog.set_config("];

impl Store {
    pub const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];

    /// Returns its name, which is that of its folder.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// Returns every row of every table.
pub fn tables(rows: &Rows) -> TableRows {
    let names = rows.choose(
        "SELECT name FROM sqlite_schema WHERE type = 'table'",
        "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'",
    );
    rows.texts(names).into_iter().map(|table| (table.clone(), table_rows(rows, &table))).collect()
}

fn table_rows(rows: &Rows, table: &str) -> Vec<Row> {
    let select = match rows {
        Rows::Sqlite(_) => {
            let columns = rows.texts(&format!("SELECT name FROM pragma_table_info('{table}')"));
            let pairs: Vec<String> = columns.iter().map(|column| format!("'{column}', quote(\"{column}\")")).collect();
            format!("SELECT json_object({}) FROM {table}", pairs.join(", "))
        }
        Rows::Postgres(_) => format!("SELECT to_jsonb(t)::text FROM {table} t"),
    };
    let row = |text: String| -> Row {
        let columns: BTreeMap<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
        columns.into_iter().map(|(name, value)| (name, value.to_string())).collect()
    };
    let mut found: Vec<Row> = rows.texts(&select).into_iter().map(row).collect();
    found.sort();
    found
}

/// Returns tables, columns, indexes, triggers and functions as text.
pub fn schema_text(rows: &Rows) -> String {
    match rows {
        Rows::Sqlite(_) => rows.texts("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name").join(";\n"),
        Rows::Postgres(url) => dump_with(url, &["--schema-only"]),
    }
}

/// Returns a SQLite database as SQL: tables with their rows, then what looks at changes of rows.
pub fn dump_sqlite(path: &Path) -> String {
    let database = Connection::open(path).unwrap();
    let texts = |sql: &str| -> Vec<String> {
        let mut select = database.prepare(sql).unwrap();
        select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let number = |name: &str| -> i64 { database.pragma_query_value(None, name, |row| row.get(0)).unwrap() };
    let mut text = format!("PRAGMA auto_vacuum = {};\n", number("auto_vacuum"));
    let schema = "FROM sqlite_schema WHERE sql IS NOT NULL AND type";
    for table in texts(&format!("SELECT sql {schema} = 'table' ORDER BY rowid")) {
        writeln!(text, "{table};").unwrap();
    }
    for table in texts(&format!("SELECT name {schema} = 'table' ORDER BY rowid")) {
        let columns = texts(&format!("SELECT 'quote(\"' || name || '\")' FROM pragma_table_info('{table}')"));
        for values in texts(&format!("SELECT {} FROM {table}", columns.join(" || ', ' || "))) {
            writeln!(text, "INSERT INTO {table} VALUES ({values});").unwrap();
        }
    }
    for other in texts(&format!("SELECT sql {schema} <> 'table' ORDER BY rowid")) {
        writeln!(text, "{other};").unwrap();
    }
    text
}

/// Returns a PostgreSQL database as SQL.
pub fn dump_postgres(url: &str) -> String {
    dump_with(url, &["--inserts"])
}

fn dump_with(url: &str, options: &[&str]) -> String {
    let always = ["--no-owner", "--no-privileges", "--no-comments"];
    let dumped = Command::new(pg_dump()).args(always).args(options).arg(url).output().unwrap();
    assert!(dumped.status.success(), "{}", String::from_utf8_lossy(&dumped.stderr));
    let text = String::from_utf8(dumped.stdout).unwrap();
    let portable = |line: &&str| !NOT_PORTABLE.iter().any(|begin| line.starts_with(begin));
    let useful = |line: &&str| !line.is_empty() && !line.starts_with("--");
    let lines: Vec<&str> = text.lines().filter(portable).filter(useful).collect();
    lines.join("\n") + "\n"
}

/// Returns the newest `pg_dump` of the machine.
fn pg_dump() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let programs = versions.map(|version| version.unwrap().path().join("bin/pg_dump"));
    programs.filter(|program| program.exists()).max().unwrap_or_else(|| PathBuf::from("pg_dump"))
}
