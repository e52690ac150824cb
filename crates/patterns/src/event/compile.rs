//! Reads the text of a pattern into alternatives
//!
//! A pattern with `$or` stands for several **alternatives** without it: each maps the joined path of a field
//! (`detail.state`) to the predicates of which one must hold. A path named twice keeps what was written last.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    InvalidPattern, cidr,
    predicate::{Limit, Predicate, Range, Unwanted, folded},
    tokens::{Token, Tokens},
    wildcard::Wildcard,
};

/// `$or`s multiply; a pattern that stands for more alternatives is refused.
const ALTERNATIVES_MAX: usize = 1_000;

/// Names of operators. An object that has one of them as a field makes a surrounding `$or` a plain field name.
const RESERVED: [&str; 10] = [
    "exactly",
    "prefix",
    "suffix",
    "numeric",
    "anything-but",
    "exists",
    "cidr",
    "equals-ignore-case",
    "wildcard",
    "$or",
];

/// Field paths and what is asked of each.
pub(super) type Alternative = BTreeMap<String, Arc<[Predicate]>>;

pub(super) fn alternatives(source: &str) -> Result<Vec<Alternative>, InvalidPattern> {
    let mut tokens = Tokens::of(source);
    if tokens.next()? != Token::ObjectStart {
        return Err(tokens.error("Filter is not an object"));
    }
    let mut all = vec![Alternative::new()];
    object(&mut tokens, None, &mut all)?;
    match tokens.next()? {
        Token::End => Ok(all),
        _ => Err(tokens.error("Only one object is allowed in a pattern")),
    }
}

/// Reads the fields of an object whose start was consumed and adds them to every alternative in `all`.
fn object(
    tokens: &mut Tokens<'_>,
    path: Option<&str>,
    all: &mut Vec<Alternative>,
) -> Result<(), InvalidPattern> {
    let mut empty = true;
    loop {
        let name = match tokens.next()? {
            Token::Field(name) => name,
            _ if empty => return Err(tokens.error("Empty objects are not allowed")),
            _ => return Ok(()),
        };
        empty = false;
        if name == "$or" && is_disjunction(tokens.clone())? {
            disjunction(tokens, path, all)?;
            continue;
        }
        let path = path.map_or_else(|| name.clone(), |path| format!("{path}.{name}"));
        match tokens.next()? {
            Token::ObjectStart => object(tokens, Some(&path), all)?,
            Token::ArrayStart => {
                let predicates: Arc<[Predicate]> = values(tokens)?.into();
                for alternative in all.iter_mut() {
                    alternative.insert(path.clone(), Arc::clone(&predicates));
                }
            }
            _ => return Err(tokens.error(&format!("\"{name}\" must be an object or an array"))),
        }
    }
}

/// Whether what follows a `$or` makes it the operator: an array of two or more objects none of which has an
/// operator's name for a field. Otherwise `$or` is a field like any other.
fn is_disjunction(mut tokens: Tokens<'_>) -> Result<bool, InvalidPattern> {
    if tokens.next()? != Token::ArrayStart {
        return Ok(false);
    }
    let mut objects = 0;
    loop {
        match tokens.next()? {
            Token::ObjectStart => objects += 1,
            Token::ArrayEnd => return Ok(objects >= 2),
            _ => return Ok(false),
        }
        loop {
            match tokens.next()? {
                Token::Field(name) if name != "$or" && RESERVED.contains(&name.as_str()) => return Ok(false),
                Token::Field(_) => {}
                Token::ObjectStart | Token::ArrayStart => tokens.skip_children()?,
                Token::ObjectEnd => break,
                _ => {}
            }
        }
    }
}

