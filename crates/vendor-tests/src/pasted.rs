//! The forms in which a link from an e-mail is pasted.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// The forms, each with its name. `link` is percent-encoded, as in the vendor's e-mail.
pub fn forms(link: &str) -> Vec<(String, String)> {
    let marks = [".", ",", ";", ":", "!", "?", ")", "]", ").\""];
    let marks = marks.map(|mark| (format!("{mark} behind it"), format!("{link}{mark}")));
    // Broken anywhere, with a line behind it.
    let broken = (1..link.len()).map(|at| {
        let (start, end) = link.split_at(at);
        let text = format!("Use\r\n{start}\r\n{end}\r\nRegards, Sue");
        (format!("broken after {at}"), text)
    });
    let rows = people(link)
        .into_iter()
        .chain(sources(link))
        .chain(scanners(link));
    let named = rows.map(|(name, text)| (name.to_owned(), text));
    named.chain(marks).chain(broken).collect()
}

/// What people put around a link.
fn people(link: &str) -> Vec<(&'static str, String)> {
    vec![
        ("alone", link.to_owned()),
        ("blanks", format!("\t  {link}\u{a0} \r\n\r\n")),
        (
            "unseen characters",
            format!(
                "\u{feff}{}\u{200b}",
                link.replacen('/', "/\u{200b}\u{ad}", 3)
            ),
        ),
        ("angle brackets", format!("<{link}>")),
        ("an angle bracket behind it", format!("{link}>")),
        ("double quotes", format!("\"{link}\"")),
        ("single quotes", format!("'{link}'")),
        ("typographic quotes", format!("“{link}”")),
        ("low quotes", format!("„{link}“.")),
        ("guillemets", format!("«{link}»")),
        ("backquotes", format!("`{link}`")),
        ("parentheses", format!("(see {link})")),
        ("parentheses and a full stop", format!("({link}).")),
        ("square brackets", format!("[{link}]")),
        ("square brackets behind a word", format!("Log in[{link}]")),
        (
            "a sentence",
            format!("Please open {link} within 10 minutes, Sue."),
        ),
        ("the end of a sentence", format!("Your link is {link}.")),
        ("a question", format!("Does this work? {link}? Really?")),
        ("without a space before it", format!("Link:{link}")),
        ("a full-width stop", format!("链接：{link}。谢谢")),
        ("markdown", format!("[Log in]({link})")),
        ("markdown of itself", format!("[{link}]({link})")),
        ("a markdown autolink", format!("- <{link}>  ")),
        ("bold markdown", format!("**{link}**")),
        ("italic markdown", format!("_{link}_")),
        ("a markdown table", format!("|link|\n|--|\n|{link}|")),
        ("text and link", format!("{link} <{link}>")),
    ]
}

/// What mail programs make of it.
fn sources(link: &str) -> Vec<(&'static str, String)> {
    let amp = link.replace('&', "&amp;");
    let in_lines = |width, between: &str| folded(link, width).join(between);
    vec![
        (
            "html",
            format!("<p><a href=\"{amp}\" target=\"_blank\">Log in</a></p>"),
        ),
        (
            "html in single quotes",
            format!("<a href='{amp}'>Log in</a>"),
        ),
        ("html without quotes", format!("<a href={amp}>Log in</a>")),
        (
            "html with the link as its text",
            format!("<a href=\"{amp}\">{amp}</a>"),
        ),
        ("html's number", link.replace('&', "&#38;")),
        ("html's long number", link.replace('&', "&#038;")),
        ("html's hexadecimal number", link.replace('&', "&#x26;")),
        ("html twice", link.replace('&', "&amp;amp;")),
        ("html's number twice", link.replace('&', "&amp;#38;")),
        (
            "html for more",
            link.replace('&', "&AMP;")
                .replace('=', "&equals;")
                .replace('.', "&#46;"),
        ),
        (
            "outlook's plain text",
            format!("Log in<{link}> or ignore this e-mail."),
        ),
        ("two lines of it", format!("{link}\n{link}\n")),
        (
            "lines around it",
            format!("Hello Sue,\r\n\r\nuse\r\n{link}\r\nRegards,\r\nthe team"),
        ),
        ("a line behind it", format!("{link}\nRegards")),
        ("lines of 76", in_lines(76, "\r\n")),
        ("lines of 40", in_lines(40, "\n")),
        (
            "lines of 9 in brackets",
            format!("<{}>\nRegards", in_lines(9, "\r\n")),
        ),
        ("lines with blanks", in_lines(30, " \r\n   ")),
        (
            "lines of a quoted e-mail",
            format!("> use\n> {}\n> Regards", in_lines(50, "\n> ")),
        ),
        (
            "lines and a sentence",
            format!("Use this link:\n{}\nRegards, Sue", in_lines(60, "\n")),
        ),
        ("quoted-printable", quoted(link)),
        (
            "quoted-printable html",
            quoted(&format!("<a class=\"x\" href=\"{amp}\">Log in</a>")),
        ),
    ]
}

