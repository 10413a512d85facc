//! The objects of Files.

use super::fields::{id, object, page_of};
use crate::http::wire::FileObject;
use crate::model::expiry::EXPIRES_AFTER_SECONDS;
use crate::model::filename::MAX_FILENAME_CHARACTERS;
use crate::model::purpose::Purpose;
use venna_reference::{Definition, Field, Schema, may, must};

pub fn definitions() -> Vec<Definition> {
    vec![
        Definition { name: "OpenAIFile", about: "A File.", schema: Schema::Object(FileObject::fields()) },
        Definition { name: "ListFilesResponse", about: "A page of Files.", schema: page_of("OpenAIFile") },
        Definition {
            name: "CreateFileRequest",
            about: "The form of a new File.",
            schema: Schema::Paired(creation(), ["expires_after[anchor]", "expires_after[seconds]"]),
        },
        Definition {
            name: "DeleteFileResponse",
            about: "The answer to a delete.",
            schema: Schema::Object(vec![
                object("file"),
                must("deleted", Schema::True, "Always true."),
                id("The id of the File."),
            ]),
        },
        Definition {
            name: "FilePurpose",
            about: "The purpose of a File that a client creates.",
            schema: Schema::Words(Purpose::UPLOADABLE.map(Purpose::name).to_vec()),
        },
        Definition {
            name: "StoredPurpose",
            about: "The purpose of a File, including those that only servers create.",
            schema: Schema::Words(Purpose::ALL.map(Purpose::name).to_vec()),
        },
    ]
}

fn creation() -> Vec<Field> {
    vec![
        must(
            "file",
            Schema::Octets,
            format!("The content, with a filename of 1 to {MAX_FILENAME_CHARACTERS} characters."),
        ),
        must(
            "purpose",
            Schema::Named("FilePurpose"),
            "The use of the File. `batch` and `fine-tune` files are JSON Lines, whose lines the server checks. `batch` \
             files expire after 30 days by default.",
        ),
        may(
            "expires_after[anchor]",
            Schema::Word("created_at"),
            "The start of the lifetime. Send it together with the seconds.",
        ),
        may(
            "expires_after[seconds]",
            Schema::Whole(*EXPIRES_AFTER_SECONDS.start(), *EXPIRES_AFTER_SECONDS.end()),
            "The lifetime, in seconds. Send it together with the anchor.",
        )
        .or("30 days for `batch`, unlimited for all others, or the default of the project"),
    ]
}
