//! The STS operations, and who is let in to all others.
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_Operations.html>

use sha2::{Digest, Sha256};

use crate::model::names::hex;
use crate::model::time::Span;
use crate::sim::wire::{ApiError, REQUEST_ID, Reply, Request, Xml};
use crate::sim::world::World;
use crate::sim::world::identities::Session;

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// The operations, each with the members of its request that it reads: see [`members`](super::members).
pub(super) const MEMBERS: &str = "
    AssumeRole: DurationSeconds ExternalId RoleArn RoleSessionName
    GetCallerIdentity:
";

/// Carries out one operation.
pub fn call(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    match request.operation.as_str() {
        "GetCallerIdentity" => Ok(get_caller_identity(world, request)),
        "AssumeRole" => assume_role(world, request),
        other => {
            Err(ApiError::new("InvalidAction", format!("Could not find operation {other} for version 2011-06-15")))
        }
    }
}

/// Whether the caller is let in at all: its key is known, its session has not ended, the region and account are this one.
pub fn admit(world: &World, request: &Request) -> Result<(), ApiError> {
    if world.identities.refused_keys.contains(&request.access_key) {
        return Err(unknown_key(&request.service));
    }
    if let Some(session) = world.identities.sessions.get(&request.access_key) {
        if session.expires_at <= world.now {
            return Err(expired(&request.service));
        }
        if session.account != world.account && request.service != "sts" {
            let message =
                format!("The simulated AWS has account {} only, and {} is of another", world.account, session.arn());
            return Err(ApiError::new("AccessDenied", message).with_status(403));
        }
    }
    // Route 53 and the global endpoint of STS are signed for us-east-1 whatever the region.
    let global = matches!(request.service.as_str(), "route53" | "sts");
    if !global && request.region != world.region {
        let message = format!("Credential should be scoped to a valid region, not '{}'.", request.region);
        return Err(ApiError::new("SignatureDoesNotMatch", message).with_status(403));
    }
    Ok(())
}

/// The other account that a call is for, by the role that its caller has assumed. Its session must not have ended.
pub fn neighbour(world: &World, request: &Request) -> Option<String> {
    let session = world.identities.sessions.get(&request.access_key)?;
    let is_there = session.account != world.account && session.expires_at > world.now && request.service != "sts";
    (is_there && world.neighbours.contains_key(&session.account)).then(|| session.account.clone())
}

fn unknown_key(service: &str) -> ApiError {
    let invalid = "The security token included in the request is invalid.";
    match service {
        "ec2" => ApiError::new("AuthFailure", "AWS was not able to validate the provided access credentials")
            .with_status(401),
        "ssm" => ApiError::new("UnrecognizedClientException", invalid),
        _ => ApiError::new("InvalidClientTokenId", invalid).with_status(403),
    }
}

fn expired(service: &str) -> ApiError {
    let message = "The security token included in the request is expired";
    match service {
        "ec2" => ApiError::new("RequestExpired", "Request has expired."),
        "ssm" => ApiError::new("ExpiredTokenException", message),
        _ => ApiError::new("ExpiredToken", message).with_status(403),
    }
}

fn reply(operation: &str, fill: impl FnOnce(&mut Xml)) -> Reply {
    let mut xml = Xml::document(&format!("{operation}Response"), Some(NAMESPACE));
    xml.within(&format!("{operation}Result"), fill);
    xml.within("ResponseMetadata", |xml| {
        xml.leaf("RequestId", REQUEST_ID);
    });
    Reply::xml(xml.finish())
}

/// The ARN of whoever has this access key.
fn caller_arn(world: &World, access_key: &str) -> String {
    match world.identities.sessions.get(access_key) {
        Some(session) => session.arn(),
        None => format!("arn:aws:iam::{}:user/simulated", world.account),
    }
}

fn get_caller_identity(world: &World, request: &Request) -> Reply {
    let (account, user_id) = match world.identities.sessions.get(&request.access_key) {
        Some(session) => (session.account.clone(), format!("{}:{}", session.role_id, session.name)),
        None => (world.account.clone(), "AIDASIMULATED0000000A".to_owned()),
    };
    reply("GetCallerIdentity", |xml| {
        xml.leaf("Arn", caller_arn(world, &request.access_key)).leaf("UserId", user_id).leaf("Account", account);
    })
}