/// What mail scanners make of it.
fn scanners(link: &str) -> Vec<(&'static str, String)> {
    let encoded = utf8_percent_encode(link, NON_ALPHANUMERIC).to_string();
    let safelinks = |url: &str| {
        format!(
            "https://eur01.safelinks.protection.outlook.com/?url={url}&data=05%7C02%7Csue%40acme.test%7C\
             3f%7C0%7C638%7CUnknown&sdata=Yk3%2F%2BQ%3D&reserved=0"
        )
    };
    let v2 = proofpoint_v2(link);
    let v3 = proofpoint_v3(link);
    let barracuda = |name| {
        format!(
            "https://linkprotect.cudasvc.com/url?{name}={encoded}&c=E,1,kQ_x-a,&typo=1&ancr_add=1"
        )
    };
    let small = link.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02x}"),
    });
    let small: String = small.collect();
    let google =
        |name| format!("https://www.google.com/url?{name}={encoded}&sa=D&source=hangouts&ust=17");
    let cisco = format!("https://secure-web.cisco.com/1Ab-C_d/{encoded}");
    let twice = utf8_percent_encode(&safelinks(&encoded), NON_ALPHANUMERIC).to_string();
    vec![
        ("outlook safelinks", safelinks(&encoded)),
        ("outlook safelinks in small letters", safelinks(&small)),
        (
            "outlook safelinks in html",
            format!(
                "<a href=\"{}\">x</a>",
                safelinks(&encoded).replace('&', "&amp;")
            ),
        ),
        (
            "outlook safelinks in lines",
            folded(&safelinks(&encoded), 76).join("\r\n"),
        ),
        (
            "outlook safelinks in quoted-printable",
            quoted(&safelinks(&encoded)),
        ),
        ("proofpoint v2", v2.clone()),
        ("proofpoint v2 in lines", folded(&v2, 50).join("\n")),
        ("proofpoint v3", v3.clone()),
        ("proofpoint v3 in a sentence", format!("Use {v3} now.")),
        ("proofpoint v3 in lines", folded(&v3, 50).join("\n")),
        ("google q", google("q")),
        ("google url", google("url")),
        (
            "google without encoding",
            format!("https://www.google.com/url?q={link}&sa=D"),
        ),
        ("barracuda a", barracuda("a")),
        ("barracuda url", barracuda("url")),
        ("cisco", cisco.clone()),
        ("cisco in a sentence", format!("Use <{cisco}>.")),
        ("safelinks in safelinks", safelinks(&twice)),
        (
            "safelinks in proofpoint v2",
            proofpoint_v2(&safelinks(&encoded)),
        ),
        (
            "safelinks in proofpoint v3",
            proofpoint_v3(&safelinks(&encoded)),
        ),
        (
            "proofpoint v3 in safelinks",
            safelinks(&utf8_percent_encode(&v3, NON_ALPHANUMERIC).to_string()),
        ),
        (
            "proofpoint v2 in google",
            format!(
                "https://www.google.com/url?q={}",
                utf8_percent_encode(&v2, NON_ALPHANUMERIC)
            ),
        ),
    ]
}

fn quoted(text: &str) -> String {
    folded(&text.replace('=', "=3D"), 72).join("=\r\n")
}

/// Lines of this many characters.
fn folded(text: &str, width: usize) -> Vec<String> {
    let characters: Vec<_> = text.chars().collect();
    let mut lines: Vec<String> = Vec::new();
    let mut rest = &characters[..];
    while !rest.is_empty() {
        // Quoted-printable keeps its escapes whole.
        let mut end = width.min(rest.len());
        while end < rest.len()
            && rest[end.saturating_sub(2)..end].contains(&'=')
            && rest[end - 1] != 'D'
        {
            end -= 1;
        }
        lines.push(rest[..end].iter().collect());
        rest = &rest[end..];
    }
    lines
}

/// `https://urldefense.proofpoint.com/v2/…`: `-` for `%`, `_` for `/`.
fn proofpoint_v2(link: &str) -> String {
    let encoded = utf8_percent_encode(link, NON_ALPHANUMERIC).to_string();
    let encoded = encoded
        .replace("%2F", "_")
        .replace("%2E", ".")
        .replace('%', "-");
    format!(
        "https://urldefense.proofpoint.com/v2/url?u={encoded}&d=DwMFaQ&c=euGZstcaTDllvimEN8b7jXrwqOf&r=x_y-z&m=A&s=B&e="
    )
}

/// `https://urldefense.com/v3/__…__;…`: `*` for what the list behind it names.
fn proofpoint_v3(link: &str) -> String {
    let replaced = link.replace("%%", "**A").replace('%', "*");
    let codes = URL_SAFE_NO_PAD.encode("%".repeat(link.matches('%').count()));
    format!("https://urldefense.com/v3/__{replaced}__;{codes}!!A1b-C_d!xY-z_0$")
}
