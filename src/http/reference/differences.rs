//! The page of differences from OpenAI: the section of `docs/api.md`, and the differences that follow from the
//! operations, the router and the running configuration.

use super::facts::Facts;
use super::route_doc::REFERENCE;
use crate::http::unknown::NOT_YET;
use venna_reference::{Api, Block, Page, code, number};

const API: &str = include_str!("../../../docs/api.md");
/// OpenAI's limit of one `POST /v1/files`.
const OPENAI_MAX_FILE_BYTES: u64 = 512 << 20;
const SECTION: &str = "## Differences from OpenAI\n";

/// Writes the page.
pub fn page(facts: &Facts, api: &Api) -> Page {
    let lines = if facts.strict_jsonl {
        "This server has `strict_jsonl`: it refuses `batch` and `fine-tune` files with bad lines with 400."
    } else {
        "`batch` and `fine-tune` files with bad lines are accepted, as OpenAI accepts them, and get `status: \"error\"`."
    };
    let extensions = api.operations.iter().filter(|operation| operation.extension.is_some());
    let extensions =
        extensions.map(|one| format!("[{}](/docs/{}): `{} {}`", one.summary, one.slug(), one.method, one.path));
    let not_yet: Vec<_> = NOT_YET.iter().filter(|family| **family != "organization").map(code).collect();
    let blocks = vec![
        Block::Items(items()),
        Block::heading(2, "this-server", "On this server"),
        Block::Items(vec![largest_file(facts.max_file_bytes), lines.to_owned()]),
        Block::heading(2, "extensions", "Extensions"),
        Block::Items(extensions.collect()),
        Block::heading(2, "not-implemented", "Not implemented"),
        Block::text(format!(
            "The rest of OpenAI's surface answers 501 [`not_implemented`](/docs/errors#not_implemented): {}.",
            not_yet.join(", ")
        )),
    ];
    Page {
        section: REFERENCE,
        slug: "differences-from-openai".to_owned(),
        title: "Differences from OpenAI".to_owned(),
        about: "Differences between this server and OpenAI, and the extensions of this server.".to_owned(),
        blocks,
    }
}

/// Says how large a file of one request may be, and names OpenAI's limit if it is another one.
fn largest_file(max_file_bytes: u64) -> String {
    let of_this_server = format!("`POST /v1/files` accepts up to {} bytes", number(max_file_bytes));
    if max_file_bytes == OPENAI_MAX_FILE_BYTES {
        return format!("{of_this_server}, as OpenAI does.");
    }
    format!("{of_this_server}. OpenAI accepts up to {} bytes.", number(OPENAI_MAX_FILE_BYTES))
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
    fn the_limit_is_compared_only_where_it_differs() {
        assert_eq!(largest_file(512 << 20), "`POST /v1/files` accepts up to 536,870,912 bytes, as OpenAI does.");
        assert!(largest_file(1 << 30).ends_with("1,073,741,824 bytes. OpenAI accepts up to 536,870,912 bytes."));
    }

    #[test]
    fn the_section_is_found_whole() {
        let items = items();
        assert_eq!(items.len(), API.split_once(SECTION).unwrap().1.matches("\n- ").count());
        assert!(items.len() > 5 && items[0].starts_with("`/content` is allowed"), "{items:?}");
    }
}
