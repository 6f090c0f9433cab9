//! What holds whatever a vendor's answers look like.

use std::time::{Duration, UNIX_EPOCH};

use auth_core::{
    AuthError as _, Clock as _, ErrorKind, Expiry, ExposeSecret as _, HttpBuilder, RetryPolicy,
    State, Token,
};
use auth_sandbox::Fault;
use serde_json::{Value, json};

use crate::redaction::Captured;
use crate::{Between, Calls, Settings, Vendor, sandbox, shown};

/// The tests of this module, for a vendor.
#[macro_export]
macro_rules! answers {
    ($vendor:ty) => {
        $crate::tests! { $vendor, answers:
            #[tokio::test]
            async fn a_token_that_has_ended_by_a_fast_clock_alone_is_used_and_warned_about();
            #[tokio::test]
            async fn a_byte_order_mark_and_numbers_in_any_form_are_read();
            #[tokio::test]
            async fn what_comes_compressed_by_gzip_is_read_although_it_was_not_asked_for();
            #[tokio::test]
            async fn null_is_read_where_nothing_is_needed();
            #[test]
            fn a_token_that_was_kept_as_text_is_trimmed_and_has_no_line_break_within();
        }
    };
}

/// Longer than any token lives.
const YEARS: Duration = Duration::from_secs(3 * 365 * 86_400);

/// What a log says of a token that has ended by the local clock.
const WARNING: &str = "by this machine's clock the new token has already ended";

fn client_of<V: Vendor>(sandbox: &auth_sandbox::Sandbox, between: &Between) -> V::Client {
    let once = |http: HttpBuilder| http.retry(RetryPolicy::never());
    let builder = V::with_http(V::builder(sandbox), once);
    V::build(V::with_base_url(builder, between.url.as_str())).unwrap()
}

pub async fn a_token_that_has_ended_by_a_fast_clock_alone_is_used_and_warned_about<V: Vendor>() {
    let right = sandbox();
    let life = V::log_in(&right).await.into().lifetime();
    for is_dated in [true, false] {
        let sandbox = sandbox();
        // The vendor's clock stays.
        sandbox.clock().jump_wall_forward(YEARS);
        let between = Between::new(&V::base_url(&sandbox), is_dated);
        let client = client_of::<V>(&sandbox, &between);
        let (captured, guard) = Captured::begin();
        let token = V::log_in_by(&sandbox, &client).await;
        let text = captured.text();
        drop(guard);
        let known: Token = token.clone().into();
        let now = sandbox.clock().now().wall();
        assert_eq!(known.issued_at(), now);
        let left = known.expiry().left(now);
        let apart = left.zip(life).map(|(left, life)| left.abs_diff(life));
        // A `Date` header has whole seconds.
        assert!(apart < Some(Duration::from_secs(2)), "{known:?}");
        assert_eq!(left.is_none(), life.is_none(), "{known:?}");
        // One that lives for a number of seconds, or for ever, cannot have ended.
        let warns = !is_dated && V::ENDS_AT_A_MOMENT;
        assert_eq!(text.contains(WARNING), warns, "{text}");

        let session = V::session_with_token(&client, token).unwrap();
        session.headers().await.unwrap();
        assert_eq!(session.state(), State::Fresh, "{session:?}");
    }
}

/// Makes each call that is read, and gives `check` what is needed to make it again with other answers.
async fn of_each_call<V: Calls>(check: impl AsyncFn(&str, &Between, &V::Ready, &Value)) {
    for call in V::READ {
        let sandbox = sandbox();
        let between = Between::new(&V::base_url(&sandbox), true);
        let ready = V::ready(&sandbox, client_of::<V>(&sandbox, &between)).await;
        V::call(&ready, call.operation).await.unwrap();
        let body = serde_json::from_slice(&between.last()).unwrap();
        check(call.operation, &between, &ready, &body).await;
    }
}

