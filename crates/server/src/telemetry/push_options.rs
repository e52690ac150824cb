//! Where figures are pushed to: `--otlp-endpoint` and the variables that OpenTelemetry defines for every program. Pure: variables in,
//! options or a mistake out.
//!
//! Sources: OpenTelemetry specification, "OTLP exporter configuration" and "Environment variables"; W3C Baggage for lists of pairs.

use std::time::Duration;

use http::{HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;

use crate::config::ConfigError;

const INTERVAL_DEFAULT: Duration = Duration::from_secs(60);
const INTERVAL_MIN: Duration = Duration::from_millis(100);
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);
const PATH: &str = "/v1/metrics";
/// Variables are in the documents of OpenTelemetry; each is asked for its metrics form first.
const OPTION: &str = "otlp-endpoint";

/// Where, how often and as whom figures are pushed.
#[derive(Clone, PartialEq, Eq)]
pub struct PushOptions {
    /// The whole URL.
    pub url: String,
    /// Headers of each request; they may hold credentials.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub timeout: Duration,
    pub interval: Duration,
    pub gzip: bool,
    /// What the figures are of: `service.name` and the like.
    pub resource: Vec<(String, String)>,
}

impl std::fmt::Debug for PushOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PushOptions").field("interval", &self.interval).finish_non_exhaustive()
    }
}

impl PushOptions {
    /// `None` where neither the option nor a variable names an endpoint. Options come before variables.
    pub fn resolve(
        endpoint: Option<&str>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, ConfigError> {
        // A variable that is set to nothing counts as not set.
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let either = |name: &str| {
            set(&format!("OTEL_EXPORTER_OTLP_METRICS_{name}"))
                .or_else(|| set(&format!("OTEL_EXPORTER_OTLP_{name}")))
        };
        if endpoint.is_none() {
            let off = set("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
            let none = set("OTEL_METRICS_EXPORTER").is_some_and(|value| value == "none");
            if off || none {
                return Ok(None);
            }
        }
        let below = |base: &str| format!("{}{PATH}", base.trim_end_matches('/'));
        let url = endpoint
            .map(below)
            .or_else(|| set("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"))
            .or_else(|| set("OTEL_EXPORTER_OTLP_ENDPOINT").map(|base| below(&base)));
        let Some(url) = url else { return Ok(None) };
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(wrong(&url, "expected http://host:port or https://host:port"));
        }
        if let Some(protocol) = either("PROTOCOL").filter(|protocol| protocol != "http/protobuf") {
            return Err(wrong(&protocol, "only the protocol http/protobuf is spoken"));
        }
        let gzip = match either("COMPRESSION").as_deref() {
            None | Some("none") => false,
            Some("gzip") => true,
            Some(other) => return Err(wrong(other, "expected the compression gzip or none")),
        };
        let interval = milliseconds(set("OTEL_METRIC_EXPORT_INTERVAL"), INTERVAL_DEFAULT)?;
        Ok(Some(Self {
            url,
            headers: headers(either("HEADERS").as_deref().unwrap_or_default())?,
            timeout: milliseconds(either("TIMEOUT"), TIMEOUT_DEFAULT)?,
            interval: interval.max(INTERVAL_MIN),
            gzip,
            resource: resource(set("OTEL_RESOURCE_ATTRIBUTES").as_deref(), set("OTEL_SERVICE_NAME"))?,
        }))
    }
}

fn wrong(value: &str, reason: &str) -> ConfigError {
    ConfigError::Option { option: OPTION, value: value.to_owned(), reason: reason.to_owned() }
}

fn milliseconds(text: Option<String>, default: Duration) -> Result<Duration, ConfigError> {
    let Some(text) = text else { return Ok(default) };
    let parsed: Option<u64> = text.parse().ok().filter(|milliseconds| *milliseconds > 0);
    parsed.map(Duration::from_millis).ok_or_else(|| wrong(&text, "expected milliseconds"))
}

/// `name=value,name=value` with percent-encoded values.
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let members = text.split(',').map(str::trim).filter(|member| !member.is_empty());
    let pair = |member: &str| {
        let (name, value) = member.split_once('=')?;
        let value = percent_decode_str(value.trim()).decode_utf8().ok()?.into_owned();
        Some((name.trim().to_owned(), value))
    };
    members.map(pair).collect()
}

