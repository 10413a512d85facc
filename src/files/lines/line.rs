//! One line, read as JSON without keeping any of it.

use super::report::Fault;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use std::borrow::Cow;
use std::fmt;

/// What a request says of itself, as far as it is looked at.
#[derive(Debug, Default)]
pub(super) struct Members<'a> {
    custom_id: Option<Shape<'a>>,
    method: Option<Shape<'a>>,
    url: Option<Shape<'a>>,
    body: Option<Shape<'a>>,
}

/// The kind of a value.
#[derive(Debug)]
enum Shape<'a> {
    Text(Cow<'a, str>),
    Object,
    Other,
}

impl<'a> Members<'a> {
    /// Reads a line, which must be one JSON object.
    pub(super) fn of(line: &'a str) -> Result<Self, Fault> {
        serde_json::from_str(line).map_err(|error| match error.classify() {
            Category::Data => Fault::NoObject,
            Category::Io | Category::Syntax | Category::Eof => {
                let text = error.to_string();
                let wanted = text.split_once(" at line ").map_or(text.as_str(), |(wanted, _)| wanted);
                Fault::BadJson(wanted.to_owned(), error.column())
            }
        })
    }

    /// The `custom_id` of a request, or why this is none.
    pub(super) fn request_id(&self) -> Result<&str, Fault> {
        let text = |name, member: &'_ Option<Shape<'a>>| match member {
            None => Err(Fault::Missing(name)),
            Some(Shape::Text(_)) => Ok(()),
            Some(Shape::Object | Shape::Other) => Err(Fault::NotAString(name)),
        };
        text("custom_id", &self.custom_id)?;
        text("method", &self.method)?;
        text("url", &self.url)?;
        match (&self.body, &self.custom_id) {
            (None, _) => Err(Fault::Missing("body")),
            (Some(Shape::Object), Some(Shape::Text(id))) => Ok(id),
            (Some(_), _) => Err(Fault::NotAnObject("body")),
        }
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Name {
    CustomId,
    Method,
    Url,
    Body,
    #[serde(other)]
    Other,
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Members::default();
                while let Some(name) = map.next_key()? {
                    let member = match name {
                        Name::CustomId => &mut members.custom_id,
                        Name::Method => &mut members.method,
                        Name::Url => &mut members.url,
                        Name::Body => &mut members.body,
                        Name::Other => {
                            map.next_value::<IgnoredAny>()?;
                            continue;
                        }
                    };
                    *member = Some(map.next_value()?);
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(Object)
    }
}

impl<'de> Deserialize<'de> for Shape<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Shape<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a value")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Shape<'de>, E> {
                Ok(Shape::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Shape<'de>, E> {
                Ok(Shape::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shape<'de>, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Shape::Object)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Shape<'de>, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Shape::Other)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Shape<'de>, E> {
                Ok(Shape::Other)
            }

            fn visit_u64<E>(self, _: u64) -> Result<Shape<'de>, E> {
                Ok(Shape::Other)
            }

            fn visit_i64<E>(self, _: i64) -> Result<Shape<'de>, E> {
                Ok(Shape::Other)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Shape<'de>, E> {
                Ok(Shape::Other)
            }

            fn visit_unit<E>(self) -> Result<Shape<'de>, E> {
                Ok(Shape::Other)
            }
        }

        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(line: &str) -> Fault {
        Members::of(line).and_then(|members| members.request_id().map(|_| ())).unwrap_err()
    }

    #[test]
    fn a_request_has_its_four_members_of_the_right_kind() {
        let whole =
            r#" {"custom_id": "a\u0041", "body": {"x": [1, {}]}, "extra": null, "url": "/v1", "method": "POST"} "#;
        assert_eq!(Members::of(whole).unwrap().request_id(), Ok("aA"));
        assert_eq!(fault("{}"), Fault::Missing("custom_id"));
        assert_eq!(fault(r#"{"custom_id": 7}"#), Fault::NotAString("custom_id"));
        assert_eq!(fault(r#"{"custom_id": "a", "method": {}}"#), Fault::NotAString("method"));
        assert_eq!(fault(r#"{"custom_id": "a", "method": "POST"}"#), Fault::Missing("url"));
        assert_eq!(fault(r#"{"custom_id": "a", "method": "POST", "url": "/v1"}"#), Fault::Missing("body"));
        for body in ["[]", "\"x\"", "1", "-1.5", "null", "true"] {
            let line = format!(r#"{{"custom_id": "a", "method": "POST", "url": "/v1", "body": {body}}}"#);
            assert_eq!(fault(&line), Fault::NotAnObject("body"));
        }
    }

    #[test]
    fn what_is_no_object_is_told_from_what_is_no_json() {
        for line in ["[]", "1", "\"x\"", "null", "[{}]"] {
            assert_eq!(fault(line), Fault::NoObject, "{line}");
        }
        assert_eq!(fault("{\"a\": nul}"), Fault::BadJson("expected ident".into(), 10));
        assert_eq!(fault("{\"a\": 1"), Fault::BadJson("EOF while parsing an object".into(), 7));
        assert_eq!(fault("{} {}"), Fault::BadJson("trailing characters".into(), 4));
    }

    #[test]
    fn depth_does_not_matter() {
        let deep = format!("{{\"body\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(Members::of(&deep).is_ok());
    }
}
