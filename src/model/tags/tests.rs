//! What is written is read back, what is not ours is left alone, and what makes no sense is told.

use super::*;

fn owner() -> Ownership {
    Ownership {
        app: "hello-world".parse().unwrap(),
        environment: "prod".parse().unwrap(),
        generation: Generation(42),
        template_hash: "1-0a1b2c3d4e5f6071".parse().unwrap(),
        image: "ami-0123456789abcdef0".into(),
        release: BTreeMap::from([("version".into(), "1.9.0".into()), ("commit".into(), "3f2c1ab".into())]),
        artifacts: BTreeMap::from([("assets".into(), "s3://b/k?versionId=a%20b&x=ü".into())]),
        origin: Some("search hello-* of amazon, tested=true".parse().unwrap()),
        slot: Some(Slot::B),
        listeners: vec!["arn:aws:elasticloadbalancing:us-west-2:123456789012:listener/app/x/1/2".into()],
        rule: Some("arn:aws:elasticloadbalancing:us-west-2:123456789012:listener-rule/app/x/1/2/3".into()),
        dns: Some("hello.example.com".into()),
        nameless: Some(Nameless::At("2026-08-01T11:00:00Z".parse().unwrap())),
        applied: Some("abc".into()),
        writer: Some("2026-08-01T09:59:59.5Z 0a1b2c3d4e5f by ada".parse().unwrap()),
        healthy_since: Some("2026-08-01T10:00:00Z".parse().unwrap()),
        trial: Some("refused 0a1b2c3d 2026-08-01T10:00:25Z: 1 of 2 failed it".parse().unwrap()),
        lacking_since: Some("2026-08-01T10:00:20Z".parse().unwrap()),
        unwanted_since: Some("2026-08-01T10:00:25Z".parse().unwrap()),
        shifted_at: Some("2026-08-01T10:01:00Z".parse().unwrap()),
        recorded_at: Some("2026-08-01T10:06:00Z".parse().unwrap()),
        canary: Some("2 2026-08-01T10:00:30Z".parse().unwrap()),
        watched: Some("120 2026-08-01T10:02:30Z".parse().unwrap()),
        held_min: Some(2),
        marks: Marks {
            paused: Some(said("looks odd")),
            promoted: Some(said("").to("full")),
            promoted_image: Some(said("fixes the cart").to("ami-0123456789abcdef1")),
            suspended: Some(said("incident 42").to("2026-12-01T00:00:00Z")),
            pinned: Some(said("audit")),
            back_to: Some("ami-0123456789abcdef0".parse().unwrap()),
            traffic_back: None,
        },
        checks: Checks {
            preview_rule: Some("arn:aws:elasticloadbalancing:us-west-2:123456789012:listener-rule/app/x/1/2/4".into()),
            smoke_tries: Some("2 since 2026-08-01T10:00:10Z last 2026-08-01T10:00:20Z".parse().unwrap()),
            smoked_at: Some("2026-08-01T10:00:50Z".parse().unwrap()),
            asked: BTreeMap::from([(Phase::BeforeShift, "2026-08-01T10:00:51Z".parse().unwrap())]),
            approved: BTreeMap::from([(Phase::DuringBake, "2026-08-01T10:00:52Z".parse().unwrap())]),
            judged_by: Some("1-0a1b2c3d4e5f".into()),
        },
        failed: Some(Failure { at: "2026-08-01T10:07:00Z".parse().unwrap(), reason: "deadline: 20m".into() }),
    }
}

fn said(why: &str) -> Mark {
    Mark::new("2026-08-01T10:06:30Z".parse().unwrap(), "arn:aws:iam::123456789012:user/ada", why)
}

fn team() -> BTreeMap<String, String> {
    BTreeMap::from([("team".into(), "payments".into())])
}

