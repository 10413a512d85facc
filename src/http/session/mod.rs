//! The session of a browser: its cookie, the key or person behind it, and the proof that no other site forged a
//! request.
//!
//! The console's routes use it. Cookies mean nothing outside of `/console`.

pub mod cookie;
pub mod forgery;
mod project;
mod refusals;
mod signed_in;

pub use cookie::SessionCookie;
pub use signed_in::{Console, FoundSession, Holder, Oidc, SignedIn};
