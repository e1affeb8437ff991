//! The operations, each with the members of its request that it reads: see [`members`](crate::sim::api::members).
//!
//! The unit of published data is let go: an alarm or a query takes data of any unit unless it names one, which is refused.

/// Every operation with its members.
pub(in crate::sim::api) const MEMBERS: &str = "
    DeleteAlarms:
        AlarmNames.#
    DescribeAlarms:
        AlarmNamePrefix AlarmNames.# AlarmTypes.# MaxRecords NextToken StateValue
    GetMetricData:
        EndTime MetricDataQueries.#.Id MetricDataQueries.#.Label
        MetricDataQueries.#.MetricStat.Metric.Dimensions.#.Name
        MetricDataQueries.#.MetricStat.Metric.Dimensions.#.Value MetricDataQueries.#.MetricStat.Metric.MetricName
        MetricDataQueries.#.MetricStat.Metric.Namespace MetricDataQueries.#.MetricStat.Period
        MetricDataQueries.#.MetricStat.Stat StartTime
    ListTagsForResource:
        ResourceARN
    PutMetricAlarm:
        ActionsEnabled AlarmActions.# AlarmDescription AlarmName ComparisonOperator DatapointsToAlarm
        Dimensions.#.Name Dimensions.#.Value EvaluationPeriods ExtendedStatistic InsufficientDataActions.#
        MetricName Namespace OKActions.# Period Statistic Tags.#.Key Tags.#.Value Threshold TreatMissingData
    PutMetricData:
        MetricData.#.Dimensions.#.Name MetricData.#.Dimensions.#.Value MetricData.#.MetricName MetricData.#.Unit MetricData.#.Value
        Namespace
    SetAlarmState:
        AlarmName StateReason StateReasonData StateValue
    TagResource:
        ResourceARN Tags.#.Key Tags.#.Value
";
