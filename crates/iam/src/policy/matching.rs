//! # Matching: patterns with wildcards and policy variables
//! A **pattern** is compiled once when the policy is read: literal text, `*` (any run), `?` (one UTF-16 unit, as AWS counts),
//! and `${variable}` pieces filled at each evaluation. The value of a variable is always literal, whatever it contains.
//! **Invariants:** matching never recurses and never takes more than pattern × text steps; a variable that has no value and
//! no default makes its pattern match nothing.
//! **Not here:** which strings are compared (`condition`, `evaluate`).

use std::borrow::Cow;

/// Fills in policy variables: lower-case condition key in, its single value out.
pub(super) type Resolve<'r> = dyn Fn(&str) -> Option<Cow<'r, str>> + 'r;

/// How the text of a policy is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Syntax {
    /// `*` and `?` are wildcards; otherwise they are themselves.
    pub wildcards: bool,
    /// `${…}` is a variable; policies of version 2008-10-17 have none.
    pub variables: bool,
    /// ASCII letters match in either case.
    pub ignore_case: bool,
}

/// A compiled pattern; see the module documentation.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pattern {
    form: Form,
    ignore_case: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Form {
    Anything,
    Literal(Box<str>),
    Prefix(Box<str>),
    Glob(Box<[Unit]>),
    Variables(Box<[Token]>),
}

/// One step of a compiled glob; literals are UTF-16 units.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Unit {
    Literal(u16),
    One,
    Run,
}

/// A piece of a pattern as written.
#[derive(Clone, Debug, PartialEq)]
enum Token {
    Text(String),
    One,
    Run,
    /// `key` is in lower case, `spelled` as it was written.
    Variable {
        key: String,
        spelled: String,
        default: Option<String>,
    },
}

impl Pattern {
    /// Compiles `source`. Never fails: an unfinished `${` is literal text, as AWS treats it.
    pub(super) fn new(source: &str, syntax: Syntax) -> Self {
        Self::from_tokens(tokens(source, syntax), syntax.ignore_case)
    }

    /// Compiles `source` cut at the first five colons outside variables: the six parts of an ARN pattern.
    /// Fewer colons give fewer parts.
    pub(super) fn arn_parts(source: &str, syntax: Syntax) -> Vec<Self> {
        let mut parts: Vec<Vec<Token>> = vec![Vec::new()];
        for token in tokens(source, syntax) {
            let Token::Text(text) = token else {
                push(&mut parts, token);
                continue;
            };
            let cuts_left = ARN_PARTS - parts.len();
            for (index, piece) in text.splitn(cuts_left + 1, ':').enumerate() {
                if index > 0 {
                    parts.push(Vec::new());
                }
                if !piece.is_empty() {
                    push(&mut parts, Token::Text(piece.to_owned()));
                }
            }
        }
        parts.into_iter().map(|tokens| Self::from_tokens(tokens, syntax.ignore_case)).collect()
    }

    /// Whether all of `text` matches.
    pub(super) fn matches(&self, text: &str, resolve: &Resolve<'_>) -> bool {
        match &self.form {
            Form::Anything => true,
            Form::Literal(literal) => self.equal(literal, text),
            Form::Prefix(prefix) => text
                .as_bytes()
                .get(..prefix.len())
                .is_some_and(|head| self.equal_bytes(prefix.as_bytes(), head)),
            Form::Glob(units) => self.glob(units, text),
            Form::Variables(tokens) => filled(tokens, resolve).is_some_and(|units| self.glob(&units, text)),
        }
    }

    /// The text this pattern stands for when it has no wildcards; `None` when a variable has no value.
    pub(super) fn literal<'p>(&'p self, resolve: &Resolve<'_>) -> Option<Cow<'p, str>> {
        match &self.form {
            Form::Literal(text) => Some(Cow::Borrowed(text)),
            Form::Variables(tokens) => {
                let mut out = String::new();
                for token in tokens {
                    match token {
                        Token::Text(text) => out.push_str(text),
                        Token::One => out.push('?'),
                        Token::Run => out.push('*'),
                        Token::Variable { key, default, .. } => {
                            out.push_str(&value_of(key, default, resolve)?)
                        }
                    }
                }
                Some(Cow::Owned(out))
            }
            Form::Anything => Some(Cow::Borrowed("*")),
            Form::Prefix(prefix) => Some(Cow::Owned(format!("{prefix}*"))),
            Form::Glob(units) => Some(Cow::Owned(
                char::decode_utf16(units.iter().map(|unit| match unit {
                    Unit::Literal(unit) => *unit,
                    Unit::One => u16::from(b'?'),
                    Unit::Run => u16::from(b'*'),
                }))
                .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect(),
            )),
        }
    }

