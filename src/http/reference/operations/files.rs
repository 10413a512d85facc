//! The five operations on Files.

use super::examples::{FILE, file, page_of_one};
use super::parameters::{idempotency_key, in_header, in_path, in_query, limit_of_files as limit, or, sent};
use crate::http::catalogue::ErrorKind::{AboveMaximum, BelowMinimum};
use crate::http::catalogue::ErrorKind::{
    FileDamaged, FileTooLarge, IdempotencyKeyReused, InsufficientStorage, PreconditionFailed, RangeNotSatisfiable,
    RequestTimeout, SpendLimitReached, StorageQuotaExceeded,
};
use crate::http::reference::ids::FILE_ID;
use crate::http::reference::route_doc::{FILES, RouteDoc, calls};
use crate::model::filename::MAX_FILENAME_CHARACTERS;
use serde_json::json;
use venna_reference::{Answer, Body, BodyExample, Operation, OtherAnswer, Parameter, Schema, Shape};

/// The paragraphs on the answer to a download.
const DOWNLOAD_NOTES: [&str; 3] = [
    "`200` `application/octet-stream`: the content. `206` and `Content-Range` for a range.",
    "Headers: `ETag`, `Last-Modified`, `Accept-Ranges`, `Content-Length`, `Content-Disposition` and, where it is known, \
     `Repr-Digest`.",
    "`X-Part-Bytes`: the size of all parts but the last, of content that was completed from parts of one size. Then the \
     `ETag` can be compared: it is the SHA-256 of the SHA-256 digests of the parts, `-`, and their number.",
];

/// The other answers to a download.
const DOWNLOAD_ANSWERS: [OtherAnswer; 3] = [
    OtherAnswer { status: 206, about: "The range of the request.", has_octets: true, url_header: None },
    OtherAnswer {
        status: 302,
        about: "A server with `blobs_redirect` redirects to a URL of its bucket, which is valid for a short time.",
        has_octets: false,
        url_header: Some(("Location", "The URL.")),
    },
    OtherAnswer { status: 304, about: "The content matches `If-None-Match`.", has_octets: false, url_header: None },
];

pub fn operations() -> Vec<RouteDoc> {
    vec![list_files(), create_file(), retrieve_file(), delete_file(), download_file()]
}

fn id() -> Parameter {
    in_path("id", "The id of the File.", FILE)
}

fn list_files() -> RouteDoc {
    let operation = Operation {
        about: vec![
            "Lists the Files of the project of the key in the order of their creation, or with `name_prefix` in the order of \
             their names."
                .into(),
            "SDKs fetch further pages automatically.".into(),
        ],
        parameters: vec![
            in_query("purpose", Schema::Text, "Filter by purpose. An unknown purpose finds nothing."),
            sent("20", limit()),
            or(
                "`desc`",
                in_query("order", Schema::Words(vec!["asc", "desc"]), "`asc` is oldest first, `desc` newest first."),
            ),
            in_query(
                "after",
                FILE_ID,
                "Cursor: return Files after this id. Any well-formed id works, including the id of a deleted File. With \
                 `name_prefix` it is the id of a File that exists.",
            ),
            in_query(
                "name_prefix",
                Schema::Shaped(Shape { pattern: None, min: 1, max: MAX_FILENAME_CHARACTERS }),
                "Only Files whose names begin so, in the order of their names (`asc` by default). ASCII letters match in \
                 either case. Not together with `purpose`.",
            ),
        ],
        answer: Answer::Json("ListFilesResponse", page_of_one(&file())),
        ..Operation::new(FILES, "listFiles", "GET", "/v1/files", "List files")
    };
    RouteDoc { operation, errors: vec![BelowMinimum, AboveMaximum], calls: calls!("list_files") }
}

fn create_file() -> RouteDoc {
    let operation = Operation {
        about: vec![
            "Uploads a file. With the answer the file is stored durably.".into(),
            "Send the fields in any order. The server checks the lines of `batch` and `fine-tune` files while it \
             receives them. Bad lines do not refuse the file: `status` is `error`, and `status_details` names them \
             ([batch files](/docs/batch-files))."
                .into(),
        ],
        parameters: vec![idempotency_key()],
        body: Some(Body {
            schema: "CreateFileRequest",
            required: true,
            example: BodyExample::Form { file: ("file", "notes.txt"), fields: vec![("purpose", "user_data")] },
        }),
        answer: Answer::Json("OpenAIFile", file()),
        ..Operation::new(FILES, "createFile", "POST", "/v1/files", "Upload file")
    };
    RouteDoc {
        operation,
        errors: vec![
            FileTooLarge,
            IdempotencyKeyReused,
            InsufficientStorage,
            RequestTimeout,
            SpendLimitReached,
            StorageQuotaExceeded,
        ],
        calls: calls!("create_file"),
    }
}

fn retrieve_file() -> RouteDoc {
    let operation = Operation {
        about: vec!["Returns a File. `HEAD` answers the same without a body.".into()],
        parameters: vec![id()],
        answer: Answer::Json("OpenAIFile", file()),
        ..Operation::new(FILES, "retrieveFile", "GET", "/v1/files/{id}", "Retrieve file")
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("retrieve_file") }
}

fn delete_file() -> RouteDoc {
    let operation = Operation {
        about: vec![
            "Deletes a File. It is gone at once and billed up to this second. The server removes its bytes soon after."
                .into(),
        ],
        parameters: vec![id()],
        answer: Answer::Json("DeleteFileResponse", json!({"object": "file", "deleted": true, "id": FILE})),
        ..Operation::new(FILES, "deleteFile", "DELETE", "/v1/files/{id}", "Delete file")
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("delete_file") }
}

fn download_file() -> RouteDoc {
    let operation = Operation {
        about: vec![
            "Returns the content, or one range of it. The server verifies each block before it sends it. `HEAD` \
             answers the same without the content."
                .into(),
            "The `ETag` is the SHA-256 of the content in hex. For a File that was completed from parts, it is the \
             SHA-256 of the digests of the parts, `-`, and their number. Content is never compressed."
                .into(),
            "A server with `blobs_redirect` may answer 302 with a URL of its bucket. Clients follow it automatically."
                .into(),
        ],
        parameters: vec![
            id(),
            in_header(
                "Range",
                "One range, for example `bytes=0-1023`; the answer is 206. A request for several ranges gets the whole content.",
            ),
            in_header("If-None-Match", "An `ETag`. The answer is 304 if the content matches."),
            in_header("If-Match", "An `ETag`. The answer is 412 if the content does not match."),
            in_header("If-Range", "An `ETag`. The answer is the range if the content matches, else the whole content."),
        ],
        answer: Answer::Octets("Hello, Files!\n"),
        answer_notes: DOWNLOAD_NOTES.to_vec(),
        other_answers: DOWNLOAD_ANSWERS.to_vec(),
        ..Operation::new(FILES, "downloadFile", "GET", "/v1/files/{id}/content", "Retrieve file content")
    };
    RouteDoc {
        operation,
        errors: vec![FileDamaged, PreconditionFailed, RangeNotSatisfiable],
        calls: calls!("download_file"),
    }
}
