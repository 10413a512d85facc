//! The application state of handlers and middleware.
//!
//! `app` builds it once, from the services and the settings of HTTP. A handler names the parts that it needs in its
//! signature (`State(files): State<Arc<Files>>`). Cloning the state, or a part of it, increments one reference count.

use super::access::AccessRecorder;
use super::admin::{RunningServer, SettingInForce};
use super::body::BodyPace;
use super::caller::Authenticator;
use super::content::DownloadLimits;
use super::cors::Cors;
use super::failed_logins::FailedLogins;
use super::health::Health;
use super::idempotency::KeyLocks;
use super::list_body::ListTurns;
use super::long_reads::LongReads;
use super::middleware::RequestPolicy;
use super::rates::Rates;
use super::reload_refusals::ReloadRefusals;
use super::session::{Console, Oidc, SessionCookie};
use super::throttle::RequestLimits;
use crate::access_log::AccessLog;
use crate::audit::AuditLog;
use crate::files::Files;
use crate::keys::Keys;
use crate::links::Links;
use crate::model::ids::WorkspaceId;
use crate::model::session::SessionLifetime;
use crate::people::People;
use crate::sessions::Sessions;
use crate::shares::FairSemaphore;
use crate::uploads::Uploads;
use crate::usage::{ReadCounter, Spending, Usage};
use crate::workspaces::Workspaces;
use arc_swap::ArcSwap;
use axum::extract::FromRef;
use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, Uri};
use ipnet::IpNet;
use std::borrow::Cow;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The services that requests call.
#[derive(Debug)]
pub struct Services {
    /// The Files.
    pub files: Files,
    /// The Uploads.
    pub uploads: Uploads,
    /// The API keys.
    pub keys: Keys,
    /// The signed links.
    pub links: Arc<Links>,
    /// The workspaces and their limits.
    pub workspaces: Workspaces,
    /// The audit log.
    pub audit_log: AuditLog,
    /// The usage and its costs.
    pub usage: Usage,
    /// The spend limits of workspaces.
    pub spending: Spending,
    /// The counter of billed reads.
    pub reads: Arc<ReadCounter>,
    /// The sessions of the console.
    pub sessions: Sessions,
    /// The people who sign in by OpenID Connect.
    pub people: People,
    /// The sign-in by OpenID Connect; none if it is off.
    pub oidc: Option<Oidc>,
    /// The server, as its administrators see it.
    pub server: RunningServer,
}

/// The URL of the server, without a trailing slash.
#[derive(Debug)]
pub struct ServerUrl {
    /// The URL, as links begin.
    pub url: String,
    /// The URL was configured.
    pub is_public: bool,
    /// The server speaks TLS.
    pub is_encrypted: bool,
}

impl ServerUrl {
    /// Returns the URL for the client of a request: the configured one, or else the one that the request came to.
    pub fn seen_by(&self, uri: &Uri, headers: &HeaderMap) -> Cow<'_, str> {
        let of_header = || headers.get(HOST).and_then(|host| host.to_str().ok()).filter(|host| is_authority(host));
        let authority = uri.authority().map(Authority::as_str).or_else(of_header);
        match authority {
            Some(authority) if !self.is_public => {
                let scheme = if self.is_encrypted { "https" } else { "http" };
                Cow::Owned(format!("{scheme}://{authority}"))
            }
            _ => Cow::Borrowed(&self.url),
        }
    }
}

fn is_authority(host: &str) -> bool {
    !host.is_empty() && host.parse::<Authority>().is_ok_and(|authority| !authority.as_str().contains('@'))
}

/// The settings of HTTP.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// The proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// The origins whose pages may read answers.
    pub cors: Cors,
    /// The URL of the server, without a trailing slash.
    pub url: String,
    /// The URL under which browsers reach the server, if it is set.
    pub public_url: Option<String>,
    /// The limits that a reload may change.
    pub limits: HttpLimits,
    /// The maximum number of long reads of a workspace while other workspaces send requests.
    pub max_contended_reads: usize,
    /// The warnings of the start, which `/readyz` repeats.
    pub warnings: Vec<String>,
    /// The access log; none when off.
    pub access_log: Option<AccessLog>,
    /// Workspaces have metrics of their own.
    pub metrics_per_workspace: bool,
    /// The API has TLS.
    pub is_encrypted: bool,
    /// The administrative listener has TLS.
    pub is_admin_encrypted: bool,
    /// The refused reloads.
    pub refusals: Arc<ReloadRefusals>,
}

/// The limits of HTTP that a reload may change.
#[derive(Clone, Copy, Debug)]
pub struct HttpLimits {
    /// The minimum rate of a request body.
    pub body_pace: BodyPace,
    /// The maximum number of requests in flight; a workspace may have half of them.
    pub max_requests: usize,
    /// The maximum number of downloads from blobs; a workspace may have half of them.
    pub max_downloads: usize,
    /// The maximum number of requests with invalid keys per minute and network; 0 for no limit.
    pub max_failed_logins_per_minute: u32,
    /// The limits of the sessions of the console.
    pub session_lifetime: SessionLifetime,
}

/// The application state.
#[derive(Clone, Debug)]
pub struct AppState {
    parts: Arc<Parts>,
    is_encrypted: bool,
    is_admin_encrypted: bool,
}

/// Declares the parts of the state, each behind a reference count and available to handlers as `State<Arc<Part>>`.
macro_rules! parts {
    ($($name:ident: $part:ty,)*) => {
        #[derive(Debug)]
        struct Parts { $($name: Arc<$part>),* }

        $(impl FromRef<AppState> for Arc<$part> {
            fn from_ref(state: &AppState) -> Self {
                Self::clone(&state.parts.$name)
            }
        })*
    };
}

