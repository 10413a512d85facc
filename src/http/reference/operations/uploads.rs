//! The operations on Uploads.

use super::{CREATED_AT, PART, UPLOAD, file, idempotency_key, in_path, in_query, page_of_one, sent};
use crate::http::catalogue::ErrorKind::{
    AboveMaximum, BelowMinimum, IdempotencyKeyReused, InsufficientStorage, RequestTimeout, SpendLimitReached,
    StorageQuotaExceeded,
};
use crate::http::reference::operation::{Answer, Body, BodyExample, Group, Operation, Parameter};
use crate::http::reference::schema::Schema;
use crate::model::page::PAGE_FILES;
use serde_json::{Value, json};

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
        part.insert("sha256".to_owned(), json!(super::SHA256));
    }
    part
}

fn create() -> Operation {
    Operation {
        id: "createUpload",
        group: Group::Uploads,
        method: "POST",
        path: "/v1/uploads",
        summary: "Create upload",
        about: vec!["Begins a file that comes in parts. Its `bytes` are reserved in the quota of the project until it is completed, cancelled or expires.".into()],
        extension: false,
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
        python: "upload = client.uploads.create(bytes=14, filename=\"notes.txt\", mime_type=\"text/plain\", purpose=\"user_data\")\n\
                 print(upload.to_json())",
        typescript: "const upload = await client.uploads.create({\n  bytes: 14,\n  filename: \"notes.txt\",\n  mime_type: \"text/plain\",\n  \
                     purpose: \"user_data\",\n});\nconsole.log(JSON.stringify(upload, null, 2));",
    }
}

fn retrieve() -> Operation {
    Operation {
        id: "retrieveUpload",
        group: Group::Uploads,
        method: "GET",
        path: "/v1/uploads/{id}",
        summary: "Retrieve upload",
        about: vec!["Says where an Upload stands, so that a client can resume.".into()],
        extension: true,
        parameters: vec![id()],
        body: None,
        answer: Answer::Json("Upload", upload("pending")),
        errors: vec![],
        python: "upload = client.get(\"/uploads/upload_7d5f0f6bb52743c7a93c2f0e3c3f9d11\", cast_to=dict)\n\
                 print(json.dumps(upload, indent=2))",
        typescript: "const upload = await client.get(\"/uploads/upload_7d5f0f6bb52743c7a93c2f0e3c3f9d11\");\n\
                     console.log(JSON.stringify(upload, null, 2));",
    }
}

fn add_part() -> Operation {
    Operation {
        id: "addUploadPart",
        group: Group::Uploads,
        method: "POST",
        path: "/v1/uploads/{id}/parts",
        summary: "Add upload part",
        about: vec!["Stores a part. Parts may come in any order and side by side; their order is said when the Upload is completed.".into()],
        extension: false,
        parameters: vec![id(), idempotency_key()],
        body: Some(Body {
            schema: "AddUploadPartRequest",
            required: true,
            example: BodyExample::Form { file: ("data", "notes.txt"), fields: vec![] },
        }),
        answer: Answer::Json("UploadPart", part()),
        errors: vec![IdempotencyKeyReused, InsufficientStorage, RequestTimeout, SpendLimitReached],
        python: "part = client.uploads.parts.create(\"upload_7d5f0f6bb52743c7a93c2f0e3c3f9d11\", data=open(\"notes.txt\", \"rb\"))\n\
                 print(part.to_json())",
        typescript: "const part = await client.uploads.parts.create(\"upload_7d5f0f6bb52743c7a93c2f0e3c3f9d11\", {\n  \
                     data: fs.createReadStream(\"notes.txt\"),\n});\nconsole.log(JSON.stringify(part, null, 2));",
    }
}

fn list_parts() -> Operation {
    Operation {
        id: "listUploadParts",
        group: Group::Uploads,
        method: "GET",
        path: "/v1/uploads/{id}/parts",
        summary: "List upload parts",
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
            in_query("after", Schema::Text, "Only those behind this part."),
        ],
        body: None,
        answer: Answer::Json("ListUploadPartsResponse", page_of_one(&listed_part(), false)),
        errors: vec![AboveMaximum, BelowMinimum],
        python: "parts = client.get(\n    \"/uploads/upload_7d5f0f6bb52743c7a93c2f0e3c3f9d11/parts\", cast_to=dict, options={\"params\": {\"limit\": 100}}\n)\n\
                 print(json.dumps(parts, indent=2))",
        typescript: "const parts = await client.get(\"/uploads/upload_7d5f0f6bb52743c7a93c2f0e3c3f9d11/parts\", { query: { limit: 100 } });\n\
                     console.log(JSON.stringify(parts, null, 2));",
    }
}

fn complete() -> Operation {
    Operation {
        id: "completeUpload",
        group: Group::Uploads,
        method: "POST",
        path: "/v1/uploads/{id}/complete",
        summary: "Complete upload",
        about: vec![
            "Makes the File of the named parts, whose bytes must add up to what the Upload was declared with. Nothing is copied, \
             and the same parts get the same answer again."
                .into(),
            "The content was never hashed as a whole, so the File has no `sha256`, unless an `md5` makes the server read it once.".into(),
        ],
        extension: false,
        parameters: vec![id(), idempotency_key()],
        body: Some(Body {
            schema: "CompleteUploadRequest",
            required: true,
            example: BodyExample::Json(json!({"part_ids": [PART]})),
        }),
        answer: Answer::Json("Upload", completed()),
        errors: vec![IdempotencyKeyReused, SpendLimitReached, StorageQuotaExceeded],
        python: "upload = client.uploads.complete(\n    \"upload_7d5f0f6bb52743c7a93c2f0e3c3f9d11\", part_ids=[\"part_2f6b1a8e4a0c4d6f9b1f35d7c8e90a12\"]\n)\n\
                 print(upload.to_json())",
        typescript: "const upload = await client.uploads.complete(\"upload_7d5f0f6bb52743c7a93c2f0e3c3f9d11\", {\n  \
                     part_ids: [\"part_2f6b1a8e4a0c4d6f9b1f35d7c8e90a12\"],\n});\nconsole.log(JSON.stringify(upload, null, 2));",
    }
}

fn cancel() -> Operation {
    Operation {
        id: "cancelUpload",
        group: Group::Uploads,
        method: "POST",
        path: "/v1/uploads/{id}/cancel",
        summary: "Cancel upload",
        about: vec!["Ends a pending Upload; its parts are removed.".into()],
        extension: false,
        parameters: vec![id(), idempotency_key()],
        body: None,
        answer: Answer::Json("Upload", upload("cancelled")),
        errors: vec![IdempotencyKeyReused, crate::http::catalogue::ErrorKind::InvalidRequest],
        python: "upload = client.uploads.cancel(\"upload_7d5f0f6bb52743c7a93c2f0e3c3f9d11\")\nprint(upload.to_json())",
        typescript: "const upload = await client.uploads.cancel(\"upload_7d5f0f6bb52743c7a93c2f0e3c3f9d11\");\n\
                     console.log(JSON.stringify(upload, null, 2));",
    }
}
