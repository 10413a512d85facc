//! The objects of service accounts, admin keys, rate limits and spend limits, in OpenAI's shapes.

use super::admin::valid;
use super::fields::{id, object, page_of};
use crate::http::reference::ids::name;
use crate::model::limits::Limit;
use venna_reference::{Definition, Field, Schema, count, may, must, or_null, unix_seconds};

pub fn definitions() -> Vec<Definition> {
    let of = |name, about, fields| Definition { name, about, schema: Schema::Object(fields) };
    let page = |name, about, of| Definition { name, about, schema: page_of(of) };
    vec![
        of("ProjectServiceAccount", "A service account of a project, which is a key.", account()),
        page("ProjectServiceAccountListResponse", "A page of service accounts.", "ProjectServiceAccount"),
        of("ProjectServiceAccountCreateRequest", "A new service account.", account_creation()),
        of("ProjectServiceAccountCreateResponse", "A service account and the secret of its key.", made_account()),
        of("ProjectServiceAccountUpdateRequest", "Changes to a service account.", account_changes()),
        of(
            "ProjectServiceAccountDeleteResponse",
            "The key of the service account is revoked.",
            deleted("organization.project.service_account.deleted"),
        ),
        of("AdminApiKey", "An admin key.", admin_key()),
        page("ApiKeyList", "A page of admin keys.", "AdminApiKey"),
        of("AdminApiKeyCreateRequest", "A new admin key.", admin_key_creation()),
        of("AdminApiKeyDeleteResponse", "The key is revoked.", deleted("organization.admin_api_key.deleted")),
        of("ProjectRateLimit", "A rate limit of a project.", rate_limit()),
        page("ProjectRateLimitListResponse", "The rate limits of a project.", "ProjectRateLimit"),
        of("ProjectRateLimitUpdateRequest", "Changes to a rate limit.", rate_limit_changes()),
        of("ProjectSpendLimit", "The spend limit of a project.", spend_limit()),
        of("ProjectSpendLimitRequest", "The spend limit of a project.", spend_limit_request()),
        of(
            "ProjectSpendLimitDeleted",
            "The spend limit is removed.",
            vec![object("project.spend_limit.deleted"), must("deleted", Schema::True, "Always true.")],
        ),
    ]
}

fn deleted(name: &'static str) -> Vec<Field> {
    vec![object(name), id("The id of the key."), must("deleted", Schema::True, "Always true.")]
}

fn created_at() -> Field {
    must("created_at", unix_seconds(), "Creation time, in Unix seconds.")
}

fn expires_at() -> Field {
    must("expires_at", or_null(unix_seconds()), "Expiry in Unix seconds; `null` if the key does not expire.")
}

fn account() -> Vec<Field> {
    vec![
        object("organization.project.service_account"),
        id("The id of the service account, which is the id of its key."),
        must("name", Schema::Text, "The name of the service account, which is the name of its key."),
        must("role", Schema::Word("member"), "Always `member`: the scopes of the key say what it may do."),
        created_at(),
    ]
}

fn made_account() -> Vec<Field> {
    let key = Schema::Object(vec![
        object("organization.project.service_account.api_key"),
        id("The id."),
        must("name", Schema::Text, "The name."),
        must("value", Schema::Text, "The secret. Only this answer has it."),
        created_at(),
        expires_at(),
    ]);
    let mut fields = account();
    fields.push(must("api_key", key, "The key."));
    fields
}

fn account_creation() -> Vec<Field> {
    vec![
        must("name", Schema::Text, "The name."),
        may("create_service_account_only", or_null(Schema::False), "Must be false: every service account has a key."),
        may("expires_in_seconds", or_null(valid()), "Lifetime of the key, in seconds. Default: unlimited."),
    ]
}

fn account_changes() -> Vec<Field> {
    vec![may("name", or_null(name()), "The name."), may("role", or_null(Schema::Word("member")), "The only role.")]
}

fn admin_key() -> Vec<Field> {
    let owner = Schema::Object(vec![
        must("type", Schema::Word("service_account"), "The kind of the owner. This server has no users."),
        must("object", Schema::Word("organization.service_account"), "The type of the object."),
        id("The id of the key."),
        must("name", Schema::Text, "The name of the key."),
        created_at(),
        must("role", Schema::Word("owner"), "Always `owner`."),
    ]);
    vec![
        object("organization.admin_api_key"),
        id("The id: `key_` and 24 characters."),
        must("name", Schema::Text, "The name."),
        must("redacted_value", Schema::Text, "The first and last characters of the secret."),
        created_at(),
        must(
            "last_used_at",
            or_null(unix_seconds()),
            "Last use in Unix seconds, to the minute; `null` if the key was never used.",
        ),
        expires_at(),
        must("owner", owner, "The owner of the key: a service account of its own."),
        may("value", Schema::Text, "The secret. Only the answer to the creation has it."),
    ]
}

fn admin_key_creation() -> Vec<Field> {
    vec![
        must("name", name(), "The name."),
        may("expires_in_seconds", or_null(valid()), "Lifetime of the key, in seconds. Default: unlimited."),
    ]
}

fn per_minute() -> Schema {
    let bounds = Limit::RequestsPerMinute.bounds();
    Schema::Whole(*bounds.start(), *bounds.end())
}

fn rate_limit() -> Vec<Field> {
    vec![
        object("project.rate_limit"),
        id("`rl-requests` or `rl-uploads`."),
        must(
            "model",
            Schema::Words(vec!["requests", "uploads"]),
            "The kind of requests that is limited, in place of OpenAI's models.",
        ),
        must("max_requests_per_1_minute", count(), "Maximum requests a minute; 1000000000 means no limit."),
        must("max_tokens_per_1_minute", count(), "Always 1000000000: no tokens are counted."),
    ]
}

fn rate_limit_changes() -> Vec<Field> {
    vec![may("max_requests_per_1_minute", or_null(per_minute()), "Maximum requests a minute. Absent: unchanged.")]
}

fn amount() -> Field {
    let bounds = Limit::MonthlySpendCents.bounds();
    let cents = Schema::Whole(*bounds.start(), *bounds.end());
    must("threshold_amount", cents, "Maximum spending in a calendar month (UTC), in US cents.")
}

fn spend_limit() -> Vec<Field> {
    let status = Schema::Words(vec!["inactive", "enforcing"]);
    let enforcement =
        Schema::Object(vec![must("status", status, "`enforcing` once the amount is spent and requests are refused.")]);
    let [currency, interval] = currency_and_interval();
    let mut fields = vec![object("project.spend_limit"), currency, interval, amount()];
    fields.push(must("enforcement", enforcement, "The state of the limit."));
    fields
}

fn currency_and_interval() -> [Field; 2] {
    [must("currency", Schema::Word("USD"), "Always `USD`."), must("interval", Schema::Word("month"), "Always `month`.")]
}

fn spend_limit_request() -> Vec<Field> {
    let [currency, interval] = currency_and_interval();
    vec![amount(), currency, interval]
}
