//! What happened, added up and written as one line of JSON.

use crate::connection::Answer;
use crate::options::Options;
use std::collections::BTreeMap;
use std::time::Duration;

/// What one connection saw.
#[derive(Default)]
pub struct Tally {
    requests: u64,
    sent_bytes: u64,
    received_bytes: u64,
    failures: BTreeMap<String, u64>,
    latencies_us: Vec<u32>,
    ids: Vec<String>,
}

impl Tally {
    pub fn add(&mut self, options: &Options, answer: Answer, took: Duration) {
        if answer.status != options.expect {
            return self.fail(format!("status {}", answer.status));
        }
        self.requests += 1;
        self.sent_bytes += answer.sent_bytes;
        self.received_bytes += answer.body_bytes;
        self.latencies_us.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
        if options.ids.is_some() {
            match answer.id() {
                Some(id) => self.ids.push(id),
                None => self.fail("an answer without an id".into()),
            }
        }
    }

    pub fn fail(&mut self, what: String) {
        *self.failures.entry(what).or_default() += 1;
    }
}

/// What all of them saw.
pub struct Report {
    pub ids: Vec<String>,
    total: Tally,
    seconds: f64,
}

impl Report {
    pub fn of(tallies: Vec<Tally>, took: Duration) -> Self {
        let mut total = Tally::default();
        for tally in tallies {
            total.requests += tally.requests;
            total.sent_bytes += tally.sent_bytes;
            total.received_bytes += tally.received_bytes;
            total.latencies_us.extend(tally.latencies_us);
            total.ids.extend(tally.ids);
            for (what, count) in tally.failures {
                *total.failures.entry(what).or_default() += count;
            }
        }
        total.latencies_us.sort_unstable();
        Self { ids: std::mem::take(&mut total.ids), total, seconds: took.as_secs_f64() }
    }

    pub fn json(&self) -> String {
        let total = &self.total;
        let failures: Vec<String> = total.failures.iter().map(|(what, count)| format!("{what:?}:{count}")).collect();
        format!(
            "{{\"requests\":{},\"seconds\":{:.6},\"sent_bytes\":{},\"received_bytes\":{},\"p50_ms\":{:.3},\"p99_ms\":{:.3},\
             \"max_ms\":{:.3},\"failures\":{{{}}}}}",
            total.requests,
            self.seconds,
            total.sent_bytes,
            total.received_bytes,
            self.latency_ms(0.50),
            self.latency_ms(0.99),
            self.latency_ms(1.0),
            failures.join(",")
        )
    }

    fn latency_ms(&self, share: f64) -> f64 {
        let latencies = &self.total.latencies_us;
        let place = (latencies.len() as f64 * share).ceil() as usize;
        latencies.get(place.saturating_sub(1)).map_or(0.0, |us| f64::from(*us) / 1000.0)
    }
}
