//! Sign-in through the préfecture's identity provider: OpenID Connect, authorization code with PKCE (RFC 7636).
//!
//! The provider's keys are fetched at each sign-in: a key rotation takes effect at once, and nothing is cached.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreRevocableToken,
    CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AdditionalClaims, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken, EmptyExtraTokenFields,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IdTokenFields, IssuerUrl, Nonce,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, StandardErrorResponse, StandardTokenResponse,
    TokenResponse,
};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use convoke_domain::access::Role;
use convoke_domain::ids::hex;
use convoke_machine::clock::Clock;
use convoke_machine::entropy::Entropy;
use convoke_settings::Oidc;

/// A provider that takes longer is reported as unavailable.
const PATIENCE: Duration = Duration::from_secs(10);
/// Its responses are keys and tokens.
const ANSWER_MAX: u64 = 1 << 20;
/// The longest name that the ledger accepts.
const NAME_MAX: usize = 64;

/// Claims beyond the standard ones.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Others(#[serde(default)] BTreeMap<String, Value>);
impl AdditionalClaims for Others {}

type Fields = IdTokenFields<
    Others,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type Provider = Client<
    Others,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<Fields, CoreTokenType>,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// What is kept while the user is at the provider, and where they are redirected.
pub(super) struct Departure {
    pub(super) url: String,
    pub(super) state: String,
    pub(super) nonce: String,
    pub(super) verifier: String,
}

/// The user who came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    pub(super) name: String,
    /// The provider's identifier, never reassigned to another person.
    pub(super) subject: String,
    /// `None`: none of the user's groups gives a role.
    pub(super) role: Option<Role>,
}

/// The redirect to the provider.
pub(super) fn depart(oidc: &Oidc, back: &str, entropy: &mut Entropy) -> Result<Departure> {
    let provider = provider(oidc, back)?;
    let (state, nonce, verifier) = (hex(&entropy.bytes()?), hex(&entropy.bytes()?), hex(&entropy.bytes()?));
    let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(verifier.clone()));
    let (given_state, given_nonce) = (CsrfToken::new(state.clone()), Nonce::new(nonce.clone()));
    let mut asked = provider
        .authorize_url(CoreAuthenticationFlow::AuthorizationCode, || given_state, || given_nonce)
        .set_pkce_challenge(challenge);
    for scope in &oidc.scopes {
        asked = asked.add_scope(Scope::new(scope.clone()));
    }
    let (url, ..) = asked.url();
    Ok(Departure { url: url.into(), state, nonce, verifier })
}

/// The user who comes back with `code`, as signed by the provider for this program, this request and this hour.
pub(super) fn arrive(
    oidc: &Oidc,
    back: &str,
    code: &str,
    verifier: String,
    nonce: String,
    clock: &Clock,
) -> Result<Arrival> {
    let provider = provider(oidc, back)?;
    let tokens = provider
        .exchange_code(AuthorizationCode::new(code.to_owned()))
        .context("the provider names no token endpoint")?
        .set_pkce_verifier(PkceCodeVerifier::new(verifier))
        .request(&call)
        // The provider's response may contain what it was sent.
        .map_err(|_| anyhow!("the provider gave no token"))?;
    let token = tokens.id_token().context("the provider gave no identity token")?;
    let verifier = provider.id_token_verifier().set_time_fn(|| clock.now());
    let claims = token.claims(&verifier, &Nonce::new(nonce)).context("the identity token does not hold")?;
    let claims = serde_json::to_value(claims).context("reading the claims")?;
    let subject = claims["sub"].as_str().context("the token names nobody")?.to_owned();
    let name = name(claims[&oidc.name_claim].as_str().unwrap_or_default()).or_else(|| name(&subject));
    let name = name.context("the name is empty, longer than 64 characters, or of signs that no login has")?;
    Ok(Arrival { name, subject, role: role(oidc, &claims[&oidc.roles_claim]) })
}

/// A name that is safe in the ledger and on pages, and cannot imitate another.
fn name(given: &str) -> Option<String> {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '+' | '|' | ':');
    (!given.is_empty() && given.chars().count() <= NAME_MAX && given.chars().all(plain)).then(|| given.to_owned())
}

/// The role with the most rights that one of the user's groups gives.
fn role(oidc: &Oidc, groups: &Value) -> Option<Role> {
    let listed = groups.as_array().into_iter().flatten().filter_map(Value::as_str);
    let groups: Vec<&str> = listed.chain(groups.as_str()).collect();
    let gives =
        |role: &Role| oidc.roles.get(role).is_some_and(|names| names.iter().any(|n| groups.contains(&n.as_str())));
    [Role::Administrateur, Role::Operateur, Role::Auditeur, Role::Lecteur].into_iter().find(gives)
}

fn provider(oidc: &Oidc, back: &str) -> Result<Provider> {
    // The specification compares issuers as text; one that is only a host is written without the trailing slash.
    let text = oidc.issuer.as_str();
    let issuer = if oidc.issuer.path() == "/" { text.trim_end_matches('/') } else { text };
    let issuer = IssuerUrl::new(issuer.to_owned()).context("[http.oidc] issuer")?;
    let metadata =
        CoreProviderMetadata::discover(&issuer, &call).context("the provider does not say what it offers")?;
    let secret = oidc.secret()?.map(|secret| ClientSecret::new(secret.expose_secret().to_owned()));
    let client = Provider::from_provider_metadata(metadata, ClientId::new(oidc.client_id.clone()), secret);
    Ok(client.set_redirect_uri(RedirectUrl::new(back.to_owned()).context("[http] public_url")?))
}

/// One request to the provider. Redirects are not followed.
fn call(request: HttpRequest) -> Result<HttpResponse, ureq::Error> {
    let found = rustls_native_certs::load_native_certs().certs;
    let certificates: Vec<Certificate<'static>> = found.iter().map(|c| Certificate::from_der(c).to_owned()).collect();
    let tls = TlsConfig::builder().root_certs(RootCerts::from(certificates)).build();
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .tls_config(tls)
        .build();
    let (head, mut body) = config.new_agent().run(request)?.into_parts();
    let body = body.with_config().limit(ANSWER_MAX).read_to_vec()?;
    Ok(HttpResponse::from_parts(head, body))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_group_with_the_most_rights_counts_and_none_gives_none() {
        let oidc: Oidc = serde_json::from_value(json!({
            "issuer": "https://id.example.org", "client_id": "convoke",
            "roles": {"lecteur": ["guichet"], "operateur": ["chefs", "adjoints"], "auditeur": ["igas"]}
        }))
        .unwrap();
        assert_eq!(role(&oidc, &json!(["guichet", "adjoints", "autres"])), Some(Role::Operateur));
        assert_eq!(role(&oidc, &json!("guichet")), Some(Role::Lecteur));
        assert_eq!(role(&oidc, &json!(["autres"])), None);
        assert_eq!(role(&oidc, &Value::Null), None);
        assert_eq!(role(&oidc, &json!({"guichet": true})), None);
    }
}
