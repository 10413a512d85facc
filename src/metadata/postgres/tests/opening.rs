//! Servers that are refused, and TLS.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_would_lose_what_it_acknowledged_is_refused() {
    for setting in ["fsync", "full_page_writes"] {
        let off = format!("{setting} = off");
        let Some(server) = Postgres::start(&[&off], "servers that are not durable") else { return };
        let error = PostgresStore::open(&server.url, Clock::system(), TIME_LIMIT).await.unwrap_err();
        assert_eq!(error.to_string(), format!("the database would not be durable: {setting} is off"));
    }
    let Some(database) = Database::fresh("databases that are not durable") else { return };
    let name = database.url.rsplit('/').next().unwrap();
    database.run(&format!("ALTER DATABASE {name} SET synchronous_commit = off"));
    let error = PostgresStore::open(&database.url, Clock::system(), TIME_LIMIT).await.unwrap_err();
    assert!(matches!(error, OpenError::NotDurable(_)), "{error}");
    database.run(&format!("ALTER DATABASE {name} SET synchronous_commit = local"));
    let store = open(&database, &Clock::system()).await;
    let session = store.connections.snapshot_session().await.unwrap();
    let set = session.row("SELECT current_setting('synchronous_commit')", &[]).await.unwrap().unwrap();
    assert_eq!(set.try_get::<_, String>(0).unwrap(), "on");
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_looked_at_as_far_as_the_url_asks() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let script = "set -e; cd $0
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.pem
        openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr
        echo subjectAltName=DNS:localhost >names
        openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.pem
        chmod 755 .; chmod 600 server.key; [ $(id -u) != 0 ] || chown postgres server.key";
    let made = Command::new("bash").args(["-c", script]).arg(folder.path()).output();
    if !made.is_ok_and(|made| made.status.success()) {
        println!("SKIPPED: certificates of databases: there is no openssl on this machine");
        return;
    }
    let settings = [
        "ssl = on".to_owned(),
        format!("ssl_cert_file = '{}'", path("server.pem")),
        format!("ssl_key_file = '{}'", path("server.key")),
    ];
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let Some(server) = Postgres::start(&settings, "certificates of databases") else { return };
    let named = server.url.replace("127.0.0.1", "localhost");
    let root = format!("sslrootcert={}", path("ca.pem"));
    for (url, encrypted) in [
        (format!("{}?sslmode=disable", server.url), Some(false)),
        (server.url.clone(), Some(true)),
        (format!("{}?sslmode=require", server.url), Some(true)),
        (format!("{}?sslmode=verify-ca&{root}", server.url), Some(true)),
        (format!("{named}?sslmode=verify-full&{root}"), Some(true)),
        (format!("{}?sslmode=verify-full&{root}", server.url), None),
        (format!("{named}?sslmode=verify-full"), None),
        (format!("{}?sslmode=verify-ca", server.url), None),
    ] {
        let found = match PostgresStore::open(&url, Clock::system(), TIME_LIMIT).await {
            Ok(store) => {
                let session = store.connections.snapshot_session().await.unwrap();
                let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
                Some(session.row(sql, &[]).await.unwrap().unwrap().try_get::<_, bool>(0).unwrap())
            }
            Err(error) => {
                assert!(matches!(error, OpenError::Unavailable(_) | OpenError::Tls(_)), "{error:?}");
                None
            }
        };
        assert_eq!(found, encrypted, "{url}");
    }
}
