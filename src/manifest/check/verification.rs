//! Whether the checks of a release fit the app: its load balancer, its hosts and paths, and each other.

use crate::manifest::check::Subject;
use crate::manifest::check::balancing::twice;
use crate::manifest::diagnostic::{Code, Diagnostics, quoted};
use crate::model::spec::{Compare, Kind, LoadBalancer, SharedListener, SmokeCheck};

/// How many values the conditions of a rule may have together; the preview header takes one of them.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html>
const MAX_CONDITION_VALUES: usize = 5;

/// Headers that are Amiable's own, or that may hold secrets.
const RESERVED: [&str; 6] =
    ["host", "x-amiable-preview", "authorization", "cookie", "proxy-authorization", "x-api-key"];

/// Checks one app in one environment.
pub(super) fn check(subject: &Subject<'_>, findings: &mut Diagnostics) {
    let verification = &subject.spec.verification;
    let balanced = has_application_balancer(subject.spec);
    for (field, given) in [("smoke", !verification.smoke.is_empty()), ("compare", verification.compare.is_some())] {
        if given && !balanced {
            let message = format!("`verification.{field}` needs an application load balancer");
            let finding = subject
                .error(Code::Contradiction, &["verification", field], message)
                .related(subject.tree.nearest(&["loadBalancer"]), "there is none")
                .help(format!("remove it; where another layer sets it, write `verification: {{{field}: null}}`"));
            findings.push(finding);
        }
    }
    if balanced {
        smoke(subject, findings);
    }
    if let Some(compare) = &verification.compare {
        comparison(subject, compare, findings);
    }
}

fn has_application_balancer(spec: &crate::model::spec::AppSpec) -> bool {
    match &spec.load_balancer {
        LoadBalancer::None => false,
        LoadBalancer::Own(own) => own.kind == Kind::Application,
        LoadBalancer::Shared(_) => true,
    }
}

fn smoke(subject: &Subject<'_>, findings: &mut Diagnostics) {
    for (index, check) in subject.spec.verification.smoke.iter().enumerate() {
        let index = index.to_string();
        let at = |field| ["verification", "smoke", index.as_str(), field];
        if let Some(most) = check.max_latency
            && most.as_millis() > check.timeout.as_seconds() * 1000
        {
            let message = format!("`maxLatency` is {most}, longer than the answer is waited for: {}", check.timeout);
            let finding = subject.error(Code::Contradiction, &at("maxLatency"), message);
            findings.push(finding.help("lower it, or raise `timeout`"));
        }
        headers(subject, check, &at("headers"), findings);
        if let LoadBalancer::Shared(shared) = &subject.spec.load_balancer {
            within_rule(subject, shared, check, &at("path"), &at("host"), findings);
        }
        needs_host(subject, check, &at("host"), findings);
    }
    if let LoadBalancer::Shared(shared) = &subject.spec.load_balancer
        && !subject.spec.verification.smoke.is_empty()
        && shared.condition_values() >= MAX_CONDITION_VALUES
    {
        let message =
            "the rule for preview requests has the app's conditions and one header, and AWS takes 5 values together";
        let finding = subject.error(Code::OutOfRange, &["verification", "smoke"], message.to_owned());
        findings.push(finding.help("use four values at most, or leave out `verification.smoke`"));
    }
}

fn headers(subject: &Subject<'_>, check: &SmokeCheck, path: &[&str], findings: &mut Diagnostics) {
    twice(subject, path, check.headers.keys(), findings);
    for (name, value) in &check.headers {
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let fine = !name.is_empty() && name.bytes().all(token);
        if !fine || !value.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte)) {
            let finding =
                subject.error(Code::BadFormat, path, format!("{} is no header that can be sent", quoted(name)));
            findings.push(finding.help("a name of letters, digits and `-`, and a value in ASCII"));
        } else if RESERVED.contains(&name.to_ascii_lowercase().as_str()) {
            let finding = subject.error(Code::NotAllowed, path, format!("the header {} cannot be set", quoted(name)));
            findings.push(finding.help("use `host` for the host; a manifest is no place for secrets"));
        }
    }
}

