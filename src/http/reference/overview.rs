//! The first page of the reference: the first steps and a list of all operations.

use venna_reference::{Api, Block, Page, samples};

/// Writes the first page.
pub fn page(api: &Api) -> Page {
    let origin = &api.origin;
    let mut blocks = vec![
        Block::text(
            "OpenAI's Files API on a server of your own: an unmodified OpenAI SDK works after changing `base_url` \
             and the key.",
        ),
        Block::heading(2, "base-url", "Base URL"),
        Block::text(format!("`{origin}/v1`")),
        Block::heading(2, "authorization", "Authorization"),
        Block::text("Workspace API key - `Authorization: Bearer vk_...`. Billing targets the key workspace."),
        Block::text(
            "In: header. Everything under `/v1` is answered 401 without a valid key. The administration takes an \
             admin key (`vka_...`), which opens no files.",
        ),
        Block::heading(2, "first-file", "First file"),
    ];
    if let Some(create) = api.operations.iter().find(|operation| operation.id == "createFile") {
        blocks.extend(samples(api, create));
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
        "[Errors](/docs/errors): every error, its cause and its remedy.".to_owned(),
        "[Limits and billing](/docs/limits-and-billing) of this server.".to_owned(),
        "[Differences from OpenAI](/docs/differences-from-openai).".to_owned(),
        "[OpenAPI 3.1 document](/openapi.json), [TypeScript types](/docs/types.d.ts).".to_owned(),
        "For language models: [llms.txt](/llms.txt), [llms-full.txt](/llms-full.txt); every page is Markdown at its \
         path with `.md`."
            .to_owned(),
    ]));
    Page {
        slug: String::new(),
        title: "Venna Files".to_owned(),
        about: "The reference of OpenAI's Files API on your own server.".to_owned(),
        blocks,
    }
}