pub async fn a_byte_order_mark_and_numbers_in_any_form_are_read<V: Calls>() {
    of_each_call::<V>(async |operation, between, ready, body| {
        let text = |number: u64| json!(number.to_string());
        #[allow(clippy::cast_precision_loss, reason = "none of them is so large")]
        let fraction = |number: u64| json!(number as f64);
        for changed in [
            format!("\u{feff}{body}"),
            numbers(body, &text).to_string(),
            numbers(body, &fraction).to_string(),
        ] {
            between.answer(changed.clone().into_bytes());
            let called = V::call(ready, operation).await;
            assert!(called.is_ok(), "{operation} {changed}: {called:?}");
        }
    })
    .await;
}

pub async fn what_comes_compressed_by_gzip_is_read_although_it_was_not_asked_for<V: Calls>() {
    // Each call anew: a log-out ends what the others need.
    for call in V::CALLS {
        let sandbox = sandbox();
        let ready = V::ready(&sandbox, V::client(&sandbox)).await;
        sandbox.fault(Fault::gzip().on(call.operation));
        V::call(&ready, call.operation).await.unwrap();
        assert_eq!(sandbox.pending_faults(), 0);
        let log = sandbox.log();
        assert_eq!(
            log.last(call.operation).unwrap().header("accept-encoding"),
            None
        );
        log.assert_count(call.operation, 1);
    }
}

/// The same with other numbers.
fn numbers(value: &Value, change: &impl Fn(u64) -> Value) -> Value {
    match value {
        Value::Number(number) => number.as_u64().map_or_else(|| value.clone(), change),
        Value::Array(items) => items.iter().map(|it| numbers(it, change)).collect(),
        Value::Object(fields) => {
            let fields = fields.iter();
            let fields = fields.map(|(name, it)| (name.clone(), numbers(it, change)));
            Value::Object(fields.collect())
        }
        _ => value.clone(),
    }
}

pub async fn null_is_read_where_nothing_is_needed<V: Calls>() {
    of_each_call::<V>(async |operation, between, ready, body| {
        let needed = V::NEEDED.iter().find(|(of, _)| *of == operation);
        let needed = needed.map_or(&[][..], |(_, fields)| fields);
        for field in fields(body, "") {
            let mut changed = body.clone();
            *changed.pointer_mut(&field).unwrap() = Value::Null;
            between.answer(changed.to_string().into_bytes());
            let called = V::call(ready, operation).await;
            let is_needed = needed.iter().any(|it| field.ends_with(&format!("/{it}")));
            assert_eq!(
                called.is_err(),
                is_needed,
                "{operation} {field}: {called:?}"
            );
        }
    })
    .await;
}

/// Where all fields are.
fn fields(value: &Value, place: &str) -> Vec<String> {
    let inner: Vec<_> = match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, it)| (format!("{place}/{name}"), it, true))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(number, it)| (format!("{place}/{number}"), it, false))
            .collect(),
        _ => Vec::new(),
    };
    let inner = inner.into_iter().flat_map(|(place, it, is_field)| {
        let own = is_field.then(|| place.clone());
        own.into_iter()
            .chain(fields(it, &place))
            .collect::<Vec<_>>()
    });
    inner.collect()
}

pub fn a_token_that_was_kept_as_text_is_trimmed_and_has_no_line_break_within<V: Settings>() {
    let token: Token = V::token().into();
    let text = token.access().expose_secret();
    for pasted in [
        format!("{text}\n"),
        format!(" \t{text} \r\n"),
        format!("\u{feff}{text}\u{a0}"),
    ] {
        let kept = V::kept(&pasted).unwrap();
        assert_eq!(kept.access().expose_secret(), text, "{pasted:?}");
        let given = Token::new(pasted.as_str().into(), Expiry::Never, UNIX_EPOCH);
        assert_eq!(given.access().expose_secret(), text, "{pasted:?}");
    }
    let (start, end) = text.split_at(text.len() / 2);
    for within in ["\n", "\r\n", "\0"] {
        let kept = V::kept(&format!("{start}{within}{end}"));
        let error = kept.and_then(|it| V::auth_headers(&V::Token::from(it)));
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error:?}");
        assert!(!shown(&error).contains(end), "{error:?}");
    }
}
