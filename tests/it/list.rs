//! `GET /v1/files`: order, pages, cursors.

use venna_testkit::{Answer, TestServer};

#[tokio::test]
async fn pages_of_any_size_visit_each_file_once_in_order() {
    let server = TestServer::at(1_795_374_000_000).await;
    let ada = server.user("ada").await;
    let mut ids = Vec::new();
    for number in 0..7 {
        ids.push(ada.create_file(&format!("{number}.txt"), b"x").await.id());
    }
    assert_eq!(ada.list("?order=asc").await.ids(), ids, "files of one second stand in order of insertion");
    for order in ["asc", "desc"] {
        if order == "desc" {
            ids.reverse();
        }
        for limit in 1..=8 {
            let mut visited = Vec::new();
            let mut cursor = String::new();
            loop {
                let page = ada.list(&format!("?order={order}&limit={limit}{cursor}")).await.is_ok();
                let (page, found) = (page.json(), page.ids());
                assert_eq!(page["first_id"].as_str(), found.first().map(String::as_str));
                assert_eq!(page["last_id"].as_str(), found.last().map(String::as_str));
                visited.extend(found);
                if !page["has_more"].as_bool().unwrap() {
                    break;
                }
                cursor = format!("&after={}", page["last_id"].as_str().unwrap());
            }
            assert_eq!(visited, ids, "{order} {limit}");
        }
    }
    server.close().await;
}

#[tokio::test]
async fn a_deleted_file_is_still_a_position() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let (first, second, third) = (
        ada.create_file("1", b"1").await.id(),
        ada.create_file("2", b"2").await.id(),
        ada.create_file("3", b"3").await.id(),
    );
    ada.delete_file(&second).await.is_ok();
    assert_eq!(ada.list(&format!("?after={second}")).await.ids(), [first]);
    assert_eq!(ada.list(&format!("?order=asc&after={second}")).await.ids(), [third]);
    server.close().await;
}

#[tokio::test]
async fn names_are_searched_by_their_beginning() {
    const FILES: usize = 503; // more than are read at once
    let server = TestServer::open().await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    bob.create_file("report of bob", b"x").await.is_ok();
    ada.create_file("other", b"x").await.is_ok();
    let mut expected = Vec::new();
    for number in 0..FILES {
        let name = if number % 2 == 0 {
            format!("Report {:03}", FILES - number)
        } else {
            format!("report {:03}", FILES - number)
        };
        expected.insert(0, ada.create_file(&name, b"x").await.id());
    }
    assert_eq!(ada.list("?name_prefix=REPORT%20").await.ids(), expected, "in the order of names");
    expected.reverse();
    let first = ada.list("?name_prefix=report&order=desc&limit=501").await.is_ok();
    let (page, ids) = (first.json(), first.ids());
    assert_eq!((ids.as_slice(), page["has_more"].as_bool()), (&expected[..501], Some(true)));
    assert_eq!((page["first_id"].as_str(), page["last_id"].as_str()), (Some(&*ids[0]), Some(&*ids[500])));
    let rest = ada.list(&format!("?name_prefix=report&order=desc&after={}", ids[500])).await.is_ok();
    assert_eq!((rest.ids().as_slice(), rest.json()["has_more"].as_bool()), (&expected[501..], Some(false)));
    ada.delete_file(&ids[500]).await.is_ok();
    let gone = ada.list(&format!("?name_prefix=report&after={}", ids[500])).await;
    assert_eq!((gone.status.as_u16(), gone.json()["error"]["param"].as_str()), (400, Some("after")));
    let too_long = "a".repeat(256);
    for query in [&*too_long, "a&purpose=user_data", "a&purpose=poetry"] {
        let refused = ada.list(&format!("?name_prefix={query}")).await;
        let (status, body) = (refused.status.as_u16(), refused.json());
        assert_eq!((status, body["error"]["param"].as_str()), (400, Some("name_prefix")), "{query}");
    }
    server.close().await;
}

#[tokio::test]
async fn an_empty_list_has_no_ids_and_no_more() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let empty = serde_json::json!({"object": "list", "data": [], "first_id": null, "last_id": null, "has_more": false});
    assert_eq!(ada.list("").await.is_ok().json(), empty);
    ada.create_file("a.txt", b"a").await.is_ok();
    assert_eq!(ada.list("?purpose=poetry").await.is_ok().json(), empty);
    assert_eq!(ada.list("?purpose=vision").await.is_ok().json(), empty);
    assert_eq!(ada.list("?purpose=user_data").await.ids().len(), 1);
    server.close().await;
}

#[tokio::test]
async fn a_parameter_without_a_value_is_absent() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let ids = [ada.create_file("a", b"a").await.id(), ada.create_file("b", b"b").await.id()];
    let all = ada.list("?order=asc").await.is_ok().ids();
    assert_eq!(all, ids);
    for query in ["?after=", "?purpose=", "?limit=", "?order=", "?after&purpose", "?after=&purpose=&limit=&order="] {
        assert_eq!(ada.list(&format!("{query}&order=asc")).await.is_ok().ids(), ids, "{query}");
    }
    server.close().await;
}

#[tokio::test]
async fn parameters_out_of_bounds_are_named() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let error = ada.list("?limit=0").await.is_error(400, Some("limit"), Some("integer_below_min_value"));
    assert_eq!(
        error["message"],
        "Invalid 'limit': integer below minimum value. Expected a value >= 1, but got 0 instead."
    );
    ada.list("?limit=10001").await.is_error(400, Some("limit"), Some("integer_above_max_value"));
    ada.list("?limit=ten").await.is_error(400, Some("limit"), None);
    ada.list("?order=up").await.is_error(400, Some("order"), None);
    ada.list("?after=file-1").await.is_error(400, Some("after"), None);
    server.close().await;
}

#[tokio::test]
async fn a_long_list_is_one_answer() {
    let server = TestServer::open().await;
    let ada = server.user("ada").await;
    let mut ids = Vec::new();
    for round in 0..23 {
        let names: Vec<String> = (0..50).map(|number| format!("\u{6587} {round} {number}.txt")).collect();
        let made = futures_util::future::join_all(names.iter().map(|name| ada.create_file(name, b"x"))).await;
        ids.extend(made.into_iter().map(Answer::id));
    }
    ids.sort();
    for (query, expected) in [
        ("?order=asc", 1150),
        ("?order=asc&limit=1149", 1149),
        ("?order=asc&limit=500", 500),
        ("?order=asc&limit=501", 501),
    ] {
        let answer = ada.list(query).await.is_ok();
        let list = answer.json();
        assert!(answer.ids() == ids[..expected], "{query}");
        assert_eq!(list["first_id"].as_str(), Some(ids[0].as_str()));
        assert_eq!(list["last_id"].as_str(), Some(ids[expected - 1].as_str()));
        assert_eq!(list["has_more"].as_bool(), Some(expected < 1150), "{query}");
        let keys: Vec<&String> = list.as_object().unwrap().keys().collect();
        assert_eq!(keys.len(), 5, "{keys:?}");
    }
    server.close().await;
}
