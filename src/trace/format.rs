//! The formats that are known, each a table of where its fields stand.
//!
//! Sources: Azure/AzurePublicDataset (traces of 2023 and 2024); kvcache-ai/Mooncake (FAST'25 traces);
//! HPMLL/BurstGPT; LiteLLM's `LiteLLM_SpendLogs` table (`schema.prisma`) and its standard logging
//! payload (docs.litellm.ai/docs/proxy/logging_spec); OpenTelemetry's semantic conventions for
//! generative AI, spans (opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans, 1.37 and later, with
//! the older names) and OTLP's JSON encoding; Kong's AI audit log reference
//! (developer.konghq.com/ai-gateway/ai-audit-log-reference; before 3.9 the plugin's name stood where
//! `proxy` stands now) within the log that its logging plugins write.

use std::fmt;
use std::str::FromStr;

use super::error::TraceError;
use super::field::Field::{self, *};
use super::field::Unit::{self, Auto, Millis, Nanos, Seconds};

/// A format of request logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceFormat {
    /// Azure LLM inference traces of 2023 and 2024: `TIMESTAMP,ContextTokens,GeneratedTokens`.
    Azure,
    /// Mooncake FAST'25 traces: one JSON object a line with `timestamp` (ms), `input_length`,
    /// `output_length`. Stamps come in steps of 3 s: replay them with a spread of 3 s.
    Mooncake,
    /// BurstGPT: `Timestamp` (s), `Request tokens`, `Response tokens` among other columns. Failed
    /// requests have no response tokens; they count as requests for one token, for the client did
    /// ask.
    BurstGpt,
    /// LiteLLM's spend logs, as CSV or JSON, and its standard logging payload.
    LiteLlm,
    /// OpenTelemetry spans with the attributes of generative AI: OTLP's JSON, or a span a line.
    Otel,
    /// Kong's logs with what its AI plugins add.
    Kong,
    /// Columns that the user has named.
    Mapped,
}

impl TraceFormat {
    /// All formats with a name.
    pub const ALL: [Self; 6] =
        [Self::Azure, Self::Mooncake, Self::BurstGpt, Self::LiteLlm, Self::Otel, Self::Kong];

    /// Name in files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Azure => "azure",
            Self::Mooncake => "mooncake",
            Self::BurstGpt => "burstgpt",
            Self::LiteLlm => "litellm",
            Self::Otel => "otel",
            Self::Kong => "kong",
            Self::Mapped => "mapped columns",
        }
    }

    /// Whether each row must have tokens: data sets do, logs of failures do not.
    pub(super) const fn is_data_set(self) -> bool {
        matches!(self, Self::Azure | Self::Mooncake | Self::BurstGpt)
    }

    /// What a stamp is, and one as an example.
    pub(super) const fn stamp(self) -> (&'static str, &'static str) {
        match self {
            Self::Azure => ("a date and a time of day in UTC", "2023-11-16 18:17:03.9799600"),
            Self::BurstGpt => ("seconds since the start of the trace", "45.0"),
            Self::Mooncake => ("milliseconds since the start of the trace", "3000"),
            Self::Otel => ("nanoseconds since 1970 or a date", "1748865600000000000"),
            Self::Kong => ("milliseconds since 1970", "1748865600000"),
            Self::LiteLlm | Self::Mapped => {
                ("a date and a time of day, or a number since 1970", "2025-06-02T12:00:00Z")
            }
        }
    }

    /// Where its fields stand, the better place first.
    pub(super) const fn places(self) -> &'static [(Field, &'static str, Unit)] {
        match self {
            Self::Azure => AZURE,
            Self::Mooncake => MOONCAKE,
            Self::BurstGpt => BURSTGPT,
            Self::LiteLlm => LITELLM,
            Self::Otel => OTEL,
            Self::Kong => KONG,
            Self::Mapped => &[],
        }
    }
}

impl fmt::Display for TraceFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for TraceFormat {
    type Err = TraceError;

