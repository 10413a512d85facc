//! The forms of a line.

use super::entry::Entry;
use crate::model::ids::{KeyId, RequestId, WorkspaceId};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use std::fmt::{self, Display};
use std::io::{self, Write};
use std::net::IpAddr;
use std::sync::Arc;

/// The time of a line of [`Format::Combined`], in UTC.
const COMBINED_TIME: &str = "%d/%b/%Y:%H:%M:%S +0000";

/// The form of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object.
    Json,
    /// The combined log format of Apache, with fields at its end. Referrer and user agent are always `-`: a client can
    /// write a key there.
    Combined,
}

impl Format {
    /// Appends the line of an entry.
    pub fn write(self, entry: &Entry, lines: &mut Vec<u8>) {
        let begin = lines.len();
        let written = match self {
            Self::Json => serde_json::to_writer(&mut *lines, &JsonLine::of(entry)).map_err(drop),
            Self::Combined => write_combined(entry, lines).map_err(drop),
        };
        // Memory takes every line; half a line would be worse than none.
        match written {
            Ok(()) => lines.push(b'\n'),
            Err(()) => lines.truncate(begin),
        }
    }
}

/// The members of a line of JSON, in their order.
#[derive(Serialize)]
struct JsonLine {
    time: String,
    id: Shown<RequestId>,
    client: Option<Shown<IpAddr>>,
    method: &'static str,
    route: Shown<Arc<str>>,
    protocol: &'static str,
    status: Option<u16>,
    received_bytes: u64,
    sent_bytes: u64,
    duration_us: u64,
    key: Option<Shown<KeyId>>,
    workspace: Option<Shown<WorkspaceId>>,
    cut_short: bool,
}

impl JsonLine {
    fn of(entry: &Entry) -> Self {
        Self {
            time: begun(entry).to_rfc3339_opts(SecondsFormat::Millis, true),
            id: Shown(entry.request),
            client: entry.client.map(Shown),
            method: entry.method,
            route: Shown(Arc::clone(&entry.route)),
            protocol: entry.protocol,
            status: entry.status,
            received_bytes: entry.received_bytes,
            sent_bytes: entry.sent_bytes,
            duration_us: micros(entry),
            key: entry.key.map(Shown),
            workspace: entry.workspace.map(Shown),
            cut_short: entry.is_cut_short,
        }
    }
}

/// A value that is written as its text.
struct Shown<T>(T);

impl<T: Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A value, or `-` for none.
struct OrDash<T>(Option<T>);

impl<T: Display> Display for OrDash<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(out),
            None => out.write_str("-"),
        }
    }
}

fn write_combined(entry: &Entry, lines: &mut Vec<u8>) -> io::Result<()> {
    write!(
        lines,
        "{client} - {key} [{time}] \"{method} {route} {protocol}\" {status} {sent} \"-\" \"-\" \
         id={id} workspace={workspace} received={received} us={micros} cut={cut}",
        client = OrDash(entry.client),
        key = OrDash(entry.key),
        time = begun(entry).format(COMBINED_TIME),
        method = entry.method,
        route = entry.route,
        protocol = entry.protocol,
        status = OrDash(entry.status),
        sent = entry.sent_bytes,
        id = entry.request,
        workspace = OrDash(entry.workspace),
        received = entry.received_bytes,
        micros = micros(entry),
        cut = entry.is_cut_short,
    )
}

fn begun(entry: &Entry) -> DateTime<Utc> {
    i64::try_from(entry.begun_ms).ok().and_then(DateTime::from_timestamp_millis).unwrap_or_default()
}

fn micros(entry: &Entry) -> u64 {
    u64::try_from(entry.duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(format: Format, entry: &Entry) -> String {
        let mut lines = Vec::new();
        format.write(entry, &mut lines);
        String::from_utf8(lines).unwrap()
    }

    #[test]
    fn a_line_of_json_has_every_member() {
        assert_eq!(
            line(Format::Json, &Entry::example()),
            concat!(
                r#"{"time":"2026-05-28T20:26:40.123Z","id":"req_abababababababababababababababab","#,
                r#""client":"203.0.113.5","method":"GET","route":"/v1/files/{id}/content","protocol":"HTTP/1.1","#,
                r#""status":206,"received_bytes":0,"sent_bytes":4096,"duration_us":1234,"#,
                r#""key":"KEY","workspace":"WORKSPACE","cut_short":false}"#,
                "\n"
            )
            .replace("KEY", &Entry::example().key.unwrap().to_string())
            .replace("WORKSPACE", &Entry::example().workspace.unwrap().to_string())
        );
    }

    #[test]
    fn a_combined_line_is_that_of_apache_with_fields_at_its_end() {
        assert_eq!(
            line(Format::Combined, &Entry::example()),
            concat!(
                r#"203.0.113.5 - KEY [28/May/2026:20:26:40 +0000] "GET /v1/files/{id}/content HTTP/1.1" 206 4096 "-" "-" "#,
                "id=req_abababababababababababababababab workspace=WORKSPACE received=0 us=1234 cut=false\n"
            )
            .replace("KEY", &Entry::example().key.unwrap().to_string())
            .replace("WORKSPACE", &Entry::example().workspace.unwrap().to_string())
        );
    }

    #[test]
    fn what_is_unknown_is_null_or_a_dash() {
        let entry =
            Entry { client: None, status: None, key: None, workspace: None, is_cut_short: true, ..Entry::example() };
        let json: serde_json::Value = serde_json::from_str(&line(Format::Json, &entry)).unwrap();
        for member in ["client", "status", "key", "workspace"] {
            assert!(json[member].is_null(), "{member}");
        }
        let combined = line(Format::Combined, &entry);
        assert!(combined.starts_with("- - - [") && combined.contains("\" - 4096 "), "{combined}");
        assert!(combined.contains("workspace=- ") && combined.ends_with("cut=true\n"), "{combined}");
    }
}
