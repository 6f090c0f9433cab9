//! What is counted is what the document says.

use std::collections::{BTreeMap, BTreeSet};

use metrics_util::MetricKind;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};

use crate::life;
use crate::{quoted, table};

#[tokio::test]
async fn every_metric_is_as_documented() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    recorder.install().unwrap();
    let vendor = life::live("counted").await;

    let mut documented = BTreeMap::new();
    for cells in table("name") {
        let [name, kind, unit, labels] = cells[..] else {
            panic!("{cells:?}")
        };
        documented.insert(quoted(name)[0], (kind, unit, quoted(labels)));
    }
    let mut values: BTreeMap<&str, BTreeSet<&str>> =
        BTreeMap::from([("vendor", ["counted"].into())]);
    for cells in table("label") {
        values
            .entry(quoted(cells[0])[0])
            .or_default()
            .extend(quoted(cells[2]));
    }

    let mut seen = BTreeSet::new();
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for (key, unit, about, value) in snapshotter.snapshot().into_vec() {
        let labels: Vec<_> = key
            .key()
            .labels()
            .map(|it| (it.key(), it.value()))
            .collect();
        // The other tests of this process have vendors of their own.
        if !labels.contains(&("vendor", "counted")) {
            continue;
        }
        let name = key.key().name();
        let Some((name, (kind, of_document, names))) = documented.get_key_value(name) else {
            panic!("{name} is not documented")
        };
        let found = match key.kind() {
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
            MetricKind::Histogram => "histogram",
        };
        assert_eq!(found, *kind, "{name}");
        let unit = unit.map(|unit| unit.as_str());
        assert_eq!(unit, Some(*of_document), "{name}");
        assert!(about.is_some(), "{name}");
        assert!(
            labels.iter().map(|it| &it.0).eq(names),
            "{name}: {labels:?}"
        );
        for (label, value) in &labels {
            assert!(values[label].contains(value), "{label}: {value}");
            seen.insert(format!("{label}={value}"));
        }
        let amount = match value {
            DebugValue::Counter(count) => count,
            DebugValue::Gauge(left) => {
                // Every session is gone.
                assert!(left.abs() < 0.5, "{labels:?}: {left}");
                1
            }
            DebugValue::Histogram(taken) => taken.len() as u64,
        };
        *counts.entry(name).or_default() += amount;
    }
    assert!(counts.keys().eq(documented.keys()), "{counts:?}");
    for value in [
        "state=failing",
        "late=true",
        "outcome=failed",
        "reason=requested",
    ] {
        assert!(seen.contains(value), "{value} is not in {seen:?}");
    }
    // Two answers to one renewal, since a refusal is believed the second time; four renewals found the
    // store's token, or did not get so far.
    assert_eq!(
        counts["auth_renewal_duration_seconds"],
        counts["auth_renewals_total"]
    );
    assert!(counts["auth_renewals_total"] >= vendor.calls() as u64);
    assert_eq!(
        (counts["auth_refusals_total"], counts["auth_resends_total"]),
        (3, 1)
    );
}
