//! Pages as Markdown, for people and programs that read text.

use crate::page::{Block, Page};

/// Writes a page.
pub fn render(page: &Page) -> String {
    let mut text = format!("# {}\n", page.title);
    for block in &page.blocks {
        let block = render_block(block);
        if !block.is_empty() {
            text.push('\n');
            text.push_str(&block);
        }
    }
    text
}

fn render_block(block: &Block) -> String {
    match block {
        Block::Heading { level, id, text } => heading(*level, id, text),
        Block::Text(text) => format!("{text}\n"),
        Block::Items(items) => format!("- {}\n", items.join("\n- ")),
        Block::Endpoint(method, path) => format!("`{method} {path}`\n"),
        Block::Table { head, rows } => table(head, rows),
        Block::Code { title, language, text } => {
            format!("{title}:\n\n```{language}\n{}\n```\n", text.trim_end_matches('\n'))
        }
        Block::TryIt(_) => String::new(),
    }
}

/// A heading, behind an anchor where readers of Markdown would give it another one than `id`.
fn heading(level: u8, id: &str, text: &str) -> String {
    let heading = format!("{} {text}\n", "#".repeat(usize::from(level)));
    if own_anchor(text) == id { heading } else { format!("<a id=\"{id}\"></a>\n\n{heading}") }
}

/// The anchor that a heading has by its text: lower case, without punctuation, with dashes for spaces.
fn own_anchor(text: &str) -> String {
    let kept = text.chars().filter(|character| character.is_alphanumeric() || " -_".contains(*character));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let escaped = |cell: &String| cell.replace('|', "\\|");
    let mut text = line(head.iter().map(|name| (*name).to_owned()).collect());
    text.push_str(&format!("|{}\n", "---|".repeat(head.len())));
    for row in rows {
        text.push_str(&line(row.iter().map(escaped).collect()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_has_its_form() {
        let rows = vec![vec!["`a`".to_owned(), "\"x\" | \"y\"".to_owned()]];
        let blocks = vec![
            Block::heading(2, "b", "B"),
            Block::heading(3, "c", "`C` of B"),
            Block::Endpoint("GET", "/v1/files"),
            Block::Table { head: vec!["Name", "Type"], rows },
            Block::Code { title: "curl".to_owned(), language: "sh", text: "curl\n".to_owned() },
        ];
        let page = Page { slug: String::new(), title: "A".to_owned(), about: String::new(), blocks };
        let expected = "# A\n\n## B\n\n<a id=\"c\"></a>\n\n### `C` of B\n\n`GET /v1/files`\n\n| Name | Type |\n|---|---|\n| `a` | \"x\" \\| \"y\" |\n\n\
                        curl:\n\n```sh\ncurl\n```\n";
        assert_eq!(render(&page), expected);
    }
}
