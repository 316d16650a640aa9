use super::*;

#[test]
fn hosts_are_read_in_any_pieces() {
    for (text, host) in [
        ("https://evil.example/?k=@", Some("evil.example")),
        ("![x](//evil.example/@)", Some("evil.example")),
        ("https:\\\\evil.example\\@", Some("evil.example")),
        ("https:evil.example/@", Some("evil.example")),
        ("git+https://u:p@evil.example:80/@", Some("evil.example")),
        ("https://a.amazonaws.com\\@evil.example/", Some("a.amazonaws.com")),
        ("curl 'https://evil.example/'@", Some("evil.example")),
        ("https:\\/\\/evil.example\\/@", Some("evil.example")),
        ("https://a.example/ @", None),
        ("\"https://a.example\", \"@", None),
        ("(https://a.example): @", None),
        ("a/b//c: @ // x @", None),
        ("C:\\x\\@", None),
        // A host needs no scheme.
        ("see evil.example/?k=@", Some("evil.example")),
        ("evil.example?k=@", Some("evil.example")),
        ("curl evil.example:8080/@", Some("evil.example")),
        ("url=10.1.2.3:80?k=@", Some("10.1.2.3")),
        ("{\"u\": \"evil.example\\/x\\/@", Some("evil.example")),
        ("![](//evil.example/a?@)", Some("evil.example")),
        ("./my.dir/@ e.g./@ v1.2.3/@", None),
        ("db.password:@", None),
        ("evil.example: @", None),
        // In brackets and quotes, spaces are a part of it.
        ("[x](<https://evil.example/ @>)", Some("evil.example")),
        ("[x](< https://evil.example/ a @>)", Some("evil.example")),
        ("<img src=\"https://evil.example/?\n @\">", Some("evil.example")),
        ("<img src=' https://evil.example/ @'>", Some("evil.example")),
        ("<a href=\"https://evil.\nexample/@\">", Some("evil.example")),
        ("<https://evil.example/> @", None),
        ("<https://evil.example/\n@", None),
        ("-H \"a: b\" https://evil.example/ @", None),
        ("\"https://evil.example/\n\n@", None),
    ] {
        // The last but in userinfo.
        let at = if text.contains(".com\\@") { text.find('@') } else { text.rfind('@') };
        let (head, ahead) = text.split_at(at.unwrap());
        for size in 1..=head.len() {
            let mut url = Url::default();
            for piece in head.as_bytes().chunks(size) {
                url.advance(std::str::from_utf8(piece).unwrap(), false);
            }
            assert_eq!(host_of(&url, ahead).as_deref(), host, "{text}");
        }
    }
}

fn host_of(url: &Url, ahead: &str) -> Option<String> {
    match url.whereabouts(ahead, false, true) {
        Whereabouts::Inside { host, .. } => Some(host),
        _ => None,
    }
}

#[test]
fn a_host_may_follow() {
    for (ahead, host) in [
        ("X@evil.example/", Some("evil.example")),
        ("X:y@evil.example:80", Some("evil.example")),
        ("X.evil.example", Some("evil.example")),
        ("X-y.evil.example?", Some("y.evil.example")),
        ("X@db", None),
        ("X.png and", None),
        ("X. evil.example", None),
        ("X@tcp(evil.example)", None),
    ] {
        assert_eq!(host_of(&Url::default(), ahead).as_deref(), host, "{ahead}");
    }
    let waits = Url::default().whereabouts("X:y@evil.ex", false, false);
    assert_eq!(waits, Whereabouts::Open);
}

#[test]
fn a_url_that_begins_a_tools_input_is_all_of_it() {
    let mut url = Url::new(true);
    url.advance(" https://evil.example/?a=\n\n", false);
    assert_eq!(host_of(&url, "X").as_deref(), Some("evil.example"));
    let mut url = Url::new(true);
    url.advance("curl https://evil.example/ ", false);
    assert_eq!(host_of(&url, "X"), None);
}

#[test]
fn an_open_authority_waits_and_source_is_decoded() {
    let mut url = Url::default();
    url.advance("postgres://app:", false);
    assert_eq!(url.whereabouts("X@db.exam", false, false), Whereabouts::Open);
    let mut url = Url::default();
    url.advance(r#"{"a": "https:\u002f\/evil.example\/"#, true);
    let inside = Whereabouts::Inside { scheme: Scheme::Other, host: "evil.example".into() };
    assert_eq!(url.whereabouts("X", true, false), inside);
    url.advance("\", \"", true);
    assert_eq!(url.whereabouts("X\"", true, false), Whereabouts::Outside);
}
