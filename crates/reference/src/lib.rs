//! The reference of an HTTP API, generated from its description.
//!
//! An [`Api`] describes operations, objects and errors as data. From it follow the [OpenAPI document](document), the
//! TypeScript types, and a [`Site`] of pages in HTML and Markdown with samples in curl and Rust. Pages need no
//! JavaScript to be read; where there is some, they also search, copy, and send requests.
//!
//! This crate knows no server and does no I/O: the caller serves the [`Asset`]s under their paths.

mod api;
mod highlight;
mod html;
mod markdown;
mod members;
mod navigation;
mod openapi;
mod operation;
mod operation_page;
mod page;
mod prose;
mod samples;
mod schema;
mod search;
mod site;
mod trial;
mod trial_html;
mod typescript;

pub use api::{Api, Failure, Group, KeyScheme};
pub use markdown::render as markdown;
pub use members::number;
pub use openapi::document;
pub use operation::{Answer, Body, BodyExample, Operation, OtherAnswer, ParamIn, Parameter, Sample};
pub use page::{Block, Code, Page, code};
pub use samples::samples;
pub use schema::{
    Definition, Field, Schema, Shape, closed, count, line, list, may, must, one_line_name, or_null, plain, unix_seconds,
};
pub use site::{Asset, CHANGES_SLUG, ERRORS_SLUG, Site, bundle};
