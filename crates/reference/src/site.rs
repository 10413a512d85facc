//! All pages and documents, by their paths.

use crate::api::Api;
use crate::operation::Operation;
use crate::page::Page;
use crate::search::index;
use crate::{html, markdown, openapi, operation_page, typescript};
use venna_design::{Bundle, BundleFile, SCRIPT, STYLE};

const HTML: &str = "text/html; charset=utf-8";
const MARKDOWN: &str = "text/markdown; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// The name of the page of errors, which the caller writes: every error has its anchor there.
pub const ERRORS_SLUG: &str = "errors";
/// The name of the page of changes, to which the version on every page leads if the caller writes it.
pub const CHANGES_SLUG: &str = "changes";

/// A page or document.
#[derive(Clone, Debug)]
pub struct Asset {
    /// Its path.
    pub path: String,
    /// Its media type.
    pub content_type: &'static str,
    /// Its text.
    pub body: String,
}

/// The reference of an API.
#[derive(Clone, Debug)]
pub struct Site {
    /// The pages and documents.
    pub assets: Vec<Asset>,
}

/// An entry of the list of all pages.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The section.
    pub section: &'static str,
    /// The path.
    pub path: String,
    /// The method, of an operation.
    pub method: Option<&'static str>,
    /// The title.
    pub title: String,
    /// One line on what it is about.
    pub about: String,
}

impl Entry {
    /// Returns its link on a page with this way to the root of the server.
    pub(crate) fn link(&self, root: &str) -> String {
        format!("{root}{}", self.path.trim_start_matches('/'))
    }
}

impl Site {
    /// Writes the reference: these pages, the overview first, and one for each operation.
    pub fn new(api: &Api, pages: Vec<Page>) -> Self {
        let operations = api.operations.iter().map(|operation| operation_page::page(api, operation));
        let pages: Vec<Page> = pages.into_iter().chain(operations).collect();
        let contents = contents(api, &pages);
        let mut assets = Vec::new();
        let mut add = |path: &str, content_type, body| assets.push(Asset { path: path.to_owned(), content_type, body });
        for page in &pages {
            add(&page.path(), HTML, html::render(page, &contents, api));
            add(&format!("{}.md", page.path()), MARKDOWN, markdown::render_at(page, &api.origin));
        }
        add("/openapi.json", "application/json", openapi::document(api).to_string());
        add("/docs/types.d.ts", TEXT, typescript::declarations(api));
        add("/docs/search.json", "application/json", index(api, &pages, &contents).to_string());
        add("/llms.txt", TEXT, llms(api, &contents));
        let whole: Vec<_> = pages.iter().map(|page| markdown::render_at(page, &api.origin)).collect();
        add("/llms-full.txt", TEXT, whole.join("\n"));
        Self { assets }
    }
}

/// Returns the style sheet and the scripts of the pages. The caller serves them beside those of `venna_design::bundle`.
pub fn bundle() -> Bundle {
    const fn script(name: &'static str, text: &'static str) -> BundleFile {
        BundleFile { name, content_type: SCRIPT, text }
    }
    const FILES: &[BundleFile] = &[
        BundleFile { name: "reference.css", content_type: STYLE, text: include_str!("assets/reference.css") },
        script("reference.js", include_str!("assets/reference.js")),
        script("palette.js", include_str!("assets/palette.js")),
        script("request.js", include_str!("assets/request.js")),
        script("search.js", include_str!("assets/search.js")),
        script("trial.js", include_str!("assets/trial.js")),
    ];
    Bundle::new(FILES)
}

/// Lists the pages that belong to no operation, then the operations by their groups.
fn contents(api: &Api, pages: &[Page]) -> Vec<Entry> {
    let of = |page: &Page| {
        let operation = api.operations.iter().find(|operation| operation.slug() == page.slug);
        let about = operation
            .map_or_else(|| page.about.clone(), |Operation { method, path, id, .. }| format!("{method} {path} {id}"));
        let method = operation.map(|one| one.method);
        Entry { section: page.section, path: page.path(), method, title: page.title.clone(), about }
    };
    let all: Vec<Entry> = pages.iter().map(of).collect();
    let general = all.iter().filter(|entry| entry.method.is_none());
    let by_group = api
        .groups
        .iter()
        .flat_map(|group| all.iter().filter(|entry| entry.method.is_some() && entry.section == group.title));
    general.chain(by_group).cloned().collect()
}

