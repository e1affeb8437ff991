//! Reading groups, instances, tags and activities.

use crate::sim::api::trial::{Answer, Trial, group_params};
use crate::sim::world::example::HELLO_1_0;

fn many(count: usize) -> Trial {
    let mut aws = Trial::new();
    aws.template("t", HELLO_1_0);
    for n in 0..count {
        let params = group_params("t", 0).replace("AutoScalingGroupName=t", &format!("AutoScalingGroupName=g{n:03}"));
        let team = if n % 2 == 0 { "even" } else { "odd" };
        let tags =
            format!("Tags.member.1.Key=team&Tags.member.1.Value={team}&Tags.member.2.Key=n&Tags.member.2.Value={n}");
        aws.asg("CreateAutoScalingGroup", &format!("{params}&{tags}"));
    }
    aws
}

fn names(answer: &Answer) -> Vec<&str> {
    answer.all("AutoScalingGroupName")
}

#[test]
fn groups_come_fifty_a_page_and_a_hundred_at_most() {
    let mut aws = many(120);
    let first = aws.asg("DescribeAutoScalingGroups", "");
    assert_eq!(names(&first).len(), 50);
    assert_eq!(aws.asg_refuses("DescribeAutoScalingGroups", "MaxRecords=101").0, "ValidationError");
    let page = aws.asg("DescribeAutoScalingGroups", "MaxRecords=100");
    let token = page.one("NextToken").to_owned();
    let rest = aws.asg("DescribeAutoScalingGroups", &format!("MaxRecords=100&NextToken={token}"));
    assert_eq!((names(&page).len(), names(&rest).len()), (100, 20));
    assert!(rest.all("NextToken").is_empty());
    assert_eq!(aws.asg_refuses("DescribeAutoScalingGroups", "NextToken=nonsense").0, "InvalidNextToken");
}

