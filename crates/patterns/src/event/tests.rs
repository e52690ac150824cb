use super::*;

/// `pattern` is what is asked of the event's only field `f`, `value` what the event has there.
#[track_caller]
fn check(pattern: &str, value: &str, want: bool) {
    let pattern = EventPattern::parse(&format!(r#"{{"f":{pattern}}}"#)).unwrap();
    let event = if value.is_empty() { "{}".to_owned() } else { format!(r#"{{"f":{value}}}"#) };
    assert_eq!(pattern.matches(&event), want, "{pattern:?} on {event}");
}

/// Whole patterns on whole events.
#[track_caller]
fn check_whole(pattern: &str, event: &str, want: bool) {
    assert_eq!(EventPattern::parse(pattern).unwrap().matches(event), want, "{pattern} on {event}");
}

#[track_caller]
fn check_refused(pattern: &str, reason: &str) {
    let refused = EventPattern::parse(pattern).unwrap_err();
    assert_eq!(refused.to_string(), format!("Event pattern is not valid. Reason: {reason}"), "{pattern}");
}

#[test]
fn literals() {
    check(r#"["a","b"]"#, r#""b""#, true);
    check(r#"["a"]"#, r#""A""#, false);
    check("[null]", "null", true);
    check("[null]", r#""null""#, false);
    check("[null]", "[]", false);
    check(r#"[""]"#, r#""""#, true);
    check("[false]", "false", true);
    check("[false]", "true", false);
    check("[300]", "300.0", true);
    check("[300]", "3.0e2", true);
    check("[1]", r#""1""#, false);
    check(r#"["1"]"#, "1", false);
    check(r#"["a"]"#, r#"["x","a"]"#, true);
    check(r#"["a"]"#, r#"[["x"],[["a"]]]"#, true);
    check(r#"["caf\u00e9"]"#, r#""café""#, true);
}

#[test]
fn operators() {
    check(r#"[{"exists":true}]"#, "[]", false);
    check(r#"[{"exists":true}]"#, "{\"x\":1}", false);
    check(r#"[{"exists":false}]"#, "", true);
    check(r#"[{"exists":false}]"#, "null", false);
    check(r#"[{"exists":true},{"prefix":"NO"},{"suffix":"NO"}]"#, r#""my-value""#, true);
    check(r#"[{"prefix":""}]"#, r#""x""#, true);
    check(r#"[{"prefix":"1"}]"#, "12", false);
    check(r#"[{"suffix":{"equals-ignore-case":".png"}}]"#, r#""image.PNG""#, true);
    check(r#"[{"prefix":{"equals-ignore-case":"ÉT"}}]"#, r#""était""#, true);
    check(r#"[{"equals-ignore-case":""}]"#, r#""""#, true);
    check(r#"[{"equals-ignore-case":""}]"#, r#""t""#, false);
    check(r#"[{"wildcard":""}]"#, r#""x""#, false);
    check(r#"[{"wildcard":"a*c"}]"#, r#""abc""#, true);
    check(r#"[{"numeric":[">",100]}]"#, "101.0", true);
    check(r#"[{"numeric":[">",100]}]"#, "null", false);
    check(r#"[{"numeric":[">",0,"<=",5]}]"#, "5", true);
    check(r#"[{"numeric":[">",0,"<=",5]}]"#, "0", false);
    check(r#"[{"numeric":["=",5]}]"#, r#""5""#, false);
    check(r#"[{"cidr":"10.0.0.0/24"}]"#, r#""10.0.0.255""#, true);
}

#[test]
fn anything_but() {
    check(r#"[{"anything-but":"x"}]"#, "", false);
    check(r#"[{"anything-but":"x"}]"#, "null", true);
    check(r#"[{"anything-but":"x"}]"#, r#""y""#, true);
    check(r#"[{"anything-but":[1,2]}]"#, "2.0", false);
    check(r#"[{"anything-but":["a"]}]"#, r#"["a","b"]"#, true);
    check(r#"[{"anything-but":{"prefix":"init"}}]"#, "12", true);
    check(r#"[{"anything-but":{"prefix":"init"}}]"#, "null", true);
    check(r#"[{"anything-but":{"prefix":"init"}}]"#, r#""post-init""#, true);
    check(r#"[{"anything-but":{"prefix":"init"}}]"#, r#""init-prefix""#, false);
    check(r#"[{"anything-but":{"suffix":[".a",".b"]}}]"#, r#""x.b""#, false);
    check(r#"[{"anything-but":{"equals-ignore-case":["UP"]}}]"#, r#""up""#, false);
    check(r#"[{"anything-but":{"wildcard":""}}]"#, r#""dir/x""#, true);
    check(r#"[{"anything-but":{"wildcard":"*/x"}}]"#, r#""dir/x""#, false);
}

#[test]
fn paths_and_arrays() {
    check_whole(r#"{"d":{"s.t":["r"]}}"#, r#"{"d":{"s":{"t":"r"}}}"#, true);
    check_whole(r#"{"d":{"s":{"t":["r"]}}}"#, r#"{"d":{"s.t":"r"}}"#, true);
    check_whole(r#"{"d":{"s":{"t":["r"]}}}"#, r#"{"d":{"s.t":{"t":"r"}}}"#, false);
    let both = r#"{"d":{"a":[1],"b":[2]}}"#;
    check_whole(both, r#"{"d":[{"a":1,"b":2}]}"#, true);
    check_whole(both, r#"{"d":[{"a":1},{"b":2}]}"#, false);
    check_whole(both, r#"{"d":[{"a":1,"b":3},[{"b":2,"a":1}]]}"#, true);
    check_whole(r#"{"d":{"a":{"x":[1]},"b":[2]}}"#, r#"{"d":[{"a":[{"x":0},{"x":1}],"b":2}]}"#, true);
    // `c` is absent where `b` is x, though not everywhere.
    check_whole(r#"{"d":{"b":["x"],"c":[{"exists":false}]}}"#, r#"{"d":[{"b":"x"},{"b":"y","c":1}]}"#, true);
    // A key written twice counts once, with its last value.
    check_whole(r#"{"a":[1]}"#, r#"{"a":1,"a":2}"#, false);
    check_whole(r#"{"a":[2],"b":[1]}"#, r#"{"a":1,"b":1,"a":2}"#, true);
    check_whole(r#"{"a":["x"]}"#, "not JSON", false);
    check_whole(r#"{"a":[{"exists":false}]}"#, "[]", false);
}

#[test]
fn disjunctions() {
    let range = r#"{"$or":[{"c":[{"numeric":[">",0,"<=",5]}]},{"d":[{"numeric":["<",10]}]},{"x":[{"numeric":["=",3]}]}]}"#;
    check_whole(range, r#"{"c":0,"d":0}"#, true);
    check_whole(range, r#"{"c":0,"d":10}"#, false);
    // Not the operator: too few objects, an operator inside, no array of objects.
    check_whole(r#"{"$or":["a"]}"#, r#"{"$or":"a"}"#, true);
    check_whole(r#"{"$or":[{"prefix":"a"},{"prefix":"b"}]}"#, r#"{"$or":"bc"}"#, true);
    check_whole(r#"{"$or":{"a":[1]}}"#, r#"{"$or":{"a":1}}"#, true);
    // The path named last counts.
    check_whole(r#"{"m":["b"],"$or":[{"m":["c"]},{"k":[1]}]}"#, r#"{"m":"c"}"#, true);
    let nested = r#"{"a":{"$or":[{"x":[1]},{"$or":[{"y":[1]},{"z":[1]}]}]}}"#;
    check_whole(nested, r#"{"a":{"z":1}}"#, true);
    check_whole(nested, r#"{"z":1}"#, false);
    let doubling = |n: usize| {
        let fields: Vec<String> =
            (0..n).map(|i| format!(r#""f{i}":{{"$or":[{{"a":[1]}},{{"b":[1]}}]}}"#)).collect();
        format!("{{{}}}", fields.join(","))
    };
    assert!(EventPattern::parse(&doubling(9)).is_ok());
    assert!(EventPattern::parse(&doubling(10)).is_err());
}

#[test]
fn refusals() {
    let source =
        |text: &str, column: usize| format!("\n at [Source: (String)\"{text}\"; line: 1, column: {column}]");
    // Recorded from AWS, the places included.
    for (pattern, reason, column) in [
        (r#"{"detail": {"equal": [{"NUMERIC": ["=", 5]}]}}"#, "Unrecognized match type NUMERIC", 36),
        (r#"{"resources": []}"#, "Empty arrays are not allowed", 17),
        (
            r#"{"detail-type": [{"equals-ignore-case": ["ec2 instance state-change notification"]}]}"#,
            "equals-ignore-case match pattern must be a string",
            42,
        ),
        (
            r#"{"detail": {"state": [{"anything-but": {"equals-ignore-case": 123}}]}}"#,
            "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.",
            66,
        ),
        (
            "this is valid json but not a dict",
            "Unrecognized token 'this': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')",
            5,
        ),
        (
            "{'bad': 'quotation'}",
            "Unexpected character (''' (code 39)): was expecting double-quote to start field name",
            2,
        ),
        (
            r#"{"not": closed mark""#,
            "Unrecognized token 'closed': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')",
            15,
        ),
        (r#"["not", "a", "dict", "but valid json"]"#, "Filter is not an object", 2),
        (
            r#"{"detail": {"state": [{"anything-but": {"prefix": 123}}]}}"#,
            "prefix/suffix match pattern must be a string",
            54,
        ),
        (r#"{"time": [{"prefix": 123}]}"#, "prefix match pattern must be a string", 25),
        (r#"{"FileName": [{"suffix": [".png"]}]}"#, "suffix match pattern must be a string", 27),
        (
            r#"{"detail": {"FileName": [{"anything-but": {"prefix": {"equals-ignore-case": "file"}}}]}}"#,
            "Value of anything-but must be an array or single string/number value.",
            55,
        ),
        (
            r#"{"detail": {"sourceIPAddress": [{"cidr": ["bad-type"]}]}}"#,
            "prefix match pattern must be a string",
            43,
        ),
        (
            r#"{"detail": {"FileName": [{"anything-but": {"suffix": ""}}]}}"#,
            "Null prefix/suffix not allowed",
            56,
        ),
        (
            r#"{"detail": {"state": [{"anything-but": null}]}}"#,
            "Value of anything-but must be an array or single string/number value.",
            44,
        ),
    ] {
        check_refused(pattern, &format!("{reason}{}", source(pattern, column)));
    }
    for (pattern, reason, column) in [
        (
            r#"{"detail": {"state": [{"anything-but": {"equals-ignore-case": [123, 456]}}]}}"#,
            "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.",
            67,
        ),
        (
            r#"{"detail": {"state": [{"anything-but": {"wildcard": [123, "*/dir/*"]}}]}}"#,
            "wildcard match pattern must be a string",
            57,
        ),
        (
            r#"{"detail": {"state": [{"anything-but": ["stopped", null]}]}}"#,
            "Inside anything but list, start|null|boolean is not supported.",
            56,
        ),
    ] {
        let place = source(pattern, column);
        check_refused(pattern, &format!("{reason}{place}{place}"));
    }
    check_refused(r#"{"a":[{"cidr":"bad-filter"}]}"#, "Malformed CIDR, one '/' required");
    check_refused(r#"{"a":[{"wildcard":"a**"}]}"#, "Consecutive wildcard characters at pos 2");
}

#[test]
fn refusals_by_reason() {
    for (pattern, reason) in [
        (r#"{"int": 42}"#, "\"int\" must be an object or an array"),
        (r#"{"a":{}}"#, "Empty objects are not allowed"),
        ("{}", "Empty objects are not allowed"),
        (r#"{"a":[["x"]]}"#, "Match value must be String, number, true, false, or null"),
        (r#"{"a":[{}]}"#, "Match expression name not found"),
        (r#"{"a":[{"prefix":"x","suffix":"y"}]}"#, "Only one key allowed in match expression"),
        (r#"{"a":[{"exists":"yes"}]}"#, "exists match pattern must be either true or false."),
        (r#"{"a":[{"numeric":5}]}"#, "Value of numeric must be an array."),
        (r#"{"a":[{"numeric":["<","5"]}]}"#, "Value of < must be numeric"),
        (r#"{"a":[{"numeric":[">",0,">",0]}]}"#, "Bad numeric range operator: >"),
        (r#"{"a":[{"numeric":[">",5,"<",1]}]}"#, "Bottom must be less than top"),
        (r#"{"a":[{"anything-but":[]}]}"#, "Inside anything but list, either all"),
        (r#"{"a":[{"anything-but":["x",1]}]}"#, "Inside anything but list, either all"),
        (r#"{"a":[1]} {"b":[1]}"#, "Only one object is allowed"),
    ] {
        let refused = EventPattern::parse(pattern).unwrap_err();
        assert!(refused.reason().starts_with(reason), "{pattern}: {}", refused.reason());
    }
    assert!(EventPattern::parse(&format!(r#"{{"a":["{}"]}}"#, "x".repeat(PATTERN_CHARS_MAX))).is_err());
}

/// Two large sibling arrays in one event are matched in time linear in their sizes, not in the product.
#[test]
fn large_arrays() {
    let elements: Vec<String> = (0..5_000).map(|i| format!(r#"{{"x":1,"y":{i}}}"#)).collect();
    let list = elements.join(",");
    let event = format!(r#"{{"a":[{list}],"b":[{list}]}}"#);
    check_whole(r#"{"a":{"x":[1],"y":[4999]},"b":{"x":[1],"y":[4999]}}"#, &event, true);
    check_whole(r#"{"a":{"x":[1],"y":[4999]},"b":{"x":[1],"y":[5000]}}"#, &event, false);
}

/// Every verdict recorded from AWS and from its own matcher.
#[test]
fn recorded_verdicts() {
    let shared = std::env::var_os("KEYWATCH_SHARED").map_or_else(
        || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        std::path::PathBuf::from,
    );
    let path = shared.join("data/event-patterns/cases.jsonl");
    let Ok(cases) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: no {}; set KEYWATCH_SHARED to the shared data", path.display());
        return;
    };
    #[derive(serde::Deserialize)]
    struct Case<'c> {
        id: String,
        #[serde(borrow)]
        pattern: &'c serde_json::value::RawValue,
        #[serde(borrow)]
        event: &'c serde_json::value::RawValue,
        expected: String,
    }
    let mut wrong = Vec::new();
    for line in cases.lines() {
        let case: Case<'_> = serde_json::from_str(line).unwrap();
        let got = match EventPattern::parse(case.pattern.get()) {
            Err(_) => "error",
            Ok(pattern) if pattern.matches(case.event.get()) => "match",
            Ok(_) => "nomatch",
        };
        if got != case.expected {
            wrong.push(format!("{}: {got}, not {}", case.id, case.expected));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
