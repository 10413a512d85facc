//! What the suites make: workspaces, keys, Files, Uploads.

use crate::metadata::{MetadataStore, NewKey, NewSecret};
use crate::model::api_key::{KeyDigest, Opens};
use crate::model::audit::Origin;
use crate::model::blob::ContentLocation;
use crate::model::caller::Caller;
use crate::model::dialect::Dialect;
use crate::model::digest::{BlockChecksums, ContentDigest, Sha256Digest};
use crate::model::expiry::ExpiresAfter;
use crate::model::file::{File, NewFile};
use crate::model::filename::Filename;
use crate::model::idempotency::IdempotentOutcome;
use crate::model::ids::{BlobId, FileId, PartId, ProcessId, RequestId, UploadId, WorkspaceId};
use crate::model::mime_type::MimeType;
use crate::model::page::{FileQuery, Order};
use crate::model::purpose::Purpose;
use crate::model::scope::Scopes;
use crate::model::upload::{Completion, NewPart, NewUpload};
use crate::random;
use bytes::Bytes;

/// The time at which a store under test is opened.
pub const NOW_MS: u64 = 1_795_374_000_000;

pub const PROCESS: ProcessId = ProcessId::new([9; 16]);

pub const ORIGIN: Origin = Origin::COMMAND_LINE;

/// The holder of the key of a fresh workspace.
pub async fn tenant(store: &dyn MetadataStore, name: &str) -> Caller {
    let workspace = store.create_workspace(name, ORIGIN, None).await.unwrap().made().unwrap().unwrap().id;
    holder(store, workspace).await
}

/// Whoever holds a new key of a workspace.
pub async fn holder(store: &dyn MetadataStore, workspace: WorkspaceId) -> Caller {
    let opens = Opens::Workspace(workspace, Scopes::DEFAULT);
    let key = store
        .create_key(new_key(opens, &random::bytes(), None), ORIGIN, None)
        .await
        .unwrap()
        .made()
        .unwrap()
        .unwrap()
        .id;
    let request = RequestId::new([8; 16]);
    Caller { workspace, key, person: None, request, dialect: Dialect::OpenAi, address: None }
}

pub fn new_key(opens: Opens, digest: &[u8; 32], valid_seconds: Option<u64>) -> NewKey {
    NewKey { opens, secret: new_secret(digest), name: "ci".into(), valid_seconds }
}

pub fn new_secret(digest: &[u8; 32]) -> NewSecret {
    NewSecret { digest: KeyDigest(*digest), redacted: format!("vk_{}...", digest[0]) }
}

pub fn new_file(blob: BlobId, purpose: Purpose, expires_after: Option<ExpiresAfter>) -> NewFile {
    let content =
        ContentDigest { size_bytes: 5, sha256: Sha256Digest([3; 32]), checksums: BlockChecksums(vec![1, u32::MAX]) };
    NewFile {
        place: ContentLocation::Store(blob),
        content,
        purpose,
        filename: Filename::parse("\u{6587}.txt").unwrap(),
        mime_type: MimeType::stored("text/x-contract"),
        expires_after,
        status_details: Some("line 1".into()).filter(|_| purpose == Purpose::Batch),
        link: None,
    }
}

/// The digest of the secret of this number.
pub fn digest(number: u8) -> KeyDigest {
    KeyDigest([number; 32])
}

/// A File of so many bytes, which the store holds itself.
pub fn small_file(size: usize, purpose: Purpose, expires_after: Option<ExpiresAfter>) -> NewFile {
    let new = new_file(BlobId::new([0; 16]), purpose, expires_after);
    let content = ContentDigest { size_bytes: size as u64, ..new.content };
    NewFile { place: ContentLocation::Inline(Bytes::from(vec![7; size])), content, ..new }
}

/// An Upload of so many bytes.
pub fn upload(size_bytes: u64) -> NewUpload {
    NewUpload {
        size_bytes,
        filename: Filename::parse("u").unwrap(),
        mime_type: MimeType::stored("text/x-contract"),
        purpose: Purpose::UserData,
        expires_after: None,
        ttl_seconds: 60,
        grows_to_bytes: None,
        chosen_name: None,
    }
}

pub fn blob(caller: Caller, number: u8) -> BlobId {
    let mut bytes = [number; 16];
    bytes[..8].copy_from_slice(
        &std::hash::BuildHasher::hash_one(
            &std::hash::BuildHasherDefault::<std::hash::DefaultHasher>::default(),
            caller.workspace,
        )
        .to_be_bytes(),
    );
    BlobId::new(bytes)
}

pub async fn create(
    store: &dyn MetadataStore,
    caller: Caller,
    number: u8,
    purpose: Purpose,
    expires_after: Option<ExpiresAfter>,
) -> File {
    let blob = blob(caller, number);
    store.begin_blob(caller.workspace, blob, PROCESS).await.unwrap();
    made(store.create_file(caller, new_file(blob, purpose, expires_after), None).await.unwrap()).unwrap()
}

/// A fresh File.
pub async fn file(store: &dyn MetadataStore, caller: Caller, number: u8) -> File {
    create(store, caller, number, Purpose::UserData, None).await
}

/// Ends at most `limit` Files and as many Uploads of each workspace that are overdue. Returns how many Files there
/// were.
pub async fn expire(store: &dyn MetadataStore, limit: u32) -> usize {
    let (mut files, mut ended) = (0, std::collections::BTreeSet::new());
    for overdue in store.overdue_workspaces(None, 1000).await.unwrap() {
        if ended.insert(overdue.workspace) {
            files += store.expire_workspace(overdue.workspace, limit).await.unwrap().files;
        }
    }
    files
}

/// What was made, as it must be without a key.
pub fn made<T>(effect: IdempotentOutcome<T>) -> T {
    match effect {
        IdempotentOutcome::Made(made) => made,
        IdempotentOutcome::Replayed(_) | IdempotentOutcome::KeyReused | IdempotentOutcome::Refused(_) => {
            panic!("nothing was asked for under a key")
        }
    }
}

pub fn all(order: Order) -> FileQuery {
    FileQuery { purpose: None, limit: 10_000, order, after: None }
}

/// A part of so many bytes, whose blob is begun under a name of its own.
pub async fn part(store: &dyn MetadataStore, caller: Caller, size_bytes: u64) -> NewPart {
    let blob = BlobId::new(random::bytes());
    store.begin_blob(caller.workspace, blob, PROCESS).await.unwrap();
    let content = ContentDigest { size_bytes, ..new_file(blob, Purpose::UserData, None).content };
    NewPart { blob, content, offset_bytes: None }
}

pub async fn begin(store: &dyn MetadataStore, caller: Caller, size_bytes: u64) -> UploadId {
    made(store.create_upload(caller, upload(size_bytes), None).await.unwrap()).id
}

/// An Upload of so many bytes that was given so many parts of five bytes.
pub async fn begin_with_parts(
    store: &dyn MetadataStore,
    caller: Caller,
    size_bytes: u64,
    count: usize,
) -> (UploadId, Vec<PartId>) {
    let (upload, mut parts) = (begin(store, caller, size_bytes).await, Vec::new());
    for _ in 0..count {
        let new = part(store, caller, 5).await;
        parts.push(made(store.create_part(caller, upload, new, None).await.unwrap()).unwrap().unwrap().id);
    }
    (upload, parts)
}

pub async fn complete(store: &dyn MetadataStore, caller: Caller, upload: UploadId, parts: Vec<PartId>) -> FileId {
    let completion = Completion { parts, sha256: None };
    made(store.complete_upload(caller, upload, completion, None).await.unwrap()).unwrap().file.unwrap().id
}
