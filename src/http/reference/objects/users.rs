//! The objects of people and the members of projects, in OpenAI's shapes.

use super::fields::{id, object, page_of};
use crate::http::reference::ids::USER_ID;
use crate::model::person::Role;
use venna_reference::{Definition, Field, Schema, must, or_null, unix_seconds};

pub fn definitions() -> Vec<Definition> {
    let of = |name, about, fields| Definition { name, about, schema: Schema::Object(fields) };
    let page = |name, about, of| Definition { name, about, schema: page_of(of) };
    let words = |names: &[&'static str]| Schema::Words(names.to_vec());
    let members: Vec<&'static str> = Role::OF_MEMBERS.map(Role::name).to_vec();
    let accepted = Schema::Words(members.iter().copied().chain(["member"]).collect());
    let user_id = || must("user_id", USER_ID, "The id of the user.");
    vec![
        of("User", "A person who has signed in to the console.", user(words(&["owner", "reader"]))),
        page("UserListResponse", "A page of users.", "User"),
        of(
            "UserRoleUpdateRequest",
            "The new role of a user.",
            vec![must("role", words(&["owner", "reader"]), "`owner` is an administrator.")],
        ),
        of("UserDeleteResponse", "The user is deleted.", deleted("organization.user.deleted")),
        of("ProjectUser", "A member of a project.", member(Schema::Words(members))),
        page("ProjectUserListResponse", "A page of members of a project.", "ProjectUser"),
        of(
            "ProjectUserCreateRequest",
            "A new member of a project.",
            vec![user_id(), must("role", accepted.clone(), "The role. OpenAI's `member` is a `writer`.")],
        ),
        of(
            "ProjectUserUpdateRequest",
            "The new role of a member.",
            vec![must("role", accepted, "The role. OpenAI's `member` is a `writer`.")],
        ),
        of("ProjectUserDeleteResponse", "The membership has ended.", deleted("organization.project.user.deleted")),
    ]
}

fn deleted(name: &'static str) -> Vec<Field> {
    vec![object(name), id("The id of the user."), must("deleted", Schema::True, "Always true.")]
}

fn named(kind: &'static str, role: Schema, about: &str, added: &str) -> Vec<Field> {
    vec![
        object(kind),
        id("The id."),
        must("name", or_null(Schema::Text), "The name at the OpenID provider; `null` if it names none."),
        must("email", or_null(Schema::Text), "The e-mail address; `null` unless the provider has verified it."),
        must("role", role, about),
        must("added_at", unix_seconds(), added),
    ]
}

fn user(role: Schema) -> Vec<Field> {
    let about = "`owner` for administrators of this server, else `reader`.";
    let mut fields = named("organization.user", role, about, "The time of the first sign-in, in Unix seconds.");
    fields.push(must("last_signed_in_at", unix_seconds(), "The time of the last sign-in, in Unix seconds."));
    fields
}

fn member(role: Schema) -> Vec<Field> {
    let about = "`reader` reads files and usage, `writer` also creates and deletes files, `owner` also manages keys and members.";
    let added = "The time at which the user became a member, in Unix seconds.";
    let mut fields = named("organization.project.user", role, about, added);
    let origin = "`rule` if a rule over claims gives the role at each sign-in, `api` if a request gave it.";
    fields.push(must("granted_by", Schema::Words(vec!["rule", "api"]), origin));
    fields
}
