//! The grammar of Metrics Insights, by recursive descent. Keywords are case-insensitive; names are not.

use super::{
    Condition, Function, GROUPS_MAX, Key, Literal, Order, Query, SyntaxError,
    lex::{Placed, Token, tokens},
};

/// Conditions, groups and schema names a query may hold, each.
const PARTS_MAX: usize = 30;

/// Reads a query.
pub fn parse(text: &str) -> Result<Query, SyntaxError> {
    let mut parser = Parser { tokens: tokens(text)?, next: 0 };
    let query = parser.query()?;
    match parser.peek() {
        Token::End => Ok(query),
        _ => Err(parser.expected("the end of the query")),
    }
}

struct Parser {
    tokens: Vec<Placed>,
    next: usize,
}

impl Parser {
    fn query(&mut self) -> Result<Query, SyntaxError> {
        self.keyword("SELECT")?;
        let function = self.function()?;
        self.sign("(")?;
        let metric = self.name("a metric name")?;
        self.sign(")")?;
        self.keyword("FROM")?;
        let (namespace, schema) = self.source()?;
        let condition = if self.accept("WHERE") { Some(self.any(0)?) } else { None };
        let mut group_by = Vec::new();
        if self.accept("GROUP") {
            self.keyword("BY")?;
            group_by = self.separated(Self::key, Self::accept_comma)?;
        }
        let order = if self.accept("ORDER") { Some(self.order()?) } else { None };
        let limit = if self.accept("LIMIT") { Some(self.limit()?) } else { None };
        Ok(Query { function, metric, namespace, schema, condition, group_by, order, limit })
    }

    fn function(&mut self) -> Result<Function, SyntaxError> {
        let all = [Function::Avg, Function::Count, Function::Max, Function::Min, Function::Sum];
        match all.into_iter().find(|function| self.accept(function.as_str())) {
            Some(function) => Ok(function),
            None => Err(self.expected("AVG, COUNT, MAX, MIN or SUM")),
        }
    }

    fn source(&mut self) -> Result<(String, Option<Vec<String>>), SyntaxError> {
        let is_schema = matches!(self.peek(), Token::Word(word) if word.eq_ignore_ascii_case("SCHEMA"))
            && matches!(self.tokens.get(self.next + 1), Some(Placed { token: Token::Sign("("), .. }));
        if !is_schema {
            return Ok((self.name("a namespace")?, None));
        }
        self.next += 2;
        let namespace = self.name("a namespace")?;
        let mut dimensions = Vec::new();
        if self.accept_comma() {
            dimensions = self.separated(|parser| parser.name("a dimension name"), Self::accept_comma)?;
        }
        self.sign(")")?;
        Ok((namespace, Some(dimensions)))
    }

    /// Conditions joined by `OR`; `depth` counts the parentheses and negations around them.
    fn any(&mut self, depth: usize) -> Result<Condition, SyntaxError> {
        let mut all = self.separated(|parser| parser.all(depth), |parser| parser.accept("OR"))?;
        Ok(if all.len() == 1 { all.remove(0) } else { Condition::Any(all) })
    }

    fn all(&mut self, depth: usize) -> Result<Condition, SyntaxError> {
        let mut all = self.separated(|parser| parser.condition(depth), |parser| parser.accept("AND"))?;
        Ok(if all.len() == 1 { all.remove(0) } else { Condition::All(all) })
    }