#[test]
fn filters_are_joined_by_and_and_their_values_by_or() {
    let mut aws = many(6);
    let mut find = |filters: &[(&str, &[&str])]| {
        let mut params = String::new();
        for (f, (name, values)) in filters.iter().enumerate() {
            params.push_str(&format!("&Filters.member.{}.Name={name}", f + 1));
            for (v, value) in values.iter().enumerate() {
                params.push_str(&format!("&Filters.member.{}.Values.member.{}={value}", f + 1, v + 1));
            }
        }
        let answer = aws.asg("DescribeAutoScalingGroups", &params);
        names(&answer).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(find(&[("tag:n", &["1", "2", "9"])]), ["g001", "g002"]);
    assert_eq!(find(&[("tag:n", &["1", "2"]), ("tag:team", &["even"])]), ["g002"]);
    assert_eq!(find(&[("tag-key", &["team"])]).len(), 6);
    assert_eq!(find(&[("tag-value", &["odd"])]), ["g001", "g003", "g005"]);
    assert!(find(&[("tag-key", &["nothing"])]).is_empty());
    let unknown = "Filters.member.1.Name=name&Filters.member.1.Values.member.1=x";
    assert_eq!(aws.asg_refuses("DescribeAutoScalingGroups", unknown).0, "ValidationError");
}

#[test]
fn names_that_are_not_there_are_passed_over() {
    let mut aws = many(2);
    let params = "AutoScalingGroupNames.member.1=g001&AutoScalingGroupNames.member.2=nobody";
    assert_eq!(names(&aws.asg("DescribeAutoScalingGroups", params)), ["g001"]);
}

#[test]
fn instances_can_be_left_out() {
    let mut aws = Trial::new();
    aws.group("hello", HELLO_1_0, 2, "");
    aws.wait(20);
    assert_eq!(aws.asg("DescribeAutoScalingGroups", "").all("InstanceId").len(), 2);
    assert!(aws.asg("DescribeAutoScalingGroups", "IncludeInstances=false").all("InstanceId").is_empty());
    let answer = aws.asg("DescribeAutoScalingInstances", "");
    assert_eq!(answer.all("HealthStatus"), ["HEALTHY"; 2]);
}

#[test]
fn a_group_shows_what_it_was_given() {
    let mut aws = Trial::new();
    aws.group("hello", HELLO_1_0, 1, "HealthCheckType=ELB&DeletionProtection=prevent-force-deletion");
    let answer = aws.asg("DescribeAutoScalingGroups", "");
    assert_eq!(answer.one("HealthCheckType"), "ELB");
    assert_eq!(answer.one("HealthCheckGracePeriod"), "0", "the API's default; 300 is the console's");
    assert_eq!(answer.one("DeletionProtection"), "prevent-force-deletion");
    assert_eq!(answer.one("Version"), "1");
    let arn = answer.one("AutoScalingGroupARN");
    assert!(arn.starts_with("arn:aws:autoscaling:us-west-2:123456789012:autoScalingGroup:"), "{arn}");
    assert!(arn.ends_with(":autoScalingGroupName/hello"), "{arn}");
}

#[test]
fn tags_are_overwritten_silently() {
    let mut aws = Trial::new();
    aws.group("hello", HELLO_1_0, 0, "Tags.member.1.Key=a&Tags.member.1.Value=1");
    let tag = |value: &str| {
        format!(
            "Tags.member.1.ResourceId=hello&Tags.member.1.ResourceType=auto-scaling-group&Tags.member.1.Key=a\
             &Tags.member.1.Value={value}&Tags.member.1.PropagateAtLaunch=true"
        )
    };
    aws.asg("CreateOrUpdateTags", &tag("2"));
    let answer = aws.asg("DescribeTags", "Filters.member.1.Name=key&Filters.member.1.Values.member.1=a");
    assert_eq!((answer.one("Value"), answer.one("PropagateAtLaunch")), ("2", "true"));
    assert_eq!(aws.asg_refuses("CreateOrUpdateTags", &tag(&"x".repeat(257))).0, "ValidationError");
    aws.asg("CreateOrUpdateTags", &tag(&"x".repeat(256)));
    aws.asg("DeleteTags", &tag(""));
    assert!(aws.asg("DescribeTags", "").all("Key").is_empty());
    let nobody = tag("1").replace("ResourceId=hello", "ResourceId=nobody");
    assert_eq!(aws.asg_refuses("CreateOrUpdateTags", &nobody).0, "ValidationError");
}

#[test]
fn a_group_has_fifty_tags_at_most() {
    let mut aws = Trial::new();
    let tags: String = (1..=50).map(|n| format!("&Tags.member.{n}.Key=k{n}&Tags.member.{n}.Value=v")).collect();
    aws.group("hello", HELLO_1_0, 0, &tags);
    let one_more = "Tags.member.1.ResourceId=hello&Tags.member.1.Key=more&Tags.member.1.Value=v";
    assert_eq!(aws.asg_refuses("CreateOrUpdateTags", one_more).0, "LimitExceeded");
    assert_eq!(aws.asg("DescribeTags", "MaxRecords=100").all("Key").len(), 50);
    assert_eq!(aws.asg_refuses("DescribeTags", "MaxRecords=101").0, "ValidationError");
}

#[test]
fn activities_come_newest_first_and_in_pages() {
    let mut aws = Trial::new();
    aws.group("hello", HELLO_1_0, 3, "");
    aws.wait(20);
    aws.asg("UpdateAutoScalingGroup", "AutoScalingGroupName=hello&MinSize=0&DesiredCapacity=2");
    aws.wait(60);
    let first = aws.asg("DescribeScalingActivities", "AutoScalingGroupName=hello&MaxRecords=1");
    assert!(first.one("Description").starts_with("Terminating EC2 instance"));
    let token = first.one("NextToken").to_owned();
    let rest = aws.asg("DescribeScalingActivities", &format!("AutoScalingGroupName=hello&NextToken={token}"));
    assert_eq!(rest.all("ActivityId").len(), 3);
    assert!(rest.all("Description").iter().all(|it| it.starts_with("Launching a new EC2 instance")));
}

#[test]
fn an_operation_that_is_not_there_is_refused() {
    assert_eq!(Trial::new().asg_refuses("StartInstanceRefresh", "").0, "InvalidAction");
}
