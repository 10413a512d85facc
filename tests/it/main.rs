//! Integration through the front door: the server in this process, real sockets, a real database and folder.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]
#![allow(clippy::wrong_self_convention, reason = "tests read as prose: `ada.list(..).await.is_ok()`")]

mod addresses;
mod adjustments;
mod administration;
mod administration_server;
mod audit;
mod console;
mod console_pages;
mod content;
mod cors;
mod create;
mod delete;
mod dialects;
mod docs;
mod expiry;
mod export;
mod first_contact;
mod http_2;
mod idempotency;
mod invariants;
mod limits;
mod lines;
mod links;
mod list;
mod matrix;
mod mime_types;
mod oidc;
mod promotion;
mod protocol;
mod quotas;
mod races;
mod reference;
mod replicas;
mod roles;
mod spending;
mod tenancy;
mod uploads;
mod usage;
