//! Default expiries.

use super::fixtures::{ORIGIN, create, tenant};
use crate::metadata::MetadataStore;
use crate::model::expiry::{DefaultExpiry, ExpiresAfter};
use crate::model::purpose::Purpose;

pub async fn a_workspace_decides_where_clients_do_not(store: &dyn MetadataStore) {
    let (ours, theirs) = (tenant(store, "brief").await, tenant(store, "plain").await);
    let (brief, long) = (DefaultExpiry::seconds(7200), DefaultExpiry::seconds(86_400 * 365));
    let wanted =
        vec![(Purpose::UserData, brief), (Purpose::Batch, Some(DefaultExpiry::Never)), (Purpose::Evals, brief)];
    store.set_default_expiries(ours.workspace, wanted, ORIGIN, None).await.unwrap();
    store
        .set_default_expiries(ours.workspace, vec![(Purpose::Evals, None), (Purpose::Vision, long)], ORIGIN, None)
        .await
        .unwrap();
    assert!(store.default_expiries(theirs.workspace).await.unwrap().is_empty());
    let mut own = store.default_expiries(ours.workspace).await.unwrap();
    own.sort_by_key(|(purpose, _)| purpose.name());
    assert_eq!(
        own,
        [(Purpose::Batch, DefaultExpiry::Never), (Purpose::UserData, brief.unwrap()), (Purpose::Vision, long.unwrap())]
    );
    let purposes = [Purpose::UserData, Purpose::Batch, Purpose::Evals, Purpose::Vision];
    for (caller, lives) in
        [(ours, [Some(7200), None, None, Some(31_536_000)]), (theirs, [None, Some(2_592_000), None, None])]
    {
        for (number, (purpose, lives)) in (0..).zip(purposes.into_iter().zip(lives)) {
            let file = create(store, caller, number, purpose, None).await;
            assert_eq!(file.expires_at, lives.map(|seconds| file.created_at() + seconds), "{purpose}");
            let asked = create(store, caller, number + 10, purpose, ExpiresAfter::seconds(3600)).await;
            assert_eq!(asked.expires_at, Some(asked.created_at() + 3600), "{purpose}");
        }
    }
}
