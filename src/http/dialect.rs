//! Which dialect a request speaks: each but OpenAI's has a base path of its own, `/mistral`.

use crate::model::dialect::Dialect;

/// Returns the dialect of a path.
pub fn of_path(path: &str) -> Dialect {
    let first = path.strip_prefix('/').and_then(|path| path.split('/').next()).unwrap_or_default();
    Dialect::FOREIGN.into_iter().find(|dialect| dialect.name() == first).unwrap_or(Dialect::OpenAi)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialect_has_its_base_path() {
        for path in ["/mistral", "/mistral/", "/mistral/v1/files"] {
            assert_eq!(of_path(path), Dialect::Mistral, "{path}");
        }
        for path in ["", "/", "/v1/files", "/mistrals", "/v1/mistral", "mistral"] {
            assert_eq!(of_path(path), Dialect::OpenAi, "{path}");
        }
    }
}
