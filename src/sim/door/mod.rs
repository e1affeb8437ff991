//! The ways in to a simulated AWS.
//!
//! - [`control`]: faults on demand, over the loopback port
//! - [`http_client`]: in the process, as the SDK's own HTTP client, on the simulation's time
//! - [`prober`]: requests to the simulated apps, and to webhooks
//! - [`server`]: on a loopback port, for any SDK and the `aws` command line

pub mod control;
pub mod http_client;
pub mod prober;
pub mod server;

use super::wire::decode::{HttpRequest, decode};
use super::{Outcome, Simulation};
use crate::model::time::Timestamp;

/// Decodes a request and carries it out.
fn receive(simulation: &Simulation, http: HttpRequest<'_>) -> Outcome {
    match decode(http) {
        Ok(request) => simulation.call(&request),
        Err(refusal) => Outcome::Reply(*refusal),
    }
}

/// The `Date` header of an answer.
fn date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock::Clock;
    use crate::sim::api::members;
    use crate::sim::world::World;

    /// The operations of the query services.
    fn queries() -> Vec<(&'static str, &'static str)> {
        ["autoscaling", "ec2", "elasticloadbalancing", "sts"]
            .into_iter()
            .flat_map(|service| members::operations(service).map(move |operation| (service, operation)))
            .collect()
    }

    fn status(service: &str, method: &str, uri: &str, target: Option<&str>, body: &[u8]) -> u16 {
        let start = Timestamp::UNIX_EPOCH;
        let simulation = Simulation::new(World::example(start), Clock::new(start, 1));
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=K/20260102/us-west-2/{service}/aws4_request, SignedHeaders=host, Signature=0"
        );
        match receive(&simulation, HttpRequest { method, uri, authorization: Some(&authorization), target, body }) {
            Outcome::Reply(reply) | Outcome::Late(reply, _) => reply.status,
            Outcome::Broken | Outcome::Unreachable => 0,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn any_query_is_answered(
            which in any::<prop::sample::Index>(),
            given in proptest::collection::vec((any::<prop::sample::Index>(), "[ -~é]{0,12}|[0-9$.-]{0,6}|ami-[0-9a-f]{17}|10.0.0.0/[0-9]{1,3}"), 0..6),
        ) {
            let (service, operation) = *which.get(&queries());
            let names: Vec<String> = members::of(service, operation).into_iter().collect();
            let mut body = form_urlencoded::Serializer::new(String::new());
            body.append_pair("Action", operation);
            for (name, value) in given.iter().filter(|_| !names.is_empty()) {
                body.append_pair(&name.get(&names).replace('#', "1"), value);
            }
            let status = status(service, "POST", "/", None, body.finish().as_bytes());
            prop_assert!((200..500).contains(&status), "{status}");
        }

        #[test]
        fn any_json_is_answered(which in any::<prop::sample::Index>(), name in "[a-zA-Z/:.é]{0,40}", value in "\\PC{0,20}", token in "[0-9x]{0,22}") {
            let operations: Vec<&str> = members::operations("ssm").collect();
            let operation = *which.get(&operations);
            let mut body = serde_json::json!({
                "Name": name, "Names": [name], "Path": name, "Value": value, "Type": "String", "Labels": [value],
                "NextToken": token, "ParameterFilters": [{"Key": name, "Values": [value]}], "TagKeys": [value],
                "Tags": [{"Key": name, "Value": value}], "ResourceId": name, "ResourceType": "Parameter",
            });
            let read = members::of("ssm", operation);
            let is_read = |name: &String| read.iter().any(|member| member.split('.').next() == Some(name));
            if let Some(body) = body.as_object_mut() {
                body.retain(|name, _| is_read(name));
            }
            let target = format!("AmazonSSM.{operation}");
            let status = status("ssm", "POST", "/", Some(&target), body.to_string().as_bytes());
            prop_assert!((200..500).contains(&status), "{status}");
        }

        #[test]
        fn any_bytes_are_answered(path in "[!-~]{0,30}", body in proptest::collection::vec(any::<u8>(), 0..200)) {
            for (service, method, prefix) in [("route53", "GET", "2013-04-01/"), ("route53", "POST", "2013-04-01/hostedzone"), ("ec2", "POST", "")] {
                let status = status(service, method, &format!("/{prefix}{path}"), None, &body);
                prop_assert!((200..500).contains(&status), "{status}");
            }
            let path = format!("{}GetMetricData", crate::sim::wire::decode::RPC);
            let answered = status("monitoring", "POST", &path, None, &body);
            prop_assert!((200..500).contains(&answered), "{answered}");
            let status = status("ssm", "POST", "/", Some("AmazonSSM.PutParameter"), &body);
            prop_assert!((200..500).contains(&status), "{status}");
        }
    }

    #[test]
    fn a_body_of_very_many_parameters_costs_little_time() {
        let mut body = String::from("Action=CreateTags&ResourceId.1=ami-1");
        for index in 1..20_000 {
            body.push_str(&format!("&Tag.{index}.Key=k{index}&Tag.{index}.Value=v"));
        }
        let begun = std::time::Instant::now();
        assert_eq!(status("ec2", "POST", "/", None, body.as_bytes()), 400);
        assert!(begun.elapsed() < std::time::Duration::from_secs(2), "{:?}", begun.elapsed());
    }
}
