//! The objects of usage, costs, the ledger and adjustments.

use super::fields::{id, object};
use crate::model::adjustment::MAX_REASON_CHARS;
use crate::model::dialect::Dialect;
use crate::model::ledger::Fact;
use crate::model::prices::LineItem;
use venna_reference::{Definition, Field, Schema, Shape, count, line, list, may, must, or_null, unix_seconds};

/// The maximum number of characters of a quantity in the schema: its sign and its digits.
const MAX_QUANTITY_DIGITS: usize = 19;

pub fn definitions() -> Vec<Definition> {
    let of = |name, about, fields| Definition { name, about, schema: Schema::Object(fields) };
    vec![
        of("UsageResponse", "A page of buckets of usage.", page("UsageBucket")),
        of("UsageBucket", "The usage of a minute, an hour or a day.", bucket("UsageResult")),
        of("UsageResult", "The usage of one group in a bucket.", usage_result()),
        of("CostsResponse", "A page of days of costs.", page("CostsBucket")),
        of("CostsBucket", "The cost of a day.", bucket("CostsResult")),
        of("CostsResult", "The cost of one group on a day.", costs_result()),
        of("Amount", "An amount of money.", amount()),
        of("LedgerLine", "A line of the ledger: one line item of one fact.", ledger_line()),
        of("CreateAdjustmentRequest", "A new adjustment.", adjustment_request()),
        of("Adjustment", "An adjustment in the ledger.", adjustment()),
        Definition {
            name: "LineItem",
            about: "The line item.",
            schema: Schema::Words(LineItem::ALL.map(LineItem::name).to_vec()),
        },
    ]
}

fn page(of: &'static str) -> Vec<Field> {
    vec![
        object("page"),
        must("data", list(Schema::Named(of)), "The buckets, from the earliest."),
        must("has_more", Schema::Flag, "True if there is another page."),
        must("next_page", or_null(Schema::Text), "Pass it as `page` to get the next page."),
    ]
}

fn bucket(of: &'static str) -> Vec<Field> {
    vec![
        object("bucket"),
        must("start_time", unix_seconds(), "Start of the bucket, in Unix seconds."),
        must("end_time", unix_seconds(), "End of the bucket, exclusive, in Unix seconds."),
        must("results", list(Schema::Named(of)), "One result for each group. Groups without usage are absent."),
    ]
}

fn usage_result() -> Vec<Field> {
    vec![
        object("organization.usage.files.result"),
        must("project_id", or_null(Schema::Text), "The project, if grouped by it."),
        must("api_key_id", or_null(Schema::Text), "The key, if grouped by it."),
        must("purpose", or_null(Schema::Text), "The purpose, if grouped by it."),
        must("usage_bytes", Schema::Integer, "Mean of stored bytes."),
        must("peak_bytes", Schema::Integer, "Maximum of stored bytes."),
        must("end_bytes", Schema::Integer, "Stored bytes at the end of the bucket."),
        must(
            "byte_seconds",
            Schema::Text,
            "Stored bytes integrated over time, as a decimal string, since it may exceed what a number holds exactly.",
        ),
        must("num_files", Schema::Integer, "Number of files at the end of the bucket."),
        must("num_requests", Schema::Integer, "Billed requests."),
        must("ops_class_a", Schema::Integer, "Requests that create, complete or list."),
        must("ops_class_b", Schema::Integer, "Requests that retrieve or read content."),
        must("input_bytes", Schema::Integer, "Bytes of created files."),
        must("output_bytes", Schema::Integer, "Bytes of content that was sent."),
    ]
}

fn costs_result() -> Vec<Field> {
    vec![
        object("organization.costs.result"),
        must("amount", Schema::Named("Amount"), "The cost."),
        must("line_item", or_null(Schema::Named("LineItem")), "The line item, if grouped by it."),
        must("project_id", or_null(Schema::Text), "The project, if grouped by it."),
        must("api_key_id", or_null(Schema::Text), "The key, if grouped by it."),
        must("quantity", or_null(Schema::Number), "The quantity of the line item, if grouped by line item."),
        must("quantity_unit", or_null(Schema::Text), "The unit of the quantity."),
    ]
}

fn amount() -> Vec<Field> {
    vec![must("value", Schema::Number, "The quantity."), must("currency", Schema::Word("usd"), "The currency.")]
}

fn ledger_line() -> Vec<Field> {
    let kinds = Fact::SIMPLE.map(Fact::name).into_iter().chain([Fact::Adjustment(LineItem::Storage).name()]).collect();
    vec![
        must("seq", count(), "The number of the row. Rows are in the order of commits."),
        must("event_id", Schema::Text, "The unique id of the row."),
        must("ts", unix_seconds(), "The time of the event, in Unix seconds."),
        must("project_id", Schema::Text, "The project."),
        must("api_key_id", or_null(Schema::Text), "The owner of the key."),
        must("purpose", or_null(Schema::Named("StoredPurpose")), "The purpose of the File."),
        must("kind", Schema::Words(kinds), "The kind of the event."),
        must("line_item", Schema::Named("LineItem"), "The line item of the bill."),
        must("file_id", or_null(Schema::Text), "The File."),
        must(
            "bytes",
            Schema::Integer,
            "Bytes, or byte-seconds of an adjustment of storage; negative where a File ends or something is given \
             back.",
        ),
        must("count", Schema::Integer, "The number of requests."),
        must("reverses", or_null(Schema::Text), "The `event_id` that an adjustment corrects."),
        must("note", or_null(Schema::Text), "The reason of the adjustment."),
        must("actor", or_null(Schema::Text), "The key that entered the adjustment."),
        must(
            "dialect",
            or_null(Schema::Words(Dialect::ALL.map(Dialect::name).to_vec())),
            "The API in which the request was made; `null` of expiries, purges, adjustments, and events from before \
             servers noted it.",
        ),
    ]
}

fn adjustment_request() -> Vec<Field> {
    let digits = Shape { pattern: Some("^[+-]?0*[1-9][0-9]{0,17}$"), min: 1, max: MAX_QUANTITY_DIGITS };
    vec![
        must("project_id", Schema::Text, "The project that is billed."),
        may("api_key_id", or_null(Schema::Text), "The key to which the quantity belongs."),
        must("line_item", Schema::Named("LineItem"), "The line item that is corrected."),
        must(
            "quantity",
            Schema::Either(vec![Schema::NonZero, Schema::Shaped(digits)]),
            "Byte-seconds, requests or bytes, as an integer or a decimal string. A negative quantity is a credit.",
        ),
        must("reason", line(MAX_REASON_CHARS), format!("The reason, 1 to {MAX_REASON_CHARS} characters.")),
        may("reverses", or_null(Schema::Text), "The `event_id` that the adjustment corrects."),
    ]
}

fn adjustment() -> Vec<Field> {
    vec![
        object("organization.usage.adjustment"),
        id("The id: `adj:` and the `Idempotency-Key`, or the id of the request."),
        must("created_at", unix_seconds(), "Effective time, in Unix seconds."),
        must("project_id", Schema::Text, "The project that is billed."),
        must("api_key_id", or_null(Schema::Text), "The key to which the quantity belongs."),
        must("line_item", Schema::Named("LineItem"), "The line item that is corrected."),
        must("quantity", Schema::Text, "A decimal string, since it may exceed what a number holds exactly."),
        must("quantity_unit", Schema::Text, "The unit of the quantity."),
        must("reason", or_null(Schema::Text), "Why."),
        must("reverses", or_null(Schema::Text), "The `event_id` that the adjustment corrects."),
        must("actor", or_null(Schema::Text), "The key that entered the adjustment."),
    ]
}
