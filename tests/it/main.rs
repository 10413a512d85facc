//! Integration through the front door: the server in this process, real sockets, a real database and folder.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]
#![allow(clippy::wrong_self_convention, reason = "tests read as prose: `ada.list(..).await.is_ok()`")]

mod addresses;
mod adjustments;
mod administration;
mod audit;
mod content;
mod cors;
mod create;
mod delete;
mod dice;
mod docs;
mod expiry;
mod export;
mod first_contact;
#[allow(dead_code, reason = "each test binary uses its part of the house")]
mod house;
mod idempotency;
mod invariants;
mod limits;
mod lines;
mod list;
mod matrix;
#[allow(dead_code, reason = "each test binary uses its part of it")]
mod postgres;
mod promotion;
mod protocol;
#[allow(dead_code, reason = "tests of the store use the rest")]
mod proxy;
mod quotas;
mod races;
mod receiver;
mod reference;
mod replicas;
#[allow(dead_code, reason = "each test binary uses its part of it")]
mod rows;
mod spending;
mod tenancy;
mod uploads;
mod usage;
