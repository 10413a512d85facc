//! `venna audit`.

use super::settings::StoreSettings;
use super::{date, output, workspaces};
use crate::app::Installation;
use crate::model::audit::{Action, Actor, AuditQuery, Entry};
use crate::model::ids::WorkspaceId;
use anyhow::Result;
use serde::Serialize;
use serde_json::Value;
use std::ops::RangeInclusive;

/// The bounds of `--limit`.
const ENTRIES: RangeInclusive<i64> = 1..=100_000;
/// The default of `--limit`.
const DEFAULT_ENTRIES: u32 = 100;

/// Shows the audit log, with the server running or stopped.
#[derive(Debug, clap::Subcommand)]
pub enum Audit {
    /// Lists entries of the audit log, newest first.
    List {
        #[command(flatten)]
        filter: Filter,
        /// Prints JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        settings: StoreSettings,
    },
}

/// The filter of entries.
#[derive(Debug, clap::Args)]
pub struct Filter {
    /// Only entries of this workspace, by name or id.
    #[arg(long, value_name = "NAME_OR_ID")]
    workspace: Option<String>,
    /// Only actions of this key or person, or of `command_line` or `anonymous`.
    #[arg(long, value_name = "ACTOR", value_parser = parse_actor)]
    actor: Option<Actor>,
    /// Only this action, such as `api_key.created`.
    #[arg(long, value_name = "TYPE", value_parser = parse_action)]
    action: Option<Action>,
    /// Only from this time on, such as `yesterday`, `7d` or `2026-12-01T08:00:00Z`.
    #[arg(long, value_name = "TIME", value_parser = date::parse)]
    since: Option<u64>,
    /// Only before this time.
    #[arg(long, value_name = "TIME", value_parser = date::parse)]
    until: Option<u64>,
    /// The maximum number of entries.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_ENTRIES, value_parser = clap::value_parser!(u32).range(ENTRIES))]
    limit: u32,
}

fn parse_actor(text: &str) -> Result<Actor, String> {
    text.parse().map_err(|_| {
        "expected the id of a key, key_..., or of a person, user_..., or command_line or anonymous".to_owned()
    })
}

fn parse_action(text: &str) -> Result<Action, String> {
    let actions = || Action::ALL.map(Action::name).join(", ");
    Action::named(text).ok_or_else(|| format!("expected one of {}", actions()))
}

#[derive(Serialize)]
struct Row {
    id: String,
    effective_at: u64,
    action: &'static str,
    object_id: String,
    actor: String,
    /// None for an entry of the installation.
    workspace_id: Option<String>,
    /// None for a command.
    address: Option<String>,
    request_id: Option<String>,
    details: Option<Value>,
}

impl From<Entry> for Row {
    fn from(entry: Entry) -> Self {
        Self {
            id: entry.id.to_string(),
            effective_at: entry.id.created_at(),
            action: entry.action.name(),
            object_id: entry.object,
            actor: entry.origin.actor.to_string(),
            workspace_id: entry.workspace.map(|workspace| workspace.to_string()),
            address: entry.origin.address.map(|address| address.to_string()),
            request_id: entry.origin.request.map(|request| request.to_string()),
            details: entry.details,
        }
    }
}

impl Row {
    fn cells(&self) -> Vec<String> {
        let optional = |text: &Option<String>| text.clone().unwrap_or_default();
        vec![
            output::time(self.effective_at),
            self.action.to_owned(),
            self.object_id.clone(),
            self.actor.clone(),
            optional(&self.workspace_id),
            self.details.as_ref().map(|details| change("", details)).unwrap_or_default(),
            optional(&self.address),
            optional(&self.request_id),
        ]
    }
}

/// Formats the details of an entry as `name=value` pairs: what was set.
fn change(name: &str, value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let inner = |(field, value): (&String, &Value)| {
                change(&if name.is_empty() { field.clone() } else { format!("{name}.{field}") }, value)
            };
            fields.iter().map(inner).collect::<Vec<_>>().join(" ")
        }
        Value::Array(items) => format!("{name}={}", items.iter().map(text).collect::<Vec<_>>().join(",")),
        value => format!("{name}={}", text(value)),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) if text.chars().all(|letter| letter.is_alphanumeric() || "._:-".contains(letter)) => {
            text.clone()
        }
        other => other.to_string(),
    }
}

impl Audit {
    pub async fn run(&self) -> Result<()> {
        let Self::List { filter, json, settings } = self;
        let installation = settings.open_existing().await?;
        let query = filter.query(&installation).await?;
        let rows: Vec<Row> = installation.audit_log.list(query).await?.rows.into_iter().map(Row::from).collect();
        let heading = ["TIME", "ACTION", "OBJECT", "ACTOR", "WORKSPACE", "CHANGE", "ADDRESS", "REQUEST"];
        output::list(&rows, *json, &heading, Row::cells)
    }
}

impl Filter {
    async fn query(&self, installation: &Installation) -> Result<AuditQuery> {
        let workspace: Option<WorkspaceId> = match &self.workspace {
            Some(name_or_id) => Some(workspaces::find(installation, name_or_id).await?.id),
            None => None,
        };
        Ok(AuditQuery {
            actions: self.action.map(|action| vec![action]),
            actors: self.actor.map(|actor| vec![actor]),
            workspaces: workspace.map(|workspace| vec![workspace]),
            from: self.since,
            until: self.until,
            limit: self.limit,
            ..AuditQuery::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_change_is_told_in_pairs() {
        for (details, shown) in [
            (
                json!({"name": "audited", "scopes": ["files.read", "files.write"]}),
                "name=audited scopes=files.read,files.write",
            ),
            (
                json!({"default_expiries": {"batch": 7200, "evals": null}}),
                "default_expiries.batch=7200 default_expiries.evals=none",
            ),
            (json!({"reason": "two words", "quantity": "-1"}), r#"reason="two words" quantity=-1"#),
        ] {
            assert_eq!(change("", &details), shown);
        }
    }
}
