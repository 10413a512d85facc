//! The operations on usage, costs, the ledger and adjustments.

use super::admin::json_body;
use super::examples::{CREATED_AT, DAY, FILE, KEY, PROJECT};
use super::parameters::{idempotency_key, in_query, sent};
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
            "The first second, in Unix seconds; the bucket that it lies in is the first.",
        )
    };
    let some = |of| Schema::List(Box::new(of), Some(MAX_FILTER_VALUES));
    let page = Schema::Shaped(Shape { pattern: Some("^page_[0-9]{1,12}$"), min: 6, max: 17 });
    vec![
        sent("1795305600", start),
        in_query("end_time", Schema::Whole(0, MAX_TIME), "The second behind the last; now when absent."),
        in_query("project_ids[]", some(PROJECT_ID), "Only of these projects."),
        in_query("api_key_ids[]", some(KEY_ID), "Only of these keys."),
        in_query("page", page, "The page that `next_page` named."),
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
        in_query("bucket_width", widths, "`1d` when absent."),
        in_query("group_by[]", groups, "What is kept apart."),
        in_query(
            "limit",
            Schema::Whole(1, BucketWidth::Minute.page().1),
            "How many buckets at most: of `1m` 60 and up to 1440, of `1h` 24 and up to 168, of `1d` 7 and up to 31.",
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
        in_query("bucket_width", Schema::Words(vec![BucketWidth::Day.name()]), "Costs are by the day."),
        in_query("group_by[]", groups, "What is kept apart."),
        in_query(
            "line_items[]",
            Schema::List(Box::new(Schema::Named("LineItem")), Some(MAX_FILTER_VALUES)),
            "Only of these.",
        ),
        in_query("limit", Schema::Whole(1, 180), "How many days at most; 7 when absent."),
    ]);
    let result = json!({
        "object": "organization.costs.result", "amount": {"value": 0.0, "currency": "usd"}, "line_item": null,
        "project_id": null, "api_key_id": null, "quantity": null, "quantity_unit": null,
    });
    let bucket = json!({"object": "bucket", "start_time": DAY, "end_time": DAY + 86_400, "results": [result]});
    let operation = Operation {
        about: vec![
            "Says what it costs by the day (UTC), at the prices of this server. Days add up to the month.".into(),
        ],
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
            "count": count, "reverses": null, "note": null, "actor": null,
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
            in_query("after_seq", Schema::Whole(0, i64::MAX as u64), "Only facts behind the line of this `seq`."),
            sent("1", in_query("limit", Schema::Whole(1, 10_000), "How many facts at most; 1000 when absent.")),
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
