//! Opens the sign-in by OpenID Connect from its settings.

use super::secret_file::read_secret;
use crate::clock::Clock;
use crate::config::{OidcConfig, OidcRuleConfig};
use crate::http::Oidc;
use crate::model::person::Role;
use crate::oidc::{Provider, ProviderConfig, Rule};
use anyhow::{Context, Result, bail};

/// The path of the callback, below the URL of the server.
const CALLBACK: &str = "/console/sign-in/oidc/callback";

/// Returns the sign-in of a server that browsers reach at `url`; none if it is off.
pub(super) fn open(config: &OidcConfig, url: &str, clock: Clock) -> Result<Option<Oidc>> {
    let Some(issuer) = config.issuer.clone() else {
        if config.client_id.is_some() || config.client_secret_file.is_some() || !config.rules.is_empty() {
            bail!("settings of oidc_ are set, but oidc_issuer is not");
        }
        return Ok(None);
    };
    let client_id = config.client_id.clone().context("oidc_issuer is set, but oidc_client_id is not")?;
    let read = |file: &std::path::PathBuf| read_secret("oidc_client_secret_file", file);
    let client_secret = config.client_secret_file.as_ref().map(read).transpose()?;
    if client_secret.as_deref() == Some("") {
        bail!("oidc_client_secret_file is empty");
    }
    let (scopes, redirect_uri) = (config.scopes.clone(), format!("{url}{CALLBACK}"));
    let provider = Provider::new(ProviderConfig { issuer, client_id, client_secret, scopes, redirect_uri })
        .context("oidc_issuer cannot be used")?;
    let rules = config.rules.iter().map(rule).collect::<Result<_>>()?;
    Ok(Some(Oidc { provider, rules, clock }))
}

/// Checks the settings and the file; none if the sign-in is off.
pub(super) fn check(config: &OidcConfig, clock: Clock) -> Result<Option<()>> {
    Ok(open(config, "http://localhost", clock)?.map(drop))
}

fn rule(config: &OidcRuleConfig) -> Result<Rule> {
    let OidcRuleConfig { claim, value, workspace, role } = config.clone();
    let role = Role::named(&role).with_context(|| format!("there is no role {role}"))?;
    Ok(Rule { claim, value, workspace, role })
}
