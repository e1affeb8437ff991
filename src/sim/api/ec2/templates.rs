//! Launch templates: names that are unique, versions that never change, and tokens that make a repeat harmless.

use sha2::{Digest, Sha256};

use super::filter::{Field, Filters};
use super::page::{Limits, cut};
use super::{parsed, reply, required, specified_tags, tag_set, template_data};
use crate::model::names::hex;
use crate::sim::wire::{ApiError, Params, Reply, Xml};
use crate::sim::world::World;
use crate::sim::world::templates::{Template, TemplateData};

/// Longest client token.
const MAX_TOKEN: usize = 128;

/// `CreateLaunchTemplate`. The same request with the same client token gives the same template.
pub fn create(world: &mut World, params: &Params) -> Result<Reply, ApiError> {
    let name = required(params, "LaunchTemplateName")?;
    check_name(name)?;
    let data = template_data::read(params, TemplateData::default())?;
    let tags = specified_tags(params, "launch-template")?;
    let digest = hex(&Sha256::digest(format!("{params:?}").as_bytes()), 64);
    if let Some(token) = client_token(params)?
        && let Some((before, id)) = world.templates.client_tokens.get(token)
        && let Some(template) = world.templates.all.get(id)
    {
        if *before == digest {
            return reply("CreateLaunchTemplate", |xml| write_within(xml, world, template));
        }
        let message = "The client token has already been used in a request with different parameters.";
        return Err(ApiError::new("IdempotentParameterMismatch", message));
    }
    if world.templates.by_name(name).is_some() {
        let message = "Launch template name already in use.";
        return Err(ApiError::new("InvalidLaunchTemplateName.AlreadyExistsException", message));
    }
    let template = Template {
        id: world.fresh_id("lt"),
        name: name.to_owned(),
        created_at: world.now,
        default_version: 1,
        versions: vec![described(data, params)],
        tags,
    };
    if let Some(token) = client_token(params)? {
        world.templates.client_tokens.insert(token.to_owned(), (digest, template.id.clone()));
    }
    world.templates.all.insert(template.id.clone(), template.clone());
    reply("CreateLaunchTemplate", |xml| write_within(xml, world, &template))
}

/// `CreateLaunchTemplateVersion`, from scratch or on top of `SourceVersion`.
pub fn create_version(world: &mut World, params: &Params) -> Result<Reply, ApiError> {
    let id = existing(world, params)?;
    let base = match (params.get("SourceVersion"), world.templates.all.get(&id)) {
        (Some(version), Some(template)) => version_of(template, version)?.1.clone(),
        _ => TemplateData::default(),
    };
    let data = described(template_data::read(params, base)?, params);
    let template = world.templates.all.get_mut(&id).ok_or_else(|| id_not_found(&id))?;
    template.versions.push(data);
    let (template, number) = (&*template, template.versions.len() as u64);
    reply("CreateLaunchTemplateVersion", |xml| {
        if let Ok((number, data)) = version_of(template, &number.to_string()) {
            xml.within("launchTemplateVersion", |xml| write_version(xml, &world.account, template, number, data));
        }
    })
}

/// `ModifyLaunchTemplate`: sets the default version.
pub fn modify(world: &mut World, params: &Params) -> Result<Reply, ApiError> {
    let id = existing(world, params)?;
    let wanted = required(params, "SetDefaultVersion")?;
    let template = world.templates.all.get_mut(&id).ok_or_else(|| id_not_found(&id))?;
    template.default_version = version_of(template, wanted)?.0;
    let template = &*template;
    reply("ModifyLaunchTemplate", |xml| {
        xml.within("launchTemplate", |xml| write(xml, &world.account, template));
    })
}

/// `DeleteLaunchTemplate` with all its versions.
pub fn delete(world: &mut World, params: &Params) -> Result<Reply, ApiError> {
    let id = existing(world, params)?;
    let template = world.templates.all.get(&id).cloned().ok_or_else(|| id_not_found(&id))?;
    world.templates.all.remove(&id);
    let tokens = world.templates.client_tokens.iter().filter(|(_, (_, made))| *made == id);
    for token in tokens.map(|(token, _)| token.to_owned()).collect::<Vec<_>>() {
        world.templates.client_tokens.remove(&token);
    }
    reply("DeleteLaunchTemplate", |xml| write_within(xml, world, &template))
}

