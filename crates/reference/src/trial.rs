//! The inputs of the form that sends a request.

use crate::api::Api;
use crate::operation::{Body, BodyExample, Operation, ParamIn, Parameter};
use crate::page::{Input, Trial};
use crate::schema::Schema;

/// Describes the form of an operation.
pub fn trial(api: &Api, operation: &Operation) -> Trial {
    let mut inputs: Vec<Input> =
        operation.parameters.iter().map(|parameter| input_of_parameter(api, parameter)).collect();
    if let Some(body) = &operation.body {
        inputs.extend(inputs_of_body(api, body));
    }
    let key = api.sample_key(operation);
    Trial {
        title: operation.summary,
        method: operation.method,
        path: operation.path,
        key_format: key.map_or("...", |key| key.format),
        key_noun: key.map_or("key", |key| key.noun),
        key_variable: key.map_or("API_KEY", |key| key.variable),
        origin: api.origin.clone(),
        inputs,
    }
}

/// An input is empty unless it must be filled in and its example exists on every server: ids do not.
fn input_of_parameter(api: &Api, parameter: &Parameter) -> Input {
    let example = parameter.example.unwrap_or_default();
    let is_filled = parameter.required && parameter.place != ParamIn::Path;
    Input {
        place: parameter.place.name(),
        name: parameter.name,
        words: words_of(api, &parameter.schema),
        value: if is_filled { example.to_owned() } else { String::new() },
        placeholder: parameter.default.clone().map_or_else(|| example.to_owned(), |default| default.replace('`', "")),
        required: parameter.required,
    }
}

fn inputs_of_body(api: &Api, body: &Body) -> Vec<Input> {
    let BodyExample::Form { fields, .. } = &body.example else {
        let BodyExample::Json(example) = &body.example else { return Vec::new() };
        let value = serde_json::to_string_pretty(example).unwrap_or_default();
        let placeholder = String::new();
        return vec![Input {
            place: "body",
            name: "JSON",
            words: Vec::new(),
            value,
            placeholder,
            required: body.required,
        }];
    };
    let of_form = api.definition(body.schema).into_iter().flat_map(|definition| definition.schema.fields());
    of_form
        .map(|field| Input {
            place: if matches!(field.schema, Schema::Octets) { "file" } else { "form" },
            name: field.name,
            words: words_of(api, &field.schema),
            value: fields.iter().find(|(name, _)| *name == field.name).map_or("", |(_, value)| value).to_owned(),
            placeholder: String::new(),
            required: field.required,
        })
        .collect()
}

/// The words that a value is one of.
fn words_of(api: &Api, schema: &Schema) -> Vec<&'static str> {
    match schema {
        Schema::Words(words) => words.clone(),
        Schema::Word(word) => vec![word],
        Schema::Named(name) => {
            api.definition(name).map_or_else(Vec::new, |definition| words_of(api, &definition.schema))
        }
        _ => Vec::new(),
    }
}
