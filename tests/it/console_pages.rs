//! The pages of the console: the same for everyone, under a policy that runs nothing but the server's own scripts.

use reqwest::redirect::Policy;
use std::collections::BTreeSet;
use venna::clock::Clock;
use venna::model::audit::Action;
use venna::model::purpose::Purpose;
use venna_testkit::TestServer;

/// The longest page, in bytes.
const MAX_PAGE_BYTES: usize = 20_000;

const PATHS: [&str; 13] = [
    "/console/sign-in",
    "/console/files",
    "/console/files/file-00VbjUjhHGglY7j08O6M3Oj9",
    "/console/links",
    "/console/workspace",
    "/console/keys",
    "/console/members",
    "/console/sessions",
    "/console/admin",
    "/console/admin/workspaces",
    "/console/admin/people",
    "/console/admin/audit",
    "/console/admin/settings",
];

#[tokio::test]
async fn pages_are_served_to_everyone_and_run_only_our_scripts() {
    let server = TestServer::open().await;
    let reader = reqwest::Client::new();
    let mut files = BTreeSet::new();
    for path in PATHS {
        let answer = reader.get(format!("http://{}{path}", server.address())).send().await.unwrap();
        let headers = answer.headers().clone();
        let header = |name: &str| headers[name].to_str().unwrap().to_owned();
        assert_eq!((answer.status().as_u16(), &*header("content-type")), (200, "text/html; charset=utf-8"), "{path}");
        let policy = header("content-security-policy");
        for rule in ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"] {
            assert!(policy.split("; ").any(|found| found == rule), "{path}: {rule} in {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains("http") && !policy.contains("data:"), "{policy}");
        assert_eq!((&*header("cache-control"), &*header("x-content-type-options")), ("no-cache", "nosniff"), "{path}");
        assert!(!headers.contains_key("set-cookie") && !headers.contains_key("access-control-allow-origin"), "{path}");
        let page = answer.text().await.unwrap();
        assert!(page.len() <= MAX_PAGE_BYTES, "{path} has {} bytes", page.len());
        let root = "../".repeat(path.matches('/').count() - 1);
        for target in page.split(&format!("\"{root}assets/")).skip(1).filter_map(|rest| rest.split('"').next()) {
            files.insert(format!("/assets/{target}"));
        }
    }
    assert!(files.len() > 40, "{files:?}");
    for path in &files {
        let answer = reader.get(format!("http://{}{path}", server.address())).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
    }
    server.close().await;
}

#[tokio::test]
async fn the_console_begins_with_files_and_knows_no_other_pages() {
    let server = TestServer::open().await;
    let reader = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
    let get =
        |path: &str| reader.get(format!("http://{}{path}", server.address())).header("accept", "text/html").send();
    for (path, location) in [("/console", "console/files"), ("/console/", "files")] {
        let moved = get(path).await.unwrap();
        assert_eq!((moved.status().as_u16(), moved.headers()["location"].to_str().unwrap()), (308, location), "{path}");
    }
    for path in ["/console/nothing", "/console/files/a/b", "/console/admin/nothing"] {
        let answer = get(path).await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
        assert!(answer.text().await.unwrap().contains("There is no such page"), "{path}");
    }
    server.close().await;
}

#[tokio::test]
async fn pages_ask_for_nothing_at_the_root_of_a_proxy() {
    let server = TestServer::with(&[("public_url", "https://files.example/store")], Clock::system()).await;
    let reader = reqwest::Client::new();
    for path in PATHS {
        let page = reader.get(format!("http://{}{path}", server.address())).send().await.unwrap().text().await.unwrap();
        let targets = page.split("href=\"").skip(1).chain(page.split("src=\"").skip(1));
        for target in targets.filter_map(|rest| rest.split('"').next()) {
            assert!(!target.starts_with('/') && !target.contains("://"), "{path} leads to {target}");
        }
    }
    server.close().await;
}

#[tokio::test]
async fn filters_offer_every_event_and_purpose() {
    let server = TestServer::open().await;
    let reader = reqwest::Client::new();
    let events: BTreeSet<String> = Action::ALL.iter().map(|action| action.name().to_owned()).collect();
    let purposes = Purpose::ALL.iter().map(|purpose| purpose.name().to_owned()).collect();
    for (path, id, known) in [("/console/admin/audit", "event", events), ("/console/files", "purpose", purposes)] {
        let page = reader.get(format!("http://{}{path}", server.address())).send().await.unwrap().text().await.unwrap();
        let begin = format!("<select id=\"{id}\">");
        let select = page.split(&begin).nth(1).unwrap().split("</select>").next().unwrap();
        let values = select.split("value=\"").skip(1).filter_map(|rest| rest.split('"').next());
        let offered: BTreeSet<String> = values.filter(|value| !value.is_empty()).map(str::to_owned).collect();
        assert_eq!(offered, known, "{path}");
    }
    server.close().await;
}
