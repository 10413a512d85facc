//! `venna export` and `venna import`: files of a server go to a folder, and come from a folder or another server.

mod export;
mod import;
mod lifetime;
mod manifest;
mod records;
mod source;
mod staging;

pub use export::Export;
pub use import::Import;
