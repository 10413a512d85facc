//! Behind a pooler: settings hold for each session, and a pooler that shares sessions is refused.

use super::*;

const NAMES: [&str; 6] = [
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "synchronous_commit",
    "jit",
    "default_transaction_read_only",
];

/// Returns the values of these settings in a session of the store.
async fn settings(store: &PostgresStore) -> Vec<String> {
    let session = store.connections.session(Instant::now() + Duration::from_secs(2)).await.unwrap();
    let mut shown = Vec::new();
    for name in NAMES {
        let row = session.row(&format!("SHOW {name}"), &[]).await.unwrap().unwrap();
        shown.push(row.get::<_, String>(0));
    }
    session.mark_idle();
    shown
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_keeps_sessions_changes_nothing() {
    let what = "the contract of metadata stores behind PgBouncer";
    let Some(database) = Database::fresh(what) else { return };
    let keeps = ["pool_mode = session", "default_pool_size = 40"];
    let Some(pooler) = PgBouncer::before(&database.url, &keeps, what) else { return };
    let clock = Clock::set_to(contract::NOW_MS);
    let store = PostgresStore::open(&pooler.url, clock.clone(), TIME_LIMIT).await.unwrap();
    contract::holds(&store, &clock).await;
    contract::concurrent_changes_get_their_own_answers(Arc::new(store)).await;
    // What the role or the database has is weaker, and what an operator keeps writers away with stays.
    for setting in ["lock_timeout = '1h'", "jit = on", "default_transaction_read_only = on"] {
        let name = database.url.rsplit('/').next().unwrap().split('?').next().unwrap();
        database.run(&format!("ALTER DATABASE {name} SET {setting}"));
    }
    for ignored in ["", "ignore_startup_parameters = options"] {
        let Some(pooler) = PgBouncer::before(&database.url, &[&keeps[..], &[ignored]].concat(), what) else { return };
        let store = PostgresStore::open(&pooler.url, clock.clone(), TIME_LIMIT).await.unwrap();
        assert_eq!(settings(&store).await, ["4s", "3s", "5s", "on", "off", "on"], "{ignored}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_shares_sessions_is_refused() {
    let what = "the refusal of PgBouncer where it shares sessions";
    let Some(database) = Database::fresh(what) else { return };
    let refusal = async |settings: &[&str]| {
        let pooler = PgBouncer::before(&database.url, settings, what)?;
        Some(PostgresStore::open(&pooler.url, Clock::system(), TIME_LIMIT).await.unwrap_err().to_string())
    };
    for mode in ["pool_mode = transaction", "pool_mode = statement"] {
        for size in ["default_pool_size = 1", "default_pool_size = 20"] {
            let Some(refused) = refusal(&[mode, size]).await else { return };
            assert!(refused.contains("pool_mode = session"), "{mode}, {size}: {refused}");
        }
    }
    let Some(refused) = refusal(&["pool_mode = session", "default_pool_size = 1"]).await else { return };
    assert!(refused.contains("default_pool_size"), "{refused}");
    assert_eq!(database.rows("SELECT to_regclass('schema_migrations')::text"), [[None]], "nothing was made");
}
