//! Signed links.

use super::expiry::expires_after;
use super::fields::{id, object, page_of};
use crate::http::reference::ids::KEY_ID;
use crate::model::expiry::EXPIRES_AFTER_SECONDS;
use crate::model::filename::MAX_FILENAME_CHARACTERS;
use crate::model::link::{DEFAULT_LINK_SECONDS, Disposition, LINK_SECONDS, LinkGrant, LinkStatus};
use crate::model::mime_type::HARMLESS_TYPES;
use crate::model::upload::MAX_UPLOAD_BYTES;
use venna_reference::{Definition, Field, Schema, count, may, must, or_null, plain, unix_seconds};

pub fn definitions() -> Vec<Definition> {
    let of = |name, about, fields| Definition { name, about, schema: Schema::Object(fields) };
    let url = || must("url", Schema::Text, "The URL. Whoever has it can use the link.");
    vec![
        of("CreateLinkRequest", "The properties of a new link.", creation()),
        of("CreatedLink", "A new link with its URL.", [link(), vec![url()]].concat()),
        of("CreateUploadLinkRequest", "The File that a new link makes.", upload_creation()),
        of("Link", "A URL that opens or makes a File without a key. Fields of the other kind are `null`.", link()),
        Definition { name: "LinkListResponse", about: "A page of links.", schema: page_of("Link") },
        of("LinkUrl", "The URL of a new link.", vec![url()]),
        of(
            "RevokeLinksRequest",
            "The links to revoke: those of a key, or all.",
            vec![
                may("api_key_id", or_null(KEY_ID), "The key that made them."),
                may("all", or_null(Schema::Flag), "True for all links."),
            ],
        ),
        of(
            "LinkRevocation",
            "The answer to the revocation of several links.",
            vec![object("link.revocation"), must("revoked", count(), "The number of revoked links.")],
        ),
    ]
}

fn dispositions() -> Schema {
    Schema::Words(Disposition::ALL.map(Disposition::name).to_vec())
}

fn creation() -> Vec<Field> {
    vec![
        lifetime(),
        may("one_time", or_null(Schema::Flag), "True: the first request that gets content uses the link up."),
        may("content_type", or_null(Schema::Words(HARMLESS_TYPES.to_vec())), "The media type; octets by default."),
        may(
            "disposition",
            or_null(dispositions()),
            "`inline` lets a browser show the content; an attachment by default.",
        ),
    ]
}

fn upload_creation() -> Vec<Field> {
    vec![
        must("filename", plain(MAX_FILENAME_CHARACTERS), "The name of the File."),
        must("purpose", Schema::Named("FilePurpose"), "The purpose of the File."),
        may(
            "max_bytes",
            or_null(Schema::Whole(1, MAX_UPLOAD_BYTES)),
            "The most that the File may have, in bytes, if the server's own limit is not less.",
        ),
        may("expires_after", or_null(expires_after(&EXPIRES_AFTER_SECONDS)), "The lifetime of the File."),
        lifetime(),
    ]
}

fn lifetime() -> Field {
    let about = format!("The lifetime of the link, in seconds; {DEFAULT_LINK_SECONDS} by default.");
    may("expires_in", or_null(Schema::Whole(*LINK_SECONDS.start(), *LINK_SECONDS.end())), about)
}

fn link() -> Vec<Field> {
    vec![
        id("The id of the link."),
        object("file.link"),
        must(
            "kind",
            Schema::Words(LinkGrant::KINDS.to_vec()),
            "A `download` opens a File with `GET`; an `upload` makes one with one `PUT`.",
        ),
        must("created_at", unix_seconds(), "The creation time."),
        must("expires_at", unix_seconds(), "The time from which on it is refused."),
        must("first_used_at", or_null(unix_seconds()), "The time of the first use."),
        must("revoked_at", or_null(unix_seconds()), "The time of the revocation."),
        must("status", Schema::Words(LinkStatus::ALL.map(LinkStatus::name).to_vec()), "The state."),
        must("created_by", KEY_ID, "The key that made it, with which it ends."),
        must("file_id", or_null(Schema::Text), "The File that it opens, or has made."),
        must("one_time", Schema::Flag, "True if the first use is the last; always for an upload."),
        must("content_type", or_null(Schema::Text), "The media type of a download; `null` for octets."),
        must("disposition", or_null(dispositions()), "The disposition of a download; `null` for an attachment."),
        must("filename", or_null(Schema::Text), "The name of the File; `null` if the File of a download is gone."),
        must("purpose", or_null(Schema::Named("StoredPurpose")), "The purpose of the File of an upload."),
        must("max_bytes", or_null(count()), "The most that the File of an upload may have, in bytes."),
        must(
            "expires_after",
            or_null(expires_after(&EXPIRES_AFTER_SECONDS)),
            "The lifetime of the File of an upload; `null` for that of its purpose.",
        ),
    ]
}
