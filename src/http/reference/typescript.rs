//! The definitions in TypeScript.

use super::objects::definitions;
use super::schema::Definition;

/// `/docs/types.d.ts`.
pub fn declarations() -> String {
    let all: Vec<_> = definitions().iter().map(Definition::declaration).collect();
    format!("// The objects of Venna Files {}.\n\n{}", env!("CARGO_PKG_VERSION"), all.join("\n"))
}

/// These definitions and those that they rest on, in the order in which they are met.
pub fn declarations_of(names: &[&'static str]) -> String {
    let all = definitions();
    let mut wanted = names.to_vec();
    let mut at = 0;
    while let Some(name) = wanted.get(at).copied() {
        if let Some(definition) = all.iter().find(|definition| definition.name == name) {
            definition.schema.names(&mut wanted);
        }
        at += 1;
    }
    let found = wanted.iter().filter_map(|name| all.iter().find(|definition| definition.name == *name));
    found.map(Definition::declaration).collect::<Vec<_>>().join("\n")
}
