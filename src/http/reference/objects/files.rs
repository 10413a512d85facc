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
            about: "The File is gone.",
            schema: Schema::Object(vec![
                object("file"),
                must("deleted", Schema::True, "Always true."),
                id("The id of the File."),
            ]),
        },
        Definition {
            name: "FilePurpose",
            about: "What a File is for, as far as clients create it.",
            schema: Schema::Words(Purpose::UPLOADABLE.map(Purpose::name).to_vec()),
        },
        Definition {
            name: "StoredPurpose",
            about: "What a File is for, those included that only servers create.",
            schema: Schema::Words(Purpose::ALL.map(Purpose::name).to_vec()),
        },
    ]
}

fn creation() -> Vec<Field> {
    vec![
        must("file", Schema::Octets, format!("The file, with a name of at most {MAX_FILENAME_CHARACTERS} characters.")),
        must("purpose", Schema::Named("FilePurpose"), "What it is for."),
        may(
            "expires_after[anchor]",
            Schema::Word("created_at"),
            "From when on its time is counted; only together with the seconds.",
        ),
        may(
            "expires_after[seconds]",
            Schema::Whole(*EXPIRES_AFTER_SECONDS.start(), *EXPIRES_AFTER_SECONDS.end()),
            "After how many seconds it expires. Without, `batch` files live 30 days and all others for ever, or as \
             the project has it.",
        ),
    ]
}