fn headers(text: &str) -> Result<Vec<(HeaderName, HeaderValue)>, ConfigError> {
    let header = |(name, value): (String, String)| {
        let mut value = HeaderValue::from_str(&value).ok()?;
        value.set_sensitive(true);
        Some((HeaderName::from_bytes(name.as_bytes()).ok()?, value))
    };
    // They may be credentials, so they are not repeated.
    pairs(text)
        .and_then(|pairs| pairs.into_iter().map(header).collect())
        .ok_or_else(|| wrong("…", "expected headers as name=value,name=value"))
}

fn resource(attributes: Option<&str>, name: Option<String>) -> Result<Vec<(String, String)>, ConfigError> {
    let text = attributes.unwrap_or_default();
    let mut resource =
        pairs(text).ok_or_else(|| wrong(text, "expected attributes as name=value,name=value"))?;
    if let Some(name) = name {
        resource.retain(|(key, _)| key != "service.name");
        resource.insert(0, ("service.name".to_owned(), name));
    }
    for (key, value) in [("service.name", "keywatch"), ("service.version", env!("CARGO_PKG_VERSION"))] {
        if !resource.iter().any(|(known, _)| known == key) {
            resource.push((key.to_owned(), value.to_owned()));
        }
    }
    Ok(resource)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(endpoint: Option<&str>, variables: &[(&str, &str)]) -> Result<Option<PushOptions>, String> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        PushOptions::resolve(endpoint, variable).map_err(|error| error.to_string())
    }

    #[test]
    fn the_endpoint() {
        for (endpoint, variables, expected) in [
            (None, &[][..], None),
            (None, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "")][..], None),
            (Some("http://a:4318/"), &[][..], Some("http://a:4318/v1/metrics")),
            (None, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "https://b/x")][..], Some("https://b/x/v1/metrics")),
            (
                None,
                &[
                    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://b"),
                    ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://c/y"),
                ][..],
                Some("http://c/y"),
            ),
            (
                Some("http://a"),
                &[("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://c")][..],
                Some("http://a/v1/metrics"),
            ),
            (None, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://b"), ("OTEL_SDK_DISABLED", "true")][..], None),
        ] {
            let url = resolved(endpoint, variables).unwrap().map(|options| options.url);
            assert_eq!(url.as_deref(), expected, "{endpoint:?} {variables:?}");
        }
    }

    #[test]
    fn the_rest() {
        let options = resolved(
            Some("http://a"),
            &[
                ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20x, a=b"),
                ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "250"),
                ("OTEL_METRIC_EXPORT_INTERVAL", "1"),
                ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
                ("OTEL_RESOURCE_ATTRIBUTES", "service.name=x,host.name=h"),
                ("OTEL_SERVICE_NAME", "kms"),
            ],
        );
        let options = options.unwrap().unwrap();
        let headers: Vec<_> =
            options.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        assert_eq!(headers, [("authorization", "Bearer x"), ("a", "b")]);
        assert_eq!((options.timeout, options.interval), (Duration::from_millis(250), INTERVAL_MIN));
        assert!(options.gzip);
        let resource: Vec<_> = options.resource.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(resource, ["service.name", "host.name", "service.version"]);
        assert_eq!(options.resource[0].1, "kms");
    }

    #[test]
    fn mistakes() {
        for (variable, value, expected) in [
            (
                "OTEL_EXPORTER_OTLP_PROTOCOL",
                "grpc",
                "--otlp-endpoint grpc: only the protocol http/protobuf is spoken",
            ),
            (
                "OTEL_EXPORTER_OTLP_COMPRESSION",
                "br",
                "--otlp-endpoint br: expected the compression gzip or none",
            ),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon", "--otlp-endpoint soon: expected milliseconds"),
            (
                "OTEL_EXPORTER_OTLP_HEADERS",
                "secret",
                "--otlp-endpoint …: expected headers as name=value,name=value",
            ),
        ] {
            assert_eq!(resolved(Some("http://a"), &[(variable, value)]).unwrap_err(), expected);
        }
        assert!(resolved(Some("a:4318"), &[]).is_err());
    }
}