    /// The keys of the variables in it, as they were written.
    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        let tokens: &[Token] = match &self.form {
            Form::Variables(tokens) => tokens,
            _ => &[],
        };
        tokens.iter().filter_map(|token| match token {
            Token::Variable { spelled, .. } => Some(spelled.as_str()),
            _ => None,
        })
    }

    /// Whether this is exactly `*`.
    pub(super) fn is_anything(&self) -> bool {
        self.form == Form::Anything
    }

    fn from_tokens(tokens: Vec<Token>, ignore_case: bool) -> Self {
        let form = match tokens.as_slice() {
            [] => Form::Literal("".into()),
            [Token::Run] => Form::Anything,
            [Token::Text(text)] => Form::Literal(text.as_str().into()),
            [Token::Text(text), Token::Run] => Form::Prefix(text.as_str().into()),
            _ if tokens.iter().any(|token| matches!(token, Token::Variable { .. })) => {
                Form::Variables(tokens.into())
            }
            _ => Form::Glob(
                filled(&tokens, &|_| None).expect("only variables can lack a value").into_boxed_slice(),
            ),
        };
        Self { form, ignore_case }
    }

    fn equal(&self, literal: &str, text: &str) -> bool {
        self.equal_bytes(literal.as_bytes(), text.as_bytes())
    }

    fn equal_bytes(&self, literal: &[u8], text: &[u8]) -> bool {
        if self.ignore_case { literal.eq_ignore_ascii_case(text) } else { literal == text }
    }

    fn glob(&self, units: &[Unit], text: &str) -> bool {
        let same = |a: u16, b: u16| a == b || (self.ignore_case && folded(a) == folded(b));
        if text.is_ascii() {
            let bytes = text.as_bytes();
            glob(units, bytes.len(), |at| u16::from(bytes[at]), same)
        } else {
            let wide: Vec<u16> = text.encode_utf16().collect();
            glob(units, wide.len(), |at| wide[at], same)
        }
    }
}

/// The colon-separated parts of an ARN: `arn:partition:service:region:account:resource`.
pub(super) const ARN_PARTS: usize = 6;

/// The six parts of `text` if it is an ARN.
pub(super) fn arn_parts(text: &str) -> Option<[&str; ARN_PARTS]> {
    let mut parts = text.splitn(ARN_PARTS, ':');
    let arn = [parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?];
    (arn[0] == "arn").then_some(arn)
}

/// Two positions walk the text; on a mismatch the last `*` takes one unit more. At most pattern × text steps.
fn glob(units: &[Unit], length: usize, text: impl Fn(usize) -> u16, same: impl Fn(u16, u16) -> bool) -> bool {
    let (mut unit, mut at) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while at < length {
        match units.get(unit) {
            Some(Unit::Run) => {
                retry = Some((unit + 1, at));
                unit += 1;
                continue;
            }
            Some(Unit::One) => {
                (unit, at) = (unit + 1, at + 1);
                continue;
            }
            Some(Unit::Literal(wanted)) if same(*wanted, text(at)) => {
                (unit, at) = (unit + 1, at + 1);
                continue;
            }
            Some(Unit::Literal(_)) | None => {}
        }
        let Some((after_run, taken)) = retry else { return false };
        retry = Some((after_run, taken + 1));
        (unit, at) = (after_run, taken + 1);
    }
    units[unit..].iter().all(|unit| *unit == Unit::Run)
}

fn folded(unit: u16) -> u16 {
    if (u16::from(b'A')..=u16::from(b'Z')).contains(&unit) { unit + 32 } else { unit }
}

/// The units of a pattern once its variables have values; `None` when one has neither value nor default.
fn filled(tokens: &[Token], resolve: &Resolve<'_>) -> Option<Vec<Unit>> {
    let mut units = Vec::new();
    for token in tokens {
        match token {
            Token::Text(text) => units.extend(text.encode_utf16().map(Unit::Literal)),
            Token::One => units.push(Unit::One),
            Token::Run => units.push(Unit::Run),
            Token::Variable { key, default, .. } => {
                units.extend(value_of(key, default, resolve)?.encode_utf16().map(Unit::Literal));
            }
        }
    }
    Some(units)
}

fn value_of<'v, 'r: 'v>(
    key: &str,
    default: &'v Option<String>,
    resolve: &Resolve<'r>,
) -> Option<Cow<'v, str>> {
    resolve(key).or_else(|| default.as_deref().map(Cow::Borrowed))
}

