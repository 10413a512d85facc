//! Creation and changes of workspaces.

use super::audit;
use super::update::Update;
use crate::metadata::workspaces::Purged;
use crate::model::audit::{Action, NewEntry};
use crate::model::ids::WorkspaceId;
use crate::model::workspace::Workspace;

/// Returns a new workspace and its audit entry.
pub fn create(id: WorkspaceId, name: &str) -> (Workspace, NewEntry) {
    let workspace = Workspace { id, name: name.to_owned(), archived_at: None };
    (workspace, audit::workspace_named(Action::WorkspaceCreated, id, name))
}

/// Returns a workspace after it has got a name, if one is given. Its own name changes nothing.
pub fn rename(known: Workspace, name: Option<&str>) -> Update<Workspace> {
    let Some(name) = name.filter(|name| *name != known.name) else { return Update::none(known) };
    let entry = audit::workspace_named(Action::WorkspaceUpdated, known.id, name);
    Update::of(Workspace { name: name.to_owned(), ..known }, entry)
}

/// Returns a workspace after it is archived. An archived workspace stays as it is.
pub fn archive(known: Workspace, now_seconds: u64) -> Update<Workspace> {
    if known.archived_at.is_some() {
        return Update::none(known);
    }
    let entry = audit::workspace(Action::WorkspaceArchived, known.id);
    Update::of(Workspace { archived_at: Some(now_seconds), ..known }, entry)
}

/// Returns why the rows of a workspace are not removed.
pub fn refuse_purge(known: Option<&Workspace>) -> Option<Purged> {
    match known {
        None => Some(Purged::NotFound),
        Some(workspace) if workspace.archived_at.is_none() => Some(Purged::NotArchived),
        Some(_) => None,
    }
}

/// Returns the audit entry of the last step of a purge, which removed these many secrets of keys. The purge of a
/// workspace that was purged before has none.
pub fn purged(id: WorkspaceId, removed_secrets: u64) -> Option<NewEntry> {
    (removed_secrets > 0).then(|| audit::workspace(Action::WorkspacePurged, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace() -> Workspace {
        create(WorkspaceId::next(None, 1, [0; 11]), "ada").0
    }

    #[test]
    fn a_name_is_entered_unless_the_workspace_has_it() {
        assert_eq!(rename(workspace(), None), Update::none(workspace()));
        assert_eq!(rename(workspace(), Some("ada")), Update::none(workspace()));
        let renamed = rename(workspace(), Some("bob"));
        assert_eq!(renamed.row.name, "bob");
        assert_eq!(renamed.entry.unwrap().action, Action::WorkspaceUpdated);
    }

    #[test]
    fn a_workspace_is_archived_once_and_purged_then() {
        assert_eq!(refuse_purge(None), Some(Purged::NotFound));
        assert_eq!(refuse_purge(Some(&workspace())), Some(Purged::NotArchived));
        let archived = archive(workspace(), 7);
        assert_eq!(archived.entry.unwrap().action, Action::WorkspaceArchived);
        assert_eq!(archive(archived.row.clone(), 8), Update::none(archived.row.clone()));
        assert_eq!((archived.row.archived_at, refuse_purge(Some(&archived.row))), (Some(7), None));
        assert_eq!((purged(archived.row.id, 0), purged(archived.row.id, 2).is_some()), (None, true));
    }
}
