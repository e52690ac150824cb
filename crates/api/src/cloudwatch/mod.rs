//! # CloudWatch: metrics and alarms on the wire
//! The table of operations and the closed sets; shapes by noun in [`metrics`] and [`alarms`].
//!
//! Source: CloudWatch API Reference (2010-08-01).

pub mod alarms;
pub mod dashboards;
pub mod detectors;
pub mod metrics;
pub mod mutes;
pub mod streams;

/// The table of operations, as in botocore 1.43's model.
#[macro_export]
macro_rules! cloudwatch_operations {
    ($($then:ident)::+ $(, $args:expr)*) => {
        $($then)::+! { $($args,)* CloudWatchOperation CloudWatch;
            DeleteAlarmMuteRule delete_alarm_mute_rule Write;
            DeleteAlarms delete_alarms Write;
            DeleteAnomalyDetector delete_anomaly_detector Write;
            DeleteDashboards delete_dashboards Write;
            DeleteInsightRules - Write;
            DeleteMetricStream delete_metric_stream Write;
            DescribeAlarmContributors describe_alarm_contributors Read;
            DescribeAlarmHistory describe_alarm_history Read;
            DescribeAlarms describe_alarms Read;
            DescribeAlarmsForMetric describe_alarms_for_metric Read;
            DescribeAnomalyDetectors describe_anomaly_detectors Read;
            DescribeInsightRules - Read;
            DisableAlarmActions disable_alarm_actions Write;
            DisableInsightRules - Write;
            EnableAlarmActions enable_alarm_actions Write;
            EnableInsightRules - Write;
            GetAlarmMuteRule get_alarm_mute_rule Read;
            GetDashboard get_dashboard Read;
            GetInsightRuleReport - Read;
            GetMetricData get_metric_data Read;
            GetMetricStatistics get_metric_statistics Read;
            GetMetricStream get_metric_stream Read;
            GetMetricWidgetImage get_metric_widget_image Read;
            GetOTelEnrichment - Read;
            ListAlarmMuteRules list_alarm_mute_rules Read;
            ListDashboards list_dashboards Read;
            ListManagedInsightRules - Read;
            ListMetricStreams list_metric_streams Read;
            ListMetrics list_metrics Read;
            ListTagsForResource list_tags_for_resource Read;
            PutAlarmMuteRule put_alarm_mute_rule Write;
            PutAnomalyDetector put_anomaly_detector Write;
            PutCompositeAlarm put_composite_alarm Write;
            PutDashboard put_dashboard Write;
            PutInsightRule - Write;
            PutManagedInsightRules - Write;
            PutMetricAlarm put_metric_alarm Write;
            PutMetricData put_metric_data Write;
            PutMetricStream put_metric_stream Write;
            SetAlarmState set_alarm_state Write;
            StartMetricStreams start_metric_streams Write;
            StartOTelEnrichment - Write;
            StopMetricStreams stop_metric_streams Write;
            StopOTelEnrichment - Write;
            TagResource tag_resource Write;
            UntagResource untag_resource Write;
        }
    };
}

crate::cloudwatch_operations!(crate::define_operations);

crate::wire_enum! {
    /// The unit of a datum. Nothing is converted between units.
    pub enum StandardUnit {
        Seconds = "Seconds", Microseconds = "Microseconds", Milliseconds = "Milliseconds",
        Bytes = "Bytes", Kilobytes = "Kilobytes", Megabytes = "Megabytes", Gigabytes = "Gigabytes", Terabytes = "Terabytes",
        Bits = "Bits", Kilobits = "Kilobits", Megabits = "Megabits", Gigabits = "Gigabits", Terabits = "Terabits",
        Percent = "Percent", Count = "Count",
        BytesPerSecond = "Bytes/Second", KilobytesPerSecond = "Kilobytes/Second", MegabytesPerSecond = "Megabytes/Second",
        GigabytesPerSecond = "Gigabytes/Second", TerabytesPerSecond = "Terabytes/Second",
        BitsPerSecond = "Bits/Second", KilobitsPerSecond = "Kilobits/Second", MegabitsPerSecond = "Megabits/Second",
        GigabitsPerSecond = "Gigabits/Second", TerabitsPerSecond = "Terabits/Second",
        CountPerSecond = "Count/Second", None = "None",
    }
}

