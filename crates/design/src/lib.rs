//! The design of the pages that a server serves: style sheet, scripts, and the [`Frame`] of a page.
//!
//! This crate knows no server and does no I/O: the caller serves the files of [`bundle()`] at their paths. Pages need
//! no script to be read.

mod bundle;
mod frame;
mod root;

pub use bundle::{Bundle, BundleFile, SCRIPT, STYLE, bundle};
pub use frame::{Frame, MENU, search_button};
pub use root::root_from;
