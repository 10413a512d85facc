//! The operations on people and the members of projects, in OpenAI's shapes.

use super::admin::{after, json_body, limit, project_id};
use super::examples::{CREATED_AT, USER, page_of_one};
use super::parameters::{email_filter, in_path};
use crate::http::reference::ids::USER_ID;
use crate::http::reference::route_doc::{ADMINISTRATION, RouteDoc, calls};
use serde_json::{Value, json};
use venna_reference::{Answer, Operation, Parameter};

const USERS: &str = "/v1/organization/users";
const ONE_USER: &str = "/v1/organization/users/{user_id}";
const MEMBERS: &str = "/v1/organization/projects/{project_id}/users";
const MEMBER: &str = "/v1/organization/projects/{project_id}/users/{user_id}";

pub fn operations() -> Vec<RouteDoc> {
    vec![
        list_users(),
        retrieve_user(),
        update_user(),
        delete_user(),
        list_members(),
        create_member(),
        retrieve_member(),
        update_member(),
        delete_member(),
    ]
}

fn user_id() -> Parameter {
    in_path("user_id", "The id of the user.", USER)
}

fn user(role: &str) -> Value {
    json!({
        "object": "organization.user", "id": USER, "name": "Ada", "email": "ada@files.example", "role": role,
        "added_at": CREATED_AT, "last_signed_in_at": CREATED_AT,
    })
}

fn member(role: &str) -> Value {
    json!({
        "object": "organization.project.user", "id": USER, "name": "Ada", "email": "ada@files.example", "role": role,
        "added_at": CREATED_AT, "granted_by": "api",
    })
}

fn list_users() -> RouteDoc {
    let about =
        "Lists the people who have signed in to the console by OpenID Connect, in the order of their first sign-ins.";
    let operation = Operation {
        about: vec![about.into()],
        parameters: vec![limit(), after(USER_ID), email_filter("emails[]", "Filter by e-mail address.")],
        answer: Answer::Json("UserListResponse", page_of_one(&user("reader"))),
        ..Operation::new(ADMINISTRATION, "listUsers", "GET", USERS, "List users")
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("list_users") }
}

fn retrieve_user() -> RouteDoc {
    let operation = Operation {
        about: vec!["Returns a user.".into()],
        parameters: vec![user_id()],
        answer: Answer::Json("User", user("reader")),
        ..Operation::new(ADMINISTRATION, "retrieveUser", "GET", ONE_USER, "Retrieve user")
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("retrieve_user") }
}

fn update_user() -> RouteDoc {
    let about = "Makes a user an administrator of this server (`owner`), or ends that (`reader`). A rule over claims \
                 may do so again at the next sign-in.";
    let operation = Operation {
        about: vec![about.into()],
        parameters: vec![user_id()],
        body: Some(json_body("UserRoleUpdateRequest", true, json!({"role": "owner"}))),
        answer: Answer::Json("User", user("owner")),
        ..Operation::new(ADMINISTRATION, "updateUser", "POST", ONE_USER, "Modify user")
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("update_user") }
}

fn delete_user() -> RouteDoc {
    let example = json!({"object": "organization.user.deleted", "id": USER, "deleted": true});
    let operation = Operation {
        about: vec!["Deletes a user, ends all sessions and revokes all memberships of the user.".into()],
        parameters: vec![user_id()],
        answer: Answer::Json("UserDeleteResponse", example),
        ..Operation::new(ADMINISTRATION, "deleteUser", "DELETE", ONE_USER, "Delete user")
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("delete_user") }
}

fn list_members() -> RouteDoc {
    let operation = Operation {
        about: vec!["Lists the members of a project, in the order of their first sign-ins.".into()],
        parameters: vec![project_id(), limit(), after(USER_ID)],
        answer: Answer::Json("ProjectUserListResponse", page_of_one(&member("owner"))),
        ..Operation::new(ADMINISTRATION, "listProjectUsers", "GET", MEMBERS, "List project users")
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("list_project_users") }
}

fn create_member() -> RouteDoc {
    let about = "Makes a user a member of a project, until a request ends that. A user has signed in before, also \
                 without access to a project.";
    let operation = Operation {
        about: vec![about.into()],
        parameters: vec![project_id()],
        body: Some(json_body("ProjectUserCreateRequest", true, json!({"user_id": USER, "role": "owner"}))),
        answer: Answer::Json("ProjectUser", member("owner")),
        ..Operation::new(ADMINISTRATION, "createProjectUser", "POST", MEMBERS, "Create project user")
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("create_project_user") }
}

fn retrieve_member() -> RouteDoc {
    let operation = Operation {
        about: vec!["Returns a member of a project.".into()],
        parameters: vec![project_id(), user_id()],
        answer: Answer::Json("ProjectUser", member("owner")),
        ..Operation::new(ADMINISTRATION, "retrieveProjectUser", "GET", MEMBER, "Retrieve project user")
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("retrieve_project_user") }
}

fn update_member() -> RouteDoc {
    let operation = Operation {
        about: vec!["Changes the role of a member of a project.".into()],
        parameters: vec![project_id(), user_id()],
        body: Some(json_body("ProjectUserUpdateRequest", true, json!({"role": "owner"}))),
        answer: Answer::Json("ProjectUser", member("owner")),
        ..Operation::new(ADMINISTRATION, "updateProjectUser", "POST", MEMBER, "Modify project user")
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("update_project_user") }
}

fn delete_member() -> RouteDoc {
    let example = json!({"object": "organization.project.user.deleted", "id": USER, "deleted": true});
    let operation = Operation {
        about: vec!["Ends the membership of a user in a project.".into()],
        parameters: vec![project_id(), user_id()],
        answer: Answer::Json("ProjectUserDeleteResponse", example),
        ..Operation::new(ADMINISTRATION, "deleteProjectUser", "DELETE", MEMBER, "Delete project user")
    };
    RouteDoc { operation, errors: Vec::new(), calls: calls!("delete_project_user") }
}