crate::wire_enum! {
    /// The five statistics that need no samples.
    pub enum SimpleStatistic {
        SampleCount = "SampleCount", Average = "Average", Sum = "Sum", Minimum = "Minimum", Maximum = "Maximum",
    }
}

crate::wire_enum! {
    /// In which order points or history items are answered.
    pub enum ScanBy { TimestampDescending = "TimestampDescending", TimestampAscending = "TimestampAscending" }
}

crate::wire_enum! {
    pub enum RecentlyActive { ThreeHours = "PT3H" }
}

crate::wire_enum! {
    /// How complete a result of `GetMetricData` is.
    pub enum StatusCode {
        Complete = "Complete", InternalError = "InternalError", PartialData = "PartialData", Forbidden = "Forbidden",
    }
}

crate::wire_enum! {
    /// The state of an alarm.
    pub enum StateValue { InsufficientData = "INSUFFICIENT_DATA", Alarm = "ALARM", Ok = "OK" }
}

crate::wire_enum! {
    pub enum AlarmType { CompositeAlarm = "CompositeAlarm", MetricAlarm = "MetricAlarm" }
}

crate::wire_enum! {
    /// What keeps a composite alarm's actions back.
    pub enum ActionsSuppressedBy {
        WaitPeriod = "WaitPeriod", ExtensionPeriod = "ExtensionPeriod", Alarm = "Alarm",
    }
}

crate::wire_enum! {
    /// Why an alarm's evaluation says less than it should.
    pub enum EvaluationState {
        PartialData = "PARTIAL_DATA", EvaluationFailure = "EVALUATION_FAILURE", EvaluationError = "EVALUATION_ERROR",
    }
}

crate::wire_enum! {
    /// Where a mute rule stands.
    pub enum AlarmMuteRuleStatus { Scheduled = "SCHEDULED", Active = "ACTIVE", Expired = "EXPIRED" }
}

crate::wire_enum! {
    /// Whether a mute rule has one window or many.
    pub enum MuteType { OneTime = "ONE_TIME", Recurring = "RECURRING" }
}

crate::wire_enum! {
    pub enum HistoryItemType {
        ConfigurationUpdate = "ConfigurationUpdate", StateUpdate = "StateUpdate", Action = "Action",
        AlarmContributorStateUpdate = "AlarmContributorStateUpdate", AlarmContributorAction = "AlarmContributorAction",
    }
}

crate::wire_enum! {
    pub enum AnomalyDetectorType { SingleMetric = "SINGLE_METRIC", MetricMath = "METRIC_MATH" }
}

crate::wire_enum! {
    /// Whether a detector knows what is usual: nothing was seen yet, too little was, or enough.
    pub enum AnomalyDetectorState {
        PendingTraining = "PENDING_TRAINING", TrainedInsufficientData = "TRAINED_INSUFFICIENT_DATA", Trained = "TRAINED",
    }
}

crate::wire_enum! {
    /// How a datapoint is compared; the last three belong to anomaly detection bands.
    pub enum ComparisonOperator {
        GreaterThanOrEqualToThreshold = "GreaterThanOrEqualToThreshold",
        GreaterThanThreshold = "GreaterThanThreshold",
        LessThanThreshold = "LessThanThreshold",
        LessThanOrEqualToThreshold = "LessThanOrEqualToThreshold",
        LessThanLowerOrGreaterThanUpperThreshold = "LessThanLowerOrGreaterThanUpperThreshold",
        LessThanLowerThreshold = "LessThanLowerThreshold",
        GreaterThanUpperThreshold = "GreaterThanUpperThreshold",
    }
}
