//! The operations, each with the members of its request that it reads: see [`members`](crate::sim::api::members).

/// Every operation with its members.
pub(in crate::sim::api) const MEMBERS: &str = "
    ChangeResourceRecordSets:
        ChangeBatch.Changes.Change.Action ChangeBatch.Changes.Change.ResourceRecordSet.AliasTarget.DNSName
        ChangeBatch.Changes.Change.ResourceRecordSet.AliasTarget.EvaluateTargetHealth
        ChangeBatch.Changes.Change.ResourceRecordSet.AliasTarget.HostedZoneId
        ChangeBatch.Changes.Change.ResourceRecordSet.Failover
        ChangeBatch.Changes.Change.ResourceRecordSet.HealthCheckId
        ChangeBatch.Changes.Change.ResourceRecordSet.MultiValueAnswer
        ChangeBatch.Changes.Change.ResourceRecordSet.Name ChangeBatch.Changes.Change.ResourceRecordSet.Region
        ChangeBatch.Changes.Change.ResourceRecordSet.ResourceRecords.ResourceRecord.Value
        ChangeBatch.Changes.Change.ResourceRecordSet.SetIdentifier
        ChangeBatch.Changes.Change.ResourceRecordSet.TTL ChangeBatch.Changes.Change.ResourceRecordSet.Type
        ChangeBatch.Changes.Change.ResourceRecordSet.Weight ChangeBatch.Comment Id
    CreateHostedZone:
        CallerReference HostedZoneConfig.Comment HostedZoneConfig.PrivateZone Name VPC.VPCId VPC.VPCRegion
    DeleteHostedZone:
        Id
    GetChange:
        Id
    GetHostedZone:
        Id
    ListHostedZones:
        marker maxitems
    ListHostedZonesByName:
        dnsname hostedzoneid maxitems
    ListResourceRecordSets:
        Id identifier maxitems name type
    ListTagsForResource:
        Id
";
