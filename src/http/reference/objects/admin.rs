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
            "No models.",
            vec![object("list"), must("data", Schema::List(Box::new(Schema::Anything), Some(0)), "Always empty.")],
        ),
        of("OwnKey", "The key of the request itself.", own_key()),
        of("Project", "A project, which is a workspace.", project()),
        page("ProjectListResponse", "A page of projects.", "Project"),
        of("ProjectCreateRequest", "A project that is to be made.", {
            let name = must("name", name(), "Its name, unique on this server.");
            [name].into_iter().chain(placement()).collect()
        }),
        of("ProjectUpdateRequest", "What is changed of a project.", {
            let name = may("name", or_null(name()), "Its name, unique on this server; as before when absent.");
            [name].into_iter().chain(placement()).collect()
        }),
        of("ProjectApiKey", "A key of a project.", api_key()),
        page("ProjectApiKeyListResponse", "A page of keys.", "ProjectApiKey"),
        of("CreateProjectApiKeyRequest", "What a new key may be used for.", key_creation()),
        of("UpdateProjectApiKeyRequest", "What is changed of a key.", key_changes()),
        of("RotateProjectApiKeyRequest", "How long the old secret is good.", rotation()),
        of(
            "ProjectApiKeyDeleteResponse",
            "The key opens nothing any more.",
            vec![
                object("organization.project.api_key.deleted"),
                id("The id of the key."),
                must("deleted", Schema::True, "Always true."),
            ],
        ),
        of("ProjectLimits", "The limits of a project, and how much of them is used.", project_limits()),
        of("ProjectLimitsRequest", "The limits to set; those that are absent stay.", wanted(|_| true)),
        of("ProjectApiKeyLimits", "The limits of a key.", key_limits()),
        of("ProjectApiKeyLimitsRequest", "The limits to set; those that are absent stay.", wanted(Limit::is_of_keys)),
        of("StorageUsage", "What a project has, as its quotas count it, and what it has spent.", usage()),
        of("AuditLog", "An entry of the audit log.", audit_log()),
        page("ListAuditLogsResponse", "A page of the audit log.", "AuditLog"),
        Definition {
            name: "Scope",
            about: "What a key may be used for.",
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
        must("type", Schema::Words(vec!["workspace", "admin"]), "Whether it opens a workspace or the administration."),
        must("name", Schema::Text, "Its name."),
        must("redacted_value", Schema::Text, "What may be shown of the secret."),
        must("created_at", unix_seconds(), "When it was made, in Unix seconds."),
        must("expires_at", or_null(unix_seconds()), "Until when it is good, in Unix seconds; null for ever."),
        must("last_used_at", or_null(unix_seconds()), "When it was last used, to the minute."),
        must("scopes", list(Schema::Named("Scope")), "What it may be used for; none of an admin key."),
        must("project", or_null(Schema::Named("Project")), "Its project; null of an admin key."),
        must("limits", Schema::Object(limits), "What is in force: the tighter of the limits of key and project."),
        must("usage", or_null(Schema::Named("StorageUsage")), "What the project has; null of an admin key."),
    ]
}

fn project() -> Vec<Field> {
    vec![
        id("Its id: `ws_` and 24 characters."),
        object("organization.project"),
        must("name", Schema::Text, "Its name."),
        must("created_at", unix_seconds(), "When it was made, in Unix seconds."),
        must("archived_at", or_null(unix_seconds()), "When it was archived, in Unix seconds."),
        must("status", Schema::Words(vec!["active", "archived"]), "Keys of an archived project open nothing."),
        must("external_key_id", Schema::Null, "Always null: the operator says with whose key bytes are encrypted."),
        must("residency", Schema::Null, "Always null: the operator says where all projects lie."),
    ]
}

/// Returns OpenAI's fields of a project that this server accepts and ignores.
fn placement() -> [Field; 3] {
    let ignored = |name| {
        may(
            name,
            or_null(Schema::Text),
            "Taken from OpenAI's clients and ignored: all projects lie where the operator says.",
        )
    };
    [ignored("geography"), ignored("residency"), ignored("external_key_id")]
}

