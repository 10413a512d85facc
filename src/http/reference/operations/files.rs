//! The five operations on Files.

use super::examples::{FILE, file, page_of_one};
use super::parameters::{idempotency_key, in_header, in_path, in_query, sent};
use crate::http::catalogue::ErrorKind::{AboveMaximum, BelowMinimum};
use crate::http::catalogue::ErrorKind::{
    FileDamaged, FileTooLarge, IdempotencyKeyReused, InsufficientStorage, PreconditionFailed, RangeNotSatisfiable,
    RequestTimeout, SpendLimitReached, StorageQuotaExceeded,
};
use crate::http::reference::ids::FILE_ID;
use crate::http::reference::route_doc::{FILES, RouteDoc, calls};
use crate::model::page::PAGE_FILES;
use serde_json::json;
use venna_reference::{Answer, Body, BodyExample, Operation, OtherAnswer, Parameter, Schema};

/// The paragraphs on the answer to a download.
const DOWNLOAD_NOTES: [&str; 2] = [
    "`application/octet-stream` The bytes; 206 and `Content-Range` for a range.",
    "Headers: `ETag`, `Last-Modified`, `Accept-Ranges`, `Content-Length`, `Content-Disposition` and, where it is known, \
     `Repr-Digest`.",
];

/// The other answers to a download.
const DOWNLOAD_ANSWERS: [OtherAnswer; 3] = [
    OtherAnswer { status: 206, about: "The range that was asked for.", has_octets: true, url_header: None },
    OtherAnswer {
        status: 302,
        about: "A server with `blobs_redirect` leads to a URL of its bucket, good for a short time.",
        has_octets: false,
        url_header: Some(("Location", "The URL.")),
    },
    OtherAnswer {
        status: 304,
        about: "The content is still the one of `If-None-Match`.",
        has_octets: false,
        url_header: None,
    },
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
            "Lists the Files of the key's project in the order of their ids, which is that of their creation.".into(),
            "SDKs follow the pages by themselves.".into(),
        ],
        parameters: vec![
            in_query(
                "purpose",
                Schema::Text,
                "Only Files of this purpose; a purpose that no File can have finds none.",
            ),
            sent(
                "1",
                in_query(
                    "limit",
                    Schema::Whole(u64::from(*PAGE_FILES.start()), u64::from(*PAGE_FILES.end())),
                    format!("How many at most; {} when absent.", PAGE_FILES.end()),
                ),
            ),
            in_query("order", Schema::Words(vec!["asc", "desc"]), "From the oldest or, when absent, from the newest."),
            in_query(
                "after",
                FILE_ID,
                "Only those behind this id. Any well-formed id is a position, also that of a File that is gone.",
            ),
        ],
        answer: Answer::Json("ListFilesResponse", page_of_one(&file(), false)),
        ..Operation::new(FILES, "listFiles", "GET", "/v1/files", "List files")
    };
    RouteDoc { operation, errors: vec![BelowMinimum, AboveMaximum], calls: calls!("list_files") }
}

fn create_file() -> RouteDoc {
    let operation = Operation {
        about: vec![
            "Stores a file. The answer comes when its bytes and its row are on the disk.".into(),
            "Fields may come in any order. Lines of `batch` and `fine-tune` files are checked while they come in; \
             what is \
             wrong with them does not refuse the file, but stands in `status_details`."
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
        about: vec!["Says what is known of a File. `HEAD` answers the same without a body.".into()],
        parameters: vec![id()],
        answer: Answer::Json("OpenAIFile", file()),
        ..Operation::new(FILES, "retrieveFile", "GET", "/v1/files/{id}", "Retrieve file")
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("retrieve_file") }
}

fn delete_file() -> RouteDoc {
    let operation = Operation {
        about: vec![
            "Removes a File. It is gone for everybody at once, and billed up to this second; its bytes are removed \
             soon after."
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
            "Hands out the bytes, whole or one range of them, each block checked before it is sent. `HEAD` answers \
             the same \
             without them."
                .into(),
            "The `ETag` is the SHA-256 of the content in hex; of a File that came in parts, that of the parts' \
             digests, `-` \
             and their number. Content is never compressed."
                .into(),
            "A server with `blobs_redirect` may answer 302 with a URL of its bucket; clients follow it by themselves."
                .into(),
        ],
        parameters: vec![
            id(),
            in_header("Range", "One range, for example `bytes=0-1023`: answered 206. Several are answered whole."),
            in_header("If-None-Match", "An `ETag`: 304 when the content is still that one."),
            in_header("If-Match", "An `ETag`: 412 when the content is another one."),
            in_header("If-Range", "An `ETag`: the range only when the content is still that one, else the whole."),
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
