//! The operations on usage, costs, the ledger and adjustments.

use super::admin::json_body;
use super::examples::{CREATED_AT, DAY, FILE, KEY, PROJECT};
use super::parameters::{idempotency_key, in_query, limit_of, or, sent};
use crate::http::catalogue::ErrorKind::{AboveMaximum, BelowMinimum, IdempotencyKeyReused, NotFound};
use crate::http::list::{MAX_FILTER_VALUES, MAX_TIME};
use crate::http::reference::ids::{KEY_ID, PROJECT_ID};
use crate::http::reference::route_doc::{EXTENSION, RouteDoc, USAGE, calls};
use crate::usage::BucketWidth;
use serde_json::{Value, json};
use venna_reference::{Answer, Operation, Parameter, Schema, Shape, list};

pub fn operations() -> Vec<RouteDoc> {
    vec![list_usage(), list_costs(), list_ledger(), create_adjustment()]
}

fn window() -> Vec<Parameter> {
    let start = Parameter {
        required: true,
        ..in_query(
            "start_time",
            Schema::Whole(0, MAX_TIME),
            "Start of the range, in Unix seconds. The bucket that contains it is the first one.",
        )
    };
    let some = |of| Schema::List(Box::new(of), Some(MAX_FILTER_VALUES));
    let page = Schema::Shaped(Shape { pattern: Some("^page_[0-9]{1,12}$"), min: 6, max: 17 });
    vec![
        sent("1795305600", start),
        or("now", in_query("end_time", Schema::Whole(0, MAX_TIME), "End of the range, exclusive, in Unix seconds.")),
        in_query("project_ids[]", some(PROJECT_ID), "Filter by project."),
        in_query("api_key_ids[]", some(KEY_ID), "Filter by key."),
        in_query("page", page, "The cursor: `next_page` of the page before."),
    ]
}

/// Returns a last page with one bucket.
fn page_of(bucket: &Value) -> Value {
    json!({"object": "page", "data": [bucket], "has_more": false, "next_page": null})
}

fn list_usage() -> RouteDoc {
    let widths = Schema::Words(BucketWidth::ALL.map(BucketWidth::name).to_vec());
    let groups = list(Schema::Words(vec!["project_id", "api_key_id", "purpose"]));
    let mut parameters = window();
    parameters.extend([
        or("`1d`", in_query("bucket_width", widths, "The width of a bucket.")),
        in_query("group_by[]", groups, "The groups of the result."),
        in_query(
            "limit",
            Schema::Whole(1, BucketWidth::Minute.page().1),
            "Maximum number of buckets: for `1m` up to 1440 (default 60), for `1h` up to 168 (default 24), for `1d` up to 31 (default 7).",
        ),
    ]);
    let result = json!({
        "object": "organization.usage.files.result", "project_id": null, "api_key_id": null, "purpose": null,
        "usage_bytes": 14, "peak_bytes": 14, "end_bytes": 14, "byte_seconds": "50400", "num_files": 1,
        "num_requests": 1, "ops_class_a": 1, "ops_class_b": 0, "input_bytes": 14, "output_bytes": 0,
    });
    let bucket = json!({"object": "bucket", "start_time": DAY, "end_time": DAY + 86_400, "results": [result]});
    let operation = Operation {
        about: vec![
            "Says what was used, by the minute, the hour or the day (UTC). An admin key sees all projects, a key \
             with the scope `usage.read` its own."
                .into(),
        ],
        extension: EXTENSION,
        parameters,
        answer: Answer::Json("UsageResponse", page_of(&bucket)),
        ..Operation::new(USAGE, "listFilesUsage", "GET", "/v1/organization/usage/files", "Usage")
    };
    RouteDoc { operation, errors: vec![AboveMaximum, BelowMinimum], calls: calls!("list_files_usage") }
}

