//! The page of an operation.

use crate::api::{Api, Failure, by_status};
use crate::members::{Side, members_of, of_parameter};
use crate::operation::{Answer, Body, Operation, ParamIn};
use crate::page::{Block, Code, FailureRow, Page};
use crate::samples::samples;
use crate::site::ERRORS_SLUG;
use crate::trial::trial;
use crate::typescript::declarations_of;

/// Writes the page of an operation: what is sent beside the samples, and what is answered beside an example.
pub fn page(api: &Api, operation: &Operation) -> Page {
    let request = Block::Beside {
        text: request(api, operation),
        aside: vec![Block::Label { id: "samples", text: "Samples" }, samples(api, operation)],
    };
    let answer = Block::Beside {
        text: answer(api, operation),
        aside: vec![Block::Label { id: "examples", text: "Example" }, example(operation)],
    };
    let errors = Block::Beside { text: failures(api, operation), aside: Vec::new() };
    let types = types(api, operation).map(|text| Block::Beside { text, aside: Vec::new() });
    let blocks = [request, answer, errors].into_iter().chain(types);
    Page {
        section: operation.group.title,
        slug: operation.slug(),
        title: operation.summary.to_owned(),
        about: format!("{} {}: {}.", operation.method, operation.path, operation.summary),
        blocks: blocks.chain([Block::TryIt(Box::new(trial(api, operation)))]).collect(),
    }
}

fn request(api: &Api, operation: &Operation) -> Vec<Block> {
    let mut blocks = vec![Block::Endpoint(operation.method, operation.path)];
    blocks.extend(operation.about.iter().map(Block::text));
    blocks.extend(operation.extension.map(|extension| Block::text(format!("An extension: {extension}"))));
    blocks.extend(authorization(api, operation));
    blocks.extend(ParamIn::ALL.into_iter().flat_map(|place| parameters(api, operation, place)));
    blocks.extend(operation.body.iter().flat_map(|body| request_body(api, body)));
    blocks
}

fn authorization(api: &Api, operation: &Operation) -> Vec<Block> {
    let keys = operation.keys.iter().filter_map(|name| api.keys.iter().find(|key| key.name == *name));
    let labels: Vec<_> = keys.map(|key| key.label).collect();
    let mut facts = vec![["Key".to_owned(), labels.join(" Or: ")]];
    if let (Some(key), Some(scope)) = (api.sample_key(operation), operation.scope) {
        facts.push(["Scope".to_owned(), format!("`{scope}`, of a {}.", key.noun)]);
    }
    vec![Block::heading(2, "authorization", "Authorization"), Block::Facts(facts)]
}

fn parameters(api: &Api, operation: &Operation, place: ParamIn) -> Vec<Block> {
    let members: Vec<_> = operation.parameters_in(place).map(|parameter| of_parameter(api, parameter)).collect();
    if members.is_empty() {
        return Vec::new();
    }
    vec![Block::heading(2, format!("{}-parameters", place.name()), place.title()), Block::Members(members)]
}

fn request_body(api: &Api, body: &Body) -> Vec<Block> {
    let need = if body.required { "" } else { ", optional" };
    vec![
        Block::heading(2, "request-body", "Request body"),
        Block::text(format!("`{}`{need}", body.example.media_type())),
        Block::Members(members_of(api, Side::Request, body.schema)),
    ]
}

fn answer(api: &Api, operation: &Operation) -> Vec<Block> {
    let mut blocks = vec![Block::heading(2, "responses", "Response")];
    match &operation.answer {
        Answer::Json(name, _) => {
            blocks.push(Block::text(format!("`200` `application/json` `{name}`")));
            blocks.push(Block::Members(members_of(api, Side::Answer, name)));
        }
        Answer::Octets(_) => blocks.extend(operation.answer_notes.iter().copied().map(Block::text)),
        Answer::Lines(name, _) => {
            blocks.push(Block::text(format!("`200` `application/jsonl` or `text/csv`, one `{name}` a line")));
            blocks.push(Block::Members(members_of(api, Side::Answer, name)));
        }
    }
    if !operation.other_answers.is_empty() {
        let row = |other: &crate::operation::OtherAnswer| [format!("`{}`", other.status), other.about.to_owned()];
        blocks.push(Block::Facts(operation.other_answers.iter().map(row).collect()));
    }
    blocks
}

fn example(operation: &Operation) -> Block {
    let code = |language: &str, text: String| {
        Block::Code(Code { title: "200".to_owned(), language: language.to_owned(), text })
    };
    match &operation.answer {
        Answer::Json(_, example) => Block::json("200", example),
        Answer::Lines(_, rows) => code("json", Operation::lines(rows)),
        Answer::Octets(content) => code("text", (*content).to_owned()),
    }
}

/// Writes the errors by their status.
fn failures(api: &Api, operation: &Operation) -> Vec<Block> {
    let row = |failure: &Failure| FailureRow {
        status: failure.status,
        code: failure.label(),
        path: format!("/docs/{ERRORS_SLUG}#{}", failure.anchor),
        cause: failure.cause,
        sample: serde_json::to_string_pretty(&failure.sample).unwrap_or_default(),
    };
    let rows = by_status(&operation.failures).into_values().flatten().map(row).collect();
    vec![
        Block::heading(2, "errors", "Errors"),
        Block::text(format!("The body is an `{}`, as `application/json`.", api.error_object)),
        Block::Failures(rows),
    ]
}

fn types(api: &Api, operation: &Operation) -> Option<Vec<Block>> {
    let names = operation.definition_names();
    if names.is_empty() {
        return None;
    }
    let code =
        Code { title: "Types".to_owned(), language: "typescript".to_owned(), text: declarations_of(api, &names) };
    Some(vec![
        Block::heading(2, "types", "TypeScript definitions"),
        Block::text("[`types.d.ts`](/docs/types.d.ts) has all types of the API."),
        Block::Code(code),
    ])
}
