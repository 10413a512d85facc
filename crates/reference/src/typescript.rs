//! The objects in TypeScript.

use crate::api::Api;
use crate::schema::Definition;

/// Writes `/docs/types.d.ts`.
pub fn declarations(api: &Api) -> String {
    let all: Vec<_> = api.definitions.iter().map(Definition::declaration).collect();
    format!("// The objects of {} {}.\n\n{}", api.title, api.version, all.join("\n"))
}

/// Writes these objects and those that they refer to, in the order in which they are met.
pub fn declarations_of(api: &Api, names: &[&'static str]) -> String {
    let mut wanted = names.to_vec();
    let mut at = 0;
    while let Some(name) = wanted.get(at).copied() {
        if let Some(definition) = api.definition(name) {
            definition.schema.names(&mut wanted);
        }
        at += 1;
    }
    let found = wanted.iter().filter_map(|name| api.definition(name));
    found.map(Definition::declaration).collect::<Vec<_>>().join("\n")
}
