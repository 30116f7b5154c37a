//! Metrics in CloudWatch's embedded format: lines of the log that CloudWatch turns into metrics.
//!
//! Teams write the labels, so nothing of a label is kept after a flush.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use metrics::{
    Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Label, Metadata, Recorder, SetRecorderError, SharedString,
    Unit,
};
use serde_json::{Map, Value, json};

/// Collects counters and histograms. The function flushes it after each invocation. Clones share what was collected.
///
/// A handle, as `counter!` returns it, counts until the next flush only: get a new one for each event. Gauges are
/// ignored.
#[derive(Debug, Clone)]
pub struct EmbeddedMetrics(Arc<Collector>);

#[derive(Debug)]
struct Collector {
    namespace: &'static str,
    /// A dimension of all metrics: its name and value.
    dimension: (&'static str, String),
    units: Mutex<BTreeMap<String, &'static str>>,
    /// What was measured since the last flush, by labels and name.
    measured: Mutex<BTreeMap<Vec<Label>, BTreeMap<String, Measured>>>,
}

#[derive(Debug, Clone)]
enum Measured {
    Counter(Arc<AtomicU64>),
    Histogram(Arc<Samples>),
}

#[derive(Debug, Default)]
struct Samples(Mutex<Vec<f64>>);

impl EmbeddedMetrics {
    /// A collector for metrics of this namespace, all with this dimension.
    pub fn new(namespace: &'static str, dimension: (&'static str, String)) -> Self {
        let (units, measured) = Default::default();
        Self(Arc::new(Collector { namespace, dimension, units, measured }))
    }

    /// Makes it the recorder of the process.
    ///
    /// # Errors
    /// The process has a recorder already.
    pub fn install(self) -> Result<Self, SetRecorderError<Self>> {
        metrics::set_global_recorder(self.clone())?;
        Ok(self)
    }

    /// Writes a line for each set of labels with what was measured since the last flush, the one without labels first.
    /// A counter of zero is left out. CloudWatch takes up to 100 values of a histogram in a line.
    ///
    /// # Errors
    /// The writer's.
    pub fn flush(&self, now: SystemTime, mut writer: impl Write) -> io::Result<()> {
        let timestamp = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
        let measured = std::mem::take(&mut *lock(&self.0.measured));
        for (labels, metrics) in &measured {
            if let Some(line) = self.0.line(timestamp, labels, metrics) {
                writeln!(writer, "{line}")?;
            }
        }
        Ok(())
    }
}

impl Collector {
    fn line(&self, timestamp: u64, labels: &[Label], metrics: &BTreeMap<String, Measured>) -> Option<Value> {
        let units = lock(&self.units);
        let (mut declared, mut values) = (Vec::new(), Map::new());
        for (name, measured) in metrics {
            let Some(value) = measured.value() else { continue };
            declared.push(match units.get(name) {
                Some(unit) => json!({ "Name": name, "Unit": unit }),
                None => json!({ "Name": name }),
            });
            values.insert(name.clone(), value);
        }
        if declared.is_empty() {
            return None;
        }
        let own = (self.dimension.0, self.dimension.1.as_str());
        let dimensions: Vec<(&str, &str)> =
            std::iter::once(own).chain(labels.iter().map(|label| (label.key(), label.value()))).collect();
        let names: Vec<&str> = dimensions.iter().map(|(name, _)| *name).collect();
        let directive = json!({ "Namespace": self.namespace, "Dimensions": [names], "Metrics": declared });
        let mut line = Map::new();
        line.insert("_aws".to_owned(), json!({ "Timestamp": timestamp, "CloudWatchMetrics": [directive] }));
        line.extend(dimensions.into_iter().map(|(name, value)| (name.to_owned(), value.into())));
        line.extend(values);
        Some(Value::Object(line))
    }

    fn register<T>(&self, key: &Key, new: fn() -> Measured, handle: impl FnOnce(&Measured) -> Option<T>) -> Option<T> {
        let mut measured = lock(&self.measured);
        let of_labels = measured.entry(key.labels().cloned().collect()).or_default();
        handle(of_labels.entry(key.name().to_owned()).or_insert_with(new))
    }

