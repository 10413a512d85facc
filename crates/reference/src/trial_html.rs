//! The drawer that sends a request.

use crate::page::{Input, Trial};
use maud::{Markup, html};

/// The places of inputs that every request shows, with their titles. Headers are folded.
const SHOWN: [(&str, &[&str]); 3] = [("Path", &["path"]), ("Query", &["query"]), ("Body", &["file", "form", "body"])];

/// Writes the drawer. It stays closed until the script of the page opens it: without one it could do nothing.
pub fn render_trial(trial: &Trial, root: &str) -> Markup {
    let key_id = "try-key";
    html! {
        dialog.drawer #try aria-labelledby="try-title" {
            div.top {
                h2 #try-title { (trial.title) }
                button.button.small type="button" data-action="close" { "Close" }
            }
            form.trial autocomplete="off" data-method=(trial.method) data-path=(trial.path) data-origin=(trial.origin)
                data-base=(root) data-variable=(trial.key_variable) data-kind=(trial.key_format) {
                div.row {
                    label for=(key_id) { "API key" small { (trial.key_noun) } }
                    input id=(key_id) type="password" autocomplete="off" required placeholder=(trial.key_format) spellcheck="false";
                }
                div.row {
                    label.choice { input #try-keep type="checkbox"; "Keep the key in this tab until it is closed" }
                }
                @for (title, places) in SHOWN {
                    (render_inputs(title, trial, places))
                }
                @if trial.inputs.iter().any(|input| input.place == "header") {
                    details { summary { "Headers" } (render_inputs("Headers", trial, &["header"])) }
                }
                div.actions {
                    button.button.primary type="submit" { "Send" }
                    button.button type="button" data-action="cancel" disabled { "Cancel" }
                    button.button type="button" data-action="curl" { "Copy as curl" }
                }
                progress value="0" max="1" aria-label="Progress of the request" hidden {}
                p.status role="status" {}
                div.answer hidden {
                    h3 { "Answer" }
                    div.actions {
                        button.button.small type="button" data-action="copy" { "Copy" }
                        button.button.small type="button" data-action="save" { "Save" }
                    }
                    pre.body tabindex="0" role="group" aria-label="Body of the answer" {}
                    details {
                        summary { "Headers of the answer" }
                        pre.headers tabindex="0" role="group" aria-label="Headers of the answer" {}
                    }
                }
            }
        }
    }
}

fn render_inputs(title: &str, trial: &Trial, places: &[&str]) -> Markup {
    let all = || trial.inputs.iter().enumerate().filter(|(_, input)| places.contains(&input.place));
    html! {
        @if all().next().is_some() {
            fieldset {
                legend { (title) }
                @for (at, input) in all() { (render_input(at, input)) }
            }
        }
    }
}

fn render_input(at: usize, input: &Input) -> Markup {
    let id = format!("try-{at}");
    html! {
        div.row {
            label for=(id) { (input.name) @if input.required { small { "required" } } }
            @if input.place == "file" {
                input id=(id) type="file" name=(input.name) data-place=(input.place) required[input.required];
            } @else if input.place == "body" {
                textarea id=(id) name=(input.name) data-place=(input.place) rows="8" spellcheck="false" {
                    (input.value)
                }
            } @else if !input.words.is_empty() {
                select id=(id) name=(input.name) data-place=(input.place) {
                    @if !input.required { option value="" { "" } }
                    @for word in &input.words { option selected[*word == input.value] { (word) } }
                }
            } @else {
                input id=(id) type="text" name=(input.name) data-place=(input.place) value=(input.value)
                    placeholder=(input.placeholder) required[input.required] spellcheck="false";
            }
        }
    }
}