fn disjunction(
    tokens: &mut Tokens<'_>,
    path: Option<&str>,
    all: &mut Vec<Alternative>,
) -> Result<(), InvalidPattern> {
    let base = std::mem::take(all);
    tokens.next()?;
    while tokens.next()? == Token::ObjectStart {
        let mut branch = base.clone();
        object(tokens, path, &mut branch)?;
        all.append(&mut branch);
        if all.len() > ALTERNATIVES_MAX {
            return Err(InvalidPattern::new(format!(
                "Rule is too complex - its $or fields stand for more than {ALTERNATIVES_MAX} combinations"
            )));
        }
    }
    Ok(())
}

/// Reads the elements of a field's array whose start was consumed.
fn values(tokens: &mut Tokens<'_>) -> Result<Vec<Predicate>, InvalidPattern> {
    let mut predicates = Vec::new();
    loop {
        predicates.push(match tokens.next()? {
            Token::ArrayEnd if predicates.is_empty() => {
                return Err(tokens.error("Empty arrays are not allowed"));
            }
            Token::ArrayEnd => return Ok(predicates),
            Token::ObjectStart => operator(tokens)?,
            Token::Text(text) => Predicate::Text(text),
            Token::Number(value, _) => Predicate::Number(value),
            Token::True => Predicate::Bool(true),
            Token::False => Predicate::Bool(false),
            Token::Null => Predicate::Null,
            _ => return Err(tokens.error("Match value must be String, number, true, false, or null")),
        });
    }
}

/// Reads an operator object whose start was consumed, up to and with its end.
fn operator(tokens: &mut Tokens<'_>) -> Result<Predicate, InvalidPattern> {
    let Token::Field(name) = tokens.next()? else {
        return Err(tokens.error("Match expression name not found"));
    };
    let predicate = match name.as_str() {
        "exactly" => Predicate::Text(text(tokens, "exact match pattern must be a string")?),
        "prefix" => affix(tokens, "prefix", Predicate::Prefix, Predicate::PrefixIgnoringCase)?,
        "suffix" => affix(tokens, "suffix", Predicate::Suffix, Predicate::SuffixIgnoringCase)?,
        "equals-ignore-case" => Predicate::EqualsIgnoringCase(folded(&text(
            tokens,
            "equals-ignore-case match pattern must be a string",
        )?)),
        "wildcard" => match wildcard(&text(tokens, "wildcard match pattern must be a string")?)? {
            wildcard if wildcard.is_plain() => Predicate::Text(wildcard.into_plain()),
            wildcard => Predicate::Wildcard(wildcard),
        },
        // The text is AWS's own slip.
        "cidr" => Predicate::Cidr(
            cidr::parse(&text(tokens, "prefix match pattern must be a string")?)
                .map_err(InvalidPattern::new)?,
        ),
        "exists" => match tokens.next()? {
            Token::True => Predicate::Exists,
            Token::False => Predicate::Absent,
            _ => return Err(tokens.error("exists match pattern must be either true or false.")),
        },
        "numeric" => Predicate::Range(numeric(tokens)?),
        "anything-but" => Predicate::AnythingBut(anything_but(tokens)?),
        unknown => return Err(tokens.error(&format!("Unrecognized match type {unknown}"))),
    };
    end_of_operator(tokens)?;
    Ok(predicate)
}

fn end_of_operator(tokens: &mut Tokens<'_>) -> Result<(), InvalidPattern> {
    match tokens.next()? {
        Token::ObjectEnd => Ok(()),
        _ => Err(tokens.error("Only one key allowed in match expression")),
    }
}

fn text(tokens: &mut Tokens<'_>, otherwise: &str) -> Result<String, InvalidPattern> {
    match tokens.next()? {
        Token::Text(text) => {
            tokens.read_text();
            Ok(text)
        }
        _ => Err(tokens.error(otherwise)),
    }
}

fn wildcard(text: &str) -> Result<Wildcard, InvalidPattern> {
    Wildcard::parse(text).map_err(|refused| InvalidPattern::new(refused.reason()))
}

