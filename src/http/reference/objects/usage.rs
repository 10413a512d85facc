//! The objects of usage, costs, the ledger and adjustments.

use super::fields::{id, object};
use crate::model::adjustment::MAX_REASON_CHARS;
use crate::model::ledger::Fact;
use crate::model::prices::LineItem;
use venna_reference::{Definition, Field, Schema, Shape, count, line, list, may, must, or_null, unix_seconds};

/// The maximum number of characters of a quantity in the schema: its sign and its digits.
const MAX_QUANTITY_DIGITS: usize = 19;

pub fn definitions() -> Vec<Definition> {
    let of = |name, about, fields| Definition { name, about, schema: Schema::Object(fields) };
    vec![
        of("UsageResponse", "A page of buckets of usage.", page("UsageBucket")),
        of("UsageBucket", "What was used in a minute, an hour or a day.", bucket("UsageResult")),
        of("UsageResult", "What one group used in a bucket.", usage_result()),
        of("CostsResponse", "A page of days of costs.", page("CostsBucket")),
        of("CostsBucket", "What a day cost.", bucket("CostsResult")),
        of("CostsResult", "What one group cost in a day.", costs_result()),
        of("Amount", "An amount of money.", amount()),
        of("LedgerLine", "A line of the ledger: one line item of one fact.", ledger_line()),
        of("CreateAdjustmentRequest", "A correction of a bill.", adjustment_request()),
        of("Adjustment", "A correction, as it stands in the ledger.", adjustment()),
        Definition {
            name: "LineItem",
            about: "What is billed.",
            schema: Schema::Words(LineItem::ALL.map(LineItem::name).to_vec()),
        },
    ]
}

fn page(of: &'static str) -> Vec<Field> {
    vec![
        object("page"),
        must("data", list(Schema::Named(of)), "The buckets, from the earliest."),
        must("has_more", Schema::Flag, "Whether there is another page."),
        must("next_page", or_null(Schema::Text), "The `page` of the next page."),
    ]
}

fn bucket(of: &'static str) -> Vec<Field> {
    vec![
        object("bucket"),
        must("start_time", unix_seconds(), "Its first second."),
        must("end_time", unix_seconds(), "The second behind its last."),
        must("results", list(Schema::Named(of)), "One for each group; none where there is nothing."),
    ]
}

fn usage_result() -> Vec<Field> {
    vec![
        object("organization.usage.files.result"),
        must("project_id", or_null(Schema::Text), "The project, if grouped by it."),
        must("api_key_id", or_null(Schema::Text), "The key, if grouped by it."),
        must("purpose", or_null(Schema::Text), "The purpose, if grouped by it."),
        must("usage_bytes", Schema::Integer, "The mean of what was stored."),
        must("peak_bytes", Schema::Integer, "The most that was stored."),
        must("end_bytes", Schema::Integer, "What was stored at the end."),
        must(
            "byte_seconds",
            Schema::Text,
            "Exactly what was stored over time; a text, since it may be more than a number can be.",
        ),
        must("num_files", Schema::Integer, "How many files there were at the end."),
        must("num_requests", Schema::Integer, "Billed requests."),
        must("ops_class_a", Schema::Integer, "Requests that create, complete or list."),
        must("ops_class_b", Schema::Integer, "Requests that retrieve or read content."),
        must("input_bytes", Schema::Integer, "Bytes of files that were made."),
        must("output_bytes", Schema::Integer, "Bytes of content that was read."),
    ]
}

fn costs_result() -> Vec<Field> {
    vec![
        object("organization.costs.result"),
        must("amount", Schema::Named("Amount"), "What it costs."),
        must("line_item", or_null(Schema::Named("LineItem")), "The line item, if grouped by it."),
        must("project_id", or_null(Schema::Text), "The project, if grouped by it."),
        must("api_key_id", or_null(Schema::Text), "The key, if grouped by it."),
        must("quantity", or_null(Schema::Number), "How much of the line item, if grouped by it."),
        must("quantity_unit", or_null(Schema::Text), "What the quantity counts."),
    ]
}

fn amount() -> Vec<Field> {
    vec![must("value", Schema::Number, "How much."), must("currency", Schema::Word("usd"), "US dollars.")]
}

fn ledger_line() -> Vec<Field> {
    let kinds = Fact::SIMPLE.map(Fact::name).into_iter().chain([Fact::Adjustment(LineItem::Storage).name()]).collect();
    vec![
        must("seq", count(), "Its place; lines are in the order of commits."),
        must("event_id", Schema::Text, "What tells it from every other."),
        must("ts", unix_seconds(), "The second of the fact."),
        must("project_id", Schema::Text, "Whose it is."),
        must("api_key_id", or_null(Schema::Text), "Whose key did it."),
        must("purpose", or_null(Schema::Named("StoredPurpose")), "What the File is for."),
        must("kind", Schema::Words(kinds), "What happened."),
        must("line_item", Schema::Named("LineItem"), "What it is billed as."),
        must("file_id", or_null(Schema::Text), "The File."),
        must(
            "bytes",
            Schema::Integer,
            "Bytes, or byte-seconds of an adjustment of storage; negative where a File ends or something is given \
             back.",
        ),
        must("count", Schema::Integer, "How many."),
        must("reverses", or_null(Schema::Text), "The event that an adjustment corrects."),
        must("note", or_null(Schema::Text), "Why it was adjusted."),
        must("actor", or_null(Schema::Text), "Who adjusted it."),
    ]
}

fn adjustment_request() -> Vec<Field> {
    let digits = Shape { pattern: Some("^[+-]?0*[1-9][0-9]{0,17}$"), min: 1, max: MAX_QUANTITY_DIGITS };
    vec![
        must("project_id", Schema::Text, "Whose bill it is."),
        may("api_key_id", or_null(Schema::Text), "The key that it is put down to."),
        must("line_item", Schema::Named("LineItem"), "What is corrected."),
        must(
            "quantity",
            Schema::Either(vec![Schema::NonZero, Schema::Shaped(digits)]),
            "In byte-seconds, requests or bytes, as an integer or a string of its digits; negative to give back.",
        ),
        must("reason", line(MAX_REASON_CHARS), format!("Why, in 1 to {MAX_REASON_CHARS} characters.")),
        may("reverses", or_null(Schema::Text), "The `event_id` that was wrong."),
    ]
}

fn adjustment() -> Vec<Field> {
    vec![
        object("organization.usage.adjustment"),
        id("Its id: `adj:` and the `Idempotency-Key`, or the id of the request."),
        must("created_at", unix_seconds(), "From when on it counts, in Unix seconds."),
        must("project_id", Schema::Text, "Whose bill it is."),
        must("api_key_id", or_null(Schema::Text), "The key that it is put down to."),
        must("line_item", Schema::Named("LineItem"), "What is corrected."),
        must("quantity", Schema::Text, "A text, since it may be more than a number can be."),
        must("quantity_unit", Schema::Text, "What the quantity counts."),
        must("reason", or_null(Schema::Text), "Why."),
        must("reverses", or_null(Schema::Text), "The event that was wrong."),
        must("actor", or_null(Schema::Text), "Who entered it."),
    ]
}