    fn condition(&mut self, depth: usize) -> Result<Condition, SyntaxError> {
        if depth > PARTS_MAX {
            return Err(self.expected("fewer parentheses"));
        }
        // A dimension may be called `Not`: then a comparison follows.
        let names_a_key = matches!(
            self.tokens.get(self.next + 1),
            Some(Placed { token: Token::Sign("=" | "!=" | "."), .. })
        );
        if !names_a_key && self.accept("NOT") {
            return Ok(Condition::Not(Box::new(self.condition(depth + 1)?)));
        }
        if matches!(self.peek(), Token::Sign("(")) {
            self.next += 1;
            let inner = self.any(depth + 1)?;
            self.sign(")")?;
            return Ok(inner);
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Condition, SyntaxError> {
        let key = self.key()?;
        let not = |condition: Condition, negated: bool| {
            if negated { Condition::Not(Box::new(condition)) } else { condition }
        };
        if let sign @ Token::Sign("=" | "!=") = self.peek() {
            let negated = *sign == Token::Sign("!=");
            self.next += 1;
            let literal = self.literal(&key)?;
            return Ok(not(Condition::Is(key, vec![literal]), negated));
        }
        if self.accept("IS") {
            let negated = self.accept("NOT");
            self.keyword("NULL")?;
            return Ok(not(Condition::IsMissing(key), negated));
        }
        let negated = self.accept("NOT");
        if !self.accept("IN") {
            return Err(self.expected(if negated { "IN" } else { "=, !=, IN, NOT IN or IS" }));
        }
        self.sign("(")?;
        let literals = self.separated(|parser| parser.literal(&key), Self::accept_comma)?;
        self.sign(")")?;
        Ok(not(Condition::Is(key, literals), negated))
    }

    fn literal(&mut self, key: &Key) -> Result<Literal, SyntaxError> {
        if let Token::Literal(value) = self.peek() {
            let value = Literal::Text(value.clone());
            self.next += 1;
            return Ok(value);
        }
        if *key == Key::AccountId && self.accept("CURRENT_ACCOUNT_ID") {
            self.sign("(")?;
            self.sign(")")?;
            return Ok(Literal::CurrentAccount);
        }
        Err(self.expected("a value in single quotes"))
    }

    fn key(&mut self) -> Result<Key, SyntaxError> {
        let name = self.name("a dimension name")?;
        if !matches!(self.peek(), Token::Sign(".")) {
            return Ok(Key::Dimension(name));
        }
        self.next += 1;
        let member = self.name("a name")?;
        if name == "AWS" && member == "AccountId" {
            return Ok(Key::AccountId);
        }
        if name == "tag" {
            return Ok(Key::Tag(member));
        }
        self.next -= 1;
        Err(self.expected("AWS.AccountId or a tag key; an unquoted dimension name has no dot"))
    }

    fn order(&mut self) -> Result<Order, SyntaxError> {
        self.keyword("BY")?;
        let function = self.function()?;
        self.sign("(")?;
        self.sign(")")?;
        let descending = self.accept("DESC");
        if !descending {
            self.accept("ASC");
        }
        Ok(Order { function, descending })
    }

    fn limit(&mut self) -> Result<usize, SyntaxError> {
        let number = match self.peek() {
            Token::Word(word) => word.parse().ok(),
            _ => None,
        };
        match number {
            Some(limit @ 1..=GROUPS_MAX) => {
                self.next += 1;
                Ok(limit)
            }
            _ => Err(self.expected(&format!("a number from 1 to {GROUPS_MAX}"))),
        }
    }

    fn separated<T>(
        &mut self,
        item: impl Fn(&mut Self) -> Result<T, SyntaxError>,
        separator: impl Fn(&mut Self) -> bool,
    ) -> Result<Vec<T>, SyntaxError> {
        let mut items = vec![item(self)?];
        while separator(self) {
            if items.len() == PARTS_MAX {
                return Err(self.expected(&format!("at most {PARTS_MAX} parts")));
            }
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn name(&mut self, what: &str) -> Result<String, SyntaxError> {
        let name = match self.peek() {
            Token::Quoted(name) if !name.is_empty() => name.clone(),
            Token::Word(word) if !word.starts_with(|c: char| c.is_ascii_digit()) => word.clone(),
            _ => return Err(self.expected(what)),
        };
        self.next += 1;
        Ok(name)
    }

    fn keyword(&mut self, word: &str) -> Result<(), SyntaxError> {
        if self.accept(word) { Ok(()) } else { Err(self.expected(word)) }
    }

    fn accept(&mut self, keyword: &str) -> bool {
        let found = matches!(self.peek(), Token::Word(word) if word.eq_ignore_ascii_case(keyword));
        self.next += usize::from(found);
        found
    }

    fn accept_comma(&mut self) -> bool {
        let found = matches!(self.peek(), Token::Sign(","));
        self.next += usize::from(found);
        found
    }

    fn sign(&mut self, sign: &str) -> Result<(), SyntaxError> {
        match self.peek() {
            Token::Sign(found) if *found == sign => {
                self.next += 1;
                Ok(())
            }
            _ => Err(self.expected(&format!("'{sign}'"))),
        }
    }

    /// The next token; the last one, [`Token::End`], is never passed.
    fn peek(&self) -> &Token {
        &self.tokens[self.next.min(self.tokens.len() - 1)].token
    }

    fn expected(&self, what: &str) -> SyntaxError {
        let Placed { at, token } = &self.tokens[self.next.min(self.tokens.len() - 1)];
        let found = match token {
            Token::Word(word) => format!("'{word}'"),
            Token::Quoted(name) => format!("\"{name}\""),
            Token::Literal(value) => format!("'{value}'"),
            Token::Sign(sign) => format!("'{sign}'"),
            Token::End => "<EOF>".to_owned(),
        };
        SyntaxError { at: *at, reason: format!("Unsupported token {found}, must be: {what},") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_of_the_security_blog() {
        let want = Query {
            function: Function::Sum,
            metric: "SuccessfulRequest".into(),
            namespace: "AWS/KMS".into(),
            schema: Some(vec!["KeyArn".into(), "Operation".into()]),
            condition: None,
            group_by: vec![Key::Dimension("KeyArn".into())],
            order: Some(Order { function: Function::Max, descending: true }),
            limit: Some(20),
        };
        for text in [
            r#"SELECT SUM(SuccessfulRequest) FROM SCHEMA("AWS/KMS", KeyArn, Operation) GROUP BY KeyArn ORDER BY MAX () DESC LIMIT 20"#,
            "select sum ( SuccessfulRequest )\nfrom schema ( \"AWS/KMS\" ,KeyArn,\"Operation\" ) group by KeyArn order by max() desc limit 20 ",
        ] {
            assert_eq!(parse(text), Ok(want.clone()));
        }
    }

    #[test]
    fn all_clauses() {
        let text = r#"SELECT AVG("5xx errors") FROM App WHERE Host = 'it\'s' AND "a b" != 'x' AND AWS.AccountId = CURRENT_ACCOUNT_ID()
            AND AWS.AccountId != '111122223333' GROUP BY Host, AWS.AccountId ORDER BY COUNT() ASC"#;
        let query = parse(text).unwrap();
        let is = |key: Key, value: Literal| Condition::Is(key, vec![value]);
        let not = |condition: Condition| Condition::Not(Box::new(condition));
        let (text, dimension) =
            (|text: &str| Literal::Text(text.into()), |name: &str| Key::Dimension(name.into()));
        assert_eq!(query.metric, "5xx errors");
        assert_eq!(query.schema, None);
        assert_eq!(
            query.condition,
            Some(Condition::All(vec![
                is(dimension("Host"), text("it's")),
                not(is(dimension("a b"), text("x"))),
                is(Key::AccountId, Literal::CurrentAccount),
                not(is(Key::AccountId, text("111122223333"))),
            ]))
        );
        assert_eq!(query.group_by, [Key::Dimension("Host".into()), Key::AccountId]);
        assert_eq!(query.order, Some(Order { function: Function::Count, descending: false }));
        assert_eq!(query.limit, None);
        assert_eq!(parse("SELECT MAX(x) FROM SCHEMA(App)").unwrap().schema, Some(vec![]));
        assert_eq!(parse("SELECT MAX(max) FROM SCHEMA").unwrap().namespace, "SCHEMA");
    }

    #[test]
    fn conditions() {
        let of =
            |text: &str| parse(&format!("SELECT SUM(x) FROM A WHERE {text}")).unwrap().condition.unwrap();
        let is = |name: &str, values: &[&str]| {
            let values = values.iter().map(|value| Literal::Text((*value).into())).collect();
            Condition::Is(Key::Dimension(name.into()), values)
        };
        let not = |condition: Condition| Condition::Not(Box::new(condition));
        let missing = |name: &str| Condition::IsMissing(Key::Dimension(name.into()));
        for (text, want) in [
            ("a = 'x'", is("a", &["x"])),
            ("a in ('x', 'y')", is("a", &["x", "y"])),
            ("a NOT IN ('x')", not(is("a", &["x"]))),
            ("NOT a = 'x'", not(is("a", &["x"]))),
            ("a IS NULL", missing("a")),
            ("a is not null", not(missing("a"))),
            ("Not = 'x' AND \"NOT\" != 'y'", Condition::All(vec![is("Not", &["x"]), not(is("NOT", &["y"]))])),
            (
                "a = 'x' OR b = 'y' AND c = 'z'",
                Condition::Any(vec![is("a", &["x"]), Condition::All(vec![is("b", &["y"]), is("c", &["z"])])]),
            ),
            (
                "(a = 'x' OR b = 'y') AND NOT (c = 'z')",
                Condition::All(vec![
                    Condition::Any(vec![is("a", &["x"]), is("b", &["y"])]),
                    not(is("c", &["z"])),
                ]),
            ),
        ] {
            assert_eq!(of(text), want, "{text}");
        }
        let deep =
            format!("SELECT SUM(x) FROM A WHERE {}a = 'b'{}", "(".repeat(100_000), ")".repeat(100_000));
        assert!(parse(&deep).is_err());
    }

    #[test]
    fn what_is_refused() {
        for (text, at) in [
            ("", 0),
            ("SELECT", 6),
            ("SELECT P99(x) FROM A", 7),
            ("SELECT SUM() FROM A", 11),
            ("SELECT SUM(x) FROM", 18),
            ("SELECT SUM(x) FROM AWS/KMS", 22),
            ("SELECT SUM(x) FROM A WHERE b > 'c'", 29),
            ("SELECT SUM(x) FROM A WHERE b = c", 31),
            ("SELECT SUM(x) FROM A WHERE b = 'c' OR", 37),
            ("SELECT SUM(x) FROM A WHERE (b = 'c'", 35),
            ("SELECT SUM(x) FROM A WHERE b IN 'c'", 32),
            ("SELECT SUM(x) FROM A WHERE b IS 'c'", 32),
            ("SELECT SUM(x) FROM A WHERE b LIKE 'c'", 29),
            ("SELECT SUM(x) FROM A WHERE tags.x = 'c'", 32),
            ("SELECT SUM(x) FROM A GROUP b", 27),
            ("SELECT SUM(x) FROM A ORDER BY SUM", 33),
            ("SELECT SUM(x) FROM A LIMIT 0", 27),
            ("SELECT SUM(x) FROM A LIMIT 501", 27),
            ("SELECT SUM(x) FROM A LIMIT 5 5", 29),
            ("SELECT SUM(x) FROM \"A", 19),
            ("SELECT SUM(1x) FROM A", 11),
        ] {
            assert_eq!(parse(text).map_err(|error| error.at), Err(at), "{text}");
        }
        let many = "a, ".repeat(40) + "a";
        assert!(parse(&format!("SELECT SUM(x) FROM A GROUP BY {many}")).is_err());
    }
}
