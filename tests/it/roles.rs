//! The matrix of roles: every route, asked by a person of every role, in its own project and in another one.

use crate::console::Browser;
use crate::matrix::{Ids, Tenant, request, tenant};
use crate::oidc::World;
use reqwest::Request;
use serde_json::json;
use venna::http::{Access, Route, routes};
use venna::model::audit::Origin;
use venna::model::ids::PersonId;
use venna::model::person::Role;
use venna::model::scope::Scope;
use venna_testkit::Answer;

/// The routes that a role may ask for in its own project.
fn may(role: Role, access: Access) -> bool {
    let writes = matches!(role, Role::Writer | Role::Owner);
    match (role, access) {
        (Role::Administrator, access) => !matches!(access, Access::Scope(_)),
        (_, Access::AnyKey | Access::Scope(Scope::FilesRead) | Access::AdminOr(Scope::UsageRead)) => true,
        (_, Access::Scope(Scope::FilesWrite | Scope::UploadsWrite)) => writes,
        (_, Access::AdminOrOwner) => role == Role::Owner,
        (_, Access::Admin | Access::Scope(_) | Access::AdminOr(_)) => false,
    }
}

struct Person {
    role: Role,
    browser: Browser,
    id: PersonId,
}

impl Person {
    async fn of(world: &World, role: Role) -> Self {
        let claims = match role {
            Role::Administrator => json!({"sub": "root", "email": "root@a.example", "email_verified": true}),
            _ => json!({"sub": role.name(), "groups": ["others"]}),
        };
        let browser = world.sign_in(&claims).await;
        let id = browser.session["actor"]["id"].as_str().unwrap().parse().unwrap();
        Self { role, browser, id }
    }

    /// Makes a project of which the person is a member, unless it is an administrator.
    async fn own(&self, world: &World, name: &str) -> Tenant {
        let own = tenant(&world.server, name).await;
        if self.role != Role::Administrator {
            let people = world.server.installation().await.people;
            let set =
                people.set_member(self.id, Some(own.workspace), Some(self.role), Origin::COMMAND_LINE, None).await;
            assert!(set.unwrap().made().unwrap().is_some());
        }
        own
    }

    /// Sends a request of the tenant matrix by the session, in this project.
    async fn send(&self, world: &World, route: &Route, ids: &Ids, project: &str) -> Answer {
        let user = world.server.user_of("none");
        let mut request: Request = request(&user, route, ids).build().unwrap();
        let path = format!("/console/api{}", request.url().path());
        request.url_mut().set_path(&path);
        let headers = request.headers_mut();
        headers.remove("authorization");
        headers.insert("cookie", self.browser.cookie.parse().unwrap());
        headers.insert("x-csrf-token", self.browser.token.parse().unwrap());
        headers.insert("sec-fetch-site", "same-origin".parse().unwrap());
        if self.role != Role::Administrator {
            headers.insert("openai-project", project.parse().unwrap());
        }
        Answer::of(reqwest::Client::new().execute(request).await.unwrap()).await
    }
}

#[tokio::test]
async fn every_route_takes_the_roles_that_it_says() {
    let world = World::open().await;
    let mut asked = 0;
    for role in Role::ALL {
        let person = Person::of(&world, role).await;
        let mut own = person.own(&world, &format!("{role} first")).await;
        let foreign = tenant(&world.server, &format!("not of {role}")).await;
        for (number, route) in routes().into_iter().enumerate() {
            let name = format!("{role}: {} {}", route.method, route.path);
            let project = own.workspace.to_string();
            let answer = person.send(&world, &route, &own.ids, &project).await;
            let expected = if may(role, route.access) { 200 } else { 403 };
            assert_eq!(answer.status.as_u16(), expected, "{name}: {:?}", answer.body.map(String::from_utf8));
            if expected == 403 {
                answer.is_error(403, None, Some("insufficient_permissions"));
            } else if route.method != "GET" {
                own = person.own(&world, &format!("{role} {number}")).await;
            }
            asked += 1;
            if role == Role::Administrator {
                continue;
            }
            // Neither its header nor its path opens a project of others.
            let elsewhere = person.send(&world, &route, &foreign.ids, &foreign.workspace.to_string()).await;
            elsewhere.is_error(403, None, Some("insufficient_permissions"));
            if route.path.contains("{project_id}") {
                let ids = Ids { project: foreign.ids.project.clone(), ..own.ids.clone() };
                let crossed = person.send(&world, &route, &ids, &own.workspace.to_string()).await;
                crossed.is_error(403, None, Some("insufficient_permissions"));
            }
            asked += 1;
        }
    }
    assert!(asked > 7 * routes().len() - 1, "{asked}");
    world.server.close().await;
}

#[tokio::test]
async fn members_are_managed_by_owners_and_users_by_administrators() {
    let world = World::open().await;
    let (owner, root) = (Person::of(&world, Role::Owner).await, Person::of(&world, Role::Administrator).await);
    let own = owner.own(&world, "members").await;
    let project = own.workspace.to_string();
    let users = format!("/console/api/v1/organization/projects/{project}/users");
    let newcomer = world.sign_in(&json!({"sub": "new", "groups": ["others"]})).await;
    let person = newcomer.session["actor"]["id"].as_str().unwrap();
    let one = format!("{users}/{person}");
    owner.browser.get(&one).await.is_error(404, Some("user_id"), None);
    let made = owner.browser.post(&users, &json!({"user_id": person, "role": "member"})).await.is_ok().json();
    assert_eq!((&made["object"], &made["role"]), (&json!("organization.project.user"), &json!("writer")));
    assert_eq!(made["granted_by"], "api");
    assert!(owner.browser.get(&users).await.is_ok().ids().contains(&person.to_owned()));
    let files = format!("/console/api/v1/files?project={project}");
    newcomer.get(&files).await.is_ok();
    assert_eq!(owner.browser.post(&one, &json!({"role": "owner"})).await.is_ok().json()["role"], "owner");
    newcomer.get(&users).await.is_ok();
    for (body, param) in [(json!({"role": "king"}), "role"), (json!({}), "role")] {
        owner.browser.post(&one, &body).await.is_error(400, Some(param), None);
    }
    let unknown = json!({"user_id": "user_x", "role": "reader"});
    owner.browser.post(&users, &unknown).await.is_error(404, Some("user_id"), None);
    owner.browser.delete(&one).await.is_ok();
    newcomer.get(&files).await.is_error(403, None, Some("insufficient_permissions"));

    let user = format!("/console/api/v1/organization/users/{person}?project={project}");
    owner.browser.get(&user).await.is_error(403, None, Some("insufficient_permissions"));
    let user = user.split('?').next().unwrap();
    assert_eq!(root.browser.get(user).await.is_ok().json()["role"], "reader");
    assert_eq!(root.browser.post(user, &json!({"role": "owner"})).await.is_ok().json()["role"], "owner");
    newcomer.get("/console/api/v1/organization/users").await.is_ok();
    assert_eq!(newcomer.get("/console/api/session").await.is_ok().json()["role_administrator"], true);
    assert_eq!(root.browser.post(user, &json!({"role": "reader"})).await.is_ok().json()["role"], "reader");
    let all = "/console/api/v1/organization/users";
    newcomer.get(all).await.is_error(403, None, Some("insufficient_permissions"));
    root.browser.delete(user).await.is_ok();
    newcomer.get("/console/api/session").await.is_error(401, None, Some("session_expired"));
    root.browser.get(user).await.is_error(404, Some("user_id"), None);
    world.server.close().await;
}
