//! The decision whether a request is traced. It comes before the spans of the request, so that a request that is not
//! traced builds none.

use crate::random;
use opentelemetry::trace::{SpanKind, TraceContextExt};
use opentelemetry::{Context, TraceId};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, ShouldSample};

/// The sampler unless a variable names another one.
const DEFAULT: &str = "parentbased_always_on";
const PARENT_BASED: &str = "parentbased_";

/// Returns the sampler of this name, which is one of docs/tracing.md.
pub(super) fn sampler(name: Option<&str>, ratio: f64) -> Sampler {
    let name = name.unwrap_or(DEFAULT);
    let root = match name.strip_prefix(PARENT_BASED).unwrap_or(name) {
        "always_off" => Sampler::AlwaysOff,
        "traceidratio" => Sampler::TraceIdRatioBased(ratio),
        _ => Sampler::AlwaysOn,
    };
    if name.starts_with(PARENT_BASED) { Sampler::ParentBased(Box::new(root)) } else { root }
}

/// Returns whether a request with this parent, if there is one, is traced.
pub(super) fn is_sampled(sampler: &Sampler, parent: &Context) -> bool {
    let known = parent.span().span_context().trace_id();
    let trace = if known == TraceId::INVALID { TraceId::from_bytes(random::bytes()) } else { known };
    let sampled = sampler.should_sample(Some(parent), trace, "", &SpanKind::Server, &[], &[]);
    sampled.decision == SamplingDecision::RecordAndSample
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceState};

    fn parent(trace: u128, flags: TraceFlags) -> Context {
        let (trace, span) = (TraceId::from_bytes(trace.to_be_bytes()), SpanId::from_bytes([1; 8]));
        Context::new().with_remote_span_context(SpanContext::new(trace, span, flags, true, TraceState::NONE))
    }

    #[test]
    fn a_parent_decides_where_the_sampler_asks_it() {
        let (sampled, not) = (parent(7, TraceFlags::SAMPLED), parent(7, TraceFlags::NOT_SAMPLED));
        for (name, root, of_sampled, of_not) in [
            (None, true, true, false),
            (Some("always_on"), true, true, true),
            (Some("always_off"), false, false, false),
            (Some("parentbased_always_off"), false, true, false),
            (Some("parentbased_traceidratio"), false, true, false),
        ] {
            let sampler = sampler(name, 0.0);
            let decisions = [&Context::new(), &sampled, &not].map(|parent| is_sampled(&sampler, parent));
            assert_eq!(decisions, [root, of_sampled, of_not], "{name:?}");
        }
    }

    #[test]
    fn a_ratio_decides_by_the_id_of_the_trace() {
        let sampler = sampler(Some("traceidratio"), 0.5);
        let low = parent(1, TraceFlags::NOT_SAMPLED);
        let high = parent(u128::MAX, TraceFlags::SAMPLED);
        assert!(is_sampled(&sampler, &low) && !is_sampled(&sampler, &high));
        let roots = (0..1000).filter(|_| is_sampled(&sampler, &Context::new())).count();
        assert!((300..700).contains(&roots), "{roots}");
    }
}
