//! Signed links: the routes that make and revoke them, and the public path that opens them.

mod api;
mod creation;
mod download;
mod errors;
mod public;
mod upload;
mod wire;

pub use api::{DEFAULT_PAGE_LINKS, PAGE_LINKS, list_file_links, list_links, retrieve_link, revoke_link, revoke_links};
pub use creation::{DEFAULT_URL_HOURS, URL_HOURS, create_link, create_upload_link, retrieve_file_url};
pub use public::routes;
