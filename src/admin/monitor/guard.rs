//! Who may ask, and what every answer says to browsers.

use axum::extract::Request;
use axum::extract::State;
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::StatusCode;
use http::header;

use super::error;
use crate::admin::Control;
use crate::admin::audit::Audit;
use crate::admin::token::Denied;
use crate::listen::Peer;

const NO_FILE: &str = "changes need a token, and no token file is configured: write a token of at \
    least 32 characters to a file of mode 0600 and name it as `token_file` under `[admin]`";
const NO_TOKEN: &str = "`authorization: Bearer <token>` is required";
const BAD_TOKEN: &str = "the bearer token is not the one in the token file";
const OTHER_SITE: &str = "requests from other sites are refused";
const OTHER_NAME: &str =
    "without a token this is answered to localhost and loopback addresses only";

/// Nothing from elsewhere, no plug-ins, no frames.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Refuses who may not ask. Nothing of a body has been read then.
pub(super) async fn admit(
    State(control): State<Control>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Err((code, message)) = check(&control, &request) {
        let peer = request.extensions().get::<Peer>();
        Audit::begin("http", peer, 0).refused(code.canonical_reason().unwrap_or_default());
        let mut response = error(code, message);
        if code == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        return response;
    }
    // The handlers have no use for it.
    request.headers_mut().remove(header::AUTHORIZATION);
    next.run(request).await
}

fn check(control: &Control, request: &Request) -> Result<(), (StatusCode, &'static str)> {
    let headers = request.headers();
    if is_cross_site(headers, request) {
        return Err((StatusCode::FORBIDDEN, OTHER_SITE));
    }
    let looks = matches!(*request.method(), Method::GET | Method::HEAD);
    let authorization = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    match control.token.check(authorization) {
        Ok(()) => Ok(()),
        Err(Denied::NoFile) if !looks => Err((StatusCode::FORBIDDEN, NO_FILE)),
        // The page of a name that was made to point here must not read this.
        Err(Denied::NoFile) if !host(request).is_none_or(is_local) => {
            Err((StatusCode::FORBIDDEN, OTHER_NAME))
        }
        Err(Denied::NoFile) => Ok(()),
        Err(Denied::Missing) => Err((StatusCode::UNAUTHORIZED, NO_TOKEN)),
        Err(Denied::Wrong) => Err((StatusCode::UNAUTHORIZED, BAD_TOKEN)),
    }
}

/// The name and port under which the client knows this server.
fn host(request: &Request) -> Option<&str> {
    let header = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    header.or_else(|| request.uri().authority().map(http::uri::Authority::as_str))
}

fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let loopback = |address: std::net::IpAddr| address.is_loopback();
    name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(loopback)
}

/// Browsers say where a request comes from; other clients do not.
fn is_cross_site(headers: &HeaderMap, request: &Request) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let site = text("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none"));
    let origin = text("origin").is_some_and(|origin| {
        let own = origin.strip_prefix("http://").or(origin.strip_prefix("https://"));
        own.is_none() || own != host(request)
    });
    site || origin
}

/// What every answer of the API and the page carries.
pub(super) async fn close(mut response: Response) -> Response {
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    let own = HeaderValue::from_static("same-origin");
    response.headers_mut().insert("cross-origin-resource-policy", own.clone());
    response.headers_mut().insert("cross-origin-opener-policy", own);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_has_few_names() {
        for name in ["localhost:9400", "LOCALHOST", "127.0.0.1:9400", "127.9.9.9", "[::1]:9400"] {
            assert!(is_local(name), "{name}");
        }
        for name in
            ["evil.example:9400", "localhost.evil.example", "10.0.0.1", "[::2]", "", "0.0.0.0"]
        {
            assert!(!is_local(name), "{name}");
        }
    }
}
