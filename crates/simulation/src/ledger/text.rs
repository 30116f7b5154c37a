//! A run → its ledger.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use super::counts::count;
use super::recording::Recording;
use crate::call::{Call, Callee};
use crate::event::{Entry, Event};
use crate::report::RunReport;
use crate::scenario::{Scenario, TeamId, ZoneId};

/// The ledger of a run whose trace was kept.
pub fn ledger(scenario: &Scenario, run: &RunReport, Recording { log, metrics }: &Recording) -> String {
    let sums = Sums::of(scenario, run);
    let mut text = String::new();
    section(&mut text, "events", counted(&sums.events));
    section(&mut text, "requests, by team, class of limit, and result", counted(&sums.requests));
    let calls = sums.calls.iter().map(|(callee, calls)| (callee.clone(), calls.to_string()));
    section(&mut text, "calls of the function", calls.collect());
    section(&mut text, "times", sums.times(run));
    let caches = sums.caches.iter().map(|(name, most)| ((*name).to_owned(), most.to_string()));
    section(&mut text, "most entries of each cache of an instance", caches.collect());
    section(&mut text, "metrics", metrics.totals());
    section(&mut text, "log lines, by level, message, and how it ended", counted(&log.counts()));
    let digests = [("history", run.hash), ("metrics", metrics.digest()), ("log", log.digest())];
    section(&mut text, "digests", digests.map(|(name, digest)| (name.to_owned(), format!("{digest:016x}"))).into());
    text
}

/// What is summed up of a trace.
#[derive(Default)]
struct Sums {
    events: BTreeMap<String, usize>,
    requests: BTreeMap<String, usize>,
    calls: BTreeMap<String, Calls>,
    caches: BTreeMap<&'static str, usize>,
    in_invocations: Duration,
}

/// Calls of one kind.
#[derive(Default)]
struct Calls {
    calls: usize,
    items: usize,
    time: Duration,
}

impl std::fmt::Display for Calls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, with {} items, would wait for {:.3} s", self.calls, self.items, self.time.as_secs_f64())
    }
}

impl Sums {
    fn of(scenario: &Scenario, run: &RunReport) -> Self {
        let mut sums = Self::default();
        for entry in &run.trace {
            sums.add(scenario, entry);
        }
        sums
    }

    fn add(&mut self, scenario: &Scenario, Entry { event, .. }: &Entry) {
        match event {
            Event::Accepted { zone, class, cost, .. } => {
                let team = team_of_zone(scenario, *zone);
                count(&mut self.requests, format!("{team}, {class:?}: accepted"));
                *self.requests.entry(format!("{team}, {class:?}: accepted, cost")).or_default() += cost;
            }
            Event::Refused { zone, reason, .. } => {
                count(&mut self.requests, format!("{}: {reason:?}", team_of_zone(scenario, *zone)));
            }
            Event::Called(call) => self.called(scenario, call),
            Event::Cached { sizes, .. } => {
                for (name, size) in sizes.named() {
                    let most = self.caches.entry(name).or_default();
                    *most = size.max(*most);
                }
            }
            Event::Answered { failed, took, .. } => {
                self.in_invocations += *took;
                count(&mut self.events, "Answered".to_owned());
                *self.events.entry("Answered, failed messages".to_owned()).or_default() += failed;
            }
            Event::Invoked { queue, messages, .. } => {
                count(&mut self.events, format!("Invoked by {queue:?}"));
                *self.events.entry(format!("Invoked by {queue:?}, messages")).or_default() += messages;
            }
            Event::Sent { queue, .. } => count(&mut self.events, format!("Sent to {queue:?}")),
            Event::Deleted { queue, .. } => count(&mut self.events, format!("Deleted from {queue:?}")),
            Event::DeadLetter { queue, .. } => count(&mut self.events, format!("DeadLetter of {queue:?}")),
            Event::Injected { fault } => count(&mut self.events, format!("Injected: {}", fault.name())),
            Event::Uploaded { .. } => count(&mut self.events, "Uploaded".to_owned()),
            Event::Started { .. } => count(&mut self.events, "Started".to_owned()),
            Event::Killed { .. } => count(&mut self.events, "Killed".to_owned()),
            Event::Skipped => count(&mut self.events, "Skipped".to_owned()),
            Event::Served { .. } => count(&mut self.events, "Served".to_owned()),
        }
    }

    fn called(&mut self, scenario: &Scenario, call: &Call) {
        let callee = match call.callee {
            Callee::Cloudflare(zone) => format!("Cloudflare for {}", team_of_zone(scenario, zone)),
            Callee::Token(_) => "Token".to_owned(),
            Callee::FreshToken(_) => "FreshToken".to_owned(),
            other => format!("{other:?}"),
        };
        let calls = self.calls.entry(callee).or_default();
        calls.calls += 1;
        calls.items += call.items;
        calls.time = calls.time.saturating_add(call.time);
    }

    fn times(&self, run: &RunReport) -> Vec<(String, String)> {
        let seconds = |time: Duration| format!("{:.3} s", time.as_secs_f64());
        let mut healthy: Vec<Duration> = run.healthy_times.values().copied().collect();
        healthy.sort_unstable();
        let sum = healthy.iter().sum();
        let longest = healthy.last().copied().unwrap_or_default();
        let median = healthy.get(healthy.len() / 2).copied().unwrap_or_default();
        let times = [
            ("simulated", run.simulated),
            ("in invocations", self.in_invocations),
            ("healthy teams, from message to purge, median", median),
            ("healthy teams, from message to purge, longest", longest),
            ("healthy teams, from message to purge, in all", sum),
        ];
        times.map(|(name, time)| (name.to_owned(), seconds(time))).into()
    }
}

/// Whose zone it is: all healthy teams are one line.
fn team_of_zone(scenario: &Scenario, zone: ZoneId) -> String {
    let team: TeamId = scenario.zones[zone].team;
    match scenario.teams[team].sickness {
        None => "healthy".to_owned(),
        Some(sickness) => format!("team {team}, {sickness:?}"),
    }
}

fn counted(counts: &BTreeMap<String, usize>) -> Vec<(String, String)> {
    counts.iter().map(|(name, count)| (name.clone(), count.to_string())).collect()
}

fn section(text: &mut String, title: &str, lines: Vec<(String, String)>) {
    let blank = if text.is_empty() { "" } else { "\n" };
    let _ = writeln!(text, "{blank}# {title}");
    for (name, value) in lines {
        let _ = writeln!(text, "{name} = {value}");
    }
}