    fn from_str(text: &str) -> Result<Self, TraceError> {
        Self::ALL
            .into_iter()
            .find(|format| format.name() == text)
            .ok_or_else(|| TraceError::UnknownFormat { found: text.into() })
    }
}

type Places = &'static [(Field, &'static str, Unit)];

const AZURE: Places = &[
    (Time, "TIMESTAMP", Auto),
    (Prompt, "ContextTokens", Auto),
    (Output, "GeneratedTokens", Auto),
];

const MOONCAKE: Places =
    &[(Time, "timestamp", Millis), (Prompt, "input_length", Auto), (Output, "output_length", Auto)];

const BURSTGPT: Places = &[
    (Time, "Timestamp", Seconds),
    (Model, "Model", Auto),
    (Prompt, "Request tokens", Auto),
    (Output, "Response tokens", Auto),
    (Duration, "Elapsed time", Seconds),
    (Tenant, "Session ID", Auto),
];

const LITELLM: Places = &[
    (Time, "startTime", Auto),
    (End, "endTime", Auto),
    (FirstToken, "completionStartTime", Auto),
    (Duration, "request_duration_ms", Millis),
    (Duration, "response_time", Seconds),
    (Tenant, "metadata.user_api_key_team_alias", Auto),
    (Tenant, "team_id", Auto),
    (Tenant, "metadata.user_api_key_team_id", Auto),
    (Tenant, "metadata.user_api_key_alias", Auto),
    (Tenant, "end_user", Auto),
    (Tenant, "user", Auto),
    (Key, "api_key", Auto),
    (Key, "metadata.user_api_key_hash", Auto),
    (Model, "model_group", Auto),
    (Model, "model", Auto),
    (Prompt, "prompt_tokens", Auto),
    (Output, "completion_tokens", Auto),
    (MaxTokens, "model_parameters.max_tokens", Auto),
    (MaxTokens, "model_parameters.max_completion_tokens", Auto),
    (Cached, "metadata.additional_usage_values.cache_read_input_tokens", Auto),
    (Cached, "metadata.additional_usage_values.prompt_tokens_details.cached_tokens", Auto),
    (Cached, "metadata.usage_object.cache_read_input_tokens", Auto),
    (Cached, "metadata.usage_object.prompt_tokens_details.cached_tokens", Auto),
    (Status, "status", Auto),
    (Status, "metadata.status", Auto),
    (Error, "metadata.error_information.error_code", Auto),
    (Error, "error_information.error_code", Auto),
    (Error, "metadata.error_information.error_class", Auto),
    (Error, "error_information.error_class", Auto),
    (Provider, "custom_llm_provider", Auto),
    (Deployment, "model_id", Auto),
    (Deployment, "api_base", Auto),
    (Cost, "spend", Auto),
    (Cost, "response_cost", Auto),
    (CacheHit, "cache_hit", Auto),
    (Id, "request_id", Auto),
    (Id, "id", Auto),
];

const OTEL: Places = &[
    (Time, "startTimeUnixNano", Nanos),
    (Time, "start_time_unix_nano", Nanos),
    (Time, "start_time", Auto),
    (Time, "startTime", Auto),
    (End, "endTimeUnixNano", Nanos),
    (End, "end_time_unix_nano", Nanos),
    (End, "end_time", Auto),
    (End, "endTime", Auto),
    (Ttft, "attributes.gen_ai.response.time_to_first_chunk", Seconds),
    (Ttft, "attributes.gen_ai.response.time_to_first_token", Seconds),
    (Ttft, "attributes.gen_ai.server.time_to_first_token", Seconds),
    (Tenant, "attributes.enduser.id", Auto),
    (Tenant, "attributes.user.id", Auto),
    (Tenant, "resource.attributes.service.name", Auto),
    (Model, "attributes.gen_ai.request.model", Auto),
    (Model, "attributes.gen_ai.response.model", Auto),
    (Prompt, "attributes.gen_ai.usage.input_tokens", Auto),
    (Prompt, "attributes.gen_ai.usage.prompt_tokens", Auto),
    (Output, "attributes.gen_ai.usage.output_tokens", Auto),
    (Output, "attributes.gen_ai.usage.completion_tokens", Auto),
    (MaxTokens, "attributes.gen_ai.request.max_tokens", Auto),
    (Cached, "attributes.gen_ai.usage.cache_read.input_tokens", Auto),
    (Cached, "attributes.gen_ai.usage.cache_read_input_tokens", Auto),
    (Status, "attributes.http.response.status_code", Auto),
    (Status, "status.code", Auto),
    (Status, "status.status_code", Auto),
    (Error, "attributes.error.type", Auto),
    (Provider, "attributes.gen_ai.provider.name", Auto),
    (Provider, "attributes.gen_ai.system", Auto),
    (Deployment, "attributes.server.address", Auto),
    (Operation, "attributes.gen_ai.operation.name", Auto),
    (Id, "spanId", Auto),
    (Id, "span_id", Auto),
    (Id, "context.span_id", Auto),
];

