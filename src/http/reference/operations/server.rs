//! The operations that show a server to its administrators.

use super::examples::CREATED_AT;
use crate::http::reference::route_doc::{ADMINISTRATION, EXTENSION, RouteDoc, calls};
use serde_json::json;
use venna_reference::{Answer, Operation};

pub fn operations() -> Vec<RouteDoc> {
    vec![retrieve_server(), retrieve_configuration()]
}

fn retrieve_server() -> RouteDoc {
    let sink = json!({"pending": 0, "oldest_pending_at": null, "last_acknowledged_at": null, "refused": 0});
    let example = json!({
        "object": "organization.server", "version": env!("CARGO_PKG_VERSION"), "started_at": CREATED_AT,
        "uptime_seconds": 60, "status": "ready", "metadata": "ok", "blobs": "ok", "warnings": [],
        "sweep": {"deleting_blobs": 0, "deleting_since": null, "ledger_rows": 0},
        "scrub": null,
        "usage_export": {
            "exported_until": null, "lag_seconds": 0, "pending": 0, "oldest_pending_at": null,
            "last_acknowledged_at": null, "refused": 0,
        },
        "alerts": sink,
    });
    let operation = Operation {
        about: vec![
            "Returns the health of the server that answers, and of the work in the background of all servers.".into(),
        ],
        extension: EXTENSION,
        answer: Answer::Json("Server", example),
        ..Operation::new(ADMINISTRATION, "retrieveServer", "GET", "/v1/organization/server", "Retrieve server")
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("retrieve_server") }
}

fn retrieve_configuration() -> RouteDoc {
    let setting = json!({
        "object": "organization.server.setting", "name": "data_dir", "value": "/var/lib/venna",
        "origin": "flag --data-dir",
    });
    let operation = Operation {
        about: vec!["Returns every setting in force with its origin. Secrets are redacted.".into()],
        extension: EXTENSION,
        answer: Answer::Json("ServerConfiguration", json!({"object": "list", "data": [setting], "has_more": false})),
        ..Operation::new(
            ADMINISTRATION,
            "retrieveServerConfiguration",
            "GET",
            "/v1/organization/server/configuration",
            "Retrieve server configuration",
        )
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("retrieve_server_configuration") }
}