#[test]
fn what_is_written_is_read_back() {
    let tags = encode(&owner(), &team());
    assert_eq!(decode(&tags), Ok(Some(owner())));
    assert_eq!(labels(&tags), team());
    assert_eq!(tags["Name"], "hello-world-prod-v042");

    let bare = Ownership {
        release: BTreeMap::new(),
        artifacts: BTreeMap::new(),
        origin: None,
        slot: None,
        listeners: Vec::new(),
        rule: None,
        dns: None,
        nameless: None,
        applied: None,
        writer: None,
        trial: None,
        healthy_since: None,
        unwanted_since: None,
        shifted_at: None,
        recorded_at: None,
        canary: None,
        watched: None,
        held_min: None,
        marks: Marks::default(),
        checks: Checks::default(),
        failed: None,
        ..owner()
    };
    assert_eq!(decode(&encode(&bare, &BTreeMap::new())), Ok(Some(bare)));
}

#[test]
fn what_was_never_healthy_may_have_lost_its_traffic_too() {
    let owner = Ownership { healthy_since: None, ..owner() };
    let tags = encode(&owner, &BTreeMap::new());
    assert_eq!(tags[keys::HEALTHY_SINCE], "- unwanted 2026-08-01T10:00:25Z");
    assert_eq!(decode(&tags), Ok(Some(owner)));
}

#[test]
fn who_gave_the_traffic_back_is_said_where_a_promotion_was() {
    let at = "2026-08-01T10:00:00Z".parse().unwrap();
    let mark = Mark::new(at, "arn:aws:iam::123456789012:user/ada", "it is over");
    let marks = Marks { traffic_back: Some(mark.traffic_from("fixed response 503")), ..Marks::default() };
    let served = Ownership { marks, ..owner() };
    let tags = encode(&served, &BTreeMap::new());
    assert_eq!(tags[keys::PROMOTED], "2026-08-01T10:00:00Z by ada to traffic-from-fixed-response-503 : it is over");
    assert_eq!(decode(&tags), Ok(Some(served)));
}

#[test]
fn seven_listeners_with_the_longest_names_fit_into_one_tag() {
    let path = "arn:aws-us-gov:elasticloadbalancing:us-gov-west-1:123456789012:listener/app";
    let arn = |id: u64| format!("{path}/{}/50dc6c495c0c9188/{id:016x}", "n".repeat(32));
    let listeners: Vec<String> = (0..7).map(arn).collect();
    let tags = encode(&Ownership { listeners: listeners.clone(), ..owner() }, &BTreeMap::new());
    assert!(tags[keys::LISTENER].len() <= MAX_VALUE, "{}", tags[keys::LISTENER].len());
    assert_eq!(decode(&tags).unwrap().unwrap().listeners, listeners);
}

#[test]
fn all_our_tags_together_with_the_most_labels_and_artifacts_are_not_more_than_aws_takes() {
    use crate::manifest::schema::MAX_LABELS;
    use crate::model::spec::MAX_ARTIFACTS;
    let names = |count: usize| (0..count).map(|number| (format!("n{number}"), "s3:x".to_owned())).collect();
    let full = Ownership { artifacts: names(MAX_ARTIFACTS), ..owner() };
    let tags = encode(&full, &names(MAX_LABELS));
    assert!(tags.len() <= 50, "{}", tags.len());
}

#[test]
fn what_is_escaped_is_plain_and_comes_back() {
    for text in ["", "hello-* of amazon, arm64", "a=b", "=", "==2A", "ü\n\u{202e}"] {
        let escaped = escape(text);
        assert!(escaped.chars().all(|c| c.is_ascii_alphanumeric() || "_.:/=+-@ ".contains(c)), "{escaped}");
        assert_eq!(unescape(&escaped).as_deref(), Some(text));
    }
    for text in ["=", "=2", "=ZZ", "=FF"] {
        assert_eq!(unescape(text), None, "{text}");
    }
}

#[test]
fn what_lacks_our_owner_tag_is_not_ours_whatever_else_it_carries() {
    let mut tags = encode(&owner(), &team());
    tags.insert(keys::OWNER.into(), "somebody".into());
    assert_eq!(decode(&tags), Ok(None));
    tags.remove(keys::OWNER);
    assert_eq!(decode(&tags), Ok(None));
    assert!(!belongs_to(&tags, &Scope::new("hello-world".parse().unwrap(), "prod".parse().unwrap())));
}

