//! The operations, each with the members of its request that it reads: see [`members`](crate::sim::api::members).

/// Every operation with its members.
pub(in crate::sim::api) const MEMBERS: &str = "
    CreateLaunchTemplate:
        ClientToken DryRun LaunchTemplateData.BlockDeviceMapping.#.DeviceName
        LaunchTemplateData.BlockDeviceMapping.#.Ebs.DeleteOnTermination
        LaunchTemplateData.BlockDeviceMapping.#.Ebs.Encrypted LaunchTemplateData.BlockDeviceMapping.#.Ebs.Iops
        LaunchTemplateData.BlockDeviceMapping.#.Ebs.KmsKeyId
        LaunchTemplateData.BlockDeviceMapping.#.Ebs.SnapshotId
        LaunchTemplateData.BlockDeviceMapping.#.Ebs.Throughput
        LaunchTemplateData.BlockDeviceMapping.#.Ebs.VolumeSize
        LaunchTemplateData.BlockDeviceMapping.#.Ebs.VolumeType LaunchTemplateData.CreditSpecification.CpuCredits
        LaunchTemplateData.EbsOptimized LaunchTemplateData.IamInstanceProfile.Arn
        LaunchTemplateData.IamInstanceProfile.Name LaunchTemplateData.ImageId LaunchTemplateData.InstanceType
        LaunchTemplateData.KeyName LaunchTemplateData.MetadataOptions.HttpEndpoint
        LaunchTemplateData.MetadataOptions.HttpPutResponseHopLimit LaunchTemplateData.MetadataOptions.HttpTokens
        LaunchTemplateData.MetadataOptions.InstanceMetadataTags LaunchTemplateData.Monitoring.Enabled
        LaunchTemplateData.Placement.Tenancy LaunchTemplateData.SecurityGroupId.#
        LaunchTemplateData.TagSpecification.#.ResourceType LaunchTemplateData.TagSpecification.#.Tag.#.Key
        LaunchTemplateData.TagSpecification.#.Tag.#.Value LaunchTemplateData.UserData LaunchTemplateName
        TagSpecification.#.ResourceType TagSpecification.#.Tag.#.Key TagSpecification.#.Tag.#.Value
        VersionDescription
    CreateLaunchTemplateVersion:
        ClientToken DryRun LaunchTemplateData.BlockDeviceMapping.#.DeviceName
        LaunchTemplateData.BlockDeviceMapping.#.Ebs.DeleteOnTermination
        LaunchTemplateData.BlockDeviceMapping.#.Ebs.Encrypted LaunchTemplateData.BlockDeviceMapping.#.Ebs.Iops
        LaunchTemplateData.BlockDeviceMapping.#.Ebs.KmsKeyId
        LaunchTemplateData.BlockDeviceMapping.#.Ebs.SnapshotId
        LaunchTemplateData.BlockDeviceMapping.#.Ebs.Throughput
        LaunchTemplateData.BlockDeviceMapping.#.Ebs.VolumeSize
        LaunchTemplateData.BlockDeviceMapping.#.Ebs.VolumeType LaunchTemplateData.CreditSpecification.CpuCredits
        LaunchTemplateData.EbsOptimized LaunchTemplateData.IamInstanceProfile.Arn
        LaunchTemplateData.IamInstanceProfile.Name LaunchTemplateData.ImageId LaunchTemplateData.InstanceType
        LaunchTemplateData.KeyName LaunchTemplateData.MetadataOptions.HttpEndpoint
        LaunchTemplateData.MetadataOptions.HttpPutResponseHopLimit LaunchTemplateData.MetadataOptions.HttpTokens
        LaunchTemplateData.MetadataOptions.InstanceMetadataTags LaunchTemplateData.Monitoring.Enabled
        LaunchTemplateData.Placement.Tenancy LaunchTemplateData.SecurityGroupId.#
        LaunchTemplateData.TagSpecification.#.ResourceType LaunchTemplateData.TagSpecification.#.Tag.#.Key
        LaunchTemplateData.TagSpecification.#.Tag.#.Value LaunchTemplateData.UserData LaunchTemplateId
        LaunchTemplateName SourceVersion VersionDescription
    CreateSecurityGroup:
        DryRun GroupDescription GroupName TagSpecification.#.ResourceType TagSpecification.#.Tag.#.Key
        TagSpecification.#.Tag.#.Value VpcId
    CreateSubnet:
        AvailabilityZone CidrBlock DryRun TagSpecification.#.ResourceType TagSpecification.#.Tag.#.Key
        TagSpecification.#.Tag.#.Value VpcId
    CreateTags:
        DryRun ResourceId.# Tag.#.Key Tag.#.Value
    CreateVpc:
        CidrBlock DryRun TagSpecification.#.ResourceType TagSpecification.#.Tag.#.Key
        TagSpecification.#.Tag.#.Value
    DeleteLaunchTemplate:
        DryRun LaunchTemplateId LaunchTemplateName
    DeleteTags:
        DryRun ResourceId.# Tag.#.Key Tag.#.Value
    DeregisterImage:
        DryRun ImageId
    DescribeAvailabilityZones:
        DryRun Filter.#.Name Filter.#.Value.# ZoneName.#
    DescribeImages:
        DryRun Filter.#.Name Filter.#.Value.# ImageId.# IncludeDeprecated IncludeDisabled MaxResults NextToken
        Owner.#
    DescribeInstanceStatus:
        DryRun Filter.#.Name Filter.#.Value.# IncludeAllInstances InstanceId.# MaxResults NextToken
    DescribeInstances:
        DryRun Filter.#.Name Filter.#.Value.# InstanceId.# MaxResults NextToken
    DescribeLaunchTemplateVersions:
        DryRun Filter.#.Name Filter.#.Value.# LaunchTemplateId LaunchTemplateName LaunchTemplateVersion.#
        MaxResults MaxVersion MinVersion NextToken
    DescribeLaunchTemplates:
        DryRun Filter.#.Name Filter.#.Value.# LaunchTemplateId.# LaunchTemplateName.# MaxResults NextToken
    DescribeSecurityGroups:
        DryRun Filter.#.Name Filter.#.Value.# GroupId.# MaxResults NextToken
    DescribeSubnets:
        DryRun Filter.#.Name Filter.#.Value.# MaxResults NextToken SubnetId.#
    DescribeTags:
        DryRun Filter.#.Name Filter.#.Value.# MaxResults NextToken
    DescribeVpcs:
        DryRun Filter.#.Name Filter.#.Value.# MaxResults NextToken VpcId.#
    GetConsoleOutput:
        DryRun InstanceId Latest
    ModifyLaunchTemplate:
        ClientToken DefaultVersion DryRun LaunchTemplateId LaunchTemplateName SetDefaultVersion
    RegisterImage:
        Architecture DryRun Name RootDeviceName TagSpecification.#.ResourceType TagSpecification.#.Tag.#.Key
        TagSpecification.#.Tag.#.Value
    TerminateInstances:
        DryRun InstanceId.#
";
