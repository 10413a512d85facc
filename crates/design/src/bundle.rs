//! Files with one hash in their paths.

use sha2::{Digest, Sha256};

/// The media type of scripts.
pub const SCRIPT: &str = "text/javascript; charset=utf-8";
/// The media type of style sheets.
pub const STYLE: &str = "text/css; charset=utf-8";
/// The number of bytes of a hash that are in a path.
const HASH_BYTES: usize = 8;

/// A file of a bundle.
#[derive(Clone, Copy, Debug)]
pub struct BundleFile {
    /// Its name.
    pub name: &'static str,
    /// Its media type.
    pub content_type: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// Files that are served below one folder, whose name is the hash of all of them. So a module imports another one by
/// its plain name, and browsers keep each file for ever.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// The folder, relative to the root of the server, with a slash at its end.
    pub folder: String,
    /// The files.
    pub files: &'static [BundleFile],
}

impl Bundle {
    /// Names the folder of these files.
    pub fn new(files: &'static [BundleFile]) -> Self {
        let mut hash = Sha256::new();
        for file in files {
            hash.update(file.name);
            hash.update([0]);
            hash.update(file.text);
            hash.update([0]);
        }
        let digest = hash.finalize();
        let hash = digest.iter().take(HASH_BYTES).fold(String::new(), |hash, byte| format!("{hash}{byte:02x}"));
        Self { folder: format!("assets/{hash}/"), files }
    }

    /// Returns the path of a file, relative to the root of the server.
    pub fn path(&self, name: &str) -> String {
        format!("{}{name}", self.folder)
    }
}

/// Returns the files of the design.
pub fn bundle() -> Bundle {
    const fn script(name: &'static str, text: &'static str) -> BundleFile {
        BundleFile { name, content_type: SCRIPT, text }
    }
    const FILES: &[BundleFile] = &[
        BundleFile {
            name: "design.css",
            content_type: STYLE,
            text: concat!(
                include_str!("../assets/tokens.css"),
                include_str!("../assets/base.css"),
                include_str!("../assets/frame.css"),
                include_str!("../assets/parts.css"),
            ),
        },
        BundleFile { name: "icon.svg", content_type: "image/svg+xml", text: include_str!("../assets/icon.svg") },
        script("early.js", include_str!("../assets/early.js")),
        script("design.js", include_str!("../assets/design.js")),
        script("copy.js", include_str!("../assets/copy.js")),
        script("sidebar.js", include_str!("../assets/sidebar.js")),
        script("storage.js", include_str!("../assets/storage.js")),
        script("tabs.js", include_str!("../assets/tabs.js")),
        script("theme.js", include_str!("../assets/theme.js")),
    ];
    Bundle::new(FILES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_changes_with_any_file() {
        const ONE: &[BundleFile] = &[BundleFile { name: "a", content_type: SCRIPT, text: "b" }];
        const OTHER: &[BundleFile] = &[BundleFile { name: "a", content_type: SCRIPT, text: "c" }];
        let (one, other) = (Bundle::new(ONE), Bundle::new(OTHER));
        assert_ne!(one.folder, other.folder);
        assert_eq!(one.folder, Bundle::new(ONE).folder);
        assert_eq!(one.path("a").len(), "assets/0123456789abcdef/a".len());
    }

    #[test]
    fn every_imported_module_is_in_the_bundle() {
        let names: Vec<&str> = bundle().files.iter().map(|file| file.name).collect();
        let mut imports = 0;
        for file in bundle().files.iter().filter(|file| file.content_type == SCRIPT) {
            for imported in file.text.split("from \"./").skip(1).filter_map(|rest| rest.split('"').next()) {
                assert!(names.contains(&imported), "{} imports {imported}", file.name);
                imports += 1;
            }
        }
        assert!(imports > 4);
    }

    #[test]
    fn colours_are_tokens() {
        let tokens = include_str!("../assets/tokens.css").len();
        let style = bundle().files[0].text.split_at(tokens).1;
        for word in style.split([' ', ';', '\n', ':', '(', ',']) {
            let is_colour = word.strip_prefix('#').is_some_and(|rest| rest.chars().all(|one| one.is_ascii_hexdigit()));
            assert!(!is_colour && !word.starts_with("rgb"), "{word} is not a token");
        }
    }
}
