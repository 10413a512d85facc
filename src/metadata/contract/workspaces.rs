//! Workspaces.

use super::fixtures::{NOW_MS, ORIGIN};
use crate::metadata::MetadataStore;
use crate::model::ids::WorkspaceId;
use crate::model::workspace::NameTaken;

pub async fn workspaces_have_unique_names_and_end(store: &dyn MetadataStore) {
    let ada = store.create_workspace("ada", ORIGIN, None).await.unwrap().made().unwrap().unwrap();
    assert_eq!(store.create_workspace("ada", ORIGIN, None).await.unwrap().made().unwrap(), None);
    let bob = store.create_workspace("bob", ORIGIN, None).await.unwrap().made().unwrap().unwrap();
    assert_eq!(store.find_workspace(ada.id).await.unwrap(), Some(ada.clone()));
    assert_eq!(store.find_workspace_named("bob").await.unwrap(), Some(bob.clone()));
    assert_eq!(
        store.rename_workspace(ada.id, Some("bob"), ORIGIN, None).await.unwrap().made().unwrap(),
        Some(Err(NameTaken))
    );
    let eve =
        store.rename_workspace(ada.id, Some("eve"), ORIGIN, None).await.unwrap().made().unwrap().unwrap().unwrap();
    assert_eq!((eve.id, eve.name.as_str()), (ada.id, "eve"));
    assert_eq!(store.find_workspace_named("ada").await.unwrap(), None);
    let archived = store.archive_workspace(bob.id, ORIGIN, None).await.unwrap().made().unwrap().unwrap();
    assert_eq!(archived.archived_at, Some(NOW_MS / 1000));
    assert_eq!(store.archive_workspace(bob.id, ORIGIN, None).await.unwrap().made().unwrap(), Some(archived.clone()));
    let mut listed = Vec::new();
    for with_archived in [true, false] {
        let first = store.list_workspaces(None, 1, with_archived).await.unwrap();
        assert!(first.rows.len() == 1 && first.has_more == with_archived);
        let rest = store.list_workspaces(Some(first.rows[0].id), 10, with_archived).await.unwrap();
        listed.push([first.rows, rest.rows].concat());
    }
    listed[0].sort_by_key(|workspace| workspace.name.clone());
    assert_eq!(listed, [vec![archived, eve.clone()], vec![eve]]);
    let nobody = WorkspaceId::next(None, 0, [0; 11]);
    assert_eq!(store.archive_workspace(nobody, ORIGIN, None).await.unwrap().made().unwrap(), None);
    assert_eq!(store.rename_workspace(nobody, Some("x"), ORIGIN, None).await.unwrap().made().unwrap(), None);
}
