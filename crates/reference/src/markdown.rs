//! Pages as Markdown, for people and programs that read text.

use crate::page::{Block, Code, FailureRow, Member, Page};
use crate::prose::anchor;

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

/// Writes a page whose links lead to `origin` where they lead to another page.
pub fn render_at(page: &Page, origin: &str) -> String {
    render(page).replace("](/", &format!("]({origin}/"))
}

fn render_block(block: &Block) -> String {
    match block {
        Block::Heading { level, id, text } => heading(*level, id, text),
        Block::Label { id, text } => heading(2, id, text),
        Block::Text(text) | Block::Lead(text) => format!("{text}\n"),
        Block::Items(items) => list(items.iter().cloned()),
        Block::Cards(cards) => list(cards.iter().map(|[title, path, about]| format!("[{title}]({path}): {about}"))),
        Block::Endpoint(method, path) => format!("`{method} {path}`\n"),
        Block::Facts(facts) => list(facts.iter().map(|[name, value]| format!("{name}: {value}"))),
        Block::Table { head, rows } => table(head, rows),
        Block::Members(members) => {
            let rows: Vec<_> = members.iter().flat_map(|member| rows_of("", member)).collect();
            table(&["Name", "Type", "Description"], &rows)
        }
        Block::Failures(rows) => table(&["Status", "Code", "Cause"], &rows.iter().map(failure).collect::<Vec<_>>()),
        Block::Code(code) => render_code(code),
        Block::Tabs(codes) => codes.iter().map(render_code).collect::<Vec<_>>().join("\n"),
        Block::Markdown(text) => format!("{}\n", text.trim()),
        Block::Beside { text, aside } => {
            let blocks = text.iter().chain(aside).map(render_block).filter(|block| !block.is_empty());
            blocks.collect::<Vec<_>>().join("\n")
        }
        Block::TryIt(_) => String::new(),
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.fold(String::new(), |list, item| list + "- " + &item + "\n")
}

fn render_code(Code { title, language, text }: &Code) -> String {
    format!("{title}:\n\n```{language}\n{}\n```\n", text.trim_end_matches('\n'))
}

/// A member and those of its object, each under its whole name.
fn rows_of(before: &str, member: &Member) -> Vec<Vec<String>> {
    let name = format!("{before}{}", member.name);
    let presence = member.presence.word().map_or_else(String::new, |word| format!(", {word}"));
    let facts = member.facts.iter().map(|(name, values)| format!(" {name}: {}.", values.join(", ")));
    let about = format!("{}{}", member.about, facts.collect::<String>());
    let mut rows = vec![vec![format!("`{name}`"), format!("`{}`{presence}", member.kind), about]];
    let step = if member.kind.ends_with("[]") { "[]." } else { "." };
    let inner = member.members.iter().flat_map(|(_, inner)| inner);
    rows.extend(inner.flat_map(|inner| rows_of(&format!("{name}{step}"), inner)));
    rows
}

fn failure(row: &FailureRow) -> Vec<String> {
    vec![row.status.to_string(), format!("[{}]({})", row.code, row.path), row.cause.to_owned()]
}

/// A heading, behind an anchor where readers of Markdown would give it another one than `id`.
fn heading(level: u8, id: &str, text: &str) -> String {
    let heading = format!("{} {text}\n", "#".repeat(usize::from(level)));
    if anchor(text) == id { heading } else { format!("<a id=\"{id}\"></a>\n\n{heading}") }
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
    use crate::page::Presence;

    #[test]
    fn every_block_has_its_form() {
        let rows = vec![vec!["`a`".to_owned(), "\"x\" | \"y\"".to_owned()]];
        let member = |name: &str, kind: &str, members| Member {
            id: String::new(),
            name: name.to_owned(),
            kind: kind.to_owned(),
            presence: Presence::Required,
            about: "About.".to_owned(),
            facts: vec![("Allowed", vec!["`x`".to_owned(), "`y`".to_owned()])],
            members,
        };
        let inner = Some(("Inner".to_owned(), vec![member("e", "string", None)]));
        let blocks = vec![
            Block::heading(2, "b", "B"),
            Block::heading(3, "c", "`C` of B"),
            Block::Endpoint("GET", "/v1/files"),
            Block::Table { head: vec!["Name", "Type"], rows },
            Block::Beside {
                text: vec![Block::Members(vec![member("d", "Inner[]", inner)])],
                aside: vec![Block::Code(Code {
                    title: "curl".to_owned(),
                    language: "sh".to_owned(),
                    text: "curl\n".to_owned(),
                })],
            },
            Block::text("See [x](/docs/x)."),
        ];
        let page = Page { section: "", slug: String::new(), title: "A".to_owned(), about: String::new(), blocks };
        let expected = "# A\n\n## B\n\n<a id=\"c\"></a>\n\n### `C` of B\n\n`GET /v1/files`\n\n| Name | Type |\n|---|---|\n| `a` | \"x\" \\| \"y\" |\n\n\
                        | Name | Type | Description |\n|---|---|---|\n| `d` | `Inner[]`, required | About. Allowed: `x`, `y`. |\n\
                        | `d[].e` | `string`, required | About. Allowed: `x`, `y`. |\n\n\
                        curl:\n\n```sh\ncurl\n```\n\nSee [x](https://a.example/b/docs/x).\n";
        assert_eq!(render_at(&page, "https://a.example/b"), expected);
    }
}
