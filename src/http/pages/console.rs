//! The pages of the console. They are the same for everyone and hold no secret; their scripts read the session.

use super::served::{HTML, ServedFile, found, moved};
use crate::http::headers::put;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::Method;
use http::header::{CONTENT_SECURITY_POLICY, HeaderMap};
use std::sync::Arc;

/// The Content-Security-Policy of the pages: that of all pages, and previews from blobs of this page in images and
/// frames.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
                      img-src 'self' blob:; frame-src blob:; frame-ancestors 'none'; base-uri 'none'; \
                      form-action 'none'";

/// Serves the pages.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let page = |router: Router<S>, page: venna_console::ConsolePage| {
        let file = Arc::new(ServedFile::new(HTML, page.html));
        let serve = get(serve).with_state(file);
        router.route(page.path, serve)
    };
    venna_console::pages()
        .into_iter()
        .fold(Router::new(), page)
        .route("/console", get(|| async { moved("console/files") }))
        .route("/console/", get(|| async { moved("files") }))
}

async fn serve(State(file): State<Arc<ServedFile>>, method: Method, headers: HeaderMap) -> Response {
    let mut response = found(&file, &method, &headers);
    put(response.headers_mut(), CONTENT_SECURITY_POLICY, POLICY);
    response
}

#[cfg(test)]
mod tests {
    use crate::model::person::MAX_EMAIL_CHARS;

    #[test]
    fn fields_take_the_longest_email_address() {
        let longest = format!("maxlength=\"{MAX_EMAIL_CHARS}\"");
        for path in ["/console/admin/people", "/console/admin/audit"] {
            let page = venna_console::pages().into_iter().find(|page| page.path == path).unwrap();
            assert!(page.html.contains(&longest), "{path}");
        }
    }
}
