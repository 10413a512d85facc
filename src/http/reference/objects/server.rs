//! The objects that show a server to its administrators.

use super::fields::object;
use venna_reference::{Definition, Field, Schema, count, list, must, or_null, unix_seconds};

pub fn definitions() -> Vec<Definition> {
    let of = |name, about, fields| Definition { name, about, schema: Schema::Object(fields) };
    vec![
        of("Server", "A server, and the work in the background of all servers.", server()),
        of("ServerSetting", "A setting in force.", setting()),
        of(
            "ServerConfiguration",
            "The settings in force.",
            vec![
                object("list"),
                must("data", list(Schema::Named("ServerSetting")), "The settings, in the order of the documentation."),
                must("has_more", Schema::False, "Always false."),
            ],
        ),
    ]
}

fn time(name: &'static str, about: &str) -> Field {
    must(name, or_null(unix_seconds()), about)
}

fn sink() -> Vec<Field> {
    vec![
        must("pending", count(), "The messages that are not acknowledged."),
        time("oldest_pending_at", "The time of the oldest of them; `null` without one."),
        time("last_acknowledged_at", "The time of the last acknowledgement; `null` without one."),
        must("refused", count(), "The messages that the receiver refused, which are set aside."),
    ]
}

fn server() -> Vec<Field> {
    let states = || Schema::Words(vec!["ok", "full", "read_only", "unavailable"]);
    let sweep = vec![
        must("deleting_blobs", count(), "The blobs that wait for their removal, counted up to 10,000."),
        time("deleting_since", "The time from which on the oldest of them is not served; `null` without one."),
        must(
            "ledger_rows",
            count(),
            "The rows of the ledger that are not in the cache of usage, counted up to 10,000.",
        ),
    ];
    let scrub = vec![
        must("begun_at", unix_seconds(), "The time of its start."),
        time("ended_at", "The time of its end; `null` while it runs."),
        must("blobs", count(), "The blobs that were read."),
        must("bytes", count(), "The bytes that were read."),
        must("damaged", count(), "The damaged blobs that were found."),
    ];
    let mut export = vec![
        time("exported_until", "The time before which all hours are exported; `null` before the first export."),
        must("lag_seconds", count(), "The age of what is not exported or not acknowledged, in seconds."),
    ];
    export.extend(sink());
    vec![
        object("organization.server"),
        must("version", Schema::Text, "The version of the program."),
        must("started_at", unix_seconds(), "The time of the start of the server that answers."),
        must("uptime_seconds", count(), "The time since then, in seconds."),
        must("status", Schema::Words(vec!["ready", "unavailable"]), "The readiness, as `/readyz` tells it."),
        must("metadata", states(), "The state of the metadata store."),
        must("blobs", states(), "The state of the blob store."),
        must("warnings", list(Schema::Text), "The warnings for the operator."),
        must("sweep", Schema::Object(sweep), "What waits for the sweep."),
        must("scrub", or_null(Schema::Object(scrub)), "The newest scrub; `null` before the first one."),
        must("usage_export", Schema::Object(export), "The export of usage."),
        must("alerts", Schema::Object(sink()), "The spend alerts."),
    ]
}

fn setting() -> Vec<Field> {
    vec![
        object("organization.server.setting"),
        must("name", Schema::Text, "The name; `prices` for each price."),
        must("value", or_null(Schema::Text), "The value, with secrets redacted; `null` if it has none."),
        must("origin", Schema::Text, "The flag, variable or line of the file that sets it, or `default`."),
    ]
}