const KONG: Places = &[
    (Time, "started_at", Millis),
    (Duration, "latencies.request", Millis),
    (Duration, "ai.proxy.meta.llm_latency", Millis),
    (Duration, "ai.ai-proxy.meta.llm_latency", Millis),
    (Duration, "ai.ai-proxy-advanced.meta.llm_latency", Millis),
    (Ttft, "ai.proxy.usage.time_to_first_token", Millis),
    (Ttft, "ai.ai-proxy.usage.time_to_first_token", Millis),
    (Ttft, "ai.ai-proxy-advanced.usage.time_to_first_token", Millis),
    (Tenant, "consumer.username", Auto),
    (Tenant, "consumer.custom_id", Auto),
    (Tenant, "authenticated_entity.id", Auto),
    (Model, "ai.proxy.meta.request_model", Auto),
    (Model, "ai.ai-proxy.meta.request_model", Auto),
    (Model, "ai.ai-proxy-advanced.meta.request_model", Auto),
    (Prompt, "ai.proxy.usage.prompt_tokens", Auto),
    (Prompt, "ai.proxy.usage.prompt_token", Auto),
    (Prompt, "ai.ai-proxy.usage.prompt_tokens", Auto),
    (Prompt, "ai.ai-proxy.usage.prompt_token", Auto),
    (Prompt, "ai.ai-proxy-advanced.usage.prompt_tokens", Auto),
    (Prompt, "ai.ai-proxy-advanced.usage.prompt_token", Auto),
    (Output, "ai.proxy.usage.completion_tokens", Auto),
    (Output, "ai.proxy.usage.completion_token", Auto),
    (Output, "ai.ai-proxy.usage.completion_tokens", Auto),
    (Output, "ai.ai-proxy.usage.completion_token", Auto),
    (Output, "ai.ai-proxy-advanced.usage.completion_tokens", Auto),
    (Output, "ai.ai-proxy-advanced.usage.completion_token", Auto),
    (Cached, "ai.proxy.usage.prompt_tokens_details.cached_tokens", Auto),
    (Status, "response.status", Auto),
    (Provider, "ai.proxy.meta.provider_name", Auto),
    (Provider, "ai.ai-proxy.meta.provider_name", Auto),
    (Provider, "ai.ai-proxy-advanced.meta.provider_name", Auto),
    (Deployment, "ai.proxy.meta.response_model", Auto),
    (Deployment, "ai.ai-proxy.meta.response_model", Auto),
    (Deployment, "ai.ai-proxy-advanced.meta.response_model", Auto),
    (Cost, "ai.proxy.usage.cost", Auto),
    (Cost, "ai.ai-proxy.usage.cost", Auto),
    (Cost, "ai.ai-proxy-advanced.usage.cost", Auto),
    (CacheHit, "ai.proxy.cache.cache_status", Auto),
    (Operation, "ai.proxy.meta.plugin_id", Auto),
    (Operation, "ai.ai-proxy.meta.plugin_id", Auto),
    (Operation, "ai.ai-proxy-advanced.meta.plugin_id", Auto),
    (Id, "request.id", Auto),
];
