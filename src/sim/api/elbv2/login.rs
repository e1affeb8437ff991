//! Logins before a forward: kept as they are given, their secrets apart. The simulated AWS takes everybody for logged in.

use crate::sim::wire::{ApiError, Params, Xml};
use crate::sim::world::balancing::{Action, Login};

/// What a login of either kind must say.
const OIDC: &[&str] = &["Issuer", "AuthorizationEndpoint", "TokenEndpoint", "UserInfoEndpoint", "ClientId"];
const COGNITO: &[&str] = &["UserPoolArn", "UserPoolClientId", "UserPoolDomain"];

/// A login of this kind. The secret may be left out when it is to stay as it was.
pub(super) fn read(kind: &str, params: &Params, before: &[Action]) -> Result<Login, ApiError> {
    let oidc = kind == "authenticate-oidc";
    let given = params.below(config(kind));
    for name in if oidc { OIDC } else { COGNITO } {
        given.required(name)?;
    }
    let secret = match given.get("ClientSecret") {
        Some(secret) => Some(secret.to_owned()),
        None if oidc && given.parse("UseExistingClientSecret")? == Some(true) => existing_secret(before),
        None => None,
    };
    if oidc && secret.is_none() {
        return Err(ApiError::validation("A client secret must be specified for an authenticate-oidc action"));
    }
    let mut login = Login { kind: kind.to_owned(), settings: Default::default(), secret };
    for name in given.names().filter(|name| !matches!(*name, "ClientSecret" | "UseExistingClientSecret")) {
        if name.contains('.') {
            return Err(ApiError::validation(format!("The simulated AWS knows no '{name}' of a login")));
        }
        login.settings.insert(name.to_owned(), given.required(name)?.to_owned());
    }
    Ok(login)
}

fn config(kind: &str) -> &'static str {
    if kind == "authenticate-oidc" { "AuthenticateOidcConfig" } else { "AuthenticateCognitoConfig" }
}

fn existing_secret(before: &[Action]) -> Option<String> {
    before.iter().find_map(|action| match action {
        Action::Login(login) => login.secret.clone(),
        _ => None,
    })
}

/// Writes a login, but for its secret, which is never told.
pub(super) fn write(xml: &mut Xml, login: &Login) {
    xml.leaf("Type", &login.kind);
    xml.within(config(&login.kind), |xml| {
        for (name, value) in &login.settings {
            xml.leaf(name, value);
        }
    });
}
