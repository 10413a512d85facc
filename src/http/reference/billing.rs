//! The page of limits and prices of the running configuration.

use super::facts::{Facts, PriceLine};
use crate::files::MAX_BATCH_FILE_BYTES;
use crate::http::conditions::http_date;
use crate::model::expiry::EXPIRES_AFTER_SECONDS;
use crate::model::filename::MAX_FILENAME_CHARACTERS;
use crate::model::idempotency::REMEMBERED_SECONDS;
use crate::model::upload::{MAX_PART_BYTES, MAX_PARTS, MAX_UPLOAD_BYTES};
use venna_reference::{Block, Page};

/// Writes the page.
pub fn page(facts: &Facts) -> Page {
    let blocks = vec![
        Block::heading(2, "limits", "Limits of this server"),
        Block::Table { head: vec!["What", "At most"], rows: limits(facts) },
        Block::heading(2, "own-limits", "Limits of projects and keys"),
        Block::text(
            "An administrator may set limits of stored bytes, files, file sizes, rates, uploads at once and monthly \
             spending; [Who am I](/docs/retrieve-own-key) says which are in force for a key. Over a quota the answer \
             is 400 `storage_quota_exceeded`, over a rate 429 `rate_limit_exceeded` with `Retry-After`, over the \
             spend limit 429 `project_spend_limit_exceeded`.",
        ),
        Block::heading(2, "billing", "What is billed"),
        Block::text(
            "Billing targets the key workspace. Nothing but a 2xx is billed, and no repetition under an \
             `Idempotency-Key`.",
        ),
        Block::Table {
            head: vec!["Line item", "Counts"],
            rows: vec![
                billed(
                    "files.storage",
                    "bytes kept, to the byte-second: from `created_at` to the delete or `expires_at`",
                ),
                billed("files.ops.class_a", "requests that create, complete or list"),
                billed("files.ops.class_b", "requests that retrieve or read content"),
                billed("files.ingress", "bytes of files that were made; parts are not billed"),
                billed("files.egress", "bytes of content that were handed out"),
            ],
        },
        Block::heading(2, "prices", "Prices"),
        prices(&facts.prices),
    ];
    Page {
        slug: "limits-and-billing".to_owned(),
        title: "Limits and billing".to_owned(),
        about: "What this server takes at most, what it bills and at which prices.".to_owned(),
        blocks,
    }
}

fn limits(facts: &Facts) -> Vec<Vec<String>> {
    let row = |what: &str, most: String| vec![what.to_owned(), most];
    let (least_bytes, window_seconds) = facts.body_pace;
    let logins = match facts.max_failed_logins_per_minute {
        0 => "any number".to_owned(),
        number => number.to_string(),
    };
    vec![
        row("Bytes of one `POST /v1/files`", facts.max_file_bytes.to_string()),
        row("Bytes of a file of purpose `batch`", MAX_BATCH_FILE_BYTES.to_string()),
        row("Bytes of an Upload, of a part", format!("{MAX_UPLOAD_BYTES}, {MAX_PART_BYTES}")),
        row("Parts of an Upload", MAX_PARTS.to_string()),
        row("Seconds that an Upload takes parts", facts.upload_ttl_seconds.to_string()),
        row("Characters of a file name", MAX_FILENAME_CHARACTERS.to_string()),
        row(
            "Seconds of `expires_after`",
            format!("{} to {}", EXPIRES_AFTER_SECONDS.start(), EXPIRES_AFTER_SECONDS.end()),
        ),
        row("Files and parts that come in at once, of all projects", facts.max_concurrent_uploads.to_string()),
        row(
            "Files and parts that come in at once, of one project without a limit of its own",
            facts.max_project_uploads.to_string(),
        ),
        row("Slowest request body", format!("{least_bytes} bytes a second over {window_seconds} seconds")),
        row("Requests a minute with keys that open nothing, of one network", logins),
        row("Seconds that an `Idempotency-Key` is remembered", REMEMBERED_SECONDS.to_string()),
    ]
}

fn billed(item: &str, counts: &str) -> Vec<String> {
    vec![format!("`{item}`"), counts.to_owned()]
}

fn prices(lines: &[PriceLine]) -> Block {
    if lines.is_empty() {
        return Block::text("This server has no prices: usage is metered, and costs 0.");
    }
    let row = |line: &PriceLine| {
        let unit = line.per.replace('_', " ");
        vec![
            format!("`{}`", line.line_item),
            http_date(line.effective_from),
            format!("{} USD for each of the {unit}", line.usd),
            format!("{} {unit}", line.free_per_month),
        ]
    };
    Block::Table {
        head: vec!["Line item", "From", "Price", "Free in a calendar month (UTC)"],
        rows: lines.iter().map(row).collect(),
    }
}
