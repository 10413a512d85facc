//! The metrics of workspaces (`metrics_per_workspace`), for a bounded number of them. Their label is the id.
//!
//! A request of a known workspace takes no lock. Workspaces over the maximum share the label `other`. The series of a
//! workspace end after it is archived.

use super::metrics::{CLASSES, class};
use crate::error_chain::ErrorChain;
use crate::metadata::MetadataError;
use crate::metrics::{Counter, METRICS, WorkspaceLabels, WorkspaceStatusLabels, gauge};
use crate::model::ids::WorkspaceId;
use crate::workspaces::Workspaces;
use arc_swap::ArcSwap;
use http::StatusCode;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The maximum of workspaces that have series of their own.
const MAX_WORKSPACES: usize = 1000;
/// The label of all further workspaces.
const OTHER: &str = "other";
/// The time between two looks at the storage of workspaces, and for archived ones.
const INTERVAL: Duration = Duration::from_secs(15);

/// The metrics of workspaces.
#[derive(Debug)]
pub struct WorkspaceMetrics {
    known: ArcSwap<HashMap<WorkspaceId, Arc<WorkspaceSeries>>>,
    /// Held while `known` is replaced.
    replacing: Mutex<()>,
    other: Arc<WorkspaceSeries>,
}

/// The series of a workspace that requests count in.
#[derive(Debug)]
pub struct WorkspaceSeries {
    requests: [Counter; CLASSES.len()],
    received_bytes: Counter,
    sent_bytes: Counter,
}

impl WorkspaceSeries {
    fn of(label: &Arc<str>) -> Self {
        let labels = WorkspaceLabels { workspace: Arc::clone(label) };
        let requests = |status| {
            let labels = WorkspaceStatusLabels { workspace: Arc::clone(label), status };
            METRICS.workspace_requests.get_or_create_owned(&labels)
        };
        Self {
            requests: CLASSES.map(requests),
            received_bytes: METRICS.workspace_request_body_bytes.get_or_create_owned(&labels),
            sent_bytes: METRICS.workspace_response_body_bytes.get_or_create_owned(&labels),
        }
    }

    /// Counts an answered request.
    pub fn answered(&self, status: StatusCode, received_bytes: u64) {
        if let Some(requests) = class(status).and_then(|class| self.requests.get(class)) {
            requests.inc();
        }
        self.received_bytes.inc_by(received_bytes);
    }

    /// Counts sent bytes of a body.
    pub fn sent(&self, bytes: u64) {
        self.sent_bytes.inc_by(bytes);
    }
}

impl Default for WorkspaceMetrics {
    fn default() -> Self {
        let other = Arc::new(WorkspaceSeries::of(&OTHER.into()));
        Self { known: ArcSwap::default(), replacing: Mutex::default(), other }
    }
}

impl WorkspaceMetrics {
    /// Returns the series of a workspace, or those of all further ones if there are too many.
    pub fn of(&self, workspace: WorkspaceId) -> Arc<WorkspaceSeries> {
        let known = self.known.load();
        match known.get(&workspace) {
            Some(series) => Arc::clone(series),
            None if known.len() >= MAX_WORKSPACES => Arc::clone(&self.other),
            None => self.add(workspace),
        }
    }

    fn add(&self, workspace: WorkspaceId) -> Arc<WorkspaceSeries> {
        let _replacing = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = HashMap::clone(&self.known.load());
        if known.len() >= MAX_WORKSPACES && !known.contains_key(&workspace) {
            return Arc::clone(&self.other);
        }
        let series = known.entry(workspace).or_insert_with(|| Arc::new(WorkspaceSeries::of(&label(workspace))));
        let series = Arc::clone(series);
        self.known.store(Arc::new(known));
        series
    }

    /// Ends the series of a workspace.
    fn end(&self, workspace: WorkspaceId) {
        let _replacing = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = HashMap::clone(&self.known.load());
        if known.remove(&workspace).is_none() {
            return;
        }
        self.known.store(Arc::new(known));
        let workspace = label(workspace);
        for status in CLASSES {
            METRICS.workspace_requests.remove(&WorkspaceStatusLabels { workspace: Arc::clone(&workspace), status });
        }
        let labels = WorkspaceLabels { workspace };
        METRICS.workspace_request_body_bytes.remove(&labels);
        METRICS.workspace_response_body_bytes.remove(&labels);
        METRICS.workspace_stored_bytes.remove(&labels);
        METRICS.workspace_stored_files.remove(&labels);
    }

    /// Shows the storage of the workspaces that have series, and ends those of archived ones, until `stop`. After a
    /// failure the metrics keep their values.
    pub async fn watch(self: Arc<Self>, workspaces: Workspaces, stop: CancellationToken) {
        let looks = async {
            loop {
                tokio::time::sleep(INTERVAL).await;
                for workspace in self.known.load_full().keys() {
                    if let Err(error) = self.look(&workspaces, *workspace).await {
                        tracing::debug!(error = %ErrorChain(&error), "workspace metrics unavailable");
                    }
                }
            }
        };
        stop.run_until_cancelled(looks).await;
    }

    async fn look(&self, workspaces: &Workspaces, id: WorkspaceId) -> Result<(), MetadataError> {
        if workspaces.get(id).await?.is_none_or(|workspace| workspace.archived_at.is_some()) {
            self.end(id);
            return Ok(());
        }
        let stored = workspaces.storage_totals(id).await?;
        let labels = WorkspaceLabels { workspace: label(id) };
        METRICS.workspace_stored_bytes.get_or_create(&labels).set(gauge(stored.stored_bytes));
        METRICS.workspace_stored_files.get_or_create(&labels).set(gauge(stored.stored_files));
        Ok(())
    }
}

fn label(workspace: WorkspaceId) -> Arc<str> {
    workspace.to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> WorkspaceId {
        WorkspaceId::next(None, number, [0; 11])
    }

    /// Returns the labels of workspaces on the page of metrics.
    fn shown() -> std::collections::BTreeSet<String> {
        let mut page = String::new();
        METRICS.write_text(&mut page).unwrap();
        let labels = page.lines().filter_map(|line| line.split_once("workspace=\"")?.1.split_once('"'));
        labels.map(|(label, _)| label.to_owned()).collect()
    }

    #[test]
    fn many_workspaces_have_a_bounded_number_of_series_and_a_place_is_free_again_after_an_end() {
        let metrics = WorkspaceMetrics::default();
        for number in 0..5000 {
            metrics.of(id(number)).answered(StatusCode::OK, 7);
        }
        assert_eq!(shown().len(), MAX_WORKSPACES + 1, "each has its label, and the rest shares one");
        assert!(shown().contains(OTHER) && shown().contains(&id(0).to_string()));
        assert!(!shown().contains(&id(4999).to_string()));
        assert_eq!(metrics.other.received_bytes.get(), 7 * 4000);
        assert_eq!(metrics.of(id(3)).received_bytes.get(), 7);
        metrics.end(id(0));
        metrics.end(id(4999));
        assert!(!shown().contains(&id(0).to_string()));
        metrics.of(id(4999)).sent(1);
        assert!(shown().contains(&id(4999).to_string()));
        assert_eq!(shown().len(), MAX_WORKSPACES + 1);
    }
}
