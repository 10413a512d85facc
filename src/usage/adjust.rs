//! Adjustments of the bill.

use super::Usage;
use crate::metadata::MetadataError;
use crate::model::adjustment::{Adjusted, NewAdjustment};
use crate::model::audit::Origin;

impl Usage {
    /// Enters a correction into the ledger, once per name.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn adjust(&self, new: NewAdjustment, origin: Origin) -> Result<Adjusted, MetadataError> {
        self.metadata.adjust(new, origin).await
    }
}