fn assume_role(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let arn = request.params.required("RoleArn")?;
    let name = request.params.required("RoleSessionName")?;
    let (account, path) = arn
        .strip_prefix("arn:aws:iam::")
        .and_then(|rest| rest.split_once(":role/"))
        .filter(|(account, path)| {
            account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()) && !path.is_empty()
        })
        .ok_or_else(|| ApiError::validation(format!("{arn} is invalid")))?;
    let valid_name = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
    if !(2..=64).contains(&name.len()) || !name.bytes().all(valid_name) {
        return Err(ApiError::validation(format!(
            "1 validation error detected: Value '{name}' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*"
        )));
    }
    let seconds = request.params.parse::<u64>("DurationSeconds")?.unwrap_or(3600);
    if !(900..=43_200).contains(&seconds) {
        return Err(ApiError::validation(format!(
            "1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: Member must have value between 900 and 43200"
        )));
    }
    if world.identities.external_ids.get(arn).is_some_and(|wanted| request.params.get("ExternalId") != Some(wanted)) {
        let message = format!(
            "User: {} is not authorized to perform: sts:AssumeRole on resource: {arn}",
            caller_arn(world, &request.access_key)
        );
        return Err(ApiError::new("AccessDenied", message).with_status(403));
    }
    let session = Session {
        account: account.to_owned(),
        role: path.rsplit('/').next().unwrap_or(path).to_owned(),
        name: name.to_owned(),
        role_id: format!("AROA{}", hex(&Sha256::digest(arn.as_bytes()), 17).to_uppercase()),
        expires_at: Span::seconds(seconds).after(world.now),
    };
    let access_key = format!("ASIA{:016X}", world.fresh_number());
    // Sessions that ended long ago would only make the world larger.
    let now = world.now;
    world.identities.sessions.retain(|_, old| Span::hours(24).after(old.expires_at) > now);
    world.identities.sessions.insert(access_key.clone(), session.clone());
    Ok(reply("AssumeRole", |xml| {
        xml.within("AssumedRoleUser", |xml| {
            xml.leaf("AssumedRoleId", format!("{}:{}", session.role_id, session.name)).leaf("Arn", session.arn());
        });
        xml.within("Credentials", |xml| {
            xml.leaf("AccessKeyId", &access_key).leaf("SecretAccessKey", "simulated").leaf("SessionToken", "simulated");
            xml.time("Expiration", session.expires_at);
        });
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Timestamp;
    use crate::sim::api::dispatch;
    use crate::sim::wire::Params;

    fn world() -> World {
        World::empty("123456789012", "us-west-2", Timestamp::UNIX_EPOCH)
    }

    fn request(service: &str, key: &str, query: &str) -> Request {
        let params = Params::decode(query.as_bytes());
        Request {
            service: service.into(),
            region: "us-west-2".into(),
            access_key: key.into(),
            operation: params.get("Action").unwrap_or_default().into(),
            params,
            ..Request::default()
        }
    }

    #[test]
    fn a_refused_key_is_refused_in_the_words_of_each_service() {
        let mut world = world();
        world.identities.refused_keys.insert("BAD".into());
        for (service, status, code) in [
            ("sts", 403, "InvalidClientTokenId"),
            ("ec2", 401, "AuthFailure"),
            ("ssm", 400, "UnrecognizedClientException"),
            ("route53", 403, "InvalidClientTokenId"),
        ] {
            let reply = dispatch(&mut world, &request(service, "BAD", "Action=GetCallerIdentity"));
            assert_eq!((reply.status, reply.error.as_deref()), (status, Some(code)), "{service}");
        }
        assert_eq!(dispatch(&mut world, &request("sts", "GOOD", "Action=GetCallerIdentity")).status, 200);
    }

    #[test]
    fn an_assumed_role_is_the_caller_until_its_session_ends() {
        let mut world = world();
        let role = "arn:aws:iam::210987654321:role/ops/deployer";
        world.identities.external_ids.insert(role.into(), "secret".into());
        let query = format!("Action=AssumeRole&RoleArn={role}&RoleSessionName=me&DurationSeconds=900");
        let reply = dispatch(&mut world, &request("sts", "K", &query));
        assert_eq!((reply.status, reply.error.as_deref()), (403, Some("AccessDenied")));

        let reply = dispatch(&mut world, &request("sts", "K", &format!("{query}&ExternalId=secret")));
        assert_eq!(reply.status, 200, "{}", reply.body);
        let key = world.identities.sessions.keys().next().unwrap().clone();
        let who = dispatch(&mut world, &request("sts", &key, "Action=GetCallerIdentity"));
        assert!(who.body.contains("<Arn>arn:aws:sts::210987654321:assumed-role/deployer/me</Arn>"), "{}", who.body);
        // The role is of another account, where nothing of this one can be seen.
        let images = dispatch(&mut world, &request("ec2", &key, "Action=DescribeImages"));
        assert_eq!(images.error.as_deref(), Some("AccessDenied"));
        world.advance(Span::minutes(15).after(Timestamp::UNIX_EPOCH));
        let who = dispatch(&mut world, &request("sts", &key, "Action=GetCallerIdentity"));
        assert_eq!(who.error.as_deref(), Some("ExpiredToken"));
    }

    #[test]
    fn another_region_is_refused_rather_than_answered_with_this_one() {
        let mut elsewhere = request("ec2", "K", "Action=DescribeImages");
        elsewhere.region = "eu-west-1".into();
        assert_eq!(dispatch(&mut world(), &elsewhere).error.as_deref(), Some("SignatureDoesNotMatch"));
    }
}
