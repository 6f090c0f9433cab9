//! What a service says of its schema: stored, or compared with what our operations use.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use identityx_codegen::{Change, Document, INTROSPECTION, Options, compare, generate};

use crate::cargo::say;
use crate::{codegen, http};

/// Where an introspection result is stored unless the command line says otherwise.
pub(crate) const STORED: &str = "schemas/identityx.introspection.json";

const TIME_LIMIT: Duration = Duration::from_secs(60);

/// Asks a service for its schema and stores the answer.
pub(crate) fn fetch(url: &str, out: &Path) -> Result<()> {
    let answer = introspect(url)?;
    fs::write(out, answer.text()).with_context(|| format!("cannot write {}", out.display()))?;
    say(format_args!("schema: stored {}", out.display()));
    Ok(())
}

/// Says what has changed of the things that our operations use; an error if one of them breaks.
pub(crate) fn diff(root: &Path, against: &str) -> Result<()> {
    let theirs = if is_url(against) {
        introspect(against)?
    } else {
        Document::read(against)?
    };
    let (ours, operations) = codegen::identityx(root)?;
    let changes = compare(&ours, &operations, &theirs)?;
    for change in &changes {
        say(change);
    }
    verdict(&changes, operations.len(), against)
}

fn verdict(changes: &[Change], operations: usize, against: &str) -> Result<()> {
    let breaking = changes.iter().filter(|change| change.breaks).count();
    if breaking > 0 {
        bail!("{against} breaks what we use in {breaking} places; see above");
    }
    say(format_args!(
        "schema: {operations} operations fit {against}; {} harmless changes",
        changes.len()
    ));
    Ok(())
}

fn is_url(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

/// The service's answer, laid out line by line, once it is known to be a schema.
fn introspect(url: &str) -> Result<Document> {
    ensure!(is_url(url), "`{url}` is no address of http or https");
    let body = serde_json::json!({ "query": INTROSPECTION }).to_string();
    let mut response = http::agent(TIME_LIMIT)
        .post(url)
        .header("content-type", "application/json")
        .header("accept", "application/json")
        .send(body)
        .with_context(|| format!("cannot ask {url}"))?;
    let status = response.status();
    let text = response
        .body_mut()
        .read_to_string()
        .with_context(|| format!("cannot read the answer of {url}"))?;
    let answer: serde_json::Value = serde_json::from_str(&text)
        .with_context(|| format!("{url} answered {status} with something that is not JSON"))?;
    if let Some(message) = answer["errors"][0]["message"].as_str() {
        bail!("{url} answered {status} with an error: {message}");
    }
    let document = Document::new(url, format!("{answer:#}\n"));
    generate(&document, &[], &Options::new())?;
    Ok(document)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// A service that answers one request with this.
    fn service(status: &str, body: &str) -> (String, thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/graphql", listener.local_addr().unwrap());
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        let served = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            // The body is JSON that ends with the query's brace.
            while !request.ends_with(b"\"}") {
                let read = stream.read(&mut buffer).unwrap();
                assert_ne!(read, 0, "the whole request comes");
                request.extend_from_slice(&buffer[..read]);
            }
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8(request).unwrap()
        });
        (url, served)
    }

    const SMALL: &str = r#"{"data": {"__schema": {"queryType": {"name": "Query"}, "types": [
        {"kind": "OBJECT", "name": "Query", "fields": [
            {"name": "ping", "type": {"kind": "SCALAR", "name": "String"}}]}]}}}"#;

    #[test]
    fn a_fetched_schema_is_stored_and_can_be_compared_with() {
        let folder = tempfile::tempdir().unwrap();
        let stored = folder.path().join("stored.json");
        let (url, served) = service("200 OK", SMALL);
        fetch(&url, &stored).unwrap();
        let request = served.join().unwrap();
        assert!(request.starts_with("POST /graphql "), "{request}");
        assert!(request.contains("__schema"), "{request}");
        // This one has nothing that we use but the ping.
        let refusal = diff(&crate::cargo::root(), &stored.to_string_lossy()).unwrap_err();
        assert!(
            refusal.to_string().contains("breaks what we use"),
            "{refusal}"
        );
    }

    #[test]
    fn our_own_schema_fits_our_operations() {
        let root = crate::cargo::root();
        let schema = root.join("schemas/identityx.graphql");
        diff(&root, &schema.to_string_lossy()).unwrap();
    }

    #[test]
    fn a_schema_without_a_field_that_we_use_does_not_fit() {
        let root = crate::cargo::root();
        let schema = fs::read_to_string(root.join("schemas/identityx.graphql")).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let theirs = folder.path().join("theirs.graphql");
        fs::write(&theirs, schema.replace("  domain: String!\n", "")).unwrap();
        let refusal = diff(&root, &theirs.to_string_lossy()).unwrap_err();
        assert!(refusal.to_string().contains(" in 1 places"), "{refusal}");
    }

    #[test]
    fn an_answer_that_is_no_schema_is_refused_and_not_stored() {
        let folder = tempfile::tempdir().unwrap();
        let stored = folder.path().join("stored.json");
        for (status, body, words) in [
            ("502 Bad Gateway", "<html>", "502"),
            (
                "400 Bad Request",
                r#"{"errors": [{"message": "introspection is off"}]}"#,
                "is off",
            ),
            ("200 OK", r#"{"data": null}"#, "`__schema`"),
        ] {
            let (url, served) = service(status, body);
            let refusal = format!("{:#}", fetch(&url, &stored).unwrap_err());
            assert!(refusal.contains(words), "{refusal}");
            assert!(refusal.contains(&url), "{refusal}");
            served.join().unwrap();
            assert!(!stored.exists());
        }
    }

    #[test]
    fn an_address_is_one_of_http() {
        let refusal = introspect("ftp://example.com/").unwrap_err().to_string();
        assert!(refusal.contains("ftp://example.com/"), "{refusal}");
        assert!(is_url("https://a.example") && !is_url("schemas/a.json"));
    }
}
