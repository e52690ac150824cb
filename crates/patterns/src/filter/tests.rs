use super::*;

#[track_caller]
fn check(pattern: &str, message: &str, want: bool) {
    assert_eq!(FilterPattern::parse(pattern).unwrap().matches(message), want, "{pattern} on {message}");
}

#[test]
fn terms() {
    check("", "anything", true);
    check("  ", "", true);
    check("ERROR", "xTERRORx", true);
    check("ERROR", "error", false);
    check("ERROR ARGUMENTS", "ERROR 400 ARGUMENTS", true);
    check("ERROR -ARGUMENTS", "ERROR 400 ARGUMENTS", false);
    check("ERROR -ARGUMENTS", "ERROR 400", true);
    check("-x", "y", true);
    check("?ERROR ?WARN", "[WARN] a", true);
    check("?ERROR ?WARN", "INFO", false);
    check("?ERROR ?WARN req", "req 1", true);
    check("?ERROR -b", "a", true);
    check("\"INTERNAL SERVER ERROR\"", "500 INTERNAL SERVER ERROR.", true);
    check("\"INTERNAL SERVER ERROR\"", "INTERNAL ERROR", false);
    check(r#""say \"hi\"""#, r#"they say "hi""#, true);
    check("?\"a b\" ?c", "c", true);
    check("%AUTHORIZED%", "UNAUTHORIZED", true);
    check(r"%4\d\d$%", "code 404", true);
    check(r"%4\d\d$%", "code 404.", false);
}

#[test]
fn json_values() {
    check("{ $.a = 1 }", r#"{"a":1.0}"#, true);
    check("{ $.a = 1 }", r#"{"a":"1"}"#, true);
    check("{ $.a = 1 }", r#"{"a":"1.0"}"#, false);
    check("{ $.a = \"1\" }", r#"{"a":1}"#, true);
    check("{ $.a = 1* }", r#"{"a":123}"#, true);
    check("{ $.a = \"x\" }", r#"{"a":"x"}"#, true);
    check("{$.a=x}", r#"{"a":"x"}"#, true);
    check("{ $.a = x }", r#"{"a":"xy"}"#, false);
    check("{ $.a = x? }", r#"{"a":"xy"}"#, false);
    check("{ $.a != \"x\" }", r#"{"a":"y"}"#, true);
    check("{ $.a != \"x\" }", "{}", false);
    check("{ $.a != \"x\" }", r#"{"a":null}"#, false);
    check("{ $.a != 1 }", r#"{"a":2}"#, true);
    check("{ $.a = true }", r#"{"a":true}"#, false);
    check("{ $.a > 10 }", r#"{"a":10.5}"#, true);
    check("{ $.a > 10 }", r#"{"a":"11"}"#, false);
    check("{ $.a >= 1e-3 }", r#"{"a":0.001}"#, true);
    check("{ $.a < +5 }", r#"{"a":-7}"#, true);
    check("{ $.a <= 5 }", r#"{"a":5}"#, true);
    check("{ $.ip = %10\\.\\d+% }", r#"{"ip":"x10.2"}"#, true);
    check("{ $.a = \"\\\"q\\\"\" }", r#"{"a":"\"q\""}"#, true);
    check("{ $.a = 1.5* }", r#"{"a":15e-1}"#, true);
    check("{ $.a = café }", r#"{"a":"caf\u00e9"}"#, true);
    check("{ $.path = \"a/b/c\" }", r#"{"path":"a\/b\/c"}"#, true);
    check("{ $.abcdef = 1 }", r#"{"abc\u0064ef":1}"#, true);
}

#[test]
fn json_keywords() {
    check("{ $.a IS TRUE }", r#"{"a":true}"#, true);
    check("{ $.a IS FALSE }", r#"{"a":true}"#, false);
    check("{ $.a IS FALSE }", r#"{"a":false}"#, true);
    check("{ $.a IS NULL }", r#"{"a":null}"#, true);
    check("{ $.a IS NULL }", r#"{"a":[1,null]}"#, true);
    check("{ $.a IS NULL }", r#"{"a":[1]}"#, false);
    check("{ $.a IS NULL }", "{}", false);
    check("{ $.a NOT EXISTS }", "{}", true);
    check("{ $.a NOT EXISTS }", r#"{"a":null}"#, false);
    check("{ $.a.b NOT EXISTS }", r#"{"a":{"c":1}}"#, true);
    check("{ $.a NOT EXISTS }", "not json", false);
    check("{ $.a NOT EXISTS }", "[]", false);
}

#[test]
fn json_structure() {
    check("{ ($.u = \"x\" && $.e = 1) || $.z = 2 }", r#"{"z":2}"#, true);
    check("{ ($.u = \"x\" && $.e = 1) || $.z = 2 }", r#"{"u":"x","e":2}"#, false);
    check("{ $.u = \"x\" && ($.e = 1 || $.z = 2) }", r#"{"z":2}"#, false);
    check("{ $.u = x || $.e = 1 && $.z = 2 }", r#"{"u":"x"}"#, true);
    check("{ $.a.b[0].c = 7 }", r#"{"a":{"b":[{"c":7},{"c":8}]}}"#, true);
    check("{ $.a.b[1].c = 7 }", r#"{"a":{"b":[{"c":7},{"c":8}]}}"#, false);
    check("{ $.l[*] = \"b\" }", r#"{"l":["a","b"]}"#, true);
    check("{ $.l[*].n = 2 }", r#"{"l":[{"n":1},{"n":2}]}"#, true);
    check("{ $.o.* = 2 }", r#"{"o":{"x":1,"y":2}}"#, true);
    check("{ $.o.* = 3 }", r#"{"o":{"x":1,"y":2}}"#, false);
    check("{ $['a b'] = 1 }", r#"{"a b":1}"#, true);
    check("{ $.a = 1 && $.a.b NOT EXISTS }", r#"{"a":1}"#, true);
    // A key written twice counts with its last value.
    check("{ $.a = 1 }", r#"{"a":1,"a":2}"#, false);
    check("{ $.a = 2 }", r#"{"a":1,"a":2}"#, true);
    check("{ $.a NOT EXISTS }", r#"{"b":{"a":1},"b":2}"#, true);
    check("{ $.a = 1 }", r#"{"a":1} x"#, false);
    check("{ $.a = 1 }", r#"{"a":1"#, false);
}

const KMS_PATTERN: &str = r#"{ $.eventSource = kms* && $.errorMessage = "* is pending deletion."}"#;

#[test]
fn the_pattern_of_the_kms_guide() {
    let record = |source: &str, message: &str| {
        format!(r#"{{"eventVersion":"1.11","eventSource":"{source}","errorMessage":"{message}"}}"#)
    };
    let pending = "arn:aws:kms:us-west-2:111122223333:key/1234abcd is pending deletion.";
    check(KMS_PATTERN, &record("kms.amazonaws.com", pending), true);
    check(KMS_PATTERN, &record("s3.amazonaws.com", pending), false);
    check(KMS_PATTERN, &record("kms.amazonaws.com", "arn is pending deletion!"), false);
    check(KMS_PATTERN, r#"{"eventSource":"kms.amazonaws.com"}"#, false);
    check(
        KMS_PATTERN,
        r#"{"eventSource":"kms.amazonaws.com","errorMessage":"x is pending\u0020deletion."}"#,
        true,
    );
}

#[test]
fn space_delimited() {
    const LINE: &str = r#"127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /x HTTP/1.0" 404 1534"#;
    check("[ip, id, user, ts, req, status=4*, bytes>1000]", LINE, true);
    check("[ip, id, user, ts, req, status=4*, bytes>2000]", LINE, false);
    check("[ip, id, user, ts, req, status=404 && status!=403, bytes]", LINE, true);
    check("[..., status=4* || status=5*, bytes]", LINE, true);
    check("[..., (status=5*), bytes]", LINE, false);
    check("[ip=%^127\\.0%, ...]", LINE, true);
    check("[ip, ..., bytes=1534]", LINE, true);
    check("[a,b,c,d,e,f,g,h]", LINE, false);
    check("[w1=ERROR, w2]", "ERROR a b c", true);
    check("[w1=ERROR, w2=a]", "ERROR a b c", false);
    check("[, user=frank]", "- frank", true);
    check("[...]", "", true);
    check("[a]", "\"open", true);
}

#[test]
fn extraction() {
    let extract = |pattern: &str, message: &str| {
        let found = FilterPattern::parse(pattern).unwrap().extract(message);
        found.into_iter().map(|(name, text)| format!("{name}={text}")).collect::<Vec<_>>().join(";")
    };
    assert_eq!(
        extract(
            "[ip, id, user, ts, req, status=4*, bytes>1000]",
            r#"127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /x HTTP/1.0" 404 1534"#
        ),
        "$bytes=1534;$id=-;$ip=127.0.0.1;$req=GET /x HTTP/1.0;$status=404;$ts=10/Oct/2000:13:25:15 -0700;$user=frank"
    );
    assert_eq!(extract("[w1=ERROR, w2]", "ERROR a b c"), "$w1=ERROR;$w2=a b c");
    assert_eq!(extract("[..., size]", "a b 7"), "$1=a;$2=b;$size=7");
    assert_eq!(extract("ERROR", "ERROR"), "");
    assert_eq!(extract("{ $.a = 1 }", r#"{"a":1}"#), "");
}

#[test]
fn values() {
    let select = |pattern: &str, selector: &str, message: &str| {
        let selector = ValueSelector::parse_value(selector).unwrap();
        FilterPattern::parse(pattern).unwrap().select(&selector, message)
    };
    assert_eq!(select("x", "1", "x").as_deref(), Some("1"));
    assert_eq!(select("{ $.a = * }", "$.ms", r#"{"a":1,"ms":12.5}"#).as_deref(), Some("12.5"));
    assert_eq!(select("{ $.a = * }", "$.l[1].v", r#"{"l":[0,{"v":"7"}]}"#).as_deref(), Some("7"));
    assert_eq!(select("{ $.a = * }", "$.ms", r#"{"a":1}"#), None);
    assert_eq!(select("{ $.a = * }", "$.ms", r#"{"ms":{}}"#), None);
    assert_eq!(select("[a, bytes]", "$bytes", "x 15").as_deref(), Some("15"));
    assert_eq!(select("[a, bytes]", "$other", "x 15"), None);
    for selector in ["", "one", "$", "$.l[*]", "$.a b", "NaN"] {
        assert!(ValueSelector::parse_value(selector).is_err(), "{selector}");
    }
}

#[test]
fn refusals() {
    for (pattern, text) in [
        ("ERROR:", "Invalid character(s) in term 'ERROR:'"),
        ("a b.c d", "Invalid character(s) in term 'b.c'"),
        ("?", "Invalid character(s) in term '?'"),
        ("\"open", "Invalid filter pattern: a quotation mark is not closed"),
        ("%a% b", "Invalid filter pattern: a regular expression stands alone"),
        ("{ $.a = 1", "Invalid filter pattern: a closing } is missing"),
        ("{ $.a = 1 } x", "Invalid filter pattern: text follows the closing }"),
        ("{ }", "Invalid filter pattern: a selector begins with $"),
        ("{ $.a }", "Invalid filter pattern: a condition has no operator"),
        ("{ $.a = }", "Invalid filter pattern: a condition has no value"),
        ("{ $.a = null }", "Invalid filter pattern: null is compared by IS NULL"),
        ("{ $.a > x }", "Invalid filter pattern: only numbers can be compared by order"),
        ("{ $.a IS NOT NULL }", "Invalid filter pattern: IS is followed by NULL, TRUE or FALSE"),
        ("{ $.a EXISTS }", "Invalid filter pattern: a condition has no operator"),
        ("{ ($.a = 1 }", "Invalid filter pattern: a closing ) is missing"),
        ("[a, b", "Invalid filter pattern: a closing ] is missing"),
        ("[a, a]", "Invalid filter pattern: a field name is used twice"),
        ("[..., a, ...]", "Invalid filter pattern: more than one ..."),
        ("[a=1 && b=2]", "Invalid filter pattern: the conditions of a field name several fields"),
    ] {
        assert_eq!(FilterPattern::parse(pattern).unwrap_err().to_string(), text, "{pattern}");
    }
    assert!(FilterPattern::parse(&"x".repeat(PATTERN_CHARS_MAX + 1)).is_err());
    assert!(FilterPattern::parse(&format!("{{ {}$.a = 1", "(".repeat(500))).is_err());
    assert!(FilterPattern::parse("{ $.a[*] = 1 && $.b[*] = 1 && $.c[*] = 1 && $.d[*] = 1 }").is_err());
    assert!(FilterPattern::parse("{ $.a = %1% && $.b = %2% && $.c = %3% }").is_err());
}
