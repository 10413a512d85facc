//! The query of a list: from text to [`FileQuery`] (docs/contract.md, section 4).

use super::error::{ApiError, echo};
use super::query::parameters;
use crate::model::filename::MAX_FILENAME_CHARACTERS;
use crate::model::ids::{FileId, PartId};
use crate::model::page::{FileQuery, NamePrefix, NameQuery, Order, PAGE_FILES};
use crate::model::purpose::Purpose;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// The largest valid time, in Unix seconds: the end of the year 9999.
pub const MAX_TIME: u64 = 253_402_300_799;
/// The parameter that searches by the beginning of names.
const NAME_PREFIX: &str = "name_prefix";
const NOT_BOTH: &str = "A list is filtered by 'purpose' or by 'name_prefix', not by both.";
/// The maximum number of values of a filter.
pub const MAX_FILTER_VALUES: usize = 100;

/// The list that a query asks for.
#[derive(Debug)]
pub enum FileList {
    /// None, for a purpose that no File can have.
    Nothing,
    /// Files in the order of their creation.
    ById(FileQuery),
    /// Files in the order of their names, from [`NameQuery::after`], which is that of the File with this id.
    ByName(NameQuery, Option<FileId>),
}

/// Reads the query of `GET /v1/files`.
///
/// # Errors
/// When a parameter is not valid; unknown ones are ignored, as OpenAI does.
pub fn parse(query: &str) -> Result<FileList, ApiError> {
    let mut parsed = FileQuery { purpose: None, limit: *PAGE_FILES.end(), order: Order::Descending, after: None };
    let (mut purpose, mut by_name, mut asked_order) = (None, None, None);
    for (name, value) in parameters(query) {
        match &*name {
            "purpose" => purpose = Some(Purpose::named(&value)),
            NAME_PREFIX => by_name = Some(name_prefix(&value)?),
            "limit" => parsed.limit = limit(&value, &PAGE_FILES)?,
            "order" => asked_order = Some(order(&value)?),
            "after" => parsed.after = Some(after(&value)?),
            _ => {}
        }
    }
    match (purpose, by_name) {
        (Some(_), Some(_)) => Err(ApiError::invalid(NOT_BOTH).param(NAME_PREFIX)),
        (Some(None), None) => Ok(FileList::Nothing),
        (purpose, None) => {
            let order = asked_order.unwrap_or(Order::Descending);
            Ok(FileList::ById(FileQuery { purpose: purpose.flatten(), order, ..parsed }))
        }
        (None, Some(prefix)) => {
            let order = asked_order.unwrap_or(Order::Ascending);
            let query = NameQuery { prefix, limit: parsed.limit, order, after: None };
            Ok(FileList::ByName(query, parsed.after))
        }
    }
}

fn name_prefix(value: &str) -> Result<NamePrefix, ApiError> {
    let message = || format!("Invalid '{NAME_PREFIX}': expected 1 to {MAX_FILENAME_CHARACTERS} characters.");
    NamePrefix::parse(value).ok_or_else(|| ApiError::invalid(message()).param(NAME_PREFIX))
}

/// Reads the query of `GET /v1/uploads/{id}/parts`: the last part of the previous page, and the number of parts.
///
/// # Errors
/// When a parameter is not valid.
pub fn parse_parts(query: &str) -> Result<(Option<PartId>, u32), ApiError> {
    let (mut behind, mut most) = (None, *PAGE_FILES.end());
    for (name, value) in parameters(query) {
        match &*name {
            "limit" => most = limit(&value, &PAGE_FILES)?,
            "after" => {
                let unknown = |_| ApiError::invalid(format!("No such Part object: {}", echo(&value))).param("after");
                behind = Some(value.parse().map_err(unknown)?);
            }
            _ => {}
        }
    }
    Ok((behind, most))
}

/// Reads the number of rows of a page.
///
/// # Errors
/// When the value is not a number, or out of bounds.
pub fn limit(value: &str, bounds: &RangeInclusive<u32>) -> Result<u32, ApiError> {
    let limit = integer("limit", value, u64::from(*bounds.start())..=u64::from(*bounds.end()))?;
    Ok(u32::try_from(limit).unwrap_or(*bounds.end()))
}

