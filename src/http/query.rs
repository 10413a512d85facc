//! The parameters of a query string. Every list reads its query through [`parameters`], so an empty value counts as
//! absent.

use std::borrow::Cow;

/// Returns the parameters that have a value, decoded, in order. `after=` and `after` are skipped.
pub fn parameters(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    form_urlencoded::parse(query.as_bytes()).filter(|(_, value)| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_values_count_as_absent() {
        let of = |query| parameters(query).map(|(name, value)| format!("{name}:{value}")).collect::<Vec<_>>();
        assert_eq!(of("a=&b&c=1&d%5B%5D=&=x&e=%20"), ["c:1", ":x", "e: "]);
        assert!(of("").is_empty());
    }
}
