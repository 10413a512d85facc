//! The first page of the reference: the first steps and a list of all operations.

use venna_reference::{Api, Block, Page, samples};

/// Writes the first page.
pub fn page(api: &Api) -> Page {
    let origin = &api.origin;
    let mut blocks = vec![
        Block::Lead(
            "OpenAI's Files API on your own server. An unmodified OpenAI SDK works after you change `base_url` and the \
             key."
                .to_owned(),
        ),
        Block::Cards(vec![
            card("Quick start", "quick-start", "A key, and the first upload in curl, Python and TypeScript."),
            card("Large files", "large-files", "Send up to 8 GiB in parts, and resume."),
            card("Batch files", "batch-files", "JSON Lines, and what bad lines look like."),
            card("Migrating from OpenAI", "migrating-from-openai", "Change two values; what to check."),
        ]),
        Block::heading(2, "authorization", "Base URL and key"),
        Block::Facts(vec![
            ["Base URL".to_owned(), format!("`{origin}/v1`")],
            ["Header".to_owned(), "`Authorization: Bearer vk_...`".to_owned()],
            ["Workspace key".to_owned(), "`vk_...` opens the files of one workspace, which is billed.".to_owned()],
            ["Admin key".to_owned(), "`vka_...` opens the administration, and no files.".to_owned()],
        ]),
        Block::text("Every path under `/v1` answers 401 without a valid key. Every answer has `x-request-id`."),
        Block::heading(2, "first-file", "First file"),
    ];
    if let Some(create) = api.operations.iter().find(|operation| operation.id == "createFile") {
        blocks.push(samples(api, create));
    }
    for group in &api.groups {
        blocks.push(Block::heading(2, group.title.to_lowercase().replace(' ', "-"), group.title));
        blocks.push(Block::text(group.about));
        let rows = api.operations.iter().filter(|operation| operation.group == *group).map(|operation| {
            let path = format!("`{} {}`", operation.method, operation.path);
            vec![format!("[{}](/docs/{})", operation.summary, operation.slug()), path]
        });
        blocks.push(Block::Table { head: vec!["Operation", "Method and path"], rows: rows.collect() });
    }
    blocks.push(Block::heading(2, "more", "More"));
    blocks.push(Block::Items(vec![
        "[Errors](/docs/errors), [limits and billing](/docs/limits-and-billing), [differences from \
         OpenAI](/docs/differences-from-openai), [changes](/docs/changes)."
            .to_owned(),
        "[OpenAPI 3.1 document](/openapi.json), [TypeScript types](/docs/types.d.ts).".to_owned(),
        "For language models: [llms.txt](/llms.txt), [llms-full.txt](/llms-full.txt); every page is Markdown at its \
         path with `.md`."
            .to_owned(),
    ]));
    Page {
        section: "Start",
        slug: String::new(),
        title: "Overview".to_owned(),
        about: "The documentation of OpenAI's Files API on your own server.".to_owned(),
        blocks,
    }
}

fn card(title: &str, slug: &str, about: &str) -> [String; 3] {
    [title.to_owned(), format!("/docs/{slug}"), about.to_owned()]
}
