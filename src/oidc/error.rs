//! The reasons why a provider vouches for nobody.

/// The reason why the provider vouches for nobody.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// The client cannot be built.
    #[error("the HTTP client cannot be used: {0}")]
    Unusable(String),
    /// The provider does not answer.
    #[error("the OpenID provider does not answer")]
    Unreachable(#[source] reqwest::Error),
    /// The provider did not answer a moment ago.
    #[error("the OpenID provider did not answer a moment ago")]
    Resting,
    /// The answer of the provider is not valid.
    #[error("the answer of the OpenID provider is not valid: {0}")]
    Answer(&'static str),
    /// The provider does not accept the code.
    #[error("the OpenID provider refused the code: {0}")]
    Code(String),
    /// A token of the provider is not valid.
    #[error(transparent)]
    Token(#[from] TokenError),
}

/// The reason why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The text is no token, or is too long.
    #[error("the token is malformed")]
    Malformed,
    /// The provider has no key of this id.
    #[error("the token is signed with an unknown key")]
    UnknownKey,
    /// The signature or its algorithm is wrong.
    #[error("the signature of the token is not valid")]
    Signature,
    /// Another issuer made it.
    #[error("the token is of another issuer")]
    Issuer,
    /// Another client is meant.
    #[error("the token is for another client")]
    Audience,
    /// The time has passed, or has not come yet.
    #[error("the token has expired or is not valid yet")]
    Time,
    /// Another sign-in is meant.
    #[error("the token belongs to another sign-in")]
    Nonce,
    /// The token names nobody, or somebody else than another answer.
    #[error("the token does not name its subject")]
    Subject,
    /// The token asks for no logout.
    #[error("the token asks for no logout")]
    Event,
}

impl TokenError {
    /// Returns a word for the audit log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "token_malformed",
            Self::UnknownKey => "token_key_unknown",
            Self::Signature => "token_signature_invalid",
            Self::Issuer => "token_issuer_wrong",
            Self::Audience => "token_audience_wrong",
            Self::Time => "token_expired",
            Self::Nonce => "token_nonce_wrong",
            Self::Subject => "token_subject_wrong",
            Self::Event => "token_event_wrong",
        }
    }
}