/// `DescribeLaunchTemplates`: 200 a page. What was just created is not known yet.
pub fn describe(world: &World, params: &Params) -> Result<Reply, ApiError> {
    let filters = Filters::read(params)?;
    let (ids, names) = (params.values("LaunchTemplateId"), params.values("LaunchTemplateName"));
    let known = || world.templates.all.values().filter(|template| is_known(world, template));
    for name in &names {
        known().find(|template| template.name == *name).ok_or_else(|| {
            let message = "At least one of the launch templates specified in the request does not exist.";
            ApiError::new("InvalidLaunchTemplateName.NotFoundException", message)
        })?;
    }
    for id in &ids {
        known().find(|template| template.id == *id).ok_or_else(|| id_not_found(id))?;
    }
    let mut found = Vec::new();
    for template in known() {
        let asked =
            (ids.is_empty() && names.is_empty()) || ids.contains(&template.id) || names.contains(&template.name);
        let field = |name: &str| match name {
            "launch-template-name" => (&template.name).into(),
            "create-time" => template.created_at.into(),
            _ => Field::Unknown,
        };
        if asked && filters.pass(&template.tags, field)? {
            found.push(template);
        }
    }
    let page = cut(params, found, |template| template.id.clone(), Limits::TEMPLATES)?;
    reply("DescribeLaunchTemplates", |xml| {
        xml.list("launchTemplates", "item", page.items, |xml, template| write(xml, &world.account, template));
        xml.optional("nextToken", page.next);
    })
}

/// `DescribeLaunchTemplateVersions` of one template, or the latest or default versions of all.
pub fn describe_versions(world: &World, params: &Params) -> Result<Reply, ApiError> {
    let wanted = params.values("LaunchTemplateVersion");
    let mut found = Vec::new();
    if params.get("LaunchTemplateId").is_none() && params.get("LaunchTemplateName").is_none() {
        if wanted.is_empty() || wanted.iter().any(|version| !version.starts_with('$')) {
            let message = "Either LaunchTemplateId or LaunchTemplateName must be specified, unless versions are $Latest or $Default.";
            return Err(ApiError::new("InvalidParameterCombination", message));
        }
        for template in world.templates.all.values().filter(|template| is_known(world, template)) {
            found.append(&mut versions_of(template, &wanted, params)?);
        }
    } else {
        let id = existing(world, params)?;
        let template = world.templates.all.get(&id).filter(|template| is_known(world, template));
        let Some(template) = template else {
            return Err(params.get("LaunchTemplateName").map_or_else(|| id_not_found(&id), name_not_found));
        };
        found = versions_of(template, &wanted, params)?;
    }
    let key = |(template, number, _): &(&Template, u64, &TemplateData)| format!("{} {number:020}", template.id);
    let page = cut(params, found, key, Limits::TEMPLATES)?;
    reply("DescribeLaunchTemplateVersions", |xml| {
        xml.list("launchTemplateVersionSet", "item", page.items, |xml, (template, number, data)| {
            write_version(xml, &world.account, template, number, data);
        });
        xml.optional("nextToken", page.next);
    })
}

fn check_name(name: &str) -> Result<(), ApiError> {
    let valid = |b: u8| b.is_ascii_alphanumeric() || b"-()./_".contains(&b);
    if (3..=128).contains(&name.len()) && name.bytes().all(valid) {
        return Ok(());
    }
    let message = "A launch template name must be between 3 and 128 characters, and may contain letters, numbers, and the following characters: - ( ) . / _";
    Err(ApiError::new("InvalidLaunchTemplateName.MalformedException", message))
}

fn client_token(params: &Params) -> Result<Option<&str>, ApiError> {
    match params.get("ClientToken") {
        Some(token) if token.len() > MAX_TOKEN => Err(super::invalid_value("ClientToken", token)),
        token => Ok(token.filter(|token| !token.is_empty())),
    }
}

