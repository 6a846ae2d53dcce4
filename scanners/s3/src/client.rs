//! The SDK's client, with credentials and region found as AWS's own tools find them, and nothing that waits long.

use std::path::Path;
use std::time::Duration;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::imds;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, ResponseChecksumValidation};
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use residuum_source::SourceError;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::error::Place;
use crate::options::{Patience, S3Options};

/// Where nothing names a region.
const DEFAULT_REGION: &str = "us-east-1";

/// How long the metadata service of a machine of EC2 may take in all: elsewhere there is none.
const METADATA: Duration = Duration::from_secs(2);

/// The client, and where it turns to.
pub(crate) async fn client(name: &str, bucket: &str, options: &S3Options) -> Result<(Client, Place), SourceError> {
    let http = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
    let http = match &options.ca_file {
        Some(file) => http.tls_context(trusting(name, file)?).build_https(),
        None => http.build_https(),
    };
    let provider = ProviderConfig::without_region().with_http_client(http.clone());
    let region = region(options, &provider).await;
    let provider = provider.with_region(Some(region.clone()));

    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http).region(region.clone());
    if let Some(profile) = &options.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(endpoint) = &options.endpoint {
        let is_url = endpoint.starts_with("http://") || endpoint.starts_with("https://");
        if !is_url {
            let reason = format!("`endpoint` is `{endpoint}`, which is no URL; write it as `https://host:port`");
            return Err(SourceError::Config { source_name: name.to_owned(), reason });
        }
        loader = loader.endpoint_url(endpoint);
    }
    loader = if options.anonymous {
        loader.no_credentials()
    } else if let Some((key, secret)) = &options.access_key {
        loader.credentials_provider(Credentials::new(key, secret.expose(), None, None, "configuration"))
    } else {
        let metadata = imds::Client::builder().configure(&provider).max_attempts(1).operation_timeout(METADATA).build();
        let mut chain = DefaultCredentialsChain::builder().region(region.clone()).imds_client(metadata);
        if let Some(profile) = &options.profile {
            chain = chain.profile_name(profile);
        }
        loader.credentials_provider(chain.configure(provider).build().await)
    };
    let config = loader.load().await;

    let at = options.endpoint.clone().or_else(|| environment("AWS_ENDPOINT_URL_S3"));
    let at = at.or_else(|| config.endpoint_url().map(str::to_owned));
    let path_style =
        options.path_style.unwrap_or_else(|| at.as_deref().is_some_and(|at| !at.contains(".amazonaws.com")));
    let config = aws_sdk_s3::config::Builder::from(&config)
        .force_path_style(path_style)
        .retry_config(retries(&options.patience))
        .timeout_config(timeouts(&options.patience))
        // A pause in the middle of an answer is watched where the answer is read.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .build();
    let at = at.map_or_else(|| "AWS".to_owned(), |at| format!("`{}`", without_user(&at)));
    let place = Place { bucket: bucket.to_owned(), at, region: region.to_string() };
    Ok((Client::from_conf(config), place))
}

/// TLS that trusts these authorities and no others.
fn trusting(name: &str, file: &Path) -> Result<TlsContext, SourceError> {
    let wrong = |reason: String| SourceError::Config {
        source_name: name.to_owned(),
        reason: format!("`ca_file` `{}` {reason}", file.display()),
    };
    let pem = std::fs::read(file).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    // What the library cannot parse, it takes for a fault of the program.
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let mut known = rustls::RootCertStore::empty();
    let certificates = certificates.map_err(|_| wrong("is damaged".to_owned()))?;
    if certificates.is_empty() {
        return Err(wrong("holds no certificate in PEM".to_owned()));
    }
    for certificate in certificates {
        known.add(certificate).map_err(|error| wrong(format!("holds a certificate that cannot be used: {error}")))?;
    }
    let trusted = TrustStore::empty().with_pem_certificate(pem);
    TlsContext::builder().with_trust_store(trusted).build().map_err(|error| wrong(format!("cannot be used: {error}")))
}

/// The region from the options, the environment or the profile; no machine is asked for it.
async fn region(options: &S3Options, provider: &ProviderConfig) -> Region {
    let mut profile = ProfileFileRegionProvider::builder().configure(provider);
    if let Some(name) = &options.profile {
        profile = profile.profile_name(name);
    }
    let chain = RegionProviderChain::first_try(options.region.clone().map(Region::new))
        .or_else(EnvironmentVariableRegionProvider::new())
        .or_else(profile.build());
    chain.region().await.unwrap_or_else(|| Region::from_static(DEFAULT_REGION))
}

/// For listings and the like; what reads objects repeats by itself.
fn retries(patience: &Patience) -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(patience.attempts)
        .with_initial_backoff(patience.pause)
        .with_max_backoff(Patience::LONGEST_PAUSE)
}

fn timeouts(patience: &Patience) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(patience.connect)
        .read_timeout(patience.silence)
        .operation_attempt_timeout(patience.answer)
        .build()
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// An endpoint as it may be shown.
fn without_user(url: &str) -> String {
    match url.split_once("://").map(|(scheme, rest)| (scheme, rest.rsplit_once('@'))) {
        Some((scheme, Some((_, host)))) => format!("{scheme}://{host}"),
        _ => url.to_owned(),
    }
}
