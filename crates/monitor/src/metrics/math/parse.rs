//! Reads expressions by precedence climbing.

use super::function::Family;
use super::{
    Expression, Filling, Function, MathError, Operator, Sorting,
    lex::{Token, tokens},
    search,
};

/// Brackets and operators inside each other at most, so that no expression exhausts the stack.
const DEPTH_MAX: usize = 64;

/// Reads an expression.
///
/// # Errors
/// What could not be understood.
pub fn parse(expression: &str) -> Result<Expression, MathError> {
    let mut parser = Parser { tokens: tokens(expression)?, at: 0, depth: 0 };
    let parsed = parser.expression(0)?;
    parser.expect(Token::End, "an operator")?;
    Ok(parsed)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

/// An operator, how tightly it binds, and whether it groups to the right.
fn binary(token: &Token) -> Option<(Operator, u8)> {
    let name = match token {
        Token::Sign(sign) => sign,
        Token::Name(name) => name.as_str(),
        _ => return None,
    };
    Some(match name {
        "||" | "OR" => (Operator::Or, 1),
        "&&" | "AND" => (Operator::And, 2),
        "==" => (Operator::Equal, 3),
        "!=" => (Operator::NotEqual, 3),
        "<" => (Operator::Less, 4),
        "<=" => (Operator::LessOrEqual, 4),
        ">" => (Operator::Greater, 4),
        ">=" => (Operator::GreaterOrEqual, 4),
        "+" => (Operator::Add, 5),
        "-" => (Operator::Subtract, 5),
        "*" => (Operator::Multiply, 6),
        "/" => (Operator::Divide, 6),
        "^" => (Operator::Power, 8),
        _ => return None,
    })
}

const UNARY_BINDS: u8 = 7;

impl Parser {
    /// What follows as far as its operators bind at least as tightly as `least`.
    fn expression(&mut self, least: u8) -> Result<Expression, MathError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(MathError(format!("The expression is nested deeper than {DEPTH_MAX} levels")));
        }
        let mut left = self.operand()?;
        while let Some((operator, binds)) = binary(&self.tokens[self.at]).filter(|(_, binds)| *binds >= least)
        {
            self.at += 1;
            // Powers group to the right, everything else to the left.
            let right = self.expression(if operator == Operator::Power { binds } else { binds + 1 })?;
            left = Expression::Binary(operator, Box::new(left), Box::new(right));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn operand(&mut self) -> Result<Expression, MathError> {
        match self.take() {
            Token::Number(value) => Ok(Expression::Number(value)),
            Token::Sign("-") => Ok(Expression::Negative(Box::new(self.expression(UNARY_BINDS)?))),
            Token::Sign("+") => self.expression(UNARY_BINDS),
            Token::Sign("(") => {
                let inner = self.expression(0)?;
                self.expect(Token::Sign(")"), "')'")?;
                Ok(inner)
            }
            Token::Sign("[") => Ok(Expression::Array(self.list("]")?)),
            Token::Name(name) if self.tokens[self.at] == Token::Sign("(") => self.call(&name),
            Token::Name(name) if name.starts_with(|c: char| c.is_ascii_lowercase()) => {
                Ok(Expression::Variable(name))
            }
            other => Err(unexpected(&other, "a value")),
        }
    }

    fn call(&mut self, name: &str) -> Result<Expression, MathError> {
        self.at += 1;
        match name {
            "METRICS" => self.metrics(),
            "SEARCH" => self.search(),
            "SORT" => self.sort(),
            "FILL" => self.fill(),
            _ => {
                let function = Function::named(name)?;
                let arguments = self.list(")")?;
                let (least, most) = function.arity();
                if !(least..=most).contains(&arguments.len()) {
                    let wanted = if least == most { least.to_string() } else { format!("{least} to {most}") };
                    let text = format!("{name} takes {wanted} arguments, not {}", arguments.len());
                    return Err(MathError(text));
                }
                Ok(Expression::Call(function, arguments))
            }
        }
    }

    fn metrics(&mut self) -> Result<Expression, MathError> {
        let containing = match self.take() {
            Token::Sign(")") => return Ok(Expression::Metrics(None)),
            Token::Text(text) => text,
            other => return Err(unexpected(&other, "a text")),
        };
        self.expect(Token::Sign(")"), "')'")?;
        Ok(Expression::Metrics(Some(containing)))
    }

    fn search(&mut self) -> Result<Expression, MathError> {
        let query = self.text()?;
        self.expect(Token::Sign(","), "','")?;
        let statistic = self.text()?;
        let period = match self.take() {
            Token::Sign(")") => None,
            Token::Sign(",") => {
                let period = self.whole("a period")?;
                self.expect(Token::Sign(")"), "')'")?;
                Some(period)
            }
            other => return Err(unexpected(&other, "')'")),
        };
        Ok(Expression::Search(Box::new(search::parse(&query, &statistic, period)?)))
    }

    fn sort(&mut self) -> Result<Expression, MathError> {
        let sorted = self.expression(0)?;
        self.expect(Token::Sign(","), "','")?;
        let by = Function::named(&self.name()?)?;
        if by.family() != Family::Reducer {
            return Err(MathError(format!("SORT cannot order by {}", by.name())));
        }
        self.expect(Token::Sign(","), "','")?;
        let descending = match self.name()?.as_str() {
            "ASC" => false,
            "DESC" => true,
            other => return Err(MathError(format!("SORT orders ASC or DESC, not {other}"))),
        };
        let limit = match self.take() {
            Token::Sign(")") => None,
            Token::Sign(",") => {
                let limit = self.expression(0)?;
                self.expect(Token::Sign(")"), "')'")?;
                Some(Box::new(limit))
            }
            other => return Err(unexpected(&other, "')'")),
        };
        Ok(Expression::Sort(Box::new(sorted), Sorting { by, descending, limit }))
    }

    fn fill(&mut self) -> Result<Expression, MathError> {
        let filled = self.expression(0)?;
        self.expect(Token::Sign(","), "','")?;
        let filling = match &self.tokens[self.at] {
            Token::Name(name) if name == "REPEAT" => Some(Filling::Repeat),
            Token::Name(name) if name == "LINEAR" => Some(Filling::Linear),
            _ => None,
        };
        let filling = match filling {
            Some(filling) => {
                self.at += 1;
                filling
            }
            None => Filling::With(Box::new(self.expression(0)?)),
        };
        self.expect(Token::Sign(")"), "')'")?;
        Ok(Expression::Fill(Box::new(filled), filling))
    }

    /// One or more expressions up to the sign that closes them.
    fn list(&mut self, close: &'static str) -> Result<Vec<Expression>, MathError> {
        let mut found = vec![self.expression(0)?];
        loop {
            match self.take() {
                Token::Sign(",") => found.push(self.expression(0)?),
                Token::Sign(sign) if sign == close => return Ok(found),
                other => return Err(unexpected(&other, &format!("'{close}'"))),
            }
        }
    }

    /// The next token; the last one is given again and again.
    fn take(&mut self) -> Token {
        let token = self.tokens[self.at].clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    fn expect(&mut self, wanted: Token, name: &str) -> Result<(), MathError> {
        let found = self.take();
        if found == wanted { Ok(()) } else { Err(unexpected(&found, name)) }
    }

    fn text(&mut self) -> Result<String, MathError> {
        match self.take() {
            Token::Text(text) => Ok(text),
            other => Err(unexpected(&other, "a text")),
        }
    }

    fn name(&mut self) -> Result<String, MathError> {
        match self.take() {
            Token::Name(name) => Ok(name),
            other => Err(unexpected(&other, "a name")),
        }
    }

    fn whole(&mut self, name: &str) -> Result<i64, MathError> {
        match self.take() {
            Token::Number(value) if value.fract() == 0.0 && (1.0..=86_400.0 * 365.0).contains(&value) => {
                Ok(value as i64)
            }
            other => Err(unexpected(&other, name)),
        }
    }
}

fn unexpected(found: &Token, wanted: &str) -> MathError {
    let found = match found {
        Token::Name(name) => format!("'{name}'"),
        Token::Number(value) => value.to_string(),
        Token::Text(text) => format!("\"{text}\""),
        Token::Sign(sign) => format!("'{sign}'"),
        Token::End => "the end".to_owned(),
    };
    MathError(format!("Expected {wanted} but found {found}"))
}
