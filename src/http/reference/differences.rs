//! The page of differences from OpenAI: the section of `docs/api.md`, and the differences that follow from the
//! operations, the router and the running configuration.

use super::facts::Facts;
use crate::http::unknown::NOT_YET;
use venna_reference::{Api, Block, Page, code};

const API: &str = include_str!("../../../docs/api.md");
const SECTION: &str = "## Differences from OpenAI\n";

/// Writes the page.
pub fn page(facts: &Facts, api: &Api) -> Page {
    let lines = if facts.strict_jsonl {
        "This server has `strict_jsonl`: `batch` and `fine-tune` files with bad lines are refused with 400."
    } else {
        "`batch` and `fine-tune` files with bad lines are taken, as OpenAI takes them, and get `status: \"error\"`."
    };
    let extensions = api.operations.iter().filter(|operation| operation.extension.is_some());
    let extensions =
        extensions.map(|one| format!("[{}](/docs/{}): `{} {}`", one.summary, one.slug(), one.method, one.path));
    let not_yet: Vec<_> = NOT_YET.iter().filter(|family| **family != "organization").map(code).collect();
    let blocks = vec![
        Block::Items(items()),
        Block::heading(2, "this-server", "On this server"),
        Block::Items(vec![
            format!("One `POST /v1/files` takes {} bytes, where OpenAI takes 536870912.", facts.max_file_bytes),
            lines.to_owned(),
        ]),
        Block::heading(2, "extensions", "Extensions"),
        Block::Items(extensions.collect()),
        Block::heading(2, "not-implemented", "Not implemented"),
        Block::text(format!(
            "The rest of OpenAI's surface answers 501 [`not_implemented`](/docs/errors#not_implemented): {}.",
            not_yet.join(", ")
        )),
    ];
    Page {
        slug: "differences-from-openai".to_owned(),
        title: "Differences from OpenAI".to_owned(),
        about: "Where this server answers otherwise than OpenAI, and what it adds.".to_owned(),
        blocks,
    }
}

/// The items of the section, each in one line.
fn items() -> Vec<String> {
    let section = API.split_once(SECTION).map_or("", |(_, section)| section);
    let section = section.split("\n## ").next().unwrap_or_default();
    section.split("\n- ").skip(1).map(|item| item.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_section_is_found_whole() {
        let items = items();
        assert_eq!(items.len(), API.split_once(SECTION).unwrap().1.matches("\n- ").count());
        assert!(items.len() > 5 && items[0].starts_with("`/content` is allowed"), "{items:?}");
    }
}
