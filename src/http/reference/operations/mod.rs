//! Every operation, as its users read of it: a test holds that these are the operations of the table of routes.

mod accounts;
mod admin;
pub mod examples;
mod files;
mod limits;
mod parameters;
mod uploads;
mod usage;

use super::operation::{Group, Operation};
use crate::http::catalogue::ErrorKind;
use parameters::idempotency_key;

/// Every operation, in the order of the documentation.
pub fn operations() -> Vec<Operation> {
    let groups = [
        files::operations(),
        uploads::operations(),
        admin::operations(),
        accounts::operations(),
        limits::operations(),
        usage::operations(),
    ];
    groups.into_iter().flatten().map(repeatable).collect()
}

/// Says of the POSTs of the administration what is true of all of them.
fn repeatable(mut operation: Operation) -> Operation {
    if operation.method == "POST" && operation.group == Group::Administration {
        operation.parameters.push(idempotency_key());
        operation.errors.push(ErrorKind::IdempotencyKeyReused);
    }
    operation
}
