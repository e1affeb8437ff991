//! The operations, each with the members of its request that it reads: see [`members`](crate::sim::api::members).

/// Every operation with its members.
pub(in crate::sim::api) const MEMBERS: &str = "
    hook:
        DefaultResult HeartbeatTimeout LifecycleHookName LifecycleTransition NotificationTargetARN RoleARN
    settings:
        AutoScalingGroupName DefaultCooldown DefaultInstanceWarmup DeletionProtection DesiredCapacity
        HealthCheckGracePeriod HealthCheckType InstanceMaintenancePolicy.MaxHealthyPercentage
        InstanceMaintenancePolicy.MinHealthyPercentage LaunchTemplate.LaunchTemplateId
        LaunchTemplate.LaunchTemplateName LaunchTemplate.Version MaxInstanceLifetime MaxSize MinSize
        MixedInstancesPolicy.InstancesDistribution.OnDemandAllocationStrategy
        MixedInstancesPolicy.InstancesDistribution.OnDemandBaseCapacity
        MixedInstancesPolicy.InstancesDistribution.OnDemandPercentageAboveBaseCapacity
        MixedInstancesPolicy.InstancesDistribution.SpotAllocationStrategy
        MixedInstancesPolicy.InstancesDistribution.SpotMaxPrice
        MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification.LaunchTemplateId
        MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification.LaunchTemplateName
        MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification.Version
        MixedInstancesPolicy.LaunchTemplate.Overrides.member.#.InstanceType NewInstancesProtectedFromScaleIn
        TerminationPolicies.member.# VPCZoneIdentifier
    tag:
        Key PropagateAtLaunch ResourceId ResourceType Value
    AttachLoadBalancerTargetGroups:
        AutoScalingGroupName TargetGroupARNs.member.#
    CompleteLifecycleAction:
        AutoScalingGroupName InstanceId LifecycleActionResult LifecycleHookName
    CreateAutoScalingGroup:
        @settings LifecycleHookSpecificationList.member.#.@hook Tags.member.#.@tag TargetGroupARNs.member.#
    CreateOrUpdateTags:
        Tags.member.#.@tag
    DeleteAutoScalingGroup:
        AutoScalingGroupName ForceDelete
    DeleteLifecycleHook:
        AutoScalingGroupName LifecycleHookName
    DeletePolicy:
        AutoScalingGroupName PolicyName
    DeleteScheduledAction:
        AutoScalingGroupName ScheduledActionName
    DeleteTags:
        Tags.member.#.@tag
    DeleteWarmPool:
        AutoScalingGroupName
    DescribeAutoScalingGroups:
        AutoScalingGroupNames.member.# Filters.member.#.Name Filters.member.#.Values.member.# IncludeInstances
        MaxRecords NextToken
    DescribeAutoScalingInstances:
        InstanceIds.member.# MaxRecords NextToken
    DescribeLifecycleHooks:
        AutoScalingGroupName LifecycleHookNames.member.#
    DescribeLoadBalancerTargetGroups:
        AutoScalingGroupName MaxRecords NextToken
    DescribePolicies:
        AutoScalingGroupName MaxRecords NextToken PolicyNames.member.#
    DescribeScalingActivities:
        ActivityIds.member.# AutoScalingGroupName IncludeDeletedGroups MaxRecords NextToken
    DescribeScheduledActions:
        AutoScalingGroupName MaxRecords NextToken ScheduledActionNames.member.#
    DescribeTags:
        Filters.member.#.Name Filters.member.#.Values.member.# MaxRecords NextToken
    DescribeWarmPool:
        AutoScalingGroupName
    DetachLoadBalancerTargetGroups:
        AutoScalingGroupName TargetGroupARNs.member.#
    EnterStandby:
        AutoScalingGroupName InstanceIds.member.# ShouldDecrementDesiredCapacity
    ExitStandby:
        AutoScalingGroupName InstanceIds.member.#
    PutLifecycleHook:
        @hook AutoScalingGroupName
    PutScalingPolicy:
        AdjustmentType AutoScalingGroupName EstimatedInstanceWarmup MinAdjustmentMagnitude PolicyName PolicyType
        ScalingAdjustment StepAdjustments.member.#.MetricIntervalLowerBound
        StepAdjustments.member.#.MetricIntervalUpperBound StepAdjustments.member.#.ScalingAdjustment
        TargetTrackingConfiguration.DisableScaleIn
        TargetTrackingConfiguration.PredefinedMetricSpecification.PredefinedMetricType
        TargetTrackingConfiguration.PredefinedMetricSpecification.ResourceLabel
        TargetTrackingConfiguration.TargetValue
    PutScheduledUpdateGroupAction:
        AutoScalingGroupName DesiredCapacity MaxSize MinSize Recurrence ScheduledActionName StartTime TimeZone
    PutWarmPool:
        AutoScalingGroupName MaxGroupPreparedCapacity MinSize PoolState
    ResumeProcesses:
        AutoScalingGroupName ScalingProcesses.member.#
    SetDesiredCapacity:
        AutoScalingGroupName DesiredCapacity
    SetInstanceHealth:
        HealthStatus InstanceId ShouldRespectGracePeriod
    SetInstanceProtection:
        AutoScalingGroupName InstanceIds.member.# ProtectedFromScaleIn
    SuspendProcesses:
        AutoScalingGroupName ScalingProcesses.member.#
    TerminateInstanceInAutoScalingGroup:
        InstanceId ShouldDecrementDesiredCapacity
    UpdateAutoScalingGroup:
        @settings
";
