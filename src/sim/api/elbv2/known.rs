//! The operations, each with the members of its request that it reads: see [`members`](crate::sim::api::members).

/// Every operation with its members.
pub(in crate::sim::api) const MEMBERS: &str = "
    action:
        AuthenticateCognitoConfig.OnUnauthenticatedRequest AuthenticateCognitoConfig.Scope
        AuthenticateCognitoConfig.SessionCookieName AuthenticateCognitoConfig.SessionTimeout
        AuthenticateCognitoConfig.UserPoolArn AuthenticateCognitoConfig.UserPoolClientId
        AuthenticateCognitoConfig.UserPoolDomain AuthenticateOidcConfig.AuthorizationEndpoint
        AuthenticateOidcConfig.ClientId AuthenticateOidcConfig.ClientSecret AuthenticateOidcConfig.Issuer
        AuthenticateOidcConfig.OnUnauthenticatedRequest AuthenticateOidcConfig.Scope
        AuthenticateOidcConfig.SessionCookieName AuthenticateOidcConfig.SessionTimeout
        AuthenticateOidcConfig.TokenEndpoint AuthenticateOidcConfig.UseExistingClientSecret
        AuthenticateOidcConfig.UserInfoEndpoint FixedResponseConfig.ContentType FixedResponseConfig.MessageBody
        FixedResponseConfig.StatusCode ForwardConfig.TargetGroupStickinessConfig.DurationSeconds
        ForwardConfig.TargetGroupStickinessConfig.Enabled ForwardConfig.TargetGroups.member.#.TargetGroupArn
        ForwardConfig.TargetGroups.member.#.Weight Order RedirectConfig.Host RedirectConfig.Path
        RedirectConfig.Port RedirectConfig.Protocol RedirectConfig.Query RedirectConfig.StatusCode TargetGroupArn
        Type
    check:
        HealthCheckEnabled HealthCheckIntervalSeconds HealthCheckPath HealthCheckPort HealthCheckProtocol
        HealthCheckTimeoutSeconds HealthyThresholdCount Matcher.HttpCode UnhealthyThresholdCount
    conditions:
        Conditions.member.#.Field Conditions.member.#.HostHeaderConfig.Values.member.#
        Conditions.member.#.HttpHeaderConfig.HttpHeaderName Conditions.member.#.HttpHeaderConfig.Values.member.#
        Conditions.member.#.HttpRequestMethodConfig.Values.member.#
        Conditions.member.#.PathPatternConfig.Values.member.# Conditions.member.#.SourceIpConfig.Values.member.#
        Conditions.member.#.Values.member.#
    AddTags:
        ResourceArns.member.# Tags.member.#.Key Tags.member.#.Value
    CreateListener:
        Certificates.member.#.CertificateArn DefaultActions.member.#.@action LoadBalancerArn Port Protocol
        SslPolicy Tags.member.#.Key Tags.member.#.Value
    CreateLoadBalancer:
        IpAddressType Name Scheme SecurityGroups.member.# SubnetMappings.member.#.SubnetId Subnets.member.#
        Tags.member.#.Key Tags.member.#.Value Type
    CreateRule:
        @conditions Actions.member.#.@action ListenerArn Priority Tags.member.#.Key Tags.member.#.Value
    CreateTargetGroup:
        @check Name Port Protocol Tags.member.#.Key Tags.member.#.Value TargetType VpcId
    DeleteListener:
        ListenerArn
    DeleteLoadBalancer:
        LoadBalancerArn
    DeleteRule:
        RuleArn
    DeleteTargetGroup:
        TargetGroupArn
    DeregisterTargets:
        TargetGroupArn Targets.member.#.Id Targets.member.#.Port
    DescribeListeners:
        ListenerArns.member.# LoadBalancerArn Marker PageSize
    DescribeLoadBalancerAttributes:
        LoadBalancerArn
    DescribeLoadBalancers:
        LoadBalancerArns.member.# Marker Names.member.# PageSize
    DescribeRules:
        ListenerArn Marker PageSize RuleArns.member.#
    DescribeTags:
        ResourceArns.member.#
    DescribeTargetGroupAttributes:
        TargetGroupArn
    DescribeTargetGroups:
        LoadBalancerArn Marker Names.member.# PageSize TargetGroupArns.member.#
    DescribeTargetHealth:
        TargetGroupArn Targets.member.#.Id Targets.member.#.Port
    ModifyListener:
        Certificates.member.#.CertificateArn DefaultActions.member.#.@action ListenerArn Port Protocol SslPolicy
    ModifyLoadBalancerAttributes:
        Attributes.member.#.Key Attributes.member.#.Value LoadBalancerArn
    ModifyRule:
        @conditions Actions.member.#.@action RuleArn
    ModifyTargetGroup:
        @check TargetGroupArn
    ModifyTargetGroupAttributes:
        Attributes.member.#.Key Attributes.member.#.Value TargetGroupArn
    RegisterTargets:
        TargetGroupArn Targets.member.#.Id Targets.member.#.Port
    RemoveTags:
        ResourceArns.member.# TagKeys.member.#
    SetIpAddressType:
        IpAddressType LoadBalancerArn
    SetRulePriorities:
        RulePriorities.member.#.Priority RulePriorities.member.#.RuleArn
    SetSecurityGroups:
        LoadBalancerArn SecurityGroups.member.#
    SetSubnets:
        LoadBalancerArn SubnetMappings.member.#.SubnetId Subnets.member.#
";