fn push(parts: &mut [Vec<Token>], token: Token) {
    parts.last_mut().expect("there is always a current part").push(token);
}

fn tokens(source: &str, syntax: Syntax) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut text = String::new();
    let mut rest = source;
    while let Some(next) = rest.chars().next() {
        if syntax.variables
            && let Some((token, after)) = variable(rest)
        {
            rest = after;
            match token {
                Token::Text(literal) => text.push_str(&literal),
                other => flush(&mut tokens, &mut text, other),
            }
            continue;
        }
        rest = &rest[next.len_utf8()..];
        match next {
            '*' if syntax.wildcards => flush(&mut tokens, &mut text, Token::Run),
            '?' if syntax.wildcards => flush(&mut tokens, &mut text, Token::One),
            _ => text.push(next),
        }
    }
    if !text.is_empty() {
        tokens.push(Token::Text(text));
    }
    tokens.dedup_by(|a, b| *a == Token::Run && *b == Token::Run);
    tokens
}

fn flush(tokens: &mut Vec<Token>, text: &mut String, token: Token) {
    if !text.is_empty() {
        tokens.push(Token::Text(std::mem::take(text)));
    }
    tokens.push(token);
}

/// Reads `${…}` at the start of `source`: a variable, or one of the escapes `${*}`, `${?}`, `${$}`.
fn variable(source: &str) -> Option<(Token, &str)> {
    let (inside, after) = source.strip_prefix("${")?.split_once('}')?;
    if matches!(inside, "*" | "?" | "$") {
        return Some((Token::Text(inside.to_owned()), after));
    }
    let (key, default) = match inside.split_once(',') {
        Some((key, default)) => {
            (key, Some(default.trim().strip_prefix('\'')?.strip_suffix('\'')?.to_owned()))
        }
        None => (inside, None),
    };
    let key = key.trim();
    (!key.is_empty())
        .then(|| (Token::Variable { key: key.to_ascii_lowercase(), spelled: key.to_owned(), default }, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WILD: Syntax = Syntax { wildcards: true, variables: true, ignore_case: false };

    fn resolve(key: &str) -> Option<Cow<'static, str>> {
        match key {
            "aws:username" => Some("Alice".into()),
            "aws:principaltag/team" => Some("a*b".into()),
            "aws:sourcearn" => Some("x:y".into()),
            _ => None,
        }
    }

    #[track_caller]
    fn check(pattern: &str, text: &str, want: bool) {
        check_as(WILD, pattern, text, want);
    }

    #[track_caller]
    fn check_as(syntax: Syntax, pattern: &str, text: &str, want: bool) {
        assert_eq!(Pattern::new(pattern, syntax).matches(text, &resolve), want, "{pattern} on {text}");
    }

    #[test]
    fn wildcards() {
        check("*", "", true);
        check("*", "anything:/at all", true);
        check("a*", "a", true);
        check("a*", "b", false);
        check("a?c", "abc", true);
        check("a?c", "ac", false);
        check("a?c", "abbc", false);
        check("*a*b*", "xxaxxbxx", true);
        check("*a*b*", "xxbxxaxx", false);
        check("**a", "a", true);
        check("a**", "abc", true);
        check("*.example", "a.example", true);
        check("*.example", "a.example.org", false);
        check("*aab", "aaab", true);
        check("", "", true);
        check("", "a", false);
        check("arn:aws:kms:*:key/*", "arn:aws:kms:us-east-1:1:key/a", true);
        check("ABC", "abc", false);
        check("AB*", "abc", false);
    }

    #[test]
    fn question_mark_is_one_utf16_unit() {
        check("?", "é", true);
        check("?", "😀", false);
        check("??", "😀", true);
        check("😀*", "😀!", true);
        check("*é", "café", true);
    }

    #[test]
    fn prefixes_do_not_split_characters() {
        check("aé*", "a", false);
        check("a*", "aé", true);
        // The prefix ends inside the text's second character.
        check("ab*", "aé", false);
    }

    #[test]
    fn case() {
        let fold = Syntax { ignore_case: true, ..WILD };
        check_as(fold, "kms:Encrypt", "KMS:encrypt", true);
        check_as(fold, "kms:*Key", "KMS:CREATEKEY", true);
        check_as(fold, "KMS:Gen*", "kms:generateDataKey", true);
        check_as(fold, "kms:É", "kms:é", false);
    }

    #[test]
    fn variables() {
        check("user/${aws:username}", "user/Alice", true);
        check("user/${AWS:UserName}", "user/Alice", true);
        check("user/${aws:username}/*", "user/Alice/x", true);
        check("user/${aws:username}", "user/Bob", false);
        check("${aws:userid}", "", false);
        check("${aws:userid, 'none'}", "none", true);
        check("${aws:username, 'none'}", "Alice", true);
        check("${aws:username}", "*", false);
    }

    #[test]
    fn values_of_variables_are_literal() {
        check("${aws:PrincipalTag/team}", "a*b", true);
        check("${aws:PrincipalTag/team}", "axb", false);
    }

    #[test]
    fn escapes_and_unfinished_variables() {
        check("a${*}b", "a*b", true);
        check("a${*}b", "axb", false);
        check("a${?}", "a?", true);
        check("a${?}", "ab", false);
        check("${$}{x}", "${x}", true);
        check("a${b", "a${b", true);
        check("${}", "${}", true);
        check("${a,b}", "${a,b}", true);
    }

    #[test]
    fn without_variables_or_wildcards() {
        let old = Syntax { variables: false, ..WILD };
        check_as(old, "${aws:username}", "Alice", false);
        check_as(old, "${aws:username}", "${aws:username}", true);
        let plain = Syntax { wildcards: false, ..WILD };
        check_as(plain, "a*", "a*", true);
        check_as(plain, "a*", "ab", false);
    }

    #[test]
    fn literal_text() {
        let plain = Syntax { wildcards: false, ..WILD };
        let literal = |source: &str| Pattern::new(source, plain).literal(&resolve).map(Cow::into_owned);
        assert_eq!(literal("a*"), Some("a*".into()));
        assert_eq!(literal("*"), Some("*".into()));
        assert_eq!(literal("x-${aws:username}"), Some("x-Alice".into()));
        assert_eq!(literal("${aws:userid}"), None);
        assert_eq!(Pattern::new("a*", WILD).literal(&resolve).as_deref(), Some("a*"));
        assert_eq!(Pattern::new("?é*b", WILD).literal(&resolve).as_deref(), Some("?é*b"));
    }

    #[test]
    fn arn_patterns_are_cut_outside_variables() {
        let parts = |source: &str| Pattern::arn_parts(source, WILD).len();
        assert_eq!(parts("arn:aws:s3:::bucket/a:b"), 6);
        assert_eq!(parts("arn:aws:${aws:SourceArn}:*:1:x"), 6);
        assert_eq!(parts("*"), 1);
        assert_eq!(parts("arn:aws:s3"), 3);
        let pattern = Pattern::arn_parts("arn:*:sqs:${aws:SourceArn}::a:*", WILD);
        assert!(pattern[3].matches("x:y", &resolve));
        assert!(pattern[4].matches("", &resolve));
        assert!(pattern[5].matches("a:b:c", &resolve));
    }

    #[test]
    fn arns() {
        assert_eq!(arn_parts("arn:aws:s3:::a:b"), Some(["arn", "aws", "s3", "", "", "a:b"]));
        assert_eq!(arn_parts("arn:aws:s3"), None);
        assert_eq!(arn_parts("urn:aws:s3:::a"), None);
    }

    /// All patterns of up to five units and all texts of up to five letters, against the definition of matching.
    #[test]
    fn agrees_with_its_definition() {
        fn defined(pattern: &[u8], text: &[u8]) -> bool {
            match (pattern.split_first(), text.split_first()) {
                (None, None) => true,
                (None, Some(_)) => false,
                (Some((b'*', rest)), None) => defined(rest, text),
                (Some((b'*', rest)), Some((_, tail))) => defined(rest, text) || defined(pattern, tail),
                (Some(_), None) => false,
                (Some((unit, rest)), Some((letter, tail))) => {
                    (*unit == b'?' || unit == letter) && defined(rest, tail)
                }
            }
        }
        let words = |alphabet: &[char]| -> Vec<String> {
            let mut all = vec![String::new()];
            let mut from = 0;
            for _ in 0..5 {
                let longer: Vec<String> = all[from..]
                    .iter()
                    .flat_map(|word| alphabet.iter().map(move |c| format!("{word}{c}")))
                    .collect();
                from = all.len();
                all.extend(longer);
            }
            all
        };
        let texts = words(&['a', 'b']);
        for pattern in words(&['a', 'b', '*', '?']) {
            let compiled = Pattern::new(&pattern, WILD);
            for text in &texts {
                let want = defined(pattern.as_bytes(), text.as_bytes());
                assert_eq!(compiled.matches(text, &resolve), want, "{pattern} on {text}");
            }
        }
    }

    #[test]
    fn hostile_patterns_stay_quadratic() {
        let pattern = "*a".repeat(200) + "b";
        check(&pattern, &"a".repeat(4000), false);
    }
}
