//! The labels of metrics. None is a key or a file, and each has few values; a workspace is one of at most 1,001.

use prometheus_client::encoding::EncodeLabelSet;
use std::sync::Arc;

/// A request by its method, its route and the class of its status.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// The method, or `other`.
    pub method: &'static str,
    /// The template of the route, such as `/v1/files/{id}`, or `none`.
    pub route: Arc<str>,
    /// The class of the status, such as `2xx`.
    pub status: &'static str,
}

/// A request by its method and its route.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RouteLabels {
    /// The method, or `other`.
    pub method: &'static str,
    /// The template of the route, or `none`.
    pub route: Arc<str>,
}

/// A limit that answers 429.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct LimitLabels {
    /// The name of the limit.
    pub limit: &'static str,
}

/// A request to the bucket by its outcome.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OutcomeLabels {
    /// `ok`, `refused` or `failed`.
    pub outcome: &'static str,
}

/// A sink of messages.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct SinkLabels {
    /// The name of the sink.
    pub sink: &'static str,
}

/// A workspace.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct WorkspaceLabels {
    /// The id, or `other`.
    pub workspace: Arc<str>,
}

/// A workspace, and the class of a status.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct WorkspaceStatusLabels {
    /// The id, or `other`.
    pub workspace: Arc<str>,
    /// The class of the status, such as `2xx`.
    pub status: &'static str,
}

/// A listener with TLS.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ListenerLabels {
    /// `api` or `admin`.
    pub listener: &'static str,
}

/// The subject of a reload.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct SubjectLabels {
    /// `settings`, `certificate` or `admin_certificate`.
    pub subject: &'static str,
}

/// The build of the program.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct BuildLabels {
    /// The version.
    pub version: &'static str,
}
