//! The objects of Uploads and their parts.

use super::expiry::expires_after;
use super::fields::{id, object, page_of};
use crate::http::reference::ids::PART_ID;
use crate::model::expiry::EXPIRES_AFTER_SECONDS;
use crate::model::filename::MAX_FILENAME_CHARACTERS;
use crate::model::mime_type::MAX_MIME_TYPE_CHARACTERS;
use crate::model::upload::{MAX_PART_BYTES, MAX_PARTS, MAX_UPLOAD_BYTES};
use venna_reference::{Definition, Field, Schema, Shape, count, may, must, or_null, plain, unix_seconds};

pub fn definitions() -> Vec<Definition> {
    vec![
        Definition { name: "Upload", about: "An Upload.", schema: Schema::Object(upload()) },
        Definition { name: "CreateUploadRequest", about: "A new Upload.", schema: Schema::Object(creation()) },
        Definition {
            name: "AddUploadPartRequest",
            about: "The form of a part.",
            schema: Schema::Object(vec![must(
                "data",
                Schema::Octets,
                format!("The bytes of the part, at most 64 MiB ({MAX_PART_BYTES} bytes)."),
            )]),
        },
        Definition { name: "UploadPart", about: "A part.", schema: Schema::Object(part()) },
        Definition { name: "ListUploadPartsResponse", about: "A page of parts.", schema: page_of("UploadPart") },
        Definition {
            name: "CompleteUploadRequest",
            about: "The parts of the File.",
            schema: Schema::Object(completion()),
        },
    ]
}

fn upload() -> Vec<Field> {
    let states = Schema::Words(vec!["pending", "completed", "cancelled", "expired"]);
    vec![
        id("The id: `upload_` and 32 hex digits."),
        object("upload"),
        must("bytes", count(), "The size of the File, in bytes."),
        must("created_at", unix_seconds(), "Creation time, in Unix seconds."),
        must("filename", Schema::Text, "The name of the File."),
        must("purpose", Schema::Named("StoredPurpose"), "The purpose of the File."),
        must("status", states, "The status. Only a `pending` Upload takes parts."),
        must("expires_at", unix_seconds(), "End of the time to add parts, in Unix seconds."),
        may("file", Schema::Named("OpenAIFile"), "The File of a completed Upload."),
    ]
}

fn creation() -> Vec<Field> {
    let mime_type = Shape { pattern: None, min: 1, max: MAX_MIME_TYPE_CHARACTERS };
    vec![
        must("bytes", Schema::Whole(0, MAX_UPLOAD_BYTES), "The size of the File, in bytes."),
        must("filename", plain(MAX_FILENAME_CHARACTERS), "The name of the File."),
        must(
            "mime_type",
            Schema::Shaped(mime_type),
            "The media type of the File, or an extension such as `pdf`. OpenAI requires it.",
        ),
        must("purpose", Schema::Named("FilePurpose"), "The use of the File."),
        may("expires_after", or_null(expires_after(&EXPIRES_AFTER_SECONDS)), "The lifetime of the File."),
    ]
}

fn part() -> Vec<Field> {
    vec![
        id("The id: `part_` and 32 hex digits."),
        object("upload.part"),
        must("created_at", unix_seconds(), "Creation time, in Unix seconds."),
        must("upload_id", Schema::Text, "The id of the Upload."),
        must("bytes", count(), "The size, in bytes. An extension."),
        must("sha256", Schema::Text, "The SHA-256 of the part, in hex. An extension."),
    ]
}

fn completion() -> Vec<Field> {
    let ids = Schema::List(Box::new(PART_ID), Some(MAX_PARTS as usize));
    let md5 = Shape { pattern: Some("^([0-9A-Fa-f]{32}|[0-9A-Za-z+/]{21}[AQgw]==)$"), min: 24, max: 32 };
    vec![
        must("part_ids", ids, "The ids of the parts in the order of their bytes, each once."),
        may(
            "md5",
            or_null(Schema::Shaped(md5)),
            "The MD5 of the whole content in hex or Base64. The server checks it before it creates the File.",
        ),
    ]
}