fn described(mut data: TemplateData, params: &Params) -> TemplateData {
    data.description = params.get("VersionDescription").map(str::to_owned);
    data
}

/// Whether the describe calls know the template already.
fn is_known(world: &World, template: &Template) -> bool {
    world.consistency.after(template.created_at) <= world.now
}

/// The id of the template that a request names.
fn existing(world: &World, params: &Params) -> Result<String, ApiError> {
    match (params.get("LaunchTemplateId"), params.get("LaunchTemplateName")) {
        (Some(id), None) => {
            world.templates.all.get(id).map(|template| template.id.clone()).ok_or_else(|| id_not_found(id))
        }
        (None, Some(name)) => {
            world.templates.by_name(name).map(|template| template.id.clone()).ok_or_else(|| name_not_found(name))
        }
        _ => Err(ApiError::new(
            "InvalidParameterCombination",
            "Either LaunchTemplateId or LaunchTemplateName must be specified, but not both.",
        )),
    }
}

fn name_not_found(name: &str) -> ApiError {
    let message = format!("The specified launch template, with template name {name}, does not exist.");
    ApiError::new("InvalidLaunchTemplateName.NotFoundException", message)
}

fn id_not_found(id: &str) -> ApiError {
    let well_formed = id.strip_prefix("lt-").is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    if well_formed {
        let message = format!("The specified launch template, with template ID {id}, does not exist.");
        return ApiError::new("InvalidLaunchTemplateId.NotFound", message);
    }
    ApiError::new("InvalidLaunchTemplateId.Malformed", format!("Invalid launch template ID: {id}"))
}

/// A version by its number, `$Default` or `$Latest`.
fn version_of<'a>(template: &'a Template, version: &str) -> Result<(u64, &'a TemplateData), ApiError> {
    let number = match version {
        "$Default" => Some(template.default_version),
        "$Latest" => Some(template.versions.len() as u64),
        number => number.parse().ok(),
    };
    number.zip(template.version(version)).ok_or_else(|| {
        let message =
            format!("Could not find the specified version {version} for the launch template with ID {}.", template.id);
        ApiError::new("InvalidLaunchTemplateId.VersionNotFound", message)
    })
}

/// The versions that are wanted, by number; all of them when none is named.
fn versions_of<'a>(
    template: &'a Template,
    wanted: &[String],
    params: &Params,
) -> Result<Vec<(&'a Template, u64, &'a TemplateData)>, ApiError> {
    let mut numbers = std::collections::BTreeSet::new();
    for version in wanted {
        numbers.insert(version_of(template, version)?.0);
    }
    let least = parsed::<u64>(params, "MinVersion")?.unwrap_or(1);
    let most = parsed::<u64>(params, "MaxVersion")?.unwrap_or(u64::MAX);
    let all = (1u64..).zip(&template.versions);
    let asked =
        |number: u64| if wanted.is_empty() { (least..=most).contains(&number) } else { numbers.contains(&number) };
    Ok(all.filter(|(number, _)| asked(*number)).map(|(number, data)| (template, number, data)).collect())
}

fn write_within(xml: &mut Xml, world: &World, template: &Template) {
    xml.within("launchTemplate", |xml| write(xml, &world.account, template));
}

fn write(xml: &mut Xml, account: &str, template: &Template) {
    xml.leaf("launchTemplateId", &template.id).leaf("launchTemplateName", &template.name);
    xml.time("createTime", template.created_at).leaf("createdBy", format!("arn:aws:iam::{account}:user/simulated"));
    xml.leaf("defaultVersionNumber", template.default_version).leaf("latestVersionNumber", template.versions.len());
    tag_set(xml, &template.tags);
}

