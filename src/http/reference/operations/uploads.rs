//! The operations on Uploads.

use super::examples::{CREATED_AT, PART, SHA256, UPLOAD, file, page_of_one};
use super::parameters::{idempotency_key, in_path, in_query, limit_of_files as limit, sent};
use crate::http::catalogue::ErrorKind::{
    AboveMaximum, BelowMinimum, IdempotencyKeyReused, InsufficientStorage, RequestTimeout, SpendLimitReached,
    StorageQuotaExceeded,
};
use crate::http::reference::ids::PART_ID;
use crate::http::reference::route_doc::{EXTENSION, RouteDoc, UPLOADS, calls};
use crate::model::upload::MAX_PART_BYTES;
use serde_json::{Value, json};
use venna_reference::{Answer, Body, BodyExample, Operation, Parameter};

pub fn operations() -> Vec<RouteDoc> {
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
    json!({
        "id": PART, "object": "upload.part", "created_at": CREATED_AT, "upload_id": UPLOAD,
        "bytes": 14, "sha256": SHA256.to_string(),
    })
}

fn create() -> RouteDoc {
    let operation = Operation {
        about: vec![
            "Begins a file that is sent in parts. The quota of the project reserves its `bytes` until the Upload is \
             completed, is cancelled or expires."
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
        ..Operation::new(UPLOADS, "createUpload", "POST", "/v1/uploads", "Create upload")
    };
    RouteDoc {
        operation,
        errors: vec![AboveMaximum, BelowMinimum, IdempotencyKeyReused, SpendLimitReached, StorageQuotaExceeded],
        calls: calls!("create_upload"),
    }
}

fn retrieve() -> RouteDoc {
    let operation = Operation {
        about: vec!["Returns an Upload and its status, so that a client can resume.".into()],
        extension: EXTENSION,
        parameters: vec![id()],
        answer: Answer::Json("Upload", upload("pending")),
        ..Operation::new(UPLOADS, "retrieveUpload", "GET", "/v1/uploads/{id}", "Retrieve upload")
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("retrieve_upload") }
}

fn add_part() -> RouteDoc {
    let operation = Operation {
        about: vec![
            "Stores a part. Send parts in any order and in parallel. The completion decides their order.".into(),
            format!(
                "Together the parts may have twice the `bytes` of the Upload and {MAX_PART_BYTES} bytes more, so that a \
                 part can be sent again after a lost answer. Bytes beyond `bytes` count against the quota at once."
            ),
        ],
        parameters: vec![id(), idempotency_key()],
        body: Some(Body {
            schema: "AddUploadPartRequest",
            required: true,
            example: BodyExample::Form { file: ("data", "notes.txt"), fields: vec![] },
        }),
        answer: Answer::Json("UploadPart", part()),
        ..Operation::new(UPLOADS, "addUploadPart", "POST", "/v1/uploads/{id}/parts", "Add upload part")
    };
    RouteDoc {
        operation,
        errors: vec![
            IdempotencyKeyReused,
            InsufficientStorage,
            RequestTimeout,
            SpendLimitReached,
            StorageQuotaExceeded,
        ],
        calls: calls!("add_upload_part"),
    }
}

fn list_parts() -> RouteDoc {
    let operation = Operation {
        about: vec!["Lists the parts of an Upload, oldest first, so that a client can resume.".into()],
        extension: EXTENSION,
        parameters: vec![id(), sent("100", limit()), in_query("after", PART_ID, "Cursor: return parts after this id.")],
        answer: Answer::Json("ListUploadPartsResponse", page_of_one(&part())),
        ..Operation::new(UPLOADS, "listUploadParts", "GET", "/v1/uploads/{id}/parts", "List upload parts")
    };
    RouteDoc { operation, errors: vec![AboveMaximum, BelowMinimum], calls: calls!("list_upload_parts") }
}

fn complete() -> RouteDoc {
    let operation = Operation {
        about: vec![
            "Creates the File from the named parts. Their sizes must add up to the `bytes` of the Upload. Nothing is \
             copied. A repetition with the same parts gets the same answer."
                .into(),
            "The File has no `sha256`, since its content was never hashed as a whole. With `md5` the server reads it \
             once, and both digests are known."
                .into(),
        ],
        parameters: vec![id(), idempotency_key()],
        body: Some(Body {
            schema: "CompleteUploadRequest",
            required: true,
            example: BodyExample::Json(json!({"part_ids": [PART]})),
        }),
        answer: Answer::Json("Upload", completed()),
        ..Operation::new(UPLOADS, "completeUpload", "POST", "/v1/uploads/{id}/complete", "Complete upload")
    };
    RouteDoc {
        operation,
        errors: vec![IdempotencyKeyReused, SpendLimitReached, StorageQuotaExceeded],
        calls: calls!("complete_upload"),
    }
}

fn cancel() -> RouteDoc {
    let operation = Operation {
        about: vec!["Cancels a pending Upload and removes its parts.".into()],
        parameters: vec![id(), idempotency_key()],
        answer: Answer::Json("Upload", upload("cancelled")),
        ..Operation::new(UPLOADS, "cancelUpload", "POST", "/v1/uploads/{id}/cancel", "Cancel upload")
    };
    RouteDoc {
        operation,
        errors: vec![IdempotencyKeyReused, crate::http::catalogue::ErrorKind::InvalidRequest],
        calls: calls!("cancel_upload"),
    }
}
