//! The way from a page to the root of the server.

/// Returns the relative URL of the root of the server for a page at `path`: `./` for `/docs`, `../` for `/docs/errors`.
///
/// Relative links work behind a proxy that serves the server below a path of its own (RFC 3986, section 5.2).
pub fn root_from(path: &str) -> String {
    let folders = path.matches('/').count().saturating_sub(1);
    if folders == 0 { "./".to_owned() } else { "../".repeat(folders) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_a_step_up_for_each_folder() {
        for (path, root) in [("/", "./"), ("/docs", "./"), ("/docs/", "../"), ("/docs/a", "../"), ("/a/b/c", "../../")]
        {
            assert_eq!(root_from(path), root, "{path}");
        }
    }
}
