//! What nobody would write by hand, and secrets in what somebody did.

use super::*;

#[test]
fn no_secret_appears_in_any_form_of_any_finding() {
    let spec = "  launch:\n    userData: |\n      PASSWORD=canary\n    userDat: 1\n    keyName: [canary-key]\n";
    let long = format!("  launch:\n    userData: \"{}\"\n", "canary ".repeat(4000));
    let inline = "  launch: {userData: canary, colour: 1}\n";
    let list = "  launch: {userData: [canary]}\n";
    let others = [
        "  launch:\n    userData: \"export A=b\n\tPASSWORD=canary\n    x\"\n",
        "  launch:\n    userData: \"export A=b\n\tPASSWORD=canary\n    x\n  }\n",
        "  launch:\n    userData: it\n  canary: [\n canary: {\n",
        "  launch: {user_data: \"export PASSWORD=canary\"}\n",
        "  container: {image: x, command: [serve, \"--password=canary\"], colour: 1}\n",
        "  container: {image: x, env: {A: \"canary\\nb\"}}\n",
        "  verification: {smoke: [{path: /, headers: {Authorization: Bearer canary}}]}\n",
        "  verification: {smoke: [{path: /, headers: [canary]}]}\n",
        "  verification: {webhook: {url: 'https://ada:canary@example.com/x'}}\n",
        "  verification: {webhook: {url: 'https://example.com/', tokenVariable: canary}}\n",
        "  healthCheck: {path: 'https://ada:canary@example.com/x'}\n",
        "  password: canary\n",
    ];
    let others = others.iter().map(|spec| (*spec, ""));
    for (spec, other) in [(spec, "canary-key"), (&long, ""), (inline, ""), (list, "")].into_iter().chain(others) {
        let findings = with(spec, "{}").unwrap_err();
        for format in Format::ALL {
            let shown = render(&findings, format, false);
            let shown = if other.is_empty() { shown } else { shown.replace(other, "") };
            assert!(!shown.contains("canary"), "{shown}");
        }
    }
}

#[test]
fn junk_of_any_kind_is_refused_without_a_panic() {
    let big = "x".repeat(1 << 20);
    let list = format!("{APP}  drift: {{ignore: [{}]}}\n", "a,".repeat(100_000));
    let keys = format!("{APP}  launch:\n{}", (0..50_000).map(|n| format!("    k{n}: 1\n")).collect::<String>());
    let secrets = format!("{APP}  launch:\n{}", "    userData: x\n".repeat(60_000));
    let nulls = "apiVersion: amiable/v1\nkind: App\nmetadata: null\nspec: null\nenvironments: null\n";
    let lists = "apiVersion: amiable/v1\nkind: Environment\nmetadata: []\nspec: []\nenvironments: []\n";
    let odd = "apiVersion: amiable/v1\nkind: App\nmetadata: {name: 1, labels: {a: [1], b: null}}\nspec: {image: null, loadBalancer: [1], dns: 1, strategy: {}}\nenvironments: {prod: 1, \"\": {}}\n";
    for text in ["", "\u{feff}", "[]", "1", "{}", "- a\n", big.as_str(), &list, &keys, &secrets, nulls, lists, odd] {
        let findings = fleet(&[("a.yaml", text), ("prod.yaml", ENVIRONMENT)])
            .map_or_else(|findings| findings, |fleet| fleet.warnings);
        // What is said stays readable, however much is wrong: so many findings at most, each of so many bytes.
        assert!(findings.len() <= 60, "{} findings", findings.len());
        for format in Format::ALL {
            let bytes = render(&findings, format, true).len();
            assert!(bytes <= 60 * 8192, "{bytes} bytes of {format}");
        }
    }
}

proptest::proptest! {
    #[test]
    fn no_change_to_a_manifest_makes_loading_panic(at in 0usize..400, with in "[a-z{}\\[\\]:,\"0-9 \n-]{0,4}", cut in 0usize..8) {
        let mut app = format!("{APP}  healthCheck: {{path: /, interval: 10s}}\n  loadBalancer: {{listener: https, priority: 3, hosts: [a.b]}}\nenvironments: {{prod: {{}}}}\n");
        let at = at % app.len();
        let end = (at + cut).min(app.len());
        app.replace_range(at..end, &with);
        if let Err(findings) = fleet(&[("web.yaml", &app), ("prod.yaml", ENVIRONMENT)]) {
            proptest::prop_assert!(findings.has_errors());
            render(&findings, Format::Full, true);
        }
    }
}
