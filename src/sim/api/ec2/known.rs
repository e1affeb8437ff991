//! The operations, each with the members of its request that it reads: see [`members`](crate::sim::api::members).

/// Every operation with its members.
pub(in crate::sim::api) const MEMBERS: &str = "
    data:
        BlockDeviceMapping.#.DeviceName BlockDeviceMapping.#.Ebs.DeleteOnTermination
        BlockDeviceMapping.#.Ebs.Encrypted BlockDeviceMapping.#.Ebs.Iops BlockDeviceMapping.#.Ebs.KmsKeyId
        BlockDeviceMapping.#.Ebs.SnapshotId BlockDeviceMapping.#.Ebs.Throughput
        BlockDeviceMapping.#.Ebs.VolumeSize BlockDeviceMapping.#.Ebs.VolumeType CreditSpecification.CpuCredits
        EbsOptimized IamInstanceProfile.Arn IamInstanceProfile.Name ImageId InstanceType KeyName
        MetadataOptions.HttpEndpoint MetadataOptions.HttpPutResponseHopLimit MetadataOptions.HttpTokens
        MetadataOptions.InstanceMetadataTags Monitoring.Enabled Placement.Tenancy SecurityGroupId.#
        TagSpecification.#.ResourceType TagSpecification.#.Tag.#.Key TagSpecification.#.Tag.#.Value UserData
    listing:
        Filter.#.Name Filter.#.Value.# MaxResults NextToken
    tags:
        TagSpecification.#.ResourceType TagSpecification.#.Tag.#.Key TagSpecification.#.Tag.#.Value
    CreateLaunchTemplate:
        @tags ClientToken DryRun LaunchTemplateData.@data LaunchTemplateName VersionDescription
    CreateLaunchTemplateVersion:
        ClientToken DryRun LaunchTemplateData.@data LaunchTemplateId LaunchTemplateName SourceVersion
        VersionDescription
    CreateSecurityGroup:
        @tags DryRun GroupDescription GroupName VpcId
    CreateSubnet:
        @tags AvailabilityZone CidrBlock DryRun VpcId
    CreateTags:
        DryRun ResourceId.# Tag.#.Key Tag.#.Value
    CreateVpc:
        @tags CidrBlock DryRun
    DeleteLaunchTemplate:
        DryRun LaunchTemplateId LaunchTemplateName
    DeleteTags:
        DryRun ResourceId.# Tag.#.Key Tag.#.Value
    DeregisterImage:
        DryRun ImageId
    DescribeAvailabilityZones:
        DryRun Filter.#.Name Filter.#.Value.# ZoneName.#
    DescribeImages:
        @listing DryRun ImageId.# IncludeDeprecated IncludeDisabled Owner.#
    DescribeInstanceStatus:
        @listing DryRun IncludeAllInstances InstanceId.#
    DescribeInstances:
        @listing DryRun InstanceId.#
    DescribeLaunchTemplateVersions:
        @listing DryRun LaunchTemplateId LaunchTemplateName LaunchTemplateVersion.# MaxVersion MinVersion
    DescribeLaunchTemplates:
        @listing DryRun LaunchTemplateId.# LaunchTemplateName.#
    DescribeSecurityGroups:
        @listing DryRun GroupId.#
    DescribeSubnets:
        @listing DryRun SubnetId.#
    DescribeTags:
        @listing DryRun
    DescribeVpcs:
        @listing DryRun VpcId.#
    GetConsoleOutput:
        DryRun InstanceId Latest
    ModifyLaunchTemplate:
        ClientToken DefaultVersion DryRun LaunchTemplateId LaunchTemplateName SetDefaultVersion
    RegisterImage:
        @tags Architecture DryRun Name RootDeviceName
    TerminateInstances:
        DryRun InstanceId.#
";
