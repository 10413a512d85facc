//! Admission of a write, decided in its transaction: the key or the quota may have changed since the request began.

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

/// The totals include expired Files until they are removed.
const ADMISSION: &str = "
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

/// The state of a caller's key and workspace under the locks of a transaction.
pub(super) struct AdmissionFacts {
    admitted: bool,
    quotas: Limits,
    usage: StorageUsage,
    /// The newest File id of the workspace.
    pub(super) last_file_id: Option<FileId>,
    /// The workspace's own default expiry for the purpose, if it has one.
    own_expiry: Option<DefaultExpiry>,
}

/// The prepared query for [`AdmissionFacts`].
pub(super) struct AdmissionQuery<'a>(Prepared<'a>);

impl<'a> AdmissionQuery<'a> {
    pub(super) async fn prepare(session: &'a Session) -> Result<Self, Failure> {
        Ok(Self(session.prepare(ADMISSION).await?))
    }

    pub(super) async fn ask(
        &self,
        caller: Caller,
        purpose: Option<Purpose>,
    ) -> Result<Option<AdmissionFacts>, Failure> {
        let (workspace, key) = (caller.workspace.to_string(), caller.key.to_string());
        let purpose = purpose.map(Purpose::name).unwrap_or_default();
        let found = self.0.row(&[&workspace, &key, &purpose]).await?;
        found.map(|row| admission_facts(&row)).transpose()
    }
}

fn admission_facts(row: &tokio_postgres::Row) -> Result<AdmissionFacts, Failure> {
    let limit = |limit, column| Ok::<_, Failure>(rows::optional_number(row, column)?.map(|value| (limit, value)));
    let quotas = [limit(Limit::StorageBytes, 1)?, limit(Limit::MaxFiles, 2)?];
    let own: bool = row.try_get(8)?;
    Ok(AdmissionFacts {
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

impl AdmissionFacts {
    /// Returns the expiry of a new File of the purpose that was queried.
    pub(super) fn expires_after(&self, purpose: Purpose, asked: Option<ExpiresAfter>) -> Option<ExpiresAfter> {
        expires_after(purpose, asked, self.own_expiry)
    }

    /// Returns the reason to refuse every write, if any.
    pub(super) const fn refuse(&self) -> Option<Refused> {
        if self.admitted { None } else { Some(Refused::KeyEnded) }
    }

    /// Adds Files that the same transaction creates before, by id and size in bytes.
    pub(super) fn count(&mut self, before: &[(FileId, u64)]) {
        for (id, size_bytes) in before {
            self.usage.stored_bytes += size_bytes;
            self.usage.stored_files += 1;
            self.last_file_id = Some(*id);
        }
    }

    /// Returns the reason to refuse another File of this size, if any.
    pub(super) fn refuse_bytes(&self, size_bytes: u64) -> Option<Refused> {
        quotas::refuse_file(&self.quotas, self.usage, size_bytes)
    }

    /// Returns the reason to refuse the completion of an Upload, if any. The File replaces the Upload's reservation.
    pub(super) fn refuse_completion(&self, upload: &Upload) -> Option<Refused> {
        quotas::refuse_completion(&self.quotas, self.usage, upload)
    }

    /// Returns the reason to refuse `more_bytes` for a pending Upload, if any.
    pub(super) fn refuse_growth(&self, more_bytes: u64) -> Option<Refused> {
        quotas::refuse_growth(&self.quotas, self.usage, more_bytes)
    }
}
