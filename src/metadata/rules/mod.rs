//! Decisions that both drivers share, as pure functions of facts that a driver has read. A rule does no I/O and knows
//! no driver.

pub(super) mod adjustments;
pub(super) mod audit;
pub(super) mod audit_query;
pub(super) mod checks;
pub(super) mod clock_watch;
pub(super) mod expiry;
pub(super) mod export;
pub(super) mod files;
pub(super) mod keys;
pub(super) mod ledger;
pub(super) mod links;
pub(super) mod pages;
pub(super) mod people;
pub(super) mod quotas;
pub(super) mod read_merges;
pub(super) mod sessions;
pub(super) mod update;
pub(super) mod uploads;
pub(super) mod usage;
pub(super) mod workspaces;
