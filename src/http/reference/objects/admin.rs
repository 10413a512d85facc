//! The objects of projects, keys, limits and the audit log.

use super::fields::{id, object, page_of};
use crate::http::reference::ids::name;
use crate::model::api_key::{OVERLAP_SECONDS, VALID_SECONDS};
use crate::model::audit::Action;
use crate::model::limits::Limit;
use crate::model::purpose::Purpose;
use crate::model::scope::Scope;
use venna_reference::{Definition, Field, Schema, count, list, may, must, or_null, unix_seconds};

pub fn definitions() -> Vec<Definition> {
    let of = |name, about, fields| Definition { name, about, schema: Schema::Object(fields) };
    let page = |name, about, of| Definition { name, about, schema: page_of(of) };
    vec![
        of(
            "ListModelsResponse",
            "An empty list of models.",
            vec![object("list"), must("data", Schema::List(Box::new(Schema::Anything), Some(0)), "Always empty.")],
        ),
        of("OwnKey", "The key of the request itself.", own_key()),
        of("Project", "A project, which is a workspace.", project()),
        page("ProjectListResponse", "A page of projects.", "Project"),
        of("ProjectCreateRequest", "A new project.", {
            let name = must("name", name(), "The name, unique on this server.");
            [name].into_iter().chain(placement()).collect()
        }),
        of("ProjectUpdateRequest", "Changes to a project.", {
            let name = may("name", or_null(name()), "The name, unique on this server. Absent: unchanged.");
            [name].into_iter().chain(placement()).collect()
        }),
        of("ProjectApiKey", "A key of a project.", api_key()),
        page("ProjectApiKeyListResponse", "A page of keys.", "ProjectApiKey"),
        of("CreateProjectApiKeyRequest", "A new key.", key_creation()),
        of("UpdateProjectApiKeyRequest", "Changes to a key.", key_changes()),
        of("RotateProjectApiKeyRequest", "The rotation of a key.", rotation()),
        of(
            "ProjectApiKeyDeleteResponse",
            "The key is revoked.",
            vec![
                object("organization.project.api_key.deleted"),
                id("The id of the key."),
                must("deleted", Schema::True, "Always true."),
            ],
        ),
        of("ProjectLimits", "The limits of a project, and its usage.", project_limits()),
        of("ProjectLimitsRequest", "The limits to set. Absent limits stay.", wanted(|_| true)),
        of("ProjectApiKeyLimits", "The limits of a key.", key_limits()),
        of("ProjectApiKeyLimitsRequest", "The limits to set. Absent limits stay.", wanted(Limit::is_of_keys)),
        of("StorageUsage", "The usage of a project as its quotas count it, and its spending.", usage()),
        of("AuditLog", "An entry of the audit log.", audit_log()),
        page("ListAuditLogsResponse", "A page of the audit log.", "AuditLog"),
        Definition {
            name: "Scope",
            about: "A permission of a key.",
            schema: Schema::Words(Scope::ALL.map(Scope::name).to_vec()),
        },
    ]
}

fn own_key() -> Vec<Field> {
    let mut limits: Vec<Field> = limits(|_| true);
    for limit in &mut limits {
        limit.required = true;
    }
    vec![
        object("organization.key"),
        id("The id of the key."),
        must(
            "type",
            Schema::Words(vec!["workspace", "admin"]),
            "The kind of the key: `workspace` opens files, `admin` opens the administration.",
        ),
        must("name", Schema::Text, "The name."),
        must("redacted_value", Schema::Text, "The first and last characters of the secret."),
        must("created_at", unix_seconds(), "Creation time, in Unix seconds."),
        must("expires_at", or_null(unix_seconds()), "Expiry in Unix seconds; `null` if the key does not expire."),
        must(
            "last_used_at",
            or_null(unix_seconds()),
            "Last use in Unix seconds, to the minute; `null` if the key was never used.",
        ),
        must("scopes", list(Schema::Named("Scope")), "The scopes of the key; empty for an admin key."),
        must("project", or_null(Schema::Named("Project")), "The project of the key; `null` for an admin key."),
        must("limits", Schema::Object(limits), "The limits in force: of key and project, the lower one."),
        must("usage", or_null(Schema::Named("StorageUsage")), "The usage of the project; `null` for an admin key."),
    ]
}

