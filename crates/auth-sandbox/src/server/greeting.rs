//! What the program prints when it listens: where everything is, ready to be pasted.

use super::space::Spaces;

pub(super) fn greeting(spaces: &Spaces) -> String {
    let sandbox = spaces.default().sandbox();
    let (address, origin) = (sandbox.address(), spaces.plan.origin(""));
    let (iqm, edgeiq) = (sandbox.iqm(), sandbox.edgeiq());
    let (eqworks, identityx) = (sandbox.eqworks(), sandbox.identityx());
    let (iqm_url, edgeiq_url) = (iqm.base_url(), edgeiq.base_url());
    let (eqworks_url, identityx_url) = (eqworks.base_url(), identityx.base_url());
    let endpoint = identityx.endpoint();
    let (client_id, client_secret) = (iqm.client_id(), iqm.client_secret());
    let (user, edgeiq_user) = (iqm.user(), edgeiq.user());
    let (email, password) = (user.email, user.password);
    let (edgeiq_email, edgeiq_password) = (edgeiq_user.email, edgeiq_user.password);
    let (eqworks_email, app_email) = (eqworks.user().email, identityx.app_user().email);
    let application = identityx.application_id();
    format!(
        r#"auth-sandbox listens on http://{address}

page       {origin}/
API        {origin}/_sandbox/openapi.json
IQM        {iqm_url}
EdgeIQ     {edgeiq_url}
EQ Works   {eqworks_url}dev
IdentityX  {endpoint}

Rust
  iqm_auth::Client::builder("{client_id}", "{client_secret}").base_url("{iqm_url}")
  edgeiq_auth::Client::builder().base_url("{edgeiq_url}")
  eqworks_auth::Client::builder(eqworks_auth::Stage::Dev, "atom").base_url("{eqworks_url}")
  identityx_auth::Client::builder().base_url("{identityx_url}")

authctl (config.toml)
  [profiles.sandbox-iqm]
  vendor = "iqm"
  base-url = "{iqm_url}"
  client-id = "{client_id}"
  account = "{email}"

curl
  curl -u {client_id}:{client_secret} {iqm_url}api/v3/ua/login \
    --json '{{"grantType":"password","email":"{email}","password":"{password}"}}'
  curl {edgeiq_url}user/authenticate \
    --json '{{"email":"{edgeiq_email}","password":"{edgeiq_password}"}}'
  curl '{eqworks_url}dev/login?user={eqworks_email}'
  curl '{origin}/_sandbox/mails/latest?to={eqworks_email}&wait=5s'
  curl -H 'x-app-id: {application}' {endpoint} \
    --json '{{"query":"mutation {{ sendAppUserLoginLink(input: {{ email: \"{app_email}\", authUrl: \"{origin}/\" }}) }}"}}'

Ctrl-C ends it.
"#
    )
}
