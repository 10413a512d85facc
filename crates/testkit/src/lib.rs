//! The test kit of the server.
//!
//! | module | contents |
//! |---|---|
//! | [`server`], [`user`], [`form`], [`answer`] | a server in the process of the test, and the users of its API |
//! | [`program`] | the server as a process, and a client without buffers |
//! | [`postgres`], [`pgbouncer`], [`postgres_proxy`], [`rows`] | databases, poolers, a faulty proxy, SQL |
//! | [`bucket`], [`bucket_proxy`] | real S3 buckets, and a proxy with the faults of networks and stores |
//! | [`socket`] | reads of sockets with a time limit |
//! | [`receiver`] | a receiver of messages, with the faults of receivers |
//! | [`issuer`] | an OpenID provider that signs what a test wants |
//! | [`rng`] | random numbers that a seed repeats |
//!
//! Only [`server`] depends on the server's types. Unit tests of the server may use the other modules: they see
//! another copy of the server's types in it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]
#![allow(clippy::missing_panics_doc, reason = "everything here panics to fail a test")]
#![allow(clippy::return_self_not_must_use, reason = "assertions return the answer for further ones")]
#![allow(clippy::wrong_self_convention, reason = "tests read as prose: `ada.list(..).await.is_ok()`")]

pub mod answer;
pub mod bucket;
pub mod bucket_proxy;
pub mod form;
pub mod issuer;
pub mod pgbouncer;
pub mod postgres;
pub mod postgres_proxy;
pub mod program;
pub mod receiver;
pub mod rng;
pub mod rows;
pub mod server;
pub mod socket;
pub mod user;

pub use answer::Answer;
pub use form::Form;
pub use rng::Rng;
pub use server::TestServer;
pub use user::User;

/// Returns a whole number from the environment.
pub fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{name} is a whole number")))
}

/// Chooses the cryptography of clients and servers of this process; the first choice stays.
pub fn choose_cryptography() {
    drop(rustls::crypto::ring::default_provider().install_default());
}