fn project() -> Vec<Field> {
    vec![
        id("The id: `ws_` and 24 characters."),
        object("organization.project"),
        must("name", Schema::Text, "The name."),
        must("created_at", unix_seconds(), "Creation time, in Unix seconds."),
        must("archived_at", or_null(unix_seconds()), "Archive time, in Unix seconds; `null` if the project is active."),
        must(
            "status",
            Schema::Words(vec!["active", "archived"]),
            "The status. Keys of an archived project are refused.",
        ),
        must("external_key_id", Schema::Null, "Always `null`: the operator decides how files are encrypted."),
        must("residency", Schema::Null, "Always `null`: the operator decides where files are stored."),
    ]
}

/// Returns OpenAI's fields of a project that this server accepts and ignores.
fn placement() -> [Field; 3] {
    let ignored = |name| {
        may(
            name,
            or_null(Schema::Text),
            "Accepted for OpenAI's clients, and ignored: the operator decides where files are stored.",
        )
    };
    [ignored("geography"), ignored("residency"), ignored("external_key_id")]
}

fn api_key() -> Vec<Field> {
    let account = Schema::Object(vec![
        id("The id of the key."),
        must("name", Schema::Text, "The name of the key."),
        must("role", Schema::Word("member"), "Always `member`."),
        must("created_at", unix_seconds(), "Creation time, in Unix seconds."),
    ]);
    let owner = Schema::Object(vec![
        must("type", Schema::Word("service_account"), "The kind of the owner. This server has no users."),
        must("service_account", account, "The key itself."),
    ]);
    vec![
        object("organization.project.api_key"),
        id("The id: `key_` and 24 characters."),
        must("name", Schema::Text, "The name."),
        must("redacted_value", Schema::Text, "The first and last characters of the secret."),
        must("created_at", unix_seconds(), "Creation time, in Unix seconds."),
        must(
            "last_used_at",
            or_null(unix_seconds()),
            "Last use in Unix seconds, to the minute; `null` if the key was never used.",
        ),
        must("expires_at", or_null(unix_seconds()), "Expiry in Unix seconds; `null` if the key does not expire."),
        must("scopes", list(Schema::Named("Scope")), "The scopes of the key."),
        must("owner", owner, "The owner of the key: a service account of its own."),
        must("owner_project_access", Schema::Word("active"), "Always `active`."),
        may("value", Schema::Text, "The secret. Only the answer to the creation has it."),
    ]
}

fn key_creation() -> Vec<Field> {
    vec![
        must("name", name(), "The name."),
        may(
            "scopes",
            or_null(Schema::Some(Box::new(Schema::Named("Scope")), Scope::ALL.len())),
            "What it may be used for; all but `files.produce` when absent.",
        ),
        may("expires_in_seconds", or_null(valid()), "Lifetime of the key, in seconds. Default: unlimited."),
    ]
}

/// Returns the schema of the lifetime of a key, in seconds.
pub fn valid() -> Schema {
    Schema::Whole(*VALID_SECONDS.start(), *VALID_SECONDS.end())
}

fn key_changes() -> Vec<Field> {
    let scope = Schema::Either(vec![Schema::Named("Scope"), Schema::Word("api.all.read")]);
    let about = "What it may be used for, in place of what it has: `[]` for all that a new key gets, OpenAI's \
                 `api.all.read` for `files.read` and `usage.read`. As before when absent.";
    vec![
        may("scopes", or_null(Schema::List(Box::new(scope), Some(Scope::ALL.len()))), about),
        may("expires_in_seconds", or_null(valid()), "Lifetime of the key from now on, in seconds. Absent: unchanged."),
    ]
}

fn rotation() -> Vec<Field> {
    let overlap = Schema::Whole(*OVERLAP_SECONDS.start(), *OVERLAP_SECONDS.end());
    vec![may("overlap_seconds", or_null(overlap), "Time that the old secret stays valid, in seconds. Default: a day.")]
}

