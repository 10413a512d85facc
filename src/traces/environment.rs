//! The variables of OpenTelemetry that turn traces on. The SDK reads most values; what it would replace by a default
//! without a word is refused here.

/// An invalid variable.
#[derive(Debug, thiserror::Error)]
#[error("{name}: expected {expected}")]
pub struct InvalidVariable {
    name: &'static str,
    expected: &'static str,
}

/// The variables that the SDK does not read by itself.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Environment {
    /// A variable names the service.
    pub(super) names_service: bool,
    /// The name of the sampler.
    pub(super) sampler: Option<String>,
    /// The share of traces that a sampler by ratio sends.
    pub(super) ratio: f64,
}

const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
const PROTOCOLS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
const SAMPLERS: [&str; 6] = [
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
];

/// The ratio unless a variable names another one.
const ALL: f64 = 1.0;

/// Reads the variables; none when traces are off.
///
/// # Errors
/// The first invalid variable. The value is not shown: an endpoint may hold a password.
pub(super) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Environment>, InvalidVariable> {
    let set = |name: &str| variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    let is_disabled = set("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let is_off = is_disabled || set("OTEL_TRACES_EXPORTER").as_deref() == Some("none");
    if is_off || !ENDPOINTS.iter().any(|name| set(name).is_some()) {
        return Ok(None);
    }
    for name in ENDPOINTS {
        let is_http = |url: String| url.starts_with("http://") || url.starts_with("https://");
        check(name, set(name).is_none_or(is_http), "an http:// or https:// URL")?;
    }
    for name in PROTOCOLS {
        check(name, set(name).is_none_or(|value| value == "http/protobuf"), "http/protobuf")?;
    }
    let sampler = set("OTEL_TRACES_SAMPLER");
    let is_known = sampler.as_deref().is_none_or(|sampler| SAMPLERS.contains(&sampler));
    check("OTEL_TRACES_SAMPLER", is_known, "a sampler of docs/tracing.md")?;
    let mut ratio = ALL;
    if sampler.as_deref().is_some_and(|sampler| sampler.ends_with("traceidratio")) {
        ratio = set("OTEL_TRACES_SAMPLER_ARG").map_or(ALL, |ratio| ratio.parse().unwrap_or(f64::NAN));
        check("OTEL_TRACES_SAMPLER_ARG", (0.0..=1.0).contains(&ratio), "a number from 0 to 1")?;
    }
    let attributes = set("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
    let names_service = set("OTEL_SERVICE_NAME").is_some()
        || attributes.split(',').any(|attribute| attribute.trim_start().starts_with("service.name="));
    Ok(Some(Environment { names_service, sampler, ratio }))
}

fn check(name: &'static str, is_valid: bool, expected: &'static str) -> Result<(), InvalidVariable> {
    if is_valid { Ok(()) } else { Err(InvalidVariable { name, expected }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_these(variables: &[(&str, &str)]) -> Result<Option<Environment>, InvalidVariable> {
        let value = |name: &str| variables.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned());
        read(value)
    }

    const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");

    #[test]
    fn an_endpoint_turns_traces_on() {
        let on = |names_service| Some(Environment { names_service, sampler: None, ratio: ALL });
        for (variables, expected) in [
            (&[][..], None),
            (&[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")], None),
            (&[ENDPOINT], on(false)),
            (&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://otel/v1/traces")], on(false)),
            (&[ENDPOINT, ("OTEL_SDK_DISABLED", "TRUE")], None),
            (&[ENDPOINT, ("OTEL_SDK_DISABLED", "false")], on(false)),
            (&[ENDPOINT, ("OTEL_TRACES_EXPORTER", "none")], None),
            (&[ENDPOINT, ("OTEL_SERVICE_NAME", "files")], on(true)),
            (&[ENDPOINT, ("OTEL_RESOURCE_ATTRIBUTES", "a=b, service.name=files")], on(true)),
            (&[ENDPOINT, ("OTEL_RESOURCE_ATTRIBUTES", "service.namespace=x")], on(false)),
        ] {
            assert_eq!(read_these(variables).unwrap(), expected, "{variables:?}");
        }
    }

    #[test]
    fn what_the_sdk_would_replace_is_refused() {
        for variable in [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "user:secret@collector"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_TRACES_SAMPLER", "sometimes"),
        ] {
            let error = read_these(&[variable, ENDPOINT]).unwrap_err().to_string();
            assert!(error.starts_with(variable.0) && !error.contains("secret"), "{error}");
        }
        let ratio = [ENDPOINT, ("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "2")];
        assert_eq!(
            read_these(&ratio).unwrap_err().to_string(),
            "OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1"
        );
    }
}