parts! {
    files: Files,
    uploads: Uploads,
    keys: Keys,
    links: Links,
    server_url: ServerUrl,
    workspaces: Workspaces,
    people: People,
    audit_log: AuditLog,
    usage: Usage,
    spending: Spending,
    reads: ReadCounter,
    authenticator: Authenticator,
    request_policy: RequestPolicy,
    request_limits: RequestLimits,
    download_limits: DownloadLimits,
    list_turns: ListTurns,
    long_reads: LongReads,
    key_locks: KeyLocks,
    trusted_proxies: [IpNet],
    health: Health,
    console: Console,
    server: RunningServer,
}

impl AppState {
    /// Assembles the state.
    #[must_use]
    pub fn new(services: Services, settings: HttpSettings) -> Self {
        let Services {
            files,
            uploads,
            keys,
            links,
            workspaces,
            audit_log,
            usage,
            spending,
            reads,
            sessions,
            people,
            oidc,
            server,
        } = services;
        let (files, keys) = (Arc::new(files), Arc::new(keys));
        let turns = files.write_limiter.with_shared_activity(settings.max_contended_reads);
        let trusted_proxies: Arc<[IpNet]> = settings.trusted_proxies.into();
        let limits = settings.limits;
        let (is_encrypted, is_admin_encrypted) = (settings.is_encrypted, settings.is_admin_encrypted);
        let server_url = ServerUrl { url: settings.url, is_public: settings.public_url.is_some(), is_encrypted };
        let authenticator = Arc::new(Authenticator {
            keys: Arc::clone(&keys),
            failed_logins: FailedLogins::new(limits.max_failed_logins_per_minute),
            trusted_proxies: Arc::clone(&trusted_proxies),
        });
        let (workspaces, people) = (Arc::new(workspaces), Arc::new(people));
        let parts = Arc::new(Parts {
            console: Arc::new(Console::new(
                sessions,
                Arc::clone(&authenticator),
                Arc::clone(&workspaces),
                Arc::clone(&people),
                oidc,
                SessionCookie::new(settings.public_url.as_deref(), is_encrypted),
            )),
            authenticator,
            request_policy: Arc::new(RequestPolicy {
                cors: settings.cors,
                body_pace: Arc::new(ArcSwap::from_pointee(limits.body_pace)),
                access: settings
                    .access_log
                    .map(|log| AccessRecorder { log, trusted_proxies: Arc::clone(&trusted_proxies) }),
                workspaces: settings.metrics_per_workspace.then(Arc::default),
                scheme: scheme(is_encrypted),
            }),
            request_limits: Arc::new(RequestLimits {
                rates: Rates::default(),
                in_flight: half_each(limits.max_requests),
                turns: turns.clone(),
            }),
            download_limits: Arc::new(DownloadLimits { slots: half_each(limits.max_downloads), turns: turns.clone() }),
            list_turns: Arc::new(ListTurns(turns.clone())),
            long_reads: Arc::new(LongReads::new(turns)),
            key_locks: Arc::default(),
            health: Arc::new(Health {
                files: Arc::clone(&files),
                warnings: settings.warnings,
                refusals: settings.refusals,
            }),
            trusted_proxies,
            uploads: Arc::new(uploads),
            workspaces,
            people,
            server: Arc::new(server),
            audit_log: Arc::new(audit_log),
            usage: Arc::new(usage),
            spending: Arc::new(spending),
            reads,
            files,
            keys,
            links,
            server_url: Arc::new(server_url),
        });
        Self { parts, is_encrypted, is_admin_encrypted }
    }

    /// Applies changed limits to requests that begin from now on.
    pub fn apply(&self, limits: &HttpLimits) {
        let Parts { authenticator, request_policy, request_limits, download_limits, console, .. } = &*self.parts;
        console.sessions.limit(limits.session_lifetime);
        authenticator.failed_logins.permit(limits.max_failed_logins_per_minute);
        request_policy.body_pace.store(Arc::new(limits.body_pace));
        request_limits.in_flight.resize(limits.max_requests, half(limits.max_requests));
        download_limits.slots.resize(limits.max_downloads, half(limits.max_downloads));
    }

    /// Shows these settings as those in force.
    pub fn show(&self, settings: Vec<SettingInForce>) {
        self.parts.server.settings.store(Arc::new(settings));
    }

    /// Watches the workspaces that have metrics until `stop`; returns at once if none shall have any.
    pub async fn watch_workspaces(self, stop: CancellationToken) {
        if let Some(metrics) = &self.parts.request_policy.workspaces {
            Arc::clone(metrics).watch(Workspaces::clone(&self.parts.workspaces), stop).await;
        }
    }

    /// Returns whether the API has TLS.
    pub const fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }

    /// Returns the policy of requests to the administrative listener.
    pub fn admin_request_policy(&self) -> Arc<RequestPolicy> {
        let scheme = scheme(self.is_admin_encrypted);
        Arc::new(RequestPolicy { scheme, ..RequestPolicy::clone(&self.parts.request_policy) })
    }

    /// Returns the limits that every guarded handler checks.
    #[must_use]
    pub fn request_limits(&self) -> &RequestLimits {
        &self.parts.request_limits
    }
}

/// Creates a semaphore of `places` permits, of which a workspace may have half.
fn half_each(places: usize) -> FairSemaphore<WorkspaceId> {
    FairSemaphore::new(places, half(places))
}

const fn half(places: usize) -> usize {
    places.div_ceil(2)
}

const fn scheme(is_encrypted: bool) -> &'static str {
    if is_encrypted { "https" } else { "http" }
}
