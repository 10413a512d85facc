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
        of("ProjectServiceAccountCreateRequest", "A service account that is to be made.", account_creation()),
        of("ProjectServiceAccountCreateResponse", "A service account and the secret of its key.", made_account()),
        of("ProjectServiceAccountUpdateRequest", "What is changed of a service account.", account_changes()),
        of(
            "ProjectServiceAccountDeleteResponse",
            "The key of the service account opens nothing any more.",
            deleted("organization.project.service_account.deleted"),
        ),
        of("AdminApiKey", "A key of an administrator.", admin_key()),
        page("ApiKeyList", "A page of keys of administrators.", "AdminApiKey"),
        of("AdminApiKeyCreateRequest", "A key of an administrator that is to be made.", admin_key_creation()),
        of(
            "AdminApiKeyDeleteResponse",
            "The key opens nothing any more.",
            deleted("organization.admin_api_key.deleted"),
        ),
        of("ProjectRateLimit", "A rate limit of a project.", rate_limit()),
        page("ProjectRateLimitListResponse", "The rate limits of a project.", "ProjectRateLimit"),
        of("ProjectRateLimitUpdateRequest", "How many requests a minute there may be.", rate_limit_changes()),
        of("ProjectSpendLimit", "What a project may spend in a month.", spend_limit()),
        of("ProjectSpendLimitRequest", "What a project may spend in a month.", spend_limit_request()),
        of(
            "ProjectSpendLimitDeleted",
            "The project has no spend limit any more.",
            vec![object("project.spend_limit.deleted"), must("deleted", Schema::True, "Always true.")],
        ),
    ]
}

fn deleted(name: &'static str) -> Vec<Field> {
    vec![object(name), id("The id of the key."), must("deleted", Schema::True, "Always true.")]
}

fn created_at() -> Field {
    must("created_at", unix_seconds(), "When it was made, in Unix seconds.")
}

fn expires_at() -> Field {
    must("expires_at", or_null(unix_seconds()), "Until when it is good, in Unix seconds; null for ever.")
}

fn account() -> Vec<Field> {
    vec![
        object("organization.project.service_account"),
        id("Its id, which is that of its key."),
        must("name", Schema::Text, "Its name, which is that of its key."),
        must("role", Schema::Word("member"), "Always `member`: the scopes of the key say what it may do."),
        created_at(),
    ]
}

fn made_account() -> Vec<Field> {
    let key = Schema::Object(vec![
        object("organization.project.service_account.api_key"),
        id("Its id."),
        must("name", Schema::Text, "Its name."),
        must("value", Schema::Text, "The secret. Nothing else shows it."),
        created_at(),
        expires_at(),
    ]);
    let mut fields = account();
    fields.push(must("api_key", key, "Its key."));
    fields
}

fn account_creation() -> Vec<Field> {
    vec![
        must("name", Schema::Text, "Its name."),
        may("create_service_account_only", or_null(Schema::False), "There is no service account without a key here."),
        may("expires_in_seconds", or_null(valid()), "For how long the key is good; for ever when absent."),
    ]
}

fn account_changes() -> Vec<Field> {
    vec![
        may("name", or_null(name()), "Its name."),
        may("role", or_null(Schema::Word("member")), "There is no other role."),
    ]
}

fn admin_key() -> Vec<Field> {
    let owner = Schema::Object(vec![
        must("type", Schema::Word("service_account"), "There are no users here."),
        must("object", Schema::Word("organization.service_account"), "What this is."),
        id("The id of the key."),
        must("name", Schema::Text, "The name of the key."),
        created_at(),
        must("role", Schema::Word("owner"), "Always `owner`."),
    ]);
    vec![
        object("organization.admin_api_key"),
        id("Its id: `key_` and 24 characters."),
        must("name", Schema::Text, "Its name."),
        must("redacted_value", Schema::Text, "What may be shown of the secret."),
        created_at(),
        must("last_used_at", or_null(unix_seconds()), "When it was last used, to the minute."),
        expires_at(),
        must("owner", owner, "Whose it is: its own."),
        may("value", Schema::Text, "The secret, only in the answer that makes it."),
    ]
}

fn admin_key_creation() -> Vec<Field> {
    vec![
        must("name", name(), "Its name."),
        may("expires_in_seconds", or_null(valid()), "For how long it is good; for ever when absent."),
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
        must("model", Schema::Words(vec!["requests", "uploads"]), "What is limited, in place of OpenAI's models."),
        must("max_requests_per_1_minute", count(), "How many a minute; 1000000000 where there is no limit."),
        must("max_tokens_per_1_minute", count(), "Always 1000000000: no tokens are counted."),
    ]
}

fn rate_limit_changes() -> Vec<Field> {
    vec![may("max_requests_per_1_minute", or_null(per_minute()), "How many a minute; as before when absent.")]
}

fn amount() -> Field {
    let bounds = Limit::MonthlySpendCents.bounds();
    let cents = Schema::Whole(*bounds.start(), *bounds.end());
    must("threshold_amount", cents, "What a calendar month (UTC) may cost, in US cents.")
}

fn spend_limit() -> Vec<Field> {
    let status = Schema::Words(vec!["inactive", "enforcing"]);
    let enforcement =
        Schema::Object(vec![must("status", status, "`enforcing` when as much is spent, and requests are refused.")]);
    let mut fields = vec![object("project.spend_limit")];
    fields.extend(spend_limit_request());
    fields.push(must("enforcement", enforcement, "Whether requests are refused for it now."));
    fields
}

fn spend_limit_request() -> Vec<Field> {
    vec![
        amount(),
        must("currency", Schema::Word("USD"), "Always `USD`."),
        must("interval", Schema::Word("month"), "Always `month`."),
    ]
}
