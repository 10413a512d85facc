//! The parameters of a query string. An optional argument that a client left empty is one that it did not give: every
//! list reads its query through [`parameters`].

use std::borrow::Cow;

/// Returns the parameters that have a value, decoded, in order. `after=` and `after` are as if they were not there.
pub fn parameters(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    form_urlencoded::parse(query.as_bytes()).filter(|(_, value)| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_empty_is_absent() {
        let of = |query| parameters(query).map(|(name, value)| format!("{name}:{value}")).collect::<Vec<_>>();
        assert_eq!(of("a=&b&c=1&d%5B%5D=&=x&e=%20"), ["c:1", ":x", "e: "]);
        assert!(of("").is_empty());
    }
}
