//! One connection to a server, outside of the pool.

use super::endpoint::Endpoint;
use super::failure::Failure;
use super::open_error::OpenError;
use super::tls;
use tokio_postgres::Client;

/// Connects to a server.
pub(super) async fn connect_to(endpoint: &Endpoint) -> Result<Client, OpenError> {
    let connected = endpoint.config.connect(tls::connector(endpoint)?).await;
    let (client, connection) = connected.map_err(Failure::of_connecting).map_err(|failure| failure.at(endpoint))?;
    // The task ends with its client.
    drop(tokio::spawn(connection));
    Ok(client)
}