/// Reads an integer of a query.
///
/// # Errors
/// When the value is not an integer, or out of bounds.
pub fn integer(param: &str, value: &str, bounds: RangeInclusive<u64>) -> Result<u64, ApiError> {
    let (sign, digits) = value.strip_prefix('-').map_or((1, value), |digits| (-1, digits));
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ApiError::not_an_integer(param, value));
    }
    let number: i128 = sign * digits.parse().unwrap_or(i128::MAX);
    if number < i128::from(*bounds.start()) {
        return Err(ApiError::below_minimum(param, *bounds.start(), &echo(value)));
    }
    let within = u64::try_from(number).ok().filter(|number| number <= bounds.end());
    within.ok_or_else(|| ApiError::above_maximum(param, *bounds.end(), &echo(value)))
}

/// Adds a value to a filter. Callers refuse values that nothing can match, since an empty answer would look like an
/// empty bill or log.
///
/// # Errors
/// When the filter has the maximum number of values.
pub fn one_of<T>(name: &str, filter: &mut Option<Vec<T>>, value: T) -> Result<(), ApiError> {
    let filter = filter.get_or_insert_default();
    filter.push(value);
    if filter.len() > MAX_FILTER_VALUES {
        let message = format!("Invalid '{name}': expected at most {MAX_FILTER_VALUES} values.");
        return Err(ApiError::invalid(message).param(name));
    }
    Ok(())
}

/// Reads the order of a list.
///
/// # Errors
/// When the value is not an order.
pub fn order(value: &str) -> Result<Order, ApiError> {
    match value {
        "asc" => Ok(Order::Ascending),
        "desc" => Ok(Order::Descending),
        _ => {
            Err(ApiError::invalid(format!("Invalid value: '{}'. Supported values are: 'asc' and 'desc'.", echo(value)))
                .param("order"))
        }
    }
}

/// Reads an id of a filter; `named` is its kind in the error message.
///
/// # Errors
/// When the value is not an id of this kind.
pub fn id_of<Id: FromStr>(param: &str, value: &str, named: &str) -> Result<Id, ApiError> {
    let wrong = || ApiError::invalid(format!("Invalid '{param}': '{}' is no id of {named}.", echo(value)));
    value.parse().map_err(|_| wrong().param(param))
}

/// Any well-formed id is a position in the list, whether or not there is such a File (docs/contract.md, section 4).
fn after(value: &str) -> Result<FileId, ApiError> {
    value.parse().map_err(|_| ApiError::invalid(format!("No such File object: {}", echo(value))).param("after"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_parameters_have_openais_defaults() {
        for query in ["", "colour=blue"] {
            let FileList::ById(list) = parse(query).unwrap() else { panic!("{query}") };
            assert_eq!((list.limit, list.order, list.purpose, list.after), (10_000, Order::Descending, None, None));
        }
        let FileList::ByName(list, None) = parse("name_prefix=A").unwrap() else { panic!("by name") };
        assert_eq!((list.limit, list.order, list.prefix), (10_000, Order::Ascending, NamePrefix::parse("a").unwrap()));
    }

    #[test]
    fn a_purpose_that_nothing_has_gives_an_empty_list() {
        assert!(matches!(parse("purpose=poetry").unwrap(), FileList::Nothing));
        let FileList::ById(list) = parse("purpose=fine-tune").unwrap() else { panic!("by id") };
        assert_eq!(list.purpose, Some(Purpose::FineTune));
    }

    #[test]
    fn bounds_are_inclusive() {
        for query in ["limit=1", "limit=10000", "limit=%31", "limit=&after=&order=&name_prefix="] {
            assert!(parse(query).is_ok(), "{query}");
        }
        for query in [
            "limit=0",
            "limit=-1",
            "limit=10001",
            "limit=ten",
            "limit=99999999999999999999999",
            "order=up",
            "after=x",
            "name_prefix=a&purpose=batch",
            "name_prefix=a&purpose=poetry",
        ] {
            assert!(parse(query).is_err(), "{query}");
        }
    }
}
