//! Addresses: where requests go, and where they must not.

use url::{Host, Url};

/// The source's address, with a slash at its end so that resources lie under it.
///
/// # Errors
/// What is wrong with it.
pub fn base(text: &str, allow_plain: bool) -> Result<Url, String> {
    let mut url = Url::parse(text).map_err(|error| format!("its URL is none: {error}"))?;
    match url.scheme() {
        "https" => {}
        "http" if allow_plain || is_loopback(&url) => {}
        "http" => {
            return Err(
                "`http://` would send everything in the clear: use `https://`, or set `allow_plain = true`".to_owned()
            );
        }
        other => return Err(format!("`{other}` is not a scheme of REST APIs: use `https://`")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("its URL names a user: set `auth` and `user`, and the password with `password_env`".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("its URL has a query: parameters belong to `query` of a resource".to_owned());
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

/// Whether requests stay on this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// An address that an answer or a description gives, if it is on the same server.
///
/// # Errors
/// Why it is not asked; without the address, which may hold values.
pub fn resolve(from: &Url, to: &str) -> Result<Url, String> {
    let url = from.join(to).map_err(|error| format!("an address is none: {error}"))?;
    if url.origin() != from.origin() {
        let (host, scheme) = (url.host_str().unwrap_or("nowhere"), url.scheme());
        return Err(format!(
            "the server sends on to `{scheme}://{host}`, which is not asked: if that is meant, make it the source's `url`"
        ));
    }
    Ok(url)
}

/// The fields in a template's braces; `None` if a brace is not closed.
pub fn fields(template: &str) -> Option<Vec<&str>> {
    let mut fields = Vec::new();
    let mut rest = template;
    while let Some((_, after)) = rest.split_once('{') {
        let (field, after) = after.split_once('}')?;
        fields.push(field);
        rest = after;
    }
    Some(fields)
}

/// The template with values in place of its fields; `None` if one has none.
pub fn fill(template: &str, value: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (field, after) = after.split_once('}')?;
        let value = value(field).filter(|value| !value.is_empty() && value != "." && value != "..")?;
        filled.push_str(before);
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                filled.push(char::from(byte));
            } else {
                filled.push_str(&format!("%{byte:02X}"));
            }
        }
        rest = after;
    }
    filled.push_str(rest);
    Some(filled)
}

/// The address of `rel="next"` in the values of the header `Link` (RFC 8288).
pub fn next_link<'h>(headers: impl Iterator<Item = &'h str>) -> Option<String> {
    headers
        .flat_map(links)
        .find(|(_, rel)| rel.split_ascii_whitespace().any(|rel| rel.eq_ignore_ascii_case("next")))
        .map(|(to, _)| to)
}

/// Targets and relations of one header; links of another context are left out.
fn links(header: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = header;
    while let Some((_, after)) = rest.split_once('<') {
        let Some((target, after)) = after.split_once('>') else { break };
        let (parameters, after) = parameters(after);
        rest = after;
        let first = |wanted: &str| {
            parameters.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value)
        };
        if let (Some(rel), None) = (first("rel"), first("anchor")) {
            found.push((target.trim().to_owned(), rel.clone()));
        }
    }
    found
}

/// The parameters up to the comma that ends a link, and what stands behind it. Commas and semicolons may be quoted.
fn parameters(text: &str) -> (Vec<(String, String)>, &str) {
    let mut found = Vec::new();
    let (mut name, mut value, mut in_value) = (String::new(), String::new(), false);
    let mut chars = text.char_indices();
    let mut end = text.len();
    let mut take = |name: &mut String, value: &mut String| {
        let name = std::mem::take(name).trim().to_owned();
        let value = std::mem::take(value).trim().to_owned();
        if !name.is_empty() {
            found.push((name, value));
        }
    };
    while let Some((at, c)) = chars.next() {
        match c {
            ',' => {
                end = at + 1;
                break;
            }
            ';' => {
                take(&mut name, &mut value);
                in_value = false;
            }
            '=' if !in_value => in_value = true,
            '"' if in_value => {
                while let Some((_, c)) = chars.next() {
                    match c {
                        '"' => break,
                        '\\' => value.extend(chars.next().map(|(_, c)| c)),
                        c => value.push(c),
                    }
                }
            }
            c if in_value => value.push(c),
            c => name.push(c),
        }
    }
    take(&mut name, &mut value);
    (found, &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_read_as_the_standard_says() {
        for (header, next) in [
            (
                r#"<https://a.example/p?page=2>; rel="next", <https://a.example/p?page=9>; rel="last""#,
                Some("https://a.example/p?page=2"),
            ),
            (r#"</p?a=1,2>; title="x, y; rel=\"prev\""; rel=next"#, Some("/p?a=1,2")),
            (r#"<p2>; rel="Prev NEXT""#, Some("p2")),
            (r#"<p2>; REL = next"#, Some("p2")),
            (r#"<p1>; rel="prev" , <p3> ;rel="next""#, Some("p3")),
            (r#"<p2>; rel=last; rel=next"#, None),
            (r##"<p2>; rel=next; anchor="#other""##, None),
            ("<p2", None),
            ("", None),
            ("rel=next", None),
        ] {
            assert_eq!(next_link([header].into_iter()).as_deref(), next, "{header}");
        }
        assert_eq!(next_link([r#"<a>; rel="prev""#, "<b>; rel=next"].into_iter()).as_deref(), Some("b"));
    }

    #[test]
    fn only_the_same_server_is_asked() {
        let from = base("https://api.example.com/v2", false).unwrap();
        assert_eq!(resolve(&from, "customers").unwrap().as_str(), "https://api.example.com/v2/customers");
        assert_eq!(resolve(&from, "/v3/x?y=1").unwrap().as_str(), "https://api.example.com/v3/x?y=1");
        for other in [
            "http://api.example.com/v2/",
            "https://evil.example/v2",
            "//evil.example/",
            "https://api.example.com:8443/",
            "file:///etc/passwd",
        ] {
            let reason = resolve(&from, other).unwrap_err();
            assert!(reason.contains("make it the source's `url`"), "{other}: {reason}");
        }
        for (url, allowed) in [
            ("http://api.example.com", false),
            ("http://127.0.0.1:8000", true),
            ("http://localhost/x", true),
            ("http://[::1]:1/", true),
            ("http://localhost.example.com", false),
            ("https://user@api.example.com", false),
            ("https://api.example.com/?key=1", false),
            ("ftp://example.com", false),
            ("nonsense", false),
        ] {
            assert_eq!(base(url, false).is_ok(), allowed, "{url}");
        }
        assert!(base("http://api.example.com", true).is_ok());
    }

    #[test]
    fn values_stay_inside_of_their_place() {
        let fill = |value: &str| super::fill("customers/{id}/all", &|_| Some(value.to_owned()));
        assert_eq!(fill("a/../b?c#d é").unwrap(), "customers/a%2F..%2Fb%3Fc%23d%20%C3%A9/all");
        assert_eq!((fill(".."), fill("")), (None, None));
        assert_eq!((fields("a/{b}/{c}"), fields("a/{b")), (Some(vec!["b", "c"]), None));
    }
}
