//! OpenAI's File object: how it is written, and how the reference describes it.

use super::members::{Members, serialize_object, write_object};
use crate::model::file::File;
use serde::{Serialize, Serializer};
use venna_reference::{Field, Schema, count, may, must, or_null, unix_seconds};

/// OpenAI's File object.
#[derive(Debug)]
pub struct FileObject<'a>(&'a File);

impl FileObject<'_> {
    /// Describes the keys, for the reference.
    pub fn fields() -> Vec<Field> {
        vec![
            must("object", Schema::Word("file"), "The type of the object."),
            must("id", Schema::Text, "The id: `file-` and 24 characters. Ids sort by creation time."),
            must("purpose", Schema::Named("StoredPurpose"), "The use of the File."),
            must("filename", Schema::Text, "The name."),
            must("bytes", count(), "The size, in bytes."),
            must("created_at", unix_seconds(), "Creation time, in Unix seconds."),
            must("expires_at", or_null(unix_seconds()), "Expiry, in Unix seconds; `null` if the File does not expire."),
            must(
                "status",
                Schema::Words(vec!["processed", "error"]),
                "`error` if lines of a `batch` or `fine-tune` file are not valid.",
            ),
            must(
                "status_details",
                or_null(Schema::Text),
                "The first bad lines, each with the reason; `null` if there are none.",
            ),
            must(
                "mime_type",
                Schema::Text,
                "The media type: as the upload declared it, or that of the name's extension. An extension.",
            ),
            may(
                "sha256",
                Schema::Text,
                "The SHA-256 of the content, in hex. An extension. Files that were completed from parts have it only if their `md5` was checked.",
            ),
        ]
    }
}

impl FileObject<'_> {
    /// Writes the object at the end of a buffer.
    pub fn write(&self, json: &mut Vec<u8>) {
        write_object(json, |members| self.give(members));
    }

    /// Gives the members, in the order of their keys.
    fn give(&self, members: &mut impl Members) {
        let Self(file) = self;
        members.plain("object", "file");
        members.plain("id", file.id.as_str());
        members.plain("purpose", file.purpose.name());
        members.text("filename", Some(file.filename.as_str()));
        members.number("bytes", Some(file.size_bytes));
        members.number("created_at", Some(file.created_at()));
        members.number("expires_at", file.expires_at);
        members.plain("status", if file.status_details.is_none() { "processed" } else { "error" });
        members.text("status_details", file.status_details.as_deref());
        members.plain("mime_type", file.mime_type.as_str());
        if let Some(sha256) = file.digest.sha256() {
            members.plain("sha256", &sha256.to_string());
        }
    }
}

impl<'a> From<&'a File> for FileObject<'a> {
    fn from(file: &'a File) -> Self {
        Self(file)
    }
}

impl Serialize for FileObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_object(serializer, |members| self.give(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::digest::Sha256Digest;
    use crate::model::file::FileDigest;
    use crate::model::filename::Filename;
    use crate::model::ids::FileId;
    use crate::model::mime_type::MimeType;
    use crate::model::purpose::Purpose;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_buffer_holds_what_serde_writes(
            name in "\\PC{1,40}", details in prop::option::of("\\PC{0,40}"), size_bytes in any::<u64>(),
            expires_at in prop::option::of(any::<u64>()), count in 0_u32..3, digest in any::<[u8; 32]>(),
            declared in prop::option::of("[a-z]{1,9}/[a-z.+-]{1,9}|\\PC{1,20}"),
        ) {
            let sha256 = Sha256Digest(digest);
            let digest = match count {
                0 => FileDigest::Whole(sha256),
                count => FileDigest::Parts { of_parts: sha256, count, whole: (count > 1).then_some(sha256) },
            };
            let filename = Filename::stored(name);
            let mime_type = MimeType::of_file(declared.as_deref(), &filename);
            let id = FileId::next(None, 1_795_374_000_000, [1; 11]);
            let file = File::new(id, Purpose::Batch, filename, mime_type, size_bytes, digest, None);
            let file = File { expires_at, status_details: details, ..file };
            let mut written = Vec::new();
            FileObject::from(&file).write(&mut written);
            prop_assert_eq!(String::from_utf8(written).unwrap(), serde_json::to_string(&FileObject::from(&file)).unwrap());
        }
    }
}
