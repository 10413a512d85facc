//! The five operations on Files.

use super::{FILE, file, idempotency_key, in_header, in_path, in_query, page_of_one, sent};
use crate::http::catalogue::ErrorKind::{AboveMaximum, BelowMinimum};
use crate::http::catalogue::ErrorKind::{
    FileDamaged, FileTooLarge, IdempotencyKeyReused, InsufficientStorage, PreconditionFailed, RangeNotSatisfiable,
    RequestTimeout, SpendLimitReached, StorageQuotaExceeded,
};
use crate::http::reference::operation::{Answer, Body, BodyExample, Group, Operation, Parameter};
use crate::http::reference::schema::Schema;
use crate::model::page::PAGE_FILES;
use serde_json::json;

pub fn operations() -> Vec<Operation> {
    vec![list_files(), create_file(), retrieve_file(), delete_file(), download_file()]
}

fn id() -> Parameter {
    in_path("id", "The id of the File.", FILE)
}

fn list_files() -> Operation {
    Operation {
        id: "listFiles",
        group: Group::Files,
        method: "GET",
        path: "/v1/files",
        summary: "List files",
        about: vec![
            "Lists the Files of the key's project in the order of their ids, which is that of their creation.".into(),
            "SDKs follow the pages by themselves.".into(),
        ],
        extension: false,
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
                Schema::Text,
                "Only those behind this id. Any well-formed id is a position, also that of a File that is gone.",
            ),
        ],
        body: None,
        answer: Answer::Json("ListFilesResponse", page_of_one(&file(), false)),
        errors: vec![BelowMinimum, AboveMaximum],
        python: "page = client.files.list(limit=1)\nprint(page.to_json())",
        typescript: "const page = await client.files.list({ limit: 1 });\nconsole.log(JSON.stringify(page.data, null, 2));",
    }
}

fn create_file() -> Operation {
    Operation {
        id: "createFile",
        group: Group::Files,
        method: "POST",
        path: "/v1/files",
        summary: "Upload file",
        about: vec![
            "Stores a file. The answer comes when its bytes and its row are on the disk.".into(),
            "Fields may come in any order. Lines of `batch` and `fine-tune` files are checked while they come in; what is \
             wrong with them does not refuse the file, but stands in `status_details`."
                .into(),
        ],
        extension: false,
        parameters: vec![idempotency_key()],
        body: Some(Body {
            schema: "CreateFileRequest",
            required: true,
            example: BodyExample::Form { file: ("file", "notes.txt"), fields: vec![("purpose", "user_data")] },
        }),
        answer: Answer::Json("OpenAIFile", file()),
        errors: vec![
            FileTooLarge,
            IdempotencyKeyReused,
            InsufficientStorage,
            RequestTimeout,
            SpendLimitReached,
            StorageQuotaExceeded,
        ],
        python: "file = client.files.create(file=open(\"notes.txt\", \"rb\"), purpose=\"user_data\")\nprint(file.to_json())",
        typescript: "const file = await client.files.create({ file: fs.createReadStream(\"notes.txt\"), purpose: \"user_data\" });\n\
                     console.log(JSON.stringify(file, null, 2));",
    }
}

fn retrieve_file() -> Operation {
    Operation {
        id: "retrieveFile",
        group: Group::Files,
        method: "GET",
        path: "/v1/files/{id}",
        summary: "Retrieve file",
        about: vec!["Says what is known of a File. `HEAD` answers the same without a body.".into()],
        extension: false,
        parameters: vec![id()],
        body: None,
        answer: Answer::Json("OpenAIFile", file()),
        errors: vec![],
        python: "file = client.files.retrieve(\"file-00VbjUjhHGglY7j08O6M3Oj9\")\nprint(file.to_json())",
        typescript: "const file = await client.files.retrieve(\"file-00VbjUjhHGglY7j08O6M3Oj9\");\n\
                     console.log(JSON.stringify(file, null, 2));",
    }
}

fn delete_file() -> Operation {
    Operation {
        id: "deleteFile",
        group: Group::Files,
        method: "DELETE",
        path: "/v1/files/{id}",
        summary: "Delete file",
        about: vec![
            "Removes a File. It is gone for everybody at once, and billed up to this second; its bytes are removed soon after."
                .into(),
        ],
        extension: false,
        parameters: vec![id()],
        body: None,
        answer: Answer::Json("DeleteFileResponse", json!({"object": "file", "deleted": true, "id": FILE})),
        errors: vec![],
        python: "deleted = client.files.delete(\"file-00VbjUjhHGglY7j08O6M3Oj9\")\nprint(deleted.to_json())",
        typescript: "const deleted = await client.files.delete(\"file-00VbjUjhHGglY7j08O6M3Oj9\");\n\
                     console.log(JSON.stringify(deleted, null, 2));",
    }
}

fn download_file() -> Operation {
    Operation {
        id: "downloadFile",
        group: Group::Files,
        method: "GET",
        path: "/v1/files/{id}/content",
        summary: "Retrieve file content",
        about: vec![
            "Hands out the bytes, whole or one range of them, each block checked before it is sent. `HEAD` answers the same \
             without them."
                .into(),
            "The `ETag` is the SHA-256 of the content in hex; of a File that came in parts, that of the parts' digests, `-` \
             and their number. Content is never compressed."
                .into(),
        ],
        extension: false,
        parameters: vec![
            id(),
            in_header("Range", "One range, for example `bytes=0-1023`: answered 206. Several are answered whole."),
            in_header("If-None-Match", "An `ETag`: 304 when the content is still that one."),
            in_header("If-Match", "An `ETag`: 412 when the content is another one."),
            in_header("If-Range", "An `ETag`: the range only when the content is still that one, else the whole."),
        ],
        body: None,
        answer: Answer::Octets("Hello, Files!\n"),
        errors: vec![FileDamaged, PreconditionFailed, RangeNotSatisfiable],
        python: "content = client.files.content(\"file-00VbjUjhHGglY7j08O6M3Oj9\")\nprint(content.text)",
        typescript: "const content = await client.files.content(\"file-00VbjUjhHGglY7j08O6M3Oj9\");\n\
                     console.log(await content.text());",
    }
}
