//! The operations on usage, costs, the ledger and adjustments.

use super::admin::{begun, json_body};
use super::{CREATED_AT, DAY, FILE, KEY, PROJECT, idempotency_key, in_query, sent};
use crate::http::catalogue::ErrorKind::{AboveMaximum, BelowMinimum, IdempotencyKeyReused, NotFound};
use crate::http::reference::operation::{Answer, Group, Operation, Parameter};
use crate::http::reference::schema::{Schema, list, unix_seconds};
use crate::usage::BucketWidth;
use serde_json::json;

pub fn operations() -> Vec<Operation> {
    let all = [list_usage(), list_costs(), list_ledger(), create_adjustment()];
    all.into_iter().map(|operation| Operation { group: Group::Usage, ..operation }).collect()
}

fn window() -> Vec<Parameter> {
    let start = Parameter {
        required: true,
        ..in_query(
            "start_time",
            unix_seconds(),
            "The first second, in Unix seconds; the bucket that it lies in is the first.",
        )
    };
    vec![
        sent("1795305600", start),
        in_query("end_time", unix_seconds(), "The second behind the last; now when absent."),
        in_query("project_ids[]", list(Schema::Text), "Only of these projects."),
        in_query("api_key_ids[]", list(Schema::Text), "Only of these keys."),
        in_query("page", Schema::Text, "The page that `next_page` named."),
    ]
}

fn list_usage() -> Operation {
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
        "usage_bytes": 14, "peak_bytes": 14, "end_bytes": 14, "byte_seconds": "50400", "num_files": 1, "num_requests": 1,
        "ops_class_a": 1, "ops_class_b": 0, "input_bytes": 14, "output_bytes": 0,
    });
    let bucket = json!({"object": "bucket", "start_time": DAY, "end_time": DAY + 86_400, "results": [result]});
    Operation {
        about: vec![
            "Says what was used, by the minute, the hour or the day (UTC). An admin key sees all projects, a key with the scope `usage.read` its own.".into(),
        ],
        extension: true,
        parameters,
        answer: Answer::Json("UsageResponse", json!({"object": "page", "data": [bucket], "has_more": false, "next_page": null})),
        errors: vec![AboveMaximum, BelowMinimum],
        python: "usage = client.get(\"/organization/usage/files\", cast_to=dict, options={\"params\": {\"start_time\": 1795305600}})\nprint(json.dumps(usage, indent=2))",
        typescript: "const usage = await client.get(\"/organization/usage/files\", { query: { start_time: 1795305600 } });\nconsole.log(JSON.stringify(usage, null, 2));",
        ..begun("listFilesUsage", "GET", "/v1/organization/usage/files", "Usage")
    }
}

fn list_costs() -> Operation {
    let groups = list(Schema::Words(vec!["project_id", "line_item", "api_key_id"]));
    let mut parameters = window();
    parameters.extend([
        in_query("bucket_width", Schema::Words(vec![BucketWidth::Day.name()]), "Costs are by the day."),
        in_query("group_by[]", groups, "What is kept apart."),
        in_query("line_items[]", list(Schema::Named("LineItem")), "Only of these."),
        in_query("limit", Schema::Whole(1, 180), "How many days at most; 7 when absent."),
    ]);
    let result = json!({
        "object": "organization.costs.result", "amount": {"value": 0.0, "currency": "usd"}, "line_item": null,
        "project_id": null, "api_key_id": null, "quantity": null, "quantity_unit": null,
    });
    let bucket = json!({"object": "bucket", "start_time": DAY, "end_time": DAY + 86_400, "results": [result]});
    Operation {
        about: vec![
            "Says what it costs by the day (UTC), at the prices of this server. Days add up to the month.".into(),
        ],
        parameters,
        answer: Answer::Json(
            "CostsResponse",
            json!({"object": "page", "data": [bucket], "has_more": false, "next_page": null}),
        ),
        errors: vec![AboveMaximum, BelowMinimum],
        python: "costs = client.admin.organization.usage.costs(start_time=1795305600)\nprint(costs.to_json())",
        typescript: "const costs = await client.admin.organization.usage.costs({ start_time: 1795305600 });\nconsole.log(JSON.stringify(costs, null, 2));",
        ..begun("usageCosts", "GET", "/v1/organization/costs", "Costs")
    }
}

