//! The list of Files, and the page of one.

use crate::ConsolePage;
use crate::frame::{Content, page};
use crate::parts::page_head;
use maud::{Markup, html};

/// The purposes that the list can be filtered by.
const PURPOSES: [&str; 9] = [
    "user_data",
    "batch",
    "batch_output",
    "fine-tune",
    "fine-tune-results",
    "assistants",
    "assistants_output",
    "vision",
    "evals",
];
/// The longest name that is searched for, in characters.
const MAX_NAME_CHARACTERS: u16 = 255;
const FILES: &str = "/console/files";

/// Writes the list of Files.
pub fn list() -> ConsolePage {
    let actions = html! {
        button.button type="button" data-action="upload-folder" data-for="upload" hidden { "Upload a folder" }
        button.button.primary type="button" data-action="upload" data-for="upload" hidden { "Upload files" }
    };
    let main = html! {
        (page_head("Files", "", &actions))
        div #files {
            (toolbar())
            (selection())
            (table())
            div #list-state hidden {}
            nav.pager #pager aria-label="Pages of the list" hidden {
                span.quiet #page-of role="status" {}
                button.button.small type="button" data-action="previous" { "Previous" }
                button.button.small type="button" data-action="next" { "Next" }
            }
        }
        (uploads())
    };
    page(Content {
        path: FILES,
        under: FILES,
        title: "Files",
        about: "The files of the workspace.",
        module: "files/page.js",
        main,
    })
}

fn toolbar() -> Markup {
    html! {
        form.toolbar role="search" aria-label="Files" {
            div.grow {
                label.unseen for="name" { "Name begins with" }
                input #name type="search" placeholder="Beginning of the name, or an id" autocomplete="off"
                    spellcheck="false" maxlength=(MAX_NAME_CHARACTERS);
            }
            div {
                label.unseen for="purpose" { "Purpose" }
                select #purpose {
                    option value="" { "All purposes" }
                    @for purpose in PURPOSES { option value=(purpose) { (purpose) } }
                }
            }
        }
    }
}

fn selection() -> Markup {
    html! {
        div.selection #selection hidden {
            b #selected role="status" {}
            button.button.small type="button" data-action="select-matching" hidden { "Select all that match" }
            button.button.small type="button" data-action="clear-selection" { "Clear" }
            button.button.small.danger type="button" data-action="delete-selected" { "Delete" }
        }
    }
}

fn table() -> Markup {
    html! {
        div.table.list #list aria-busy="true" {
            table {
                caption.unseen { "Files of the workspace" }
                thead {
                    tr {
                        th.pick scope="col" { label { input #all type="checkbox" aria-label="Select all files of this page"; } }
                        th #named scope="col" { "Name" }
                        th.wide scope="col" { "Purpose" }
                        th.wide.amount scope="col" { "Size" }
                        th.wide #created scope="col" aria-sort="descending" {
                            button.sort #order type="button" { "Created" }
                        }
                        th.wide scope="col" { "Expires" }
                        th.wide scope="col" { "Status" }
                        th.tools scope="col" { span.unseen { "Actions" } }
                    }
                }
                tbody #rows {}
            }
        }
    }
}

/// The drop zone, the inputs of files, and the panel of uploads.
fn uploads() -> Markup {
    html! {
        input #choose-files type="file" multiple hidden aria-label="Files to upload";
        input #choose-folder type="file" webkitdirectory hidden aria-label="Folder to upload";
        div.drop #drop hidden { p { b { "Drop to upload" } "Files and folders, as many as you like" } }
        section.uploads #uploads aria-labelledby="uploads-title" hidden {
            div.top {
                div.line {
                    h2 #uploads-title { "Uploads" }
                    button.button.small type="button" data-action="fold" aria-expanded="true" aria-controls="uploads-inside" { "Details" }
                }
                small #uploads-words {}
                progress #uploads-bar aria-label="All uploads" max="1" value="0" {}
            }
            div.inside #uploads-inside {
                div.actions {
                    button.button.small type="button" data-action="pause-all" { "Pause all" }
                    button.button.small type="button" data-action="resume-all" { "Resume all" }
                    button.button.small type="button" data-action="cancel-all" { "Cancel all" }
                    button.button.small type="button" data-action="clear-uploads" { "Clear finished" }
                }
                ul #transfers tabindex="0" aria-label="Files on their way" {}
                p.hint #more-uploads {}
            }
        }
    }
}

/// Writes the page of a File.
pub fn file() -> ConsolePage {
    let main = html! {
        p.crumbs { a href="../files" { "Files" } }
        div.page-head {
                div { h1 #filename { "File" } }
                div.actions #actions hidden {
                    button.button type="button" data-action="copy-id" { "Copy id" }
                    a.button #download download { "Download" }
                    button.button type="button" data-action="share" { "Share" }
                    button.button.danger type="button" data-action="delete" data-for="delete" hidden { "Delete" }
                }
        }
        div #file hidden {
            section.part.bad #faults hidden aria-label="Bad lines" {}
            section.part #links hidden aria-label="Links" {}
            div.file-columns {
                section.preview aria-label="Content" { div #preview {} }
                section.about aria-label="Details" { dl.facts #details {} }
            }
        }
    };
    page(Content {
        path: "/console/files/{id}",
        under: FILES,
        title: "File",
        about: "A file: what is known of it, and its content.",
        module: "files/file.js",
        main,
    })
}
