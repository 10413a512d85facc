//! The page of the sign-in.

use crate::ConsolePage;
use crate::frame::plain_page;
use maud::html;

/// The longest key that the field takes, in characters.
const MAX_KEY_CHARACTERS: u16 = 200;

/// Writes the page. Its script shows the sign-in at the provider of accounts where the server has one. The form is
/// disabled until the script handles it: the policy of the page refuses a submission by the browser itself, so Enter
/// would do nothing. The field has no name and is in no such submission.
pub fn page() -> ConsolePage {
    let main = html! {
        div.sign-in {
            h1 { "Sign in" }
            p.banner #reason role="status" hidden {}
            div #oidc hidden {
                p { a.button.primary.wide-button #provider href="sign-in/oidc" { "Sign in with your account" } }
                p.or { span { "or with a key" } }
            }
            form #sign-in novalidate {
                div.row {
                    label for="key" { "API key" }
                    div.with-button {
                        input #key type="password" disabled autocomplete="current-password" spellcheck="false"
                            autocapitalize="off" maxlength=(MAX_KEY_CHARACTERS) placeholder="vk_..."
                            aria-describedby="sign-in-status key-hint" required;
                        button.button type="button" data-action="reveal" aria-pressed="false" aria-label="Show the key" { "Show" }
                    }
                    p.hint #key-hint {
                        "A key of a workspace begins with " code { "vk_" } ", an admin key with " code { "vka_" }
                        ". The browser does not keep it: the server opens a session for this browser."
                    }
                }
                p.failure #sign-in-status role="alert" hidden {}
                button.button.primary.wide-button type="submit" disabled { "Sign in" }
            }
            details {
                summary { "Where a key comes from" }
                p {
                    "An owner of the workspace or an administrator makes keys on the page Keys. The operator of the server makes one with "
                    code { "venna keys create --workspace default" } ". The first start writes one to " code { "first-key" } " of the data directory."
                }
            }
            noscript { p { "The console needs JavaScript." } }
        }
    };
    plain_page("/console/sign-in", "Sign in", "Sign in to the console of this server.", "sign_in.js", &main)
}