/// Returns the limits by name, and the size limits of files by purpose.
fn limits(has: fn(Limit) -> bool) -> Vec<Field> {
    let is_simple = |limit: &Limit| !matches!(limit, Limit::FileBytes(_));
    let mut fields: Vec<Field> = Limit::all()
        .filter(|limit| is_simple(limit) && has(*limit))
        .map(|limit| {
            let bounds = limit.bounds();
            may(limit.name(), or_null(Schema::Whole(*bounds.start(), *bounds.end())), about(limit))
        })
        .collect();
    let by_purpose = |value| Schema::Partial("purpose", Purpose::ALL.map(Purpose::name).to_vec(), Box::new(value));
    fields.push(may("file_bytes", by_purpose(count()), "Maximum size of a file by purpose, in bytes."));
    fields
}

const fn about(limit: Limit) -> &'static str {
    match limit {
        Limit::StorageBytes => "Maximum of stored bytes; `null` for no limit.",
        Limit::MaxFiles => "Maximum number of files; `null` for no limit.",
        Limit::FileBytes(_) => "Maximum size of a file, in bytes.",
        Limit::ConcurrentUploads => "Maximum number of concurrent uploads of files and parts; `null` for no limit.",
        Limit::RequestsPerMinute => "Maximum requests a minute; `null` for no limit.",
        Limit::UploadsPerMinute => "Maximum uploads of files and parts a minute; `null` for no limit.",
        Limit::MonthlySpendCents => "Maximum spending in a calendar month (UTC), in US cents; `null` for no limit.",
    }
}

/// Returns the limits of a request, in which null lifts a limit.
fn wanted(has: fn(Limit) -> bool) -> Vec<Field> {
    let mut fields = limits(has);
    for field in &mut fields {
        if let Schema::Partial(_, _, value) = &mut field.schema {
            **value = or_null(count());
            field.schema = or_null(field.schema.clone());
        }
    }
    fields
}

fn project_limits() -> Vec<Field> {
    let mut fields = shown(object("organization.project.limits"), "project_id", |_| true);
    fields.push(must("usage", Schema::Named("StorageUsage"), "The usage."));
    fields
}

fn key_limits() -> Vec<Field> {
    shown(object("organization.project.api_key.limits"), "api_key_id", Limit::is_of_keys)
}

fn shown(object: Field, id: &'static str, has: fn(Limit) -> bool) -> Vec<Field> {
    let of = limits(has).into_iter().map(|field| Field { required: true, ..field });
    [object, must(id, Schema::Text, "The project of the facts.")].into_iter().chain(of).collect()
}

fn usage() -> Vec<Field> {
    vec![
        must("stored_bytes", count(), "Stored bytes."),
        must("stored_files", count(), "The number of files."),
        must("reserved_bytes", count(), "Bytes that pending Uploads reserve."),
        must("reserved_files", count(), "Number of pending Uploads."),
        must("monthly_spend", Schema::Named("Amount"), "The spending of the calendar month (UTC) so far."),
    ]
}

fn audit_log() -> Vec<Field> {
    let key = Schema::Object(vec![
        id("The id of the key."),
        must("type", Schema::Word("service_account"), "Always this value."),
    ]);
    let user = Schema::Object(vec![id(
        "The id of a person, `command_line`, or `anonymous` for a client without an identity.",
    )]);
    let session =
        Schema::Object(vec![must("user", user, "A person who signed in, or who has access to the data directory.")]);
    let actor = Schema::Object(vec![
        must("type", Schema::Words(vec!["api_key", "session"]), "The kind of the actor: a key, or any other."),
        may("api_key", key, "The key."),
        may("session", session, "The actor that is no key."),
    ]);
    let mut fields = vec![
        object("organization.audit_log"),
        id("The id."),
        must("type", Schema::Words(Action::ALL.map(Action::name).to_vec()), "The action."),
        must("effective_at", unix_seconds(), "The time, in Unix seconds."),
        must("actor", actor, "The actor."),
        may("project", Schema::Object(vec![id("The id of the project.")]), "The project."),
        must("ip_address", or_null(Schema::Text), "The IP address; `null` on the command line."),
        must("request_id", or_null(Schema::Text), "The id of the request; `null` on the command line."),
    ];
    fields.extend(
        Action::ALL
            .map(|action| may(action.name(), subject(), "The object and the details, under the name of the action.")),
    );
    fields
}

fn subject() -> Schema {
    Schema::Object(vec![
        id("The id of the object."),
        may("data", Schema::Anything, "The values of the creation."),
        may("changes_requested", Schema::Anything, "The changes that were requested."),
    ])
}
