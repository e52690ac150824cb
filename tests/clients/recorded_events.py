"""Which recorded cases of EventBridge are not played, and which answers differ, with the reasons."""

NOT_BUILT = "functions, streams and Secrets Manager are not here"
ELSEWHERE = "what other services tell the bus"
MODELLED = "what is wrong with the value of a structure is not shown as its Java text"
# Function of each case that is not played, with the reason.
NOT_PLAYED = {
    "test_connection_secrets": NOT_BUILT,
    "test_put_events_with_target_kinesis": NOT_BUILT,
    "test_put_events_with_target_lambda": NOT_BUILT,
    "test_put_events_with_target_lambda_list_entry": NOT_BUILT,
    "test_put_events_with_target_lambda_list_entries_partial_match": NOT_BUILT,
    "test_put_events_to_default_eventbus_for_custom_eventbus": ELSEWHERE,
    "test_put_events_exceed_limit_ten_entries": MODELLED,
    "test_event_bus_to_event_bus_cross_account_region": "it takes two accounts; permissions across accounts have Rust tests",
    "test_put_events_with_target_sns": "notifications have tests of their own",
    "test_event_pattern": "patterns are played by the tests of the pattern languages",
    "test_event_with_large_and_complex_payload": "patterns are played by the tests of the pattern languages",
    "test_put_events_pattern_nested": "patterns are played by the tests of the pattern languages",
    "test_put_events_with_rule_pattern_exists_false": "patterns are played by the tests of the pattern languages",
    "test_put_event_with_content_base_rule_in_pattern": "patterns are played by the tests of the pattern languages",
    "test_put_events_with_input_transformer_input_template_json": "transformers have Rust tests of the same deliveries",
    "test_put_events_with_input_transformer_input_template_string": "transformers have Rust tests of the same deliveries",
    "test_input_transformer_nested_keys_replacement": "transformers have Rust tests of the same deliveries",
    "test_input_transformer_predefined_variables": "transformers have Rust tests of the same deliveries",
    "test_put_events_with_input_path_nested": "transformers have Rust tests of the same deliveries",
    "test_put_events_time": "the recording's times are masked away",
    "test_put_events_response_entries_order": "queues have tests of their own",
    "test_put_events_with_target_sqs_event_detail_match": "queues have tests of their own",
    "test_put_events_with_target_events": "test_events.py plays it",
    "tests_schedule_rate_target_sqs": "test_events.py plays it",
    "tests_schedule_rate_custom_input_target_sqs": "test_events.py plays it",
    "tests_concurrency_error_too_many_active_replays": "replays here are over sooner than ten can be under way",
    "test_list_archive_with_events": "SizeBytes is AWS's own count of its storage; test_events.py counts events",
}
TOKEN = "the recording masks the token twice"
# Path of each answer that differs, by case, with the reason.
KNOWN = {
    "TestEventRule.test_list_rule_names_by_target_with_limit[custom]": {"first_page.NextToken": TOKEN, "second_page.NextToken": TOKEN},
    "TestEventTarget.test_put_target_id_validation": {"put-targets-length-error.Error.Message": "the recording names the value that was too long"},
    "TestEvents.test_create_connection_validations": {"create_connection_exc.Error.Message": "ours says first that a name is too long, then that it is malformed"},
}
