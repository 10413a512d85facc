//! The web console below `/console`: its pages.

mod pages;

pub use pages::routes;
