//! The operations, each with the members of its request that it reads: see [`members`](crate::sim::api::members).

/// Every operation with its members.
pub(in crate::sim::api) const MEMBERS: &str = "
    AddTags:
        ResourceArns.member.# Tags.member.#.Key Tags.member.#.Value
    CreateListener:
        Certificates.member.#.CertificateArn
        DefaultActions.member.#.AuthenticateCognitoConfig.OnUnauthenticatedRequest
        DefaultActions.member.#.AuthenticateCognitoConfig.Scope
        DefaultActions.member.#.AuthenticateCognitoConfig.SessionCookieName
        DefaultActions.member.#.AuthenticateCognitoConfig.SessionTimeout
        DefaultActions.member.#.AuthenticateCognitoConfig.UserPoolArn
        DefaultActions.member.#.AuthenticateCognitoConfig.UserPoolClientId
        DefaultActions.member.#.AuthenticateCognitoConfig.UserPoolDomain
        DefaultActions.member.#.AuthenticateOidcConfig.AuthorizationEndpoint
        DefaultActions.member.#.AuthenticateOidcConfig.ClientId
        DefaultActions.member.#.AuthenticateOidcConfig.ClientSecret
        DefaultActions.member.#.AuthenticateOidcConfig.Issuer
        DefaultActions.member.#.AuthenticateOidcConfig.OnUnauthenticatedRequest
        DefaultActions.member.#.AuthenticateOidcConfig.Scope
        DefaultActions.member.#.AuthenticateOidcConfig.SessionCookieName
        DefaultActions.member.#.AuthenticateOidcConfig.SessionTimeout
        DefaultActions.member.#.AuthenticateOidcConfig.TokenEndpoint
        DefaultActions.member.#.AuthenticateOidcConfig.UseExistingClientSecret
        DefaultActions.member.#.AuthenticateOidcConfig.UserInfoEndpoint
        DefaultActions.member.#.FixedResponseConfig.ContentType
        DefaultActions.member.#.FixedResponseConfig.MessageBody
        DefaultActions.member.#.FixedResponseConfig.StatusCode
        DefaultActions.member.#.ForwardConfig.TargetGroupStickinessConfig.DurationSeconds
        DefaultActions.member.#.ForwardConfig.TargetGroupStickinessConfig.Enabled
        DefaultActions.member.#.ForwardConfig.TargetGroups.member.#.TargetGroupArn
        DefaultActions.member.#.ForwardConfig.TargetGroups.member.#.Weight DefaultActions.member.#.Order
        DefaultActions.member.#.RedirectConfig.Host DefaultActions.member.#.RedirectConfig.Path
        DefaultActions.member.#.RedirectConfig.Port DefaultActions.member.#.RedirectConfig.Protocol
        DefaultActions.member.#.RedirectConfig.Query DefaultActions.member.#.RedirectConfig.StatusCode
        DefaultActions.member.#.TargetGroupArn DefaultActions.member.#.Type LoadBalancerArn Port Protocol
        SslPolicy Tags.member.#.Key Tags.member.#.Value
    CreateLoadBalancer:
        IpAddressType Name Scheme SecurityGroups.member.# SubnetMappings.member.#.SubnetId Subnets.member.#
        Tags.member.#.Key Tags.member.#.Value Type
    CreateRule:
        Actions.member.#.AuthenticateCognitoConfig.OnUnauthenticatedRequest
        Actions.member.#.AuthenticateCognitoConfig.Scope
        Actions.member.#.AuthenticateCognitoConfig.SessionCookieName
        Actions.member.#.AuthenticateCognitoConfig.SessionTimeout
        Actions.member.#.AuthenticateCognitoConfig.UserPoolArn
        Actions.member.#.AuthenticateCognitoConfig.UserPoolClientId
        Actions.member.#.AuthenticateCognitoConfig.UserPoolDomain
        Actions.member.#.AuthenticateOidcConfig.AuthorizationEndpoint
        Actions.member.#.AuthenticateOidcConfig.ClientId Actions.member.#.AuthenticateOidcConfig.ClientSecret
        Actions.member.#.AuthenticateOidcConfig.Issuer
        Actions.member.#.AuthenticateOidcConfig.OnUnauthenticatedRequest
        Actions.member.#.AuthenticateOidcConfig.Scope Actions.member.#.AuthenticateOidcConfig.SessionCookieName
        Actions.member.#.AuthenticateOidcConfig.SessionTimeout
        Actions.member.#.AuthenticateOidcConfig.TokenEndpoint
        Actions.member.#.AuthenticateOidcConfig.UseExistingClientSecret
        Actions.member.#.AuthenticateOidcConfig.UserInfoEndpoint Actions.member.#.FixedResponseConfig.ContentType
        Actions.member.#.FixedResponseConfig.MessageBody Actions.member.#.FixedResponseConfig.StatusCode
        Actions.member.#.ForwardConfig.TargetGroupStickinessConfig.DurationSeconds
        Actions.member.#.ForwardConfig.TargetGroupStickinessConfig.Enabled
        Actions.member.#.ForwardConfig.TargetGroups.member.#.TargetGroupArn
        Actions.member.#.ForwardConfig.TargetGroups.member.#.Weight Actions.member.#.Order
        Actions.member.#.RedirectConfig.Host Actions.member.#.RedirectConfig.Path
        Actions.member.#.RedirectConfig.Port Actions.member.#.RedirectConfig.Protocol
        Actions.member.#.RedirectConfig.Query Actions.member.#.RedirectConfig.StatusCode
        Actions.member.#.TargetGroupArn Actions.member.#.Type Conditions.member.#.Field
        Conditions.member.#.HostHeaderConfig.Values.member.# Conditions.member.#.HttpHeaderConfig.HttpHeaderName
        Conditions.member.#.HttpHeaderConfig.Values.member.#
        Conditions.member.#.HttpRequestMethodConfig.Values.member.#
        Conditions.member.#.PathPatternConfig.Values.member.#
        Conditions.member.#.SourceIpConfig.Values.member.# Conditions.member.#.Values.member.# ListenerArn
        Priority Tags.member.#.Key Tags.member.#.Value
    CreateTargetGroup:
        HealthCheckEnabled HealthCheckIntervalSeconds HealthCheckPath HealthCheckPort HealthCheckProtocol
        HealthCheckTimeoutSeconds HealthyThresholdCount Matcher.HttpCode Name Port Protocol Tags.member.#.Key
        Tags.member.#.Value TargetType UnhealthyThresholdCount VpcId
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
        Certificates.member.#.CertificateArn
        DefaultActions.member.#.AuthenticateCognitoConfig.OnUnauthenticatedRequest
        DefaultActions.member.#.AuthenticateCognitoConfig.Scope
        DefaultActions.member.#.AuthenticateCognitoConfig.SessionCookieName
        DefaultActions.member.#.AuthenticateCognitoConfig.SessionTimeout
        DefaultActions.member.#.AuthenticateCognitoConfig.UserPoolArn
        DefaultActions.member.#.AuthenticateCognitoConfig.UserPoolClientId
        DefaultActions.member.#.AuthenticateCognitoConfig.UserPoolDomain
        DefaultActions.member.#.AuthenticateOidcConfig.AuthorizationEndpoint
        DefaultActions.member.#.AuthenticateOidcConfig.ClientId
        DefaultActions.member.#.AuthenticateOidcConfig.ClientSecret
        DefaultActions.member.#.AuthenticateOidcConfig.Issuer
        DefaultActions.member.#.AuthenticateOidcConfig.OnUnauthenticatedRequest
        DefaultActions.member.#.AuthenticateOidcConfig.Scope
        DefaultActions.member.#.AuthenticateOidcConfig.SessionCookieName
        DefaultActions.member.#.AuthenticateOidcConfig.SessionTimeout
        DefaultActions.member.#.AuthenticateOidcConfig.TokenEndpoint
        DefaultActions.member.#.AuthenticateOidcConfig.UseExistingClientSecret
        DefaultActions.member.#.AuthenticateOidcConfig.UserInfoEndpoint
        DefaultActions.member.#.FixedResponseConfig.ContentType
        DefaultActions.member.#.FixedResponseConfig.MessageBody
        DefaultActions.member.#.FixedResponseConfig.StatusCode
        DefaultActions.member.#.ForwardConfig.TargetGroupStickinessConfig.DurationSeconds
        DefaultActions.member.#.ForwardConfig.TargetGroupStickinessConfig.Enabled
        DefaultActions.member.#.ForwardConfig.TargetGroups.member.#.TargetGroupArn
        DefaultActions.member.#.ForwardConfig.TargetGroups.member.#.Weight DefaultActions.member.#.Order
        DefaultActions.member.#.RedirectConfig.Host DefaultActions.member.#.RedirectConfig.Path
        DefaultActions.member.#.RedirectConfig.Port DefaultActions.member.#.RedirectConfig.Protocol
        DefaultActions.member.#.RedirectConfig.Query DefaultActions.member.#.RedirectConfig.StatusCode
        DefaultActions.member.#.TargetGroupArn DefaultActions.member.#.Type ListenerArn Port Protocol SslPolicy
    ModifyLoadBalancerAttributes:
        Attributes.member.#.Key Attributes.member.#.Value LoadBalancerArn
    ModifyRule:
        Actions.member.#.AuthenticateCognitoConfig.OnUnauthenticatedRequest
        Actions.member.#.AuthenticateCognitoConfig.Scope
        Actions.member.#.AuthenticateCognitoConfig.SessionCookieName
        Actions.member.#.AuthenticateCognitoConfig.SessionTimeout
        Actions.member.#.AuthenticateCognitoConfig.UserPoolArn
        Actions.member.#.AuthenticateCognitoConfig.UserPoolClientId
        Actions.member.#.AuthenticateCognitoConfig.UserPoolDomain
        Actions.member.#.AuthenticateOidcConfig.AuthorizationEndpoint
        Actions.member.#.AuthenticateOidcConfig.ClientId Actions.member.#.AuthenticateOidcConfig.ClientSecret
        Actions.member.#.AuthenticateOidcConfig.Issuer
        Actions.member.#.AuthenticateOidcConfig.OnUnauthenticatedRequest
        Actions.member.#.AuthenticateOidcConfig.Scope Actions.member.#.AuthenticateOidcConfig.SessionCookieName
        Actions.member.#.AuthenticateOidcConfig.SessionTimeout
        Actions.member.#.AuthenticateOidcConfig.TokenEndpoint
        Actions.member.#.AuthenticateOidcConfig.UseExistingClientSecret
        Actions.member.#.AuthenticateOidcConfig.UserInfoEndpoint Actions.member.#.FixedResponseConfig.ContentType
        Actions.member.#.FixedResponseConfig.MessageBody Actions.member.#.FixedResponseConfig.StatusCode
        Actions.member.#.ForwardConfig.TargetGroupStickinessConfig.DurationSeconds
        Actions.member.#.ForwardConfig.TargetGroupStickinessConfig.Enabled
        Actions.member.#.ForwardConfig.TargetGroups.member.#.TargetGroupArn
        Actions.member.#.ForwardConfig.TargetGroups.member.#.Weight Actions.member.#.Order
        Actions.member.#.RedirectConfig.Host Actions.member.#.RedirectConfig.Path
        Actions.member.#.RedirectConfig.Port Actions.member.#.RedirectConfig.Protocol
        Actions.member.#.RedirectConfig.Query Actions.member.#.RedirectConfig.StatusCode
        Actions.member.#.TargetGroupArn Actions.member.#.Type Conditions.member.#.Field
        Conditions.member.#.HostHeaderConfig.Values.member.# Conditions.member.#.HttpHeaderConfig.HttpHeaderName
        Conditions.member.#.HttpHeaderConfig.Values.member.#
        Conditions.member.#.HttpRequestMethodConfig.Values.member.#
        Conditions.member.#.PathPatternConfig.Values.member.#
        Conditions.member.#.SourceIpConfig.Values.member.# Conditions.member.#.Values.member.# RuleArn
    ModifyTargetGroup:
        HealthCheckEnabled HealthCheckIntervalSeconds HealthCheckPath HealthCheckPort HealthCheckProtocol
        HealthCheckTimeoutSeconds HealthyThresholdCount Matcher.HttpCode TargetGroupArn UnhealthyThresholdCount
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
