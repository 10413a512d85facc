//! Texts of errors without secrets: a command line may have one in a wrong place, and errors repeat it.

/// The beginnings of secrets.
const BEGINNINGS: [&str; 3] = ["vk_", "vka_", "whsec_"];
/// The least length of a secret behind its beginning. What is shorter is a placeholder, such as `vk_...`.
const MIN_CHARACTERS: usize = 16;
/// The text in place of a secret.
const HIDDEN: &str = "***";
/// The separator before the user and password of a URL, and the one behind them.
const AUTHORITY: &str = "://";
const USER_END: char = '@';

/// Replaces keys, secrets of Standard Webhooks, and users and passwords of URLs.
pub fn masked(text: &str) -> String {
    let mut rest = text;
    let mut shown = String::with_capacity(text.len());
    while let Some(first) = rest.chars().next() {
        let (kept, hidden) = secret_at(rest, shown.chars().next_back()).unwrap_or((first.len_utf8(), 0));
        let (kept, after) = rest.split_at(kept);
        shown.push_str(kept);
        if hidden > 0 {
            shown.push_str(HIDDEN);
        }
        rest = after.get(hidden..).unwrap_or_default();
    }
    shown
}

/// Returns the length of what precedes a secret at the beginning of `text`, and the length of the secret.
fn secret_at(text: &str, before: Option<char>) -> Option<(usize, usize)> {
    if let Some(authority) = text.strip_prefix(AUTHORITY) {
        let end = authority.find(|letter: char| letter.is_whitespace() || "'\"`".contains(letter));
        let (authority, _) = authority.split_at(end.unwrap_or(authority.len()));
        return Some((AUTHORITY.len(), authority.rfind(USER_END)?));
    }
    if before.is_some_and(|letter| letter.is_ascii_alphanumeric() || letter == '_') {
        return None;
    }
    let beginning = BEGINNINGS.iter().find(|beginning| text.starts_with(**beginning))?;
    let secret = text.get(beginning.len()..)?;
    let end = secret.find(|letter: char| !letter.is_ascii_alphanumeric() && !"+/=_-".contains(letter));
    let length = end.unwrap_or(secret.len());
    (length >= MIN_CHARACTERS).then_some((beginning.len(), length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_and_the_rest_is_kept() {
        for (text, shown) in [
            ("there is no key vk_00000000000000000000000000000000R6IX; list", "there is no key vk_***; list"),
            ("'vka_00000000000000000000000000000000R6IX'", "'vka_***'"),
            ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_***"),
            ("argument 'postgres://ada:hun@ter2@db/x?a=b' found", "argument 'postgres://***@db/x?a=b' found"),
            ("expected vk_, 30 digits: vk_...", "expected vk_, 30 digits: vk_..."),
            ("at https://example.org/ of a@b", "at https://example.org/ of a@b"),
            ("key_00VbjUjhHGglY7j08O6M3Oj9 – ü", "key_00VbjUjhHGglY7j08O6M3Oj9 – ü"),
        ] {
            assert_eq!(masked(text), shown);
        }
    }
}
