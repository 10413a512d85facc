//! The pages for browsers: the landing page, files with a hash in their path, pages of errors, and how all of them are
//! sent.
//!
//! `reference` writes its own pages and serves them through this module.

mod console;
mod frame;
mod landing;
mod not_found;
mod served;
mod sign_in;

pub use console::routes as console_routes;
pub use frame::{HEADER_LINKS, SITE};
pub use landing::routes;
pub use not_found::not_found;
pub use served::{Served, found, moved};
pub use sign_in::{go_on, sign_in_failed};