/// `"prefix": "x"` or `"prefix": {"equals-ignore-case": "x"}`.
fn affix(
    tokens: &mut Tokens<'_>,
    name: &str,
    exact: fn(String) -> Predicate,
    ignoring_case: fn(String) -> Predicate,
) -> Result<Predicate, InvalidPattern> {
    match tokens.next()? {
        Token::Text(text) => {
            tokens.read_text();
            Ok(exact(text))
        }
        Token::ObjectStart => {
            match tokens.next()? {
                Token::Field(inner) if inner == "equals-ignore-case" => {}
                _ => return Err(tokens.error(&format!("Unsupported {name} pattern"))),
            }
            let folded = folded(&text(tokens, "equals-ignore-case match pattern must be a string")?);
            end_of_operator(tokens)?;
            Ok(ignoring_case(folded))
        }
        _ => Err(tokens.error(&format!("{name} match pattern must be a string"))),
    }
}

/// `["=", n]`, `[">", n]`, `["<=", n]` or a range with the lower limit first.
fn numeric(tokens: &mut Tokens<'_>) -> Result<Range, InvalidPattern> {
    if tokens.next()? != Token::ArrayStart {
        return Err(tokens.error("Value of numeric must be an array."));
    }
    let Token::Text(operator) = tokens.next()? else {
        return Err(tokens.error("Invalid member in numeric match"));
    };
    tokens.read_text();
    match operator.as_str() {
        "=" => {
            let limit = Limit { value: number(tokens, "equals")?, included: true };
            end_of_numeric(tokens, "Too many elements in numeric expression")?;
            Ok(Range { bottom: Some(limit), top: Some(limit) })
        }
        "<" | "<=" => {
            let top = Limit { value: number(tokens, &operator)?, included: operator == "<=" };
            end_of_numeric(tokens, "Too many terms in numeric range expression")?;
            Ok(Range { bottom: None, top: Some(top) })
        }
        ">" | ">=" => {
            let bottom = Limit { value: number(tokens, &operator)?, included: operator == ">=" };
            upper_limit(tokens, bottom)
        }
        _ => Err(tokens.error(&format!("Unrecognized numeric range operator: {operator}"))),
    }
}

fn upper_limit(tokens: &mut Tokens<'_>, bottom: Limit) -> Result<Range, InvalidPattern> {
    let operator = match tokens.next()? {
        Token::ArrayEnd => return Ok(Range { bottom: Some(bottom), top: None }),
        Token::Text(operator) => operator,
        _ => return Err(tokens.error("Bad value in numeric range")),
    };
    tokens.read_text();
    if operator != "<" && operator != "<=" {
        return Err(tokens.error(&format!("Bad numeric range operator: {operator}")));
    }
    let top = Limit { value: number(tokens, &operator)?, included: operator == "<=" };
    end_of_numeric(tokens, "Too many terms in numeric range expression")?;
    if bottom.value >= top.value {
        return Err(tokens.error("Bottom must be less than top"));
    }
    Ok(Range { bottom: Some(bottom), top: Some(top) })
}

fn number(tokens: &mut Tokens<'_>, operator: &str) -> Result<f64, InvalidPattern> {
    match tokens.next()? {
        Token::Number(value, _) => Ok(value),
        _ => Err(tokens.error(&format!("Value of {operator} must be numeric"))),
    }
}

fn end_of_numeric(tokens: &mut Tokens<'_>, otherwise: &str) -> Result<(), InvalidPattern> {
    match tokens.next()? {
        Token::ArrayEnd => Ok(()),
        _ => Err(tokens.error(otherwise)),
    }
}