/// A request that the app's own rule does not match would go to somebody else.
fn within_rule(
    subject: &Subject<'_>,
    shared: &SharedListener,
    check: &SmokeCheck,
    path: &[&str],
    host: &[&str],
    findings: &mut Diagnostics,
) {
    let asked = check.path.split('?').next().unwrap_or_default();
    if !shared.paths.is_empty() && !shared.paths.iter().any(|pattern| matches(pattern, asked)) {
        let message = format!("{} is none of the app's paths on the shared listener", quoted(asked));
        let finding = subject.error(Code::Contradiction, path, message);
        findings.push(finding.help(format!("the app's paths are {}", shared.paths.join(", "))));
    }
    conditions(subject, shared, check, path, findings);
    let Some(given) = &check.host else { return };
    let lower = |text: &str| text.to_ascii_lowercase();
    if !shared.hosts.is_empty() && !shared.hosts.iter().any(|pattern| matches(&lower(pattern), &lower(given))) {
        let message = format!("{} is none of the app's hosts on the shared listener", quoted(given));
        let finding = subject.error(Code::Contradiction, host, message);
        findings.push(finding.help(format!("the app's hosts are {}", shared.hosts.join(", "))));
    }
}

/// The conditions of the rule besides hosts and paths: what is sent must fulfil them, and whence it comes.
fn conditions(
    subject: &Subject<'_>,
    shared: &SharedListener,
    check: &SmokeCheck,
    path: &[&str],
    findings: &mut Diagnostics,
) {
    let method = check.method.as_str();
    if !shared.methods.is_empty() && !shared.methods.iter().any(|one| one == method) {
        let message = format!("the check is sent with {method}, which is none of the rule's methods");
        let finding = subject.error(Code::Contradiction, path, message);
        findings.push(finding.help(format!("add `method`: the rule's methods are {}", shared.methods.join(", "))));
    }
    for (name, values) in &shared.headers {
        let sent = check.headers.iter().find(|(sent, _)| sent.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        let lower = |text: &str| text.to_ascii_lowercase();
        if !sent.is_some_and(|sent| values.iter().any(|pattern| matches(&lower(pattern), &lower(sent)))) {
            let message = format!("the check does not send the header {} as the rule wants it", quoted(name));
            let finding = subject.error(Code::Contradiction, path, message);
            findings.push(finding.help(format!("add it to the check's `headers`: {}", values.join(" or "))));
        }
    }
    if !shared.source_ips.is_empty() {
        let message = "the rule has `sourceIps`, so that the check passes from these networks only".to_owned();
        let finding = subject.error(Code::Contradiction, path, message);
        let help = format!("run amiable within {}, or leave out the check", shared.source_ips.join(" or "));
        findings.push(finding.help(help).warning());
    }
}

/// Where the load balancer's own name would not do: hosts with wildcards only, or a certificate for another name.
fn needs_host(subject: &Subject<'_>, check: &SmokeCheck, path: &[&str], findings: &mut Diagnostics) {
    let spec = subject.spec;
    if check.host.is_some() {
        return;
    }
    let why = match &spec.load_balancer {
        LoadBalancer::Shared(shared) if shared.hosts.is_empty() => {
            spec.dns.is_none().then_some("the rule names no host")
        }
        LoadBalancer::Shared(shared) => {
            shared.hosts.iter().all(|host| host.contains(['*', '?'])).then_some("all hosts of the rule are patterns")
        }
        LoadBalancer::Own(own) => {
            let forwards = own.listeners.iter().filter(|listener| listener.redirect.is_none());
            let first = forwards.min_by_key(|listener| listener.port);
            let secure = first.is_some_and(|listener| listener.protocol.is_secure());
            (secure && spec.dns.is_none()).then_some("the listener shows a certificate")
        }
        LoadBalancer::None => None,
    };
    if let Some(why) = why {
        let message = format!("{why}, so that a smoke check must say which host it asks");
        let finding = subject.error(Code::MissingField, path, message);
        findings.push(finding.help("add `host: hello.example.com` to it, or give the app a `dns.name`"));
    }
}

fn comparison(subject: &Subject<'_>, compare: &Compare, findings: &mut Diagnostics) {
    let path = ["verification", "compare"];
    if compare.max_error_rate.is_none() && compare.max_error_ratio.is_none() && compare.max_latency_ratio.is_none() {
        let finding = subject.error(Code::Contradiction, &path, "`compare` has no limit to compare by".to_owned());
        findings.push(finding.help("add `maxErrorRate: 1%`, `maxErrorRatio: 2` or `maxLatencyRatio: 1.5`"));
    }
    if !compare.window.as_seconds().is_multiple_of(60) {
        let message = format!("`window` is {}, and CloudWatch counts by whole minutes", compare.window);
        let finding = subject.error(Code::BadFormat, &["verification", "compare", "window"], message);
        findings.push(finding.help("write it in minutes, such as `5m`"));
    }
}

/// Whether a text matches a pattern with `*` and `?`, as a load balancer compares them. Walks back to the last star only.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::manifest::fleet::load_texts;

    const ENVIRONMENT: &str = "apiVersion: amiable/v1
kind: Environment
metadata: {name: prod}
spec:
  region: us-west-2
  accountId: '123456789012'
  network: {vpcId: vpc-0a1b2c3d, subnetIds: [subnet-0a1b2c3d, subnet-0a1b2c3e]}
  securityGroupIds: [sg-0a1b2c3d]
  dnsZone: example.com
  listeners: {https: 'arn:aws:elasticloadbalancing:us-west-2:123456789012:listener/app/web/1/2'}
";

    /// What is wrong with an app that has these lines in its spec: code, message and advice of each finding.
    fn told(spec: &str) -> String {
        let app = format!(
            "apiVersion: amiable/v1
kind: App
metadata: {{name: web}}
spec:
  image: {{id: ami-0a1b2c3d}}
  instanceType: c7g.large
{spec}environments: {{prod: {{}}}}
"
        );
        let texts = [("web.yaml", app), ("prod.yaml", ENVIRONMENT.to_owned())];
        let texts = texts.into_iter().map(|(path, text)| (PathBuf::from(path), text)).collect();
        let Err(findings) = load_texts(texts) else { return "fine".to_owned() };
        let said = findings.iter().map(|one| format!("{} ({})", one.message, one.help.as_deref().unwrap_or("-")));
        said.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_may_be_said_is_taken() {
        let shared = "  loadBalancer: {listener: https, hosts: [web.example.com], paths: ['/web/*'], priority: 10}\n";
        for spec in [
            "  verification: {smoke: [{path: '/version?x=1', status: 200-299, body: ok, maxLatency: 300ms, attempts: 5}]}\n",
            "  verification: {smoke: [{path: /, method: HEAD, status: [200, '300-302'], headers: {X-Test: a b}}]}\n",
            "  verification: {alarms: [web-5xx, 'a/b c'], compare: {maxErrorRate: 0.5%, maxLatencyRatio: 1.5, latency: p99}}\n",
            "  verification: {webhook: {url: 'https://a.example.com/x', phase: duringBake, tokenVariable: AMIABLE_WEBHOOK_A}}\n",
            "  loadBalancer: none\n  verification: {alarms: [a], webhook: {url: 'http://localhost:8080/'}}\n",
            &format!("{shared}  verification: {{smoke: [{{path: /web/version}}]}}\n"),
        ] {
            assert_eq!(told(spec), "fine", "{spec}");
        }
    }

    #[test]
    fn a_check_that_the_rule_does_not_let_through_is_refused() {
        let told = |rule: &str, check: &str| {
            told(&format!(
                "  loadBalancer: {{listener: https, hosts: [web.example.com], {rule}}}\n  verification: {{smoke: [{{path: /{check}}}]}}\n"
            ))
        };
        assert!(told("methods: [POST]", "").contains("is sent with GET, which is none of the rule's methods"));
        assert_eq!(told("methods: [POST]", ", method: POST"), "fine");
        assert!(told("headers: {X-Team: [search, shop-*]}", "").contains("does not send the header `X-Team`"));
        assert!(told("headers: {X-Team: [search]}", ", headers: {X-Team: ads}").contains("`X-Team`"));
        assert_eq!(told("headers: {X-Team: [search, shop-*]}", ", headers: {x-team: Shop-1}"), "fine");
        assert_eq!(told("sourceIps: [10.0.0.0/8]", ""), "fine", "only doubtful");
    }

    #[test]
    fn what_could_never_pass_is_refused_with_advice() {
        let shared = |hosts: &str, smoke: &str| {
            format!(
                "  loadBalancer: {{listener: https, hosts: [{hosts}], paths: ['/web/*'], priority: 10}}\n  verification: {{smoke: [{smoke}]}}\n"
            )
        };
        let verification = |text: &str| format!("  verification: {{{text}}}\n");
        let worker = |text: &str| format!("  loadBalancer: none\n{}", verification(text));
        for (spec, message, help) in [
            (
                worker("smoke: [{path: /}]"),
                "`verification.smoke` needs an application load balancer",
                "`verification: {smoke: null}`",
            ),
            (worker("compare: {maxErrorRate: 1%}"), "`verification.compare` needs", "remove it"),
            (verification("smoke: [{path: version}]"), "is not the path of a request", "begin with `/`"),
            (verification("smoke: [{path: /, status: 2xx}]"), "`verification.smoke[0].status`", "-"),
            (verification("smoke: [{path: /, attempts: 0}]"), "it may be from 1 to 10", "-"),
            (verification("smoke: [{path: /, timeout: 5m}]"), "it may be from 1s to 30s", "-"),
            (
                verification("smoke: [{path: /, maxLatency: 6s}]"),
                "longer than the answer is waited for: 5s",
                "raise `timeout`",
            ),
            (verification("smoke: [{path: /, bodyMatches: '('}]"), "is not a regular expression", "group"),
            (verification("smoke: [{path: /, headers: {Authorization: x}}]"), "cannot be set", "no place for secrets"),
            (verification("smoke: [{path: /, headers: {'a b': x}}]"), "is no header that can be sent", "letters"),
            (verification("alarms: [a, a]"), "twice", "keep one"),
            (verification("compare: {minRequests: 5}"), "no limit to compare by", "maxErrorRate: 1%"),
            (verification("compare: {maxErrorRate: 1}"), "`verification.compare.maxErrorRate`", "-"),
            (verification("compare: {maxErrorRatio: 0.5}"), "0.5 is not a ratio from 1 to 100", "-"),
            (verification("compare: {maxErrorRate: 1%, window: 90s}"), "whole minutes", "`5m`"),
            (verification("webhook: {url: 'http://a.example.com/'}"), "is not the URL of a webhook", "https"),
            (
                verification("webhook: {url: 'https://a.b/', tokenVariable: AWS_SECRET_ACCESS_KEY}"),
                "is not a variable",
                "AMIABLE_WEBHOOK_TOKEN",
            ),
            (shared("web.example.com", "{path: /version}"), "`/version` is none of the app's paths", "/web/*"),
            (
                shared("web.example.com", "{path: /web/a, host: other.example.com}"),
                "none of the app's hosts",
                "web.example.com",
            ),
            (shared("'*.example.com'", "{path: /web/a}"), "must say which host it asks", "host: hello.example.com"),
            (
                shared("a.example.com, b.example.com, c.example.com, d.example.com", "{path: /web/a}"),
                "AWS takes 5 values together",
                "four values",
            ),
        ] {
            let said = told(&spec);
            assert!(said.contains(message) && said.contains(help), "{spec}: {said}");
        }
    }

    #[test]
    fn patterns_match_as_those_of_a_load_balancer() {
        for (pattern, text, expected) in [
            ("/shop/*", "/shop/version", true),
            ("/shop/*", "/shop", false),
            ("*.example.com", "a.example.com", true),
            ("*.example.com", "example.com", false),
            ("/v?/x", "/v1/x", true),
            ("*a*b", "xxaxxbxx", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} on {text}");
        }
    }
}