fn list_costs() -> RouteDoc {
    let groups = list(Schema::Words(vec!["project_id", "line_item", "api_key_id"]));
    let mut parameters = window();
    parameters.extend([
        in_query("bucket_width", Schema::Words(vec![BucketWidth::Day.name()]), "The width of a bucket: a day."),
        in_query("group_by[]", groups, "The groups of the result."),
        in_query(
            "line_items[]",
            Schema::List(Box::new(Schema::Named("LineItem")), Some(MAX_FILTER_VALUES)),
            "Filter by line item.",
        ),
        limit_of(180, "7"),
    ]);
    let result = json!({
        "object": "organization.costs.result", "amount": {"value": 0.0, "currency": "usd"}, "line_item": null,
        "project_id": null, "api_key_id": null, "quantity": null, "quantity_unit": null,
    });
    let bucket = json!({"object": "bucket", "start_time": DAY, "end_time": DAY + 86_400, "results": [result]});
    let operation = Operation {
        about: vec!["Returns costs by day (UTC), at the prices of this server. Days add up to the month.".into()],
        parameters,
        answer: Answer::Json("CostsResponse", page_of(&bucket)),
        ..Operation::new(USAGE, "usageCosts", "GET", "/v1/organization/costs", "Costs")
    };
    RouteDoc { operation, errors: vec![AboveMaximum, BelowMinimum], calls: calls!("usage_costs") }
}

fn list_ledger() -> RouteDoc {
    let line = |seq: u64, event: String, item: &str, bytes: u64, count: u64| {
        json!({
            "seq": seq, "event_id": event, "ts": CREATED_AT, "project_id": PROJECT, "api_key_id": KEY,
            "purpose": "user_data", "kind": "create", "line_item": item, "file_id": FILE, "bytes": bytes,
            "count": count, "reverses": null, "note": null, "actor": null, "dialect": "openai",
        })
    };
    let lines = vec![
        line(4, format!("st+:{FILE}"), "files.storage", 14, 0),
        line(5, format!("in:{FILE}"), "files.ingress", 14, 0),
        line(6, "op:req_9a3c5e7f1b2d4c6e8fa0b1c2d3e4f506".to_owned(), "files.ops.class_a", 0, 1),
    ];
    let operation = Operation {
        about: vec![
            "Hands out what usage and costs rest on: a line for each line item of each fact, as JSON Lines or, for \
             `Accept: text/csv`, as CSV."
                .into(),
        ],
        extension: EXTENSION,
        parameters: vec![
            in_query("after_seq", Schema::Whole(0, i64::MAX as u64), "Cursor: return rows after this `seq`."),
            sent("100", limit_of(10_000, "1,000")),
        ],
        answer: Answer::Lines("LedgerLine", lines),
        ..Operation::new(USAGE, "listLedger", "GET", "/v1/organization/usage/ledger", "Ledger")
    };
    RouteDoc { operation, errors: vec![AboveMaximum, BelowMinimum], calls: calls!("list_ledger") }
}

fn create_adjustment() -> RouteDoc {
    let example = json!({
        "object": "organization.usage.adjustment", "id": "adj:req_9a3c5e7f1b2d4c6e8fa0b1c2d3e4f506",
        "created_at": CREATED_AT, "project_id": PROJECT, "api_key_id": null, "line_item": "files.egress",
        "quantity": "-10737418240", "quantity_unit": "bytes", "reason": "ticket 4711: a looping client", "reverses": null,
        "actor": KEY,
    });
    let operation = Operation {
        about: vec![
            "Corrects a bill from this second on, at its prices. Under an `Idempotency-Key` a correction counts once \
             for ever."
                .into(),
        ],
        extension: EXTENSION,
        parameters: vec![idempotency_key()],
        body: Some(json_body(
            "CreateAdjustmentRequest",
            true,
            json!({
                "project_id": PROJECT, "line_item": "files.egress", "quantity": "-10737418240",
                "reason": "ticket 4711: a looping client",
            }),
        )),
        answer: Answer::Json("Adjustment", example),
        ..Operation::new(USAGE, "createAdjustment", "POST", "/v1/organization/usage/adjustments", "Correct a bill")
    };
    RouteDoc { operation, errors: vec![IdempotencyKeyReused, NotFound], calls: calls!("create_adjustment") }
}