/// Writes the list of pages for language models (<https://llmstxt.org>).
fn llms(api: &Api, contents: &[Entry]) -> String {
    let origin = &api.origin;
    let mut text = format!(
        "# {}\n\n> {}\n\n\
         The document of the API is {origin}/openapi.json, all types are in {origin}/docs/types.d.ts, all pages in one \
         are {origin}/llms-full.txt.\n",
        api.title, api.abstract_for_models
    );
    for section in contents.chunk_by(|one, other| one.section == other.section) {
        text.push_str(&format!("\n## {}\n\n", section.first().map(|entry| entry.section).unwrap_or_default()));
        for Entry { title, path, about, .. } in section {
            text.push_str(&format!("- [{title}]({origin}{path}.md): {about}\n"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Answer, Definition, Failure, Group, KeyScheme, Schema, must};
    use serde_json::{Value, json};

    fn lamps() -> Api {
        let failure = Failure {
            status: 401,
            code: Some("bad_key"),
            anchor: "bad_key".to_owned(),
            cause: "The key is unknown.",
            everywhere: true,
            sample: json!({"error": "Unknown key"}),
        };
        let group = Group { title: "Lamps", about: "All lamps." };
        let list = Operation {
            about: vec!["Lists <all> lamps.".to_owned()],
            keys: vec!["key"],
            scope: Some("lamps.read"),
            answer: Answer::Json("Lamp", json!({"is_on": true})),
            failures: vec![failure.clone()],
            ..Operation::new(group, "listLamps", "GET", "/lamps", "List lamps")
        };
        let lamp = Schema::Object(vec![must("is_on", Schema::Flag, "Whether it shines.")]);
        Api {
            title: "Lamps",
            version: "1.2.3",
            summary: "Lamps of a house.",
            description: "All lamps.",
            license: "MIT",
            abstract_for_models: "Lamps.".to_owned(),
            origin: "http://lamps.example".to_owned(),
            header_links: &[("Docs", "docs")],
            groups: vec![group],
            keys: vec![KeyScheme {
                name: "key",
                noun: "key",
                format: "lk_...",
                description: "A key.",
                label: "A key.",
                variable: "LAMP_KEY",
            }],
            answer_header: ("x-id", "The id."),
            operations: vec![list],
            definitions: vec![Definition { name: "Lamp", about: "A lamp.", schema: lamp }],
            error_object: "Problem",
            failures: vec![failure],
        }
    }

    #[test]
    fn any_api_has_pages_types_and_a_document() {
        let first = Page {
            section: "Start",
            slug: String::new(),
            title: "Start".to_owned(),
            about: "All.".to_owned(),
            blocks: Vec::new(),
        };
        let site = Site::new(&lamps(), vec![first]);
        let body = |path: &str| &site.assets.iter().find(|asset| asset.path == path).unwrap().body;
        assert!(body("/docs/list-lamps").contains("Lists &lt;all&gt; lamps."));
        assert!(body("/docs/list-lamps.md").contains("- Scope: `lamps.read`, of a key."));
        assert!(
            body("/docs/types.d.ts")
                .contains("export interface Lamp {\n  /** Whether it shines. */\n  is_on: boolean;")
        );
        assert!(
            body("/llms.txt").contains("- [List lamps](http://lamps.example/docs/list-lamps.md): GET /lamps listLamps")
        );
        let page = body("/docs/list-lamps");
        assert!(page.contains("<li id=\"response.is_on\">") && page.contains("href=\"#response.is_on\""), "{page}");
        assert!(page.contains("rel=\"prev\" href=\"../docs\"") && !page.contains("rel=\"next\""), "{page}");
        assert!(page.contains("<span class=\"version\">Version 1.2.3</span>"), "{page}");
        let index: Value = serde_json::from_str(body("/docs/search.json")).unwrap();
        assert_eq!(index[1]["members"], json!([["response.is_on", "is_on", "Whether it shines."]]));
        assert!(!index[1]["text"].as_str().unwrap().contains("shines"), "{index}");
        let document: Value = serde_json::from_str(body("/openapi.json")).unwrap();
        let operation = &document["paths"]["/lamps"]["get"];
        assert_eq!(operation["responses"]["401"]["$ref"], "#/components/responses/Error401");
        assert_eq!(document["components"]["responses"]["Error401"]["description"], "The key is unknown.");
        assert_eq!(operation["security"], json!([{"key": []}]));
    }
}
