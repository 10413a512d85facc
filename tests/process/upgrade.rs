//! Upgrades: installations of earlier schemas arrive whole, whatever cuts the way short; only `serve`, `venna upgrade`
//! and a restore change a schema; and a backup is the way back.

mod arrival;
mod crashes;
mod fixture;
mod life;
mod record;
mod refusals;
mod rollback;
mod rolling;
mod store;