fn anything_but(tokens: &mut Tokens<'_>) -> Result<Unwanted, InvalidPattern> {
    match tokens.next()? {
        Token::Text(text) => {
            tokens.read_text();
            Ok(Unwanted::Texts(vec![text]))
        }
        Token::Number(value, _) => Ok(Unwanted::Numbers(vec![value])),
        Token::ArrayStart => scalars(tokens),
        Token::ObjectStart => {
            let Token::Field(name) = tokens.next()? else {
                return Err(tokens.error("Anything-But expression name not found"));
            };
            let unwanted = nested_anything_but(tokens, &name)?;
            end_of_operator(tokens)?;
            Ok(unwanted)
        }
        _ => Err(tokens.error("Value of anything-but must be an array or single string/number value.")),
    }
}

/// A list of texts or a list of numbers, its start consumed.
fn scalars(tokens: &mut Tokens<'_>) -> Result<Unwanted, InvalidPattern> {
    let mut texts = Vec::new();
    let mut numbers = Vec::new();
    loop {
        match tokens.next()? {
            Token::Text(text) => texts.push(text),
            Token::Number(value, _) => numbers.push(value),
            Token::ArrayEnd => break,
            _ => {
                return Err(in_list(
                    tokens,
                    "Inside anything but list, start|null|boolean is not supported.",
                ));
            }
        }
    }
    match (texts.is_empty(), numbers.is_empty()) {
        (false, true) => Ok(Unwanted::Texts(texts)),
        (true, false) => Ok(Unwanted::Numbers(numbers)),
        _ => Err(tokens.error(
            "Inside anything but list, either all values are number or string, mixed type is not supported",
        )),
    }
}

/// AWS reads these lists in a block that reports its own failure once more, place and all.
fn in_list(tokens: &Tokens<'_>, reason: &str) -> InvalidPattern {
    tokens.error(&format!("{reason}{}", tokens.place_reached()))
}

fn nested_anything_but(tokens: &mut Tokens<'_>, name: &str) -> Result<Unwanted, InvalidPattern> {
    const AFFIX: &str = "prefix/suffix match pattern must be a string";
    const FOLDED: &str =
        "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.";
    const WILDCARD: &str = "wildcard match pattern must be a string";
    match name {
        "prefix" | "suffix" => {
            let affixes = texts(tokens, AFFIX, true)?;
            Ok(if name == "prefix" { Unwanted::Prefixes(affixes) } else { Unwanted::Suffixes(affixes) })
        }
        "equals-ignore-case" => Ok(Unwanted::IgnoringCase(
            texts(tokens, FOLDED, false)?.iter().map(|text| folded(text)).collect(),
        )),
        "wildcard" => Ok(Unwanted::Wildcards(
            texts(tokens, WILDCARD, false)?.iter().map(|text| wildcard(text)).collect::<Result<_, _>>()?,
        )),
        unknown => Err(tokens.error(&format!("Unsupported anything-but pattern: {unknown}"))),
    }
}

/// One text or a list of them.
fn texts(tokens: &mut Tokens<'_>, otherwise: &str, affix: bool) -> Result<Vec<String>, InvalidPattern> {
    const EMPTY_AFFIX: &str = "Null prefix/suffix not allowed";
    let mut found = Vec::new();
    match tokens.next()? {
        Token::Text(text) => {
            tokens.read_text();
            if affix && text.is_empty() {
                return Err(tokens.error(EMPTY_AFFIX));
            }
            return Ok(vec![text]);
        }
        Token::ArrayStart => {}
        Token::ObjectStart if affix => {
            return Err(tokens.error("Value of anything-but must be an array or single string/number value."));
        }
        _ => return Err(tokens.error(otherwise)),
    }
    loop {
        match tokens.next()? {
            Token::Text(text) => {
                tokens.read_text();
                if affix && text.is_empty() {
                    return Err(in_list(tokens, EMPTY_AFFIX));
                }
                found.push(text);
            }
            Token::ArrayEnd if found.is_empty() => return Err(tokens.error("Empty arrays are not allowed")),
            Token::ArrayEnd => return Ok(found),
            _ => return Err(in_list(tokens, otherwise)),
        }
    }
}
