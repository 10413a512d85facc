//! The operations on Uploads.

use super::examples::{CREATED_AT, PART, SHA256, UPLOAD, file, page_of_one};
use super::parameters::{idempotency_key, in_path, in_query, sent};
use crate::http::catalogue::ErrorKind::{
    AboveMaximum, BelowMinimum, IdempotencyKeyReused, InsufficientStorage, RequestTimeout, SpendLimitReached,
    StorageQuotaExceeded,
};
use crate::http::reference::ids::PART_ID;
use crate::http::reference::operation::{Group, Operation};
use crate::model::page::PAGE_FILES;
use crate::model::upload::MAX_PART_BYTES;
use serde_json::{Value, json};
use venna_reference::{Answer, Body, BodyExample, Parameter, Schema};

pub fn operations() -> Vec<Operation> {
    vec![create(), retrieve(), add_part(), list_parts(), complete(), cancel()]
}

fn id() -> Parameter {
    in_path("id", "The id of the Upload.", UPLOAD)
}

fn upload(status: &str) -> Value {
    json!({
        "id": UPLOAD, "object": "upload", "bytes": 14, "created_at": CREATED_AT, "filename": "notes.txt",
        "purpose": "user_data", "status": status, "expires_at": CREATED_AT + 3600,
    })
}

fn completed() -> Value {
    let mut upload = upload("completed");
    let mut made = file();
    if let (Some(upload), Some(made)) = (upload.as_object_mut(), made.as_object_mut()) {
        made.remove("sha256");
        upload.insert("file".to_owned(), json!(made));
    }
    upload
}

fn part() -> Value {
    json!({"id": PART, "object": "upload.part", "created_at": CREATED_AT, "upload_id": UPLOAD})
}

fn listed_part() -> Value {
    let mut part = part();
    if let Some(part) = part.as_object_mut() {
        part.insert("bytes".to_owned(), json!(14));
        part.insert("sha256".to_owned(), json!(SHA256));
    }
    part
}

fn create() -> Operation {
    Operation {
        about: vec![
            "Begins a file that comes in parts. Its `bytes` are reserved in the quota of the project until \
                     it is completed, cancelled or expires."
                .into(),
        ],
        parameters: vec![idempotency_key()],
        body: Some(Body {
            schema: "CreateUploadRequest",
            required: true,
            example: BodyExample::Json(json!({
                "bytes": 14, "filename": "notes.txt", "mime_type": "text/plain", "purpose": "user_data",
            })),
        }),
        answer: Answer::Json("Upload", upload("pending")),
        errors: vec![AboveMaximum, BelowMinimum, IdempotencyKeyReused, SpendLimitReached, StorageQuotaExceeded],
        python: include_str!("../calls/create_upload.py"),
        typescript: include_str!("../calls/create_upload.ts"),
        ..Operation::new(Group::Uploads, "createUpload", "POST", "/v1/uploads", "Create upload")
    }
}

fn retrieve() -> Operation {
    Operation {
        about: vec!["Says where an Upload stands, so that a client can resume.".into()],
        extension: true,
        parameters: vec![id()],
        answer: Answer::Json("Upload", upload("pending")),
        python: include_str!("../calls/retrieve_upload.py"),
        typescript: include_str!("../calls/retrieve_upload.ts"),
        ..Operation::new(Group::Uploads, "retrieveUpload", "GET", "/v1/uploads/{id}", "Retrieve upload")
    }
}

fn add_part() -> Operation {
    Operation {
        about: vec![
            "Stores a part. Parts may come in any order and side by side; their order is said when the \
                     Upload is completed."
                .into(),
            format!(
                "All parts of an Upload together may have twice its `bytes` and {MAX_PART_BYTES} bytes more, so that a part can \
                 be sent again when its answer was lost. What they have beyond `bytes` counts against the quota at once."
            ),
        ],
        parameters: vec![id(), idempotency_key()],
        body: Some(Body {
            schema: "AddUploadPartRequest",
            required: true,
            example: BodyExample::Form { file: ("data", "notes.txt"), fields: vec![] },
        }),
        answer: Answer::Json("UploadPart", part()),
        errors: vec![
            IdempotencyKeyReused,
            InsufficientStorage,
            RequestTimeout,
            SpendLimitReached,
            StorageQuotaExceeded,
        ],
        python: include_str!("../calls/add_upload_part.py"),
        typescript: include_str!("../calls/add_upload_part.ts"),
        ..Operation::new(Group::Uploads, "addUploadPart", "POST", "/v1/uploads/{id}/parts", "Add upload part")
    }
}

fn list_parts() -> Operation {
    Operation {
        about: vec!["Lists the parts that an Upload has, from the oldest, so that a client can resume.".into()],
        extension: true,
        parameters: vec![
            id(),
            sent(
                "100",
                in_query(
                    "limit",
                    Schema::Whole(u64::from(*PAGE_FILES.start()), u64::from(*PAGE_FILES.end())),
                    format!("How many at most; {} when absent.", PAGE_FILES.end()),
                ),
            ),
            in_query("after", PART_ID, "Only those behind this part."),
        ],
        answer: Answer::Json("ListUploadPartsResponse", page_of_one(&listed_part(), false)),
        errors: vec![AboveMaximum, BelowMinimum],
        python: include_str!("../calls/list_upload_parts.py"),
        typescript: include_str!("../calls/list_upload_parts.ts"),
        ..Operation::new(Group::Uploads, "listUploadParts", "GET", "/v1/uploads/{id}/parts", "List upload parts")
    }
}

fn complete() -> Operation {
    Operation {
        about: vec![
            "Makes the File of the named parts, whose bytes must add up to what the Upload was declared with. \
             Nothing is copied, \
             and the same parts get the same answer again."
                .into(),
            "The content was never hashed as a whole, so the File has no `sha256`, unless an `md5` makes the server \
             read it once."
                .into(),
        ],
        parameters: vec![id(), idempotency_key()],
        body: Some(Body {
            schema: "CompleteUploadRequest",
            required: true,
            example: BodyExample::Json(json!({"part_ids": [PART]})),
        }),
        answer: Answer::Json("Upload", completed()),
        errors: vec![IdempotencyKeyReused, SpendLimitReached, StorageQuotaExceeded],
        python: include_str!("../calls/complete_upload.py"),
        typescript: include_str!("../calls/complete_upload.ts"),
        ..Operation::new(Group::Uploads, "completeUpload", "POST", "/v1/uploads/{id}/complete", "Complete upload")
    }
}

fn cancel() -> Operation {
    Operation {
        about: vec!["Ends a pending Upload; its parts are removed.".into()],
        parameters: vec![id(), idempotency_key()],
        answer: Answer::Json("Upload", upload("cancelled")),
        errors: vec![IdempotencyKeyReused, crate::http::catalogue::ErrorKind::InvalidRequest],
        python: include_str!("../calls/cancel_upload.py"),
        typescript: include_str!("../calls/cancel_upload.ts"),
        ..Operation::new(Group::Uploads, "cancelUpload", "POST", "/v1/uploads/{id}/cancel", "Cancel upload")
    }
}
