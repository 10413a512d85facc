//! The pages of administrators: the server, all workspaces, people, the audit log, and the settings in force.

use crate::ConsolePage;
use crate::frame::{Content, page};
use crate::parts::{page_head, pager, part};
use maud::html;

/// The events that the audit log can be filtered by, in the order of the filter.
const EVENTS: [&str; 19] = [
    "login.succeeded",
    "login.failed",
    "logout.succeeded",
    "user.added",
    "user.updated",
    "user.deleted",
    "project.created",
    "project.updated",
    "project.archived",
    "project.deleted",
    "api_key.created",
    "api_key.updated",
    "api_key.deleted",
    "link.created",
    "link.used",
    "link.revoked",
    "rate_limit.updated",
    "usage.adjustment.created",
    "resource.deleted",
];

/// The longest e-mail address that the server searches for, in characters.
const MAX_EMAIL_CHARACTERS: u16 = 255;

/// Writes the page of the server: its health and its work in the background.
pub fn overview() -> ConsolePage {
    let main = html! {
        (page_head("Server", "Its stores, and its work in the background.", &html! {}))
        div #content hidden {
            div.tiles #tiles {}
            (part("warnings", "Warnings"))
            div.charts {
                (part("sweep", "Sweep"))
                (part("scrub", "Scrub"))
                (part("export", "Export of usage"))
                (part("alerts", "Spend alerts"))
            }
        }
    };
    let path = "/console/admin";
    page(Content {
        path,
        under: path,
        title: "Server",
        about: "Health of the server.",
        module: "admin/overview.js",
        main,
    })
}

/// Writes the page of all workspaces.
pub fn workspaces() -> ConsolePage {
    let actions = html! {
        label.choice data-for="administrator" hidden { input #archived type="checkbox"; span { "Show archived" } }
        button.button.primary type="button" data-action="create" data-for="administrator" hidden { "Create a workspace" }
    };
    let main = html! {
        (page_head("Workspaces", "Each has its own files, keys, members and limits.", &actions))
        div #content {}
    };
    let (path, about) = ("/console/admin/workspaces", "All workspaces.");
    page(Content { path, under: path, title: "Workspaces", about, module: "admin/workspaces.js", main })
}

/// Writes the page of all people.
pub fn people() -> ConsolePage {
    let main = html! {
        (page_head("People", "Everyone who signed in with an account, in the order of the first sign-in.", &html! {}))
        form.toolbar role="search" aria-label="People" data-for="administrator" hidden {
            div.grow {
                label.unseen for="email" { "E-mail address" }
                input #email type="search" placeholder="The whole e-mail address" maxlength=(MAX_EMAIL_CHARACTERS) autocomplete="off" spellcheck="false";
            }
            button.button type="submit" { "Find" }
        }
        div #content {}
        (pager("Pages of the list", "Show more people"))
    };
    let (path, about) = ("/console/admin/people", "People who sign in.");
    page(Content { path, under: path, title: "People", about, module: "admin/people.js", main })
}

/// Writes the page of the audit log.
pub fn audit() -> ConsolePage {
    let main = html! {
        (page_head("Audit log", "Who changed what, from where.", &html! {}))
        form.toolbar #filters aria-label="Filters" data-for="administrator" hidden {
            div {
                label for="event" { "Event" }
                select #event {
                    option value="" { "All events" }
                    @for event in EVENTS { option value=(event) { (event) } }
                }
            }
            div { label for="project" { "Workspace" } select #project { option value="" { "All workspaces" } } }
            div { label for="actor" { "Actor" } input #actor placeholder="key_..., user_... or e-mail" maxlength=(MAX_EMAIL_CHARACTERS) spellcheck="false" autocomplete="off"; }
            div { label for="since" { "From" } input #since type="date"; }
            div { label for="until" { "To" } input #until type="date"; }
        }
        div #content {}
        (pager("Pages of the log", "Show older entries"))
    };
    let (path, about) = ("/console/admin/audit", "The audit log.");
    page(Content { path, under: path, title: "Audit log", about, module: "admin/audit.js", main })
}

/// Writes the page of the settings.
pub fn settings() -> ConsolePage {
    let main = html! {
        (page_head("Settings", "In force on this server. Secrets are hidden.", &html! {}))
        form.toolbar role="search" aria-label="Settings" data-for="administrator" hidden {
            div.grow {
                label.unseen for="find" { "Find a setting" }
                input #find type="search" placeholder="Find a setting" maxlength="100" autocomplete="off" spellcheck="false";
            }
            label.choice { input #changed type="checkbox"; span { "Only those that were set" } }
        }
        div #content {}
    };
    let (path, about) = ("/console/admin/settings", "Settings in force.");
    page(Content { path, under: path, title: "Settings", about, module: "admin/settings.js", main })
}
