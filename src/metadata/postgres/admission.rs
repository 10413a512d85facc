//! Whether a change may be made at all, decided in its transaction: what was true when its request began may be over.

use super::connections::{Prepared, Session};
use super::failure::Failure;
use super::rows;
use crate::metadata::rules::expiry::{expires_after, stored_default};
use crate::metadata::rules::quotas;
use crate::model::caller::{Caller, Refused};
use crate::model::expiry::{DefaultExpiry, ExpiresAfter};
use crate::model::ids::FileId;
use crate::model::limits::{Limit, Limits, StorageUsage};
use crate::model::purpose::Purpose;
use crate::model::upload::Upload;

/// The totals count what has expired until it is removed.
const STANDING: &str = "
    SELECT w.archived_at IS NULL AND EXISTS (
               SELECT 1 FROM api_keys k
               WHERE k.id = $2 AND k.workspace_id = w.id AND k.revoked_at IS NULL
                   AND (k.expires_at IS NULL OR k.expires_at > now_ms() / 1000)),
           q.bytes, q.files, w.stored_bytes, w.stored_files, w.reserved_bytes, w.reserved_files,
           w.last_file_id,
           d.purpose IS NOT NULL, d.lives_seconds
    FROM workspaces w
    CROSS JOIN LATERAL (
        SELECT (SELECT value FROM limits WHERE owner_id = w.id AND name = 'storage_bytes') AS bytes,
               (SELECT value FROM limits WHERE owner_id = w.id AND name = 'max_files') AS files) q
    LEFT JOIN default_expiries d ON d.workspace_id = w.id AND d.purpose = $3
    WHERE w.id = $1";

/// What a caller may do, and what its workspace has, as of one moment.
pub(super) struct Standing {
    admitted: bool,
    quotas: Limits,
    usage: StorageUsage,
    /// The newest id that was given to a File of the workspace.
    pub(super) last_file_id: Option<FileId>,
    /// What the workspace wants to become of Files of the purpose, if it departs from what holds for everybody.
    own_expiry: Option<DefaultExpiry>,
}

/// The question where a caller stands, ready to be asked.
pub(super) struct Question<'a>(Prepared<'a>);

impl<'a> Question<'a> {
    pub(super) async fn prepare(session: &'a Session) -> Result<Self, Failure> {
        Ok(Self(session.prepare(STANDING).await?))
    }

    pub(super) async fn ask(&self, caller: Caller, purpose: Option<Purpose>) -> Result<Option<Standing>, Failure> {
        let (workspace, key) = (caller.workspace.to_string(), caller.key.to_string());
        let purpose = purpose.map(Purpose::name).unwrap_or_default();
        let found = self.0.row(&[&workspace, &key, &purpose]).await?;
        found.map(|row| standing(&row)).transpose()
    }
}

fn standing(row: &tokio_postgres::Row) -> Result<Standing, Failure> {
    let limit = |limit, column| Ok::<_, Failure>(rows::optional_number(row, column)?.map(|value| (limit, value)));
    let quotas = [limit(Limit::StorageBytes, 1)?, limit(Limit::MaxFiles, 2)?];
    let own: bool = row.try_get(8)?;
    Ok(Standing {
        admitted: row.try_get(0)?,
        quotas: Limits::new(quotas.into_iter().flatten().collect()),
        usage: StorageUsage {
            stored_bytes: rows::number(row, 3)?,
            stored_files: rows::number(row, 4)?,
            reserved_bytes: rows::number(row, 5)?,
            reserved_files: rows::number(row, 6)?,
        },
        last_file_id: rows::optional(row, 7)?,
        own_expiry: own.then(|| Ok::<_, Failure>(stored_default(rows::optional_number(row, 9)?))).transpose()?,
    })
}

impl Standing {
    /// Returns after how long a new File of the purpose that was asked about expires.
    pub(super) fn expires_after(&self, purpose: Purpose, asked: Option<ExpiresAfter>) -> Option<ExpiresAfter> {
        expires_after(purpose, asked, self.own_expiry)
    }

    /// Why the caller may change nothing, if so.
    pub(super) const fn refuse(&self) -> Option<Refused> {
        if self.admitted { None } else { Some(Refused::KeyEnded) }
    }

    /// Counts Files that are being made before in the same transaction, by id and size in bytes.
    pub(super) fn count(&mut self, before: &[(FileId, u64)]) {
        for (id, size_bytes) in before {
            self.usage.stored_bytes += size_bytes;
            self.usage.stored_files += 1;
            self.last_file_id = Some(*id);
        }
    }

    /// Why the workspace may not have one more File of so many bytes, if so.
    pub(super) fn refuse_bytes(&self, size_bytes: u64) -> Option<Refused> {
        quotas::refuse_file(&self.quotas, self.usage, size_bytes)
    }

    /// Why a pending Upload may not become a File, if so. The File takes the place of what the Upload has reserved.
    pub(super) fn refuse_completion(&self, upload: &Upload) -> Option<Refused> {
        quotas::refuse_completion(&self.quotas, self.usage, upload)
    }

    /// Why a pending Upload may not reserve so many bytes more, if so.
    pub(super) fn refuse_growth(&self, more_bytes: u64) -> Option<Refused> {
        quotas::refuse_growth(&self.quotas, self.usage, more_bytes)
    }
}
