//! `venna files sync`: makes the server have the files of a folder.

mod command;
mod hashes;
mod plan;
pub mod tree;

pub use command::Sync;