    fn describe(&self, key: &KeyName, unit: Option<Unit>) {
        let unit = match unit {
            Some(Unit::Count) => "Count",
            Some(Unit::Milliseconds) => "Milliseconds",
            _ => return,
        };
        lock(&self.units).insert(key.as_str().to_owned(), unit);
    }
}

impl Recorder for EmbeddedMetrics {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, _: SharedString) {
        self.0.describe(&key, unit);
    }

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, key: KeyName, unit: Option<Unit>, _: SharedString) {
        self.0.describe(&key, unit);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let handle = |measured: &Measured| match measured {
            Measured::Counter(count) => Some(Counter::from_arc(Arc::clone(count))),
            Measured::Histogram(_) => None,
        };
        self.0.register(key, || Measured::Counter(Arc::default()), handle).unwrap_or_else(Counter::noop)
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        let handle = |measured: &Measured| match measured {
            Measured::Histogram(samples) => Some(Histogram::from_arc(Arc::clone(samples))),
            Measured::Counter(_) => None,
        };
        self.0.register(key, || Measured::Histogram(Arc::default()), handle).unwrap_or_else(Histogram::noop)
    }
}

impl Measured {
    /// Its value in a line; `None` if nothing was measured.
    fn value(&self) -> Option<Value> {
        match self {
            Self::Counter(count) => Some(count.load(Ordering::Relaxed)).filter(|count| *count > 0).map(Value::from),
            Self::Histogram(samples) => {
                let samples = lock(&samples.0);
                (!samples.is_empty()).then(|| Value::from(&**samples))
            }
        }
    }
}

impl HistogramFn for Samples {
    fn record(&self, value: f64) {
        lock(&self.0).push(value);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use metrics::{counter, describe_counter, describe_histogram, histogram, with_local_recorder};

    use super::*;

    fn flushed(metrics: &EmbeddedMetrics) -> Vec<Value> {
        let mut lines = Vec::new();
        metrics.flush(SystemTime::UNIX_EPOCH + Duration::from_millis(1500), &mut lines).unwrap();
        String::from_utf8(lines).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_line_declares_what_was_measured_since_the_last_flush() {
        let metrics = EmbeddedMetrics::new("app", ("function", "f".to_owned()));
        with_local_recorder(&metrics, || {
            describe_counter!("Purged", Unit::Count, "");
            describe_histogram!("Latency", Unit::Milliseconds, "");
            counter!("Purged", "zone" => "a").increment(2);
            counter!("Purged", "zone" => "a").increment(1);
            histogram!("Latency", "zone" => "a").record(1.5);
            histogram!("Latency", "zone" => "a").record(2.5);
            counter!("Other").increment(1);
            counter!("Zero").increment(0);
        });
        let directive = |dimensions: &[&str], metrics: Value| {
            let directive = json!({ "Namespace": "app", "Dimensions": [dimensions], "Metrics": metrics });
            json!({ "Timestamp": 1500, "CloudWatchMetrics": [directive] })
        };
        let latency = json!({ "Name": "Latency", "Unit": "Milliseconds" });
        let of_zone = directive(&["function", "zone"], json!([latency, { "Name": "Purged", "Unit": "Count" }]));
        let in_total = directive(&["function"], json!([{ "Name": "Other" }]));
        assert_eq!(
            flushed(&metrics),
            [
                json!({ "_aws": in_total, "function": "f", "Other": 1 }),
                json!({ "_aws": of_zone, "function": "f", "zone": "a", "Latency": [1.5, 2.5], "Purged": 3 }),
            ]
        );
        assert!(flushed(&metrics).is_empty());
        with_local_recorder(&metrics, || counter!("Purged", "zone" => "a").increment(1));
        assert_eq!(flushed(&metrics)[0]["Purged"], 1);
    }

    #[test]
    fn labels_that_teams_write_are_not_kept() {
        let metrics = EmbeddedMetrics::new("app", ("function", "f".to_owned()));
        for round in 0..10 {
            with_local_recorder(&metrics, || {
                for zone in 0..100 {
                    counter!("Purged", "zone" => format!("{round}-{zone}.com")).increment(1);
                }
            });
            assert_eq!(lock(&metrics.0.measured).len(), 100, "those of this round");
            assert_eq!(flushed(&metrics).len(), 100);
        }
        assert!(lock(&metrics.0.measured).is_empty());
    }
}