fn api_key() -> Vec<Field> {
    let account = Schema::Object(vec![
        id("The id of the key."),
        must("name", Schema::Text, "The name of the key."),
        must("role", Schema::Word("member"), "Always `member`."),
        must("created_at", unix_seconds(), "When it was made, in Unix seconds."),
    ]);
    let owner = Schema::Object(vec![
        must("type", Schema::Word("service_account"), "There are no users here."),
        must("service_account", account, "The key itself."),
    ]);
    vec![
        object("organization.project.api_key"),
        id("Its id: `key_` and 24 characters."),
        must("name", Schema::Text, "Its name."),
        must("redacted_value", Schema::Text, "What may be shown of the secret."),
        must("created_at", unix_seconds(), "When it was made, in Unix seconds."),
        must("last_used_at", or_null(unix_seconds()), "When it was last used, to the minute."),
        must("expires_at", or_null(unix_seconds()), "Until when it is good, in Unix seconds; null for ever."),
        must("scopes", list(Schema::Named("Scope")), "What it may be used for."),
        must("owner", owner, "Whose it is: its own."),
        must("owner_project_access", Schema::Word("active"), "Always `active`."),
        may("value", Schema::Text, "The secret, only in the answer that makes it."),
    ]
}

fn key_creation() -> Vec<Field> {
    vec![
        must("name", name(), "Its name."),
        may(
            "scopes",
            or_null(Schema::Some(Box::new(Schema::Named("Scope")), Scope::ALL.len())),
            "What it may be used for; all but `files.produce` when absent.",
        ),
        may("expires_in_seconds", or_null(valid()), "For how long it is good; for ever when absent."),
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
        may("expires_in_seconds", or_null(valid()), "For how long it is good from now on; as before when absent."),
    ]
}

fn rotation() -> Vec<Field> {
    let overlap = Schema::Whole(*OVERLAP_SECONDS.start(), *OVERLAP_SECONDS.end());
    vec![may(
        "overlap_seconds",
        or_null(overlap),
        "How long the old secret is good beside the new one; a day when absent.",
    )]
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
    fields.push(may("file_bytes", by_purpose(count()), "Bytes of one file, by purpose."));
    fields
}

const fn about(limit: Limit) -> &'static str {
    match limit {
        Limit::StorageBytes => "Bytes of all files together; null for no limit.",
        Limit::MaxFiles => "How many files there may be; null for no limit.",
        Limit::FileBytes(_) => "Bytes of one file.",
        Limit::ConcurrentUploads => "Files and parts that come in at once; null for no limit.",
        Limit::RequestsPerMinute => "Requests a minute; null for no limit.",
        Limit::UploadsPerMinute => "Files and parts a minute; null for no limit.",
        Limit::MonthlySpendCents => "What a calendar month (UTC) may cost, in US cents; null for no limit.",
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
    fields.push(must("usage", Schema::Named("StorageUsage"), "How much is used."));
    fields
}

fn key_limits() -> Vec<Field> {
    shown(object("organization.project.api_key.limits"), "api_key_id", Limit::is_of_keys)
}

fn shown(object: Field, id: &'static str, has: fn(Limit) -> bool) -> Vec<Field> {
    let of = limits(has).into_iter().map(|field| Field { required: true, ..field });
    [object, must(id, Schema::Text, "Whose they are.")].into_iter().chain(of).collect()
}

fn usage() -> Vec<Field> {
    vec![
        must("stored_bytes", count(), "Bytes of its files."),
        must("stored_files", count(), "How many they are."),
        must("reserved_bytes", count(), "Bytes that pending Uploads were declared with."),
        must("reserved_files", count(), "How many Uploads are pending."),
        must("monthly_spend", Schema::Named("Amount"), "What was spent since the month began (UTC)."),
    ]
}

fn audit_log() -> Vec<Field> {
    let key =
        Schema::Object(vec![id("The id of the key."), must("type", Schema::Word("service_account"), "Always so.")]);
    let user = Schema::Object(vec![id("`command_line`.")]);
    let session = Schema::Object(vec![must("user", user, "Whoever may read the data directory.")]);
    let actor = Schema::Object(vec![
        must("type", Schema::Words(vec!["api_key", "session"]), "By a key, or on the command line."),
        may("api_key", key, "The key."),
        may("session", session, "The command line."),
    ]);
    let mut fields = vec![
        object("organization.audit_log"),
        id("Its id."),
        must("type", Schema::Words(Action::ALL.map(Action::name).to_vec()), "What was done."),
        must("effective_at", unix_seconds(), "When, in Unix seconds."),
        must("actor", actor, "Who did it."),
        may("project", Schema::Object(vec![id("The id of the project.")]), "In which project."),
        must("ip_address", or_null(Schema::Text), "From where; null on the command line."),
        must("request_id", or_null(Schema::Text), "In which request; null on the command line."),
    ];
    fields.extend(
        Action::ALL.map(|action| may(action.name(), subject(), "What was done to what, under the name of the type.")),
    );
    fields
}

fn subject() -> Schema {
    Schema::Object(vec![
        id("What it was done to."),
        may("data", Schema::Anything, "What it was made with."),
        may("changes_requested", Schema::Anything, "What was changed."),
    ])
}