fn list_ledger() -> Operation {
    let line = |seq: u64, event: String, item: &str, bytes: u64, count: u64| {
        json!({
            "seq": seq, "event_id": event, "ts": CREATED_AT, "project_id": PROJECT, "api_key_id": KEY,
            "purpose": "user_data", "kind": "create", "line_item": item, "file_id": FILE, "bytes": bytes, "count": count,
            "reverses": null, "note": null, "actor": null,
        })
    };
    let lines = vec![
        line(4, format!("st+:{FILE}"), "files.storage", 14, 0),
        line(5, format!("in:{FILE}"), "files.ingress", 14, 0),
        line(6, "op:req_9a3c5e7f1b2d4c6e8fa0b1c2d3e4f506".to_owned(), "files.ops.class_a", 0, 1),
    ];
    Operation {
        about: vec![
            "Hands out what usage and costs rest on: a line for each line item of each fact, as JSON Lines or, for `Accept: text/csv`, as CSV.".into(),
        ],
        extension: true,
        parameters: vec![
            in_query("after_seq", Schema::Whole(0, i64::MAX as u64), "Only facts behind the line of this `seq`."),
            sent("1", in_query("limit", Schema::Whole(1, 10_000), "How many facts at most; 1000 when absent.")),
        ],
        answer: Answer::Lines("LedgerLine", lines),
        errors: vec![AboveMaximum, BelowMinimum],
        python: "lines = client.get(\"/organization/usage/ledger\", cast_to=str, options={\"params\": {\"limit\": 1}})\nprint(lines)",
        typescript: "const response = await client.get(\"/organization/usage/ledger\", { query: { limit: 1 } }).asResponse();\nconsole.log(await response.text());",
        ..begun("listLedger", "GET", "/v1/organization/usage/ledger", "Ledger")
    }
}

fn create_adjustment() -> Operation {
    let example = json!({
        "object": "organization.usage.adjustment", "id": "adj:req_9a3c5e7f1b2d4c6e8fa0b1c2d3e4f506", "created_at": CREATED_AT,
        "project_id": PROJECT, "api_key_id": null, "line_item": "files.egress", "quantity": "-10737418240",
        "quantity_unit": "bytes", "reason": "ticket 4711: a looping client", "reverses": null, "actor": KEY,
    });
    Operation {
        about: vec![
            "Corrects a bill from this second on, at its prices. Under an `Idempotency-Key` a correction counts once for ever.".into(),
        ],
        extension: true,
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
        errors: vec![IdempotencyKeyReused, NotFound],
        python: "adjustment = client.post(\n    \"/organization/usage/adjustments\",\n    cast_to=dict,\n    body={\n        \"project_id\": \"ws_00VbjUjhHGglY7j08O6M3Oj9\",\n        \"line_item\": \"files.egress\",\n        \"quantity\": \"-10737418240\",\n        \"reason\": \"ticket 4711: a looping client\",\n    },\n)\nprint(json.dumps(adjustment, indent=2))",
        typescript: "const adjustment = await client.post(\"/organization/usage/adjustments\", {\n  body: {\n    project_id: \"ws_00VbjUjhHGglY7j08O6M3Oj9\",\n    line_item: \"files.egress\",\n    quantity: \"-10737418240\",\n    reason: \"ticket 4711: a looping client\",\n  },\n});\nconsole.log(JSON.stringify(adjustment, null, 2));",
        ..begun("createAdjustment", "POST", "/v1/organization/usage/adjustments", "Correct a bill")
    }
}