#[test]
fn tags_that_are_ours_and_make_no_sense_are_an_error_and_name_the_tag() {
    let good = encode(&owner(), &team());
    for (key, text) in [
        (keys::APP, "Not A Name"),
        (keys::ENVIRONMENT, ""),
        (keys::GENERATION, "42"),
        (keys::GENERATION, "v99999999999"),
        (keys::TEMPLATE_HASH, "zz"),
        (keys::SLOT, "c"),
        (keys::HEALTHY_SINCE, "yesterday"),
        (keys::SHIFTED_AT, "99999-01-01T00:00:00Z"),
        (keys::RECORDED_AT, "\u{0}"),
        (keys::SMOKE_TRIES, "two"),
        (keys::SMOKED_AT, "soon"),
        ("amiable:webhook-before-record", "approved"),
        ("amiable:webhook-before-record", "approved yes"),
        (keys::FAILED_AT, ""),
        (keys::CANARY, "two"),
        (keys::HELD_MIN, "-1"),
        (keys::PAUSED, "yes"),
        (keys::SUSPENDED, "2026-08-01"),
        (keys::BACK_TO, "v041"),
        (keys::PROMOTED_IMAGE, "ami-0123456789abcdef1"),
        (keys::IMAGE_SOURCE, "somewhere"),
    ] {
        let mut tags = good.clone();
        tags.insert(key.into(), text.into());
        let why = decode(&tags).unwrap_err();
        assert!(why.contains(key), "{why}");
    }
    for key in [keys::APP, keys::ENVIRONMENT, keys::GENERATION, keys::TEMPLATE_HASH, keys::IMAGE, keys::FAILED_AT] {
        let mut tags = good.clone();
        tags.remove(key);
        let why = decode(&tags).unwrap_err();
        assert!(why.contains(key), "{why}");
    }
}

#[test]
fn a_label_cannot_pass_for_a_tag_of_ours() {
    let hostile = BTreeMap::from([
        ("amiable:app".into(), "other".into()),
        ("amiable:failed-at".into(), "2026-08-01T10:00:00Z".into()),
        ("Name".into(), "other".into()),
        ("aws:autoscaling:groupName".into(), "other".into()),
    ]);
    let whole = Ownership { failed: None, ..owner() };
    assert_eq!(encode(&whole, &hostile), encode(&whole, &BTreeMap::new()));
}

#[test]
fn the_reason_of_a_failure_keeps_what_a_group_may_carry() {
    let failure = |reason: &str| {
        let failure = Failure { at: "2026-08-01T10:07:00Z".parse().unwrap(), reason: reason.to_owned() };
        encode_failure(&failure, None)[keys::FAILED].clone()
    };
    for reason in [
        "3.4% of its requests answered with 5xx, more than 1%",
        "i-0ab Target.ResponseCodeMismatch: Health checks failed with these codes: [500]",
        "We don't have capacity (AZ: us-west-2a), \"c7g.large\"; try <later> & ünder",
    ] {
        assert_eq!(failure(reason), reason);
    }
    assert_eq!(failure("a\n\t b\u{0}\u{202e}c"), "a b c");
    let long = failure(&"ä".repeat(300));
    assert_eq!((long.chars().count(), long.chars().last()), (MAX_VALUE, Some('…')));
    assert_eq!(failure(&"a".repeat(256)), "a".repeat(256));
}

#[test]
fn any_text_becomes_a_value_that_aws_takes() {
    assert_eq!(
        value("We don't have capacity (AZ: us-west-2a),\n try later"),
        "We don t have capacity AZ: us-west-2a try later"
    );
    assert_eq!(value(&"ä".repeat(300)).chars().count(), MAX_VALUE);
    assert_eq!(value("\u{0}\u{202e}"), "");
    let cut = value(&format!("{} b", "a".repeat(255)));
    assert_eq!(cut, "a".repeat(255));
}