fn write_version(xml: &mut Xml, account: &str, template: &Template, number: u64, data: &TemplateData) {
    xml.leaf("launchTemplateId", &template.id).leaf("launchTemplateName", &template.name);
    xml.leaf("versionNumber", number).optional("versionDescription", data.description.as_ref());
    xml.time("createTime", template.created_at).leaf("createdBy", format!("arn:aws:iam::{account}:user/simulated"));
    xml.leaf("defaultVersion", number == template.default_version);
    template_data::write(xml, data);
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ask, text, world};
    use crate::model::time::Span;

    const CREATE: &str = "Action=CreateLaunchTemplate&LaunchTemplateData.ImageId=ami-1&LaunchTemplateName=";

    #[test]
    fn a_name_can_be_taken_once_and_a_token_makes_the_repeat_harmless() {
        let mut world = world();
        let first = ask(&mut world, &format!("{CREATE}hello-v001&ClientToken=t")).unwrap();
        assert_eq!(ask(&mut world, &format!("{CREATE}hello-v001&ClientToken=t")).unwrap(), first);
        let taken = ask(&mut world, &format!("{CREATE}hello-v001&ClientToken=u")).unwrap_err();
        assert_eq!(taken, "InvalidLaunchTemplateName.AlreadyExistsException");
        let other = ask(&mut world, &format!("{CREATE}hello-v002&ClientToken=t")).unwrap_err();
        assert_eq!(other, "IdempotentParameterMismatch");
        for name in ["ab", "with%20space", &"x".repeat(129)] {
            let code = ask(&mut world, &format!("{CREATE}{name}")).unwrap_err();
            assert_eq!(code, "InvalidLaunchTemplateName.MalformedException", "{name}");
        }
        assert_eq!(world.templates.all.len(), 1);
    }

    #[test]
    fn what_is_put_in_comes_out() {
        let mut world = world();
        let query = "LaunchTemplateData.InstanceType=c7g.large&LaunchTemplateData.KeyName=ops\
            &LaunchTemplateData.IamInstanceProfile.Name=web&LaunchTemplateData.SecurityGroupId.1=sg-1\
            &LaunchTemplateData.UserData=aGVsbG8%3D&LaunchTemplateData.Monitoring.Enabled=true\
            &LaunchTemplateData.MetadataOptions.HttpTokens=required\
            &LaunchTemplateData.BlockDeviceMapping.1.DeviceName=/dev/xvda\
            &LaunchTemplateData.BlockDeviceMapping.1.Ebs.VolumeSize=20\
            &LaunchTemplateData.TagSpecification.1.ResourceType=volume\
            &LaunchTemplateData.TagSpecification.1.Tag.1.Key=app&LaunchTemplateData.TagSpecification.1.Tag.1.Value=hello";
        ask(&mut world, &format!("{CREATE}hello-v001&{query}")).unwrap();
        let body = ask(&mut world, "Action=DescribeLaunchTemplateVersions&LaunchTemplateName=hello-v001").unwrap();
        for (name, value) in [
            ("imageId", "ami-1"),
            ("instanceType", "c7g.large"),
            ("keyName", "ops"),
            ("name", "web"),
            ("userData", "aGVsbG8="),
            ("enabled", "true"),
            ("httpTokens", "required"),
            ("deviceName", "/dev/xvda"),
            ("volumeSize", "20"),
            ("resourceType", "volume"),
            ("value", "hello"),
            ("defaultVersion", "true"),
        ] {
            assert_eq!(text(&body, name), value, "{name} in {body}");
        }
        assert!(body.contains("<securityGroupIdSet><item>sg-1</item></securityGroupIdSet>"));
    }

    #[test]
    fn a_new_template_is_not_known_until_ec2_is_consistent() {
        let mut world = world();
        world.consistency = Span::seconds(5);
        ask(&mut world, &format!("{CREATE}hello-v001")).unwrap();
        let by_name = "Action=DescribeLaunchTemplates&LaunchTemplateName.1=hello-v001";
        let versions = "Action=DescribeLaunchTemplateVersions&LaunchTemplateName=hello-v001";
        let not_found = "InvalidLaunchTemplateName.NotFoundException";
        assert_eq!(ask(&mut world, by_name).unwrap_err(), not_found);
        assert_eq!(ask(&mut world, versions).unwrap_err(), not_found);
        assert!(!ask(&mut world, "Action=DescribeLaunchTemplates").unwrap().contains("hello-v001"));
        // And yet its name is taken.
        let taken = "InvalidLaunchTemplateName.AlreadyExistsException";
        assert_eq!(ask(&mut world, &format!("{CREATE}hello-v001")).unwrap_err(), taken);
        world.advance(Span::seconds(5).after(world.now));
        assert_eq!(text(&ask(&mut world, by_name).unwrap(), "launchTemplateName"), "hello-v001");
        ask(&mut world, versions).unwrap();
    }

    #[test]
    fn templates_come_in_pages_and_by_tag() {
        let mut world = world();
        for number in 0..205 {
            let tag = "TagSpecification.1.ResourceType=launch-template&TagSpecification.1.Tag.1.Key=n&TagSpecification.1.Tag.1.Value";
            ask(&mut world, &format!("{CREATE}hello-{number:03}&{tag}={}", number % 2)).unwrap();
        }
        let first = ask(&mut world, "Action=DescribeLaunchTemplates").unwrap();
        assert_eq!(first.matches("<launchTemplateId>").count(), 200);
        let next = format!("Action=DescribeLaunchTemplates&NextToken={}", text(&first, "nextToken"));
        assert_eq!(ask(&mut world, &next).unwrap().matches("<launchTemplateId>").count(), 5);
        let odd = "Action=DescribeLaunchTemplates&Filter.1.Name=tag:n&Filter.1.Value.1=1";
        assert_eq!(ask(&mut world, odd).unwrap().matches("<launchTemplateId>").count(), 102);
    }

    #[test]
    fn versions_build_on_each_other_and_never_change() {
        let mut world = world();
        ask(&mut world, &format!("{CREATE}hello&LaunchTemplateData.KeyName=ops")).unwrap();
        let version = "Action=CreateLaunchTemplateVersion&LaunchTemplateName=hello";
        ask(&mut world, &format!("{version}&SourceVersion=1&LaunchTemplateData.ImageId=ami-2")).unwrap();
        let describe = "Action=DescribeLaunchTemplateVersions&LaunchTemplateName=hello&LaunchTemplateVersion.1";
        let latest = ask(&mut world, &format!("{describe}=$Latest")).unwrap();
        assert_eq!((text(&latest, "imageId"), text(&latest, "keyName")), ("ami-2", "ops"));
        assert_eq!(text(&ask(&mut world, &format!("{describe}=$Default")).unwrap(), "imageId"), "ami-1");
        ask(&mut world, "Action=ModifyLaunchTemplate&LaunchTemplateName=hello&SetDefaultVersion=2").unwrap();
        assert_eq!(text(&ask(&mut world, &format!("{describe}=$Default")).unwrap(), "versionNumber"), "2");
        assert_eq!(ask(&mut world, &format!("{describe}=3")).unwrap_err(), "InvalidLaunchTemplateId.VersionNotFound");
        ask(&mut world, "Action=DeleteLaunchTemplate&LaunchTemplateName=hello").unwrap();
        let gone = ask(&mut world, "Action=DeleteLaunchTemplate&LaunchTemplateName=hello").unwrap_err();
        assert_eq!(gone, "InvalidLaunchTemplateName.NotFoundException");
    }

    #[test]
    fn malformed_settings_are_refused() {
        let mut world = world();
        let long =
            base64::Engine::encode(&base64::engine::general_purpose::STANDARD, vec![b'x'; 16_385]).replace('=', "%3D");
        for (setting, code) in [
            ("UserData=%21".to_owned(), "InvalidUserData.Malformed"),
            (format!("UserData={long}"), "InvalidParameterValue"),
        ] {
            let code_found = ask(&mut world, &format!("{CREATE}hello&LaunchTemplateData.{setting}")).unwrap_err();
            assert_eq!(code_found, code, "{setting:.40}");
        }
        let bare = "Action=CreateLaunchTemplate&LaunchTemplateName=hello";
        assert_eq!(ask(&mut world, bare).unwrap_err(), "MissingParameter");
    }
}
