//! The function's metrics, summed up.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metrics::{Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit};
/// Sums up metrics.
#[derive(Debug, Default)]
pub(super) struct MetricSums(Mutex<Metrics>);

#[derive(Debug, Default)]
struct Metrics {
    described: BTreeMap<String, String>,
    counters: BTreeMap<String, Arc<AtomicU64>>,
    histograms: BTreeMap<String, Arc<Values>>,
}

/// The values of a histogram.
#[derive(Debug, Default)]
struct Values(Mutex<Vec<f64>>);

impl HistogramFn for Values {
    fn record(&self, value: f64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(value);
    }
}

impl Values {
    fn of(&self) -> Vec<f64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl MetricSums {
    /// Each metric's total: a counter's value, or how many values a histogram has, and their sum. Those with labels are
    /// in the digest.
    pub(super) fn totals(&self) -> Vec<(String, String)> {
        let metrics = self.metrics();
        let is_total = |name: &str| !name.contains('{');
        let counters = metrics.counters.iter().filter(|(name, _)| is_total(name));
        let counters = counters.map(|(name, value)| (name.clone(), value.load(Ordering::Relaxed).to_string()));
        let histograms = metrics.histograms.iter().filter(|(name, _)| is_total(name)).map(|(name, values)| {
            let values = values.of();
            (name.clone(), format!("{} values, {:.3} in all", values.len(), values.iter().sum::<f64>()))
        });
        counters.chain(histograms).collect()
    }

    /// A digest of all metrics with their labels and descriptions.
    pub(super) fn digest(&self) -> u64 {
        let (metrics, mut digest) = (self.metrics(), DefaultHasher::new());
        for (name, description) in &metrics.described {
            (name, description).hash(&mut digest);
        }
        for (name, value) in &metrics.counters {
            (name, value.load(Ordering::Relaxed)).hash(&mut digest);
        }
        for (name, values) in &metrics.histograms {
            (name, values.of().into_iter().map(f64::to_bits).collect::<Vec<_>>()).hash(&mut digest);
        }
        digest.finish()
    }

    fn describe(&self, name: &KeyName, unit: Option<Unit>, description: &SharedString) {
        self.metrics().described.insert(name.as_str().to_owned(), format!("{unit:?} {description}"));
    }

    fn metrics(&self) -> MutexGuard<'_, Metrics> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name of a metric, with its labels if it has any.
fn name_of(key: &Key) -> String {
    let labels: Vec<String> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
    if labels.is_empty() { key.name().to_owned() } else { format!("{}{{{}}}", key.name(), labels.join(",")) }
}

impl Recorder for MetricSums {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe(&name, unit, &description);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe(&name, unit, &description);
    }

    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe(&name, unit, &description);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(Arc::clone(self.metrics().counters.entry(name_of(key)).or_default()))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(Arc::clone(self.metrics().histograms.entry(name_of(key)).or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_those_without_labels_and_the_digest_has_all() {
        let record = |labelled: u64| {
            let sums = MetricSums::default();
            metrics::with_local_recorder(&sums, || {
                metrics::counter!("Purged").increment(2);
                metrics::counter!("Purged", "team" => "red").increment(labelled);
                metrics::histogram!("Latency").record(1.5);
                metrics::histogram!("Latency").record(2.5);
            });
            sums
        };
        let totals = [("Purged", "2"), ("Latency", "2 values, 4.000 in all")];
        assert_eq!(record(1).totals(), totals.map(|(name, total)| (name.to_owned(), total.to_owned())));
        assert_eq!(record(1).digest(), record(1).digest());
        assert_ne!(record(1).digest(), record(2).digest());
    }
}
