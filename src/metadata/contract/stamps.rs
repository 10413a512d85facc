//! The stamp.

use crate::metadata::MetadataStore;

pub async fn a_stamp_only_moves_forward(store: &dyn MetadataStore) {
    use crate::model::ids::InstallationId;
    use crate::model::stamp::Stamp;
    let stamp = |installation, generation| Stamp { installation: InstallationId::new([installation; 16]), generation };
    for (set, then) in [((1, 9), (1, 9)), ((1, 10), (1, 10)), ((1, 9), (1, 10)), ((2, 11), (1, 10)), ((1, 10), (1, 10))]
    {
        store.set_stamp(stamp(set.0, set.1)).await.unwrap();
        assert_eq!(store.stamp().await.unwrap(), Some(stamp(then.0, then.1)));
    }
}
