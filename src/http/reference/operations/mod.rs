//! The operations of the API. A test compares them with the table of routes.

mod accounts;
mod admin;
mod default_expiries;
pub mod examples;
mod files;
mod limits;
mod links;
mod parameters;
mod server;
mod uploads;
mod usage;
mod users;

use super::route_doc::{ADMINISTRATION, RouteDoc};
use crate::http::catalogue::ErrorKind;
use parameters::idempotency_key;

/// Every operation, in the order of the documentation.
pub fn operations() -> Vec<RouteDoc> {
    let groups = [
        files::operations(),
        links::operations(),
        uploads::operations(),
        admin::operations(),
        accounts::operations(),
        users::operations(),
        limits::operations(),
        default_expiries::operations(),
        server::operations(),
        usage::operations(),
    ];
    groups.into_iter().flatten().map(repeatable).collect()
}

/// Adds the header and the error that every POST of the administration has.
fn repeatable(mut doc: RouteDoc) -> RouteDoc {
    let operation = &mut doc.operation;
    if operation.method == "POST" && operation.group == ADMINISTRATION {
        operation.parameters.push(idempotency_key());
        doc.errors.push(ErrorKind::IdempotencyKeyReused);
    }
    doc
}
