//! Reads records by the shapes of those before them: what CloudTrail writes again and again is compared as a
//! whole and not taken apart.
//!
//! A **shape** is the text of a record without its strings and numbers: **fixed** parts, which every record of
//! the shape has byte for byte, and a **slot** after each but the last. Shapes with the same beginning share
//! it, so they form a tree of **branches**, each a fixed part and its slot. A **spot** tells where a value
//! stands in all records of a shape, counted from the ends of slots.
//! **Invariants:** two records of one shape are read alike by whoever walks them for names, for types and for
//! the values of members that are declared fixed, because their structural characters and their names are the
//! same; whatever has no known shape is left to the general reader; memory and the time to learn are limited.
//! **Not here:** the general reader (`cursor`), and which values are looked for.

use super::splitter::RECORD_BYTES_MAX;
use super::value::{DEPTH_MAX, Kind, Value};
use keywatch_json::scan::{self, StringEnd};

/// Records with more slots, or longer ones, are left to the general reader.
const SLOTS_MAX: usize = 255;
const LEARNT_BYTES_MAX: usize = 64 << 10;
/// When one of these limits is reached, all shapes are forgotten and learning begins anew.
const BRANCHES_MAX: usize = 8_192;
const FIXED_BYTES_MAX: usize = 1 << 20;
const SIBLINGS_MAX: u32 = 32;
/// Learning a shape costs as much as reading several records, so it must pay: each costs a credit.
const CREDITS_MAX: u32 = 1_024;
/// So many records without a known shape earn a credit, as does one with a known shape.
const MISSES_PER_CREDIT: u32 = 64;
const _: () = assert!(SLOTS_MAX <= u8::MAX as usize && LEARNT_BYTES_MAX <= RECORD_BYTES_MAX);

/// Index of no branch.
const NONE: u32 = u32::MAX;

/// The shapes of the records read so far, with something known about each. Each thread has its own.
#[derive(Debug)]
pub struct Shapes<T> {
    is_fixed: fn(&[u8]) -> bool,
    branches: Vec<Branch>,
    /// The text of the fixed parts, one after another.
    fixed: Vec<u8>,
    /// The first of the branches that records begin with.
    first: u32,
    known: Vec<T>,
    /// Of the record that was found last: where slots end. The first entry stands for its beginning.
    slots: Box<[Slot; 1 + SLOTS_MAX]>,
    credits: u32,
    misses: u32,
}

#[derive(Debug)]
struct Branch {
    start: u32,
    end: u32,
    then: Then,
    /// The first of the branches that may follow.
    first: u32,
    /// The next branch that may stand in place of this one.
    next: u32,
    /// How many records had it.
    hits: u32,
}

/// What follows a fixed part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// The rest of a string, whose opening quote is fixed.
    Text,
    Number,
    /// Nothing: the record is over. The index of what is known about it.
    End(u32),
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Slot {
    /// The offset after it, and after a string's closing quote.
    end: u32,
    has_escapes: bool,
}

/// A record of a known shape was found.
#[derive(Debug, Clone, Copy)]
pub struct Hit {
    /// How long the record is, in bytes.
    pub length: usize,
    known: u32,
}

/// Where a value stands in the records of one shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    start: Position,
    end: Position,
    /// `None` for a string in a slot, which is as it comes.
    kind: Option<Kind>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Position {
    /// How many slots end before it, or there.
    slot: u8,
    /// How many bytes it stands after the last of them, else after the record's beginning.
    after: u32,
}

impl<T> Shapes<T> {
    /// No shapes yet. Whoever will ask for values decides by the strings of members with some names;
    /// `is_fixed` tells these names, and may tell others whose strings are few.
    pub fn new(is_fixed: fn(&[u8]) -> bool) -> Self {
        Self {
            is_fixed,
            branches: Vec::new(),
            fixed: Vec::new(),
            first: NONE,
            known: Vec::new(),
            slots: Box::new([Slot::default(); 1 + SLOTS_MAX]),
            credits: CREDITS_MAX,
            misses: 0,
        }
    }

    /// Finds out whether the record at the start of `text`, which may go on after it, has a known shape.
    #[inline]
    pub fn find(&mut self, text: &[u8]) -> Option<Hit> {
        let hit = self.walk(&text[..text.len().min(RECORD_BYTES_MAX)]);
        if hit.is_some() {
            self.credits = CREDITS_MAX.min(self.credits + 1);
        } else {
            self.misses += 1;
            if self.misses.is_multiple_of(MISSES_PER_CREDIT) {
                self.credits = CREDITS_MAX.min(self.credits + 1);
            }
        }
        hit
    }

    #[inline]
    fn walk(&mut self, text: &[u8]) -> Option<Hit> {
        let (mut parent, mut first, mut at) = (NONE, self.first, 0);
        for place in 1.. {
            let number = self.branch_at(parent, first, &text[at..])?;
            let branch = &self.branches[number as usize];
            at += (branch.end - branch.start) as usize;
            let slot = match branch.then {
                Then::End(known) => return Some(Hit { length: at, known }),
                Then::Text => {
                    let StringEnd { end, has_escapes } = scan::string(text, at - 1).ok()?;
                    Slot { end: end as u32, has_escapes }
                }
                Then::Number => Slot { end: (at + number_bytes(&text[at..])) as u32, has_escapes: false },
            };
            *self.slots.get_mut(place)? = slot;
            at = slot.end as usize;
            (parent, first) = (number, branch.first);
        }
        None
    }

    /// The branch after `parent`, `first` or one that may stand in its place, that `text` begins with.
    #[inline]
    fn branch_at(&mut self, parent: u32, first: u32, text: &[u8]) -> Option<u32> {
        let (mut before, mut number) = (NONE, first);
        loop {
            let branch = self.branches.get_mut(number as usize)?;
            let fixed = &self.fixed[branch.start as usize..branch.end as usize];
            if text.get(..fixed.len()) == Some(fixed)
                && (branch.then != Then::Number || is_number(text.get(fixed.len()).copied()))
            {
                branch.hits = branch.hits.wrapping_add(1);
                let hits = branch.hits;
                if before != NONE && hits > self.branches[first as usize].hits {
                    self.move_to_front(parent, before, number);
                }
                return Some(number);
            }
            (before, number) = (number, branch.next);
        }
    }

    fn first_of(&self, parent: u32) -> u32 {
        self.branches.get(parent as usize).map_or(self.first, |parent| parent.first)
    }

    fn set_first(&mut self, parent: u32, number: u32) {
        match self.branches.get_mut(parent as usize) {
            Some(parent) => parent.first = number,
            None => self.first = number,
        }
    }

    /// What most records have is looked for first.
    #[cold]
    fn move_to_front(&mut self, parent: u32, before: u32, number: u32) {
        let first = self.first_of(parent);
        self.branches[before as usize].next = self.branches[number as usize].next;
        self.branches[number as usize].next = first;
        self.set_first(parent, number);
    }

    /// What was made of the shape when it was learnt.
    #[inline]
    pub fn known(&self, hit: Hit) -> &T {
        &self.known[hit.known as usize]
    }

    /// The value at a spot of the record that was found last, in its text.
    #[inline]
    pub fn value<'a>(&self, text: &'a [u8], spot: &Spot) -> Value<'a> {
        let end_slot = self.slots[spot.end.slot as usize];
        let start = self.slots[spot.start.slot as usize].end + spot.start.after;
        let length = end_slot.end + spot.end.after - start;
        let kind = spot.kind.unwrap_or(match end_slot.has_escapes {
            true => Kind::EscapedString,
            false => Kind::PlainString,
        });
        Value { text: &text[start as usize..], length, kind }
    }

    /// Remembers the shape of the record of `length` bytes at the start of `text`, which the general reader
    /// found good. `know` makes what is to be known about it, or nothing if that cannot be.
    #[cold]
    pub fn learn(&mut self, text: &[u8], length: usize, know: impl FnOnce(&Outline<'_>) -> Option<T>) {
        if self.credits == 0 || length > LEARNT_BYTES_MAX {
            return;
        }
        self.credits -= 1;
        let Some(outline) = Outline::of(text, length, self.is_fixed) else { return };
        let Some(known) = know(&outline) else { return };
        if self.branches.len() + outline.parts.len() > BRANCHES_MAX
            || self.fixed.len() + length > FIXED_BYTES_MAX
            || self.insert(&outline) == Inserted::Full
        {
            self.forget();
            self.insert(&outline);
        }
        self.known.push(known);
    }

    fn forget(&mut self) {
        self.branches.clear();
        self.fixed.clear();
        self.known.clear();
        self.first = NONE;
    }

    /// Adds the branches that are not there yet. The last gets the number of what will be known next.
    fn insert(&mut self, outline: &Outline<'_>) -> Inserted {
        let mut parent = NONE;
        let last = (outline.text.len(), Then::End(self.known.len() as u32));
        let parts = outline.parts.iter().map(|part| (part.fixed_end, part.then));
        let mut start = 0;
        for ((fixed_end, then), next_start) in
            parts.chain([last]).zip(outline.slots[1..].iter().map(|slot| slot.end as usize).chain([0]))
        {
            let fixed = &outline.text[start..fixed_end];
            let Ok(branch) = self.child(parent, fixed, then) else { return Inserted::Full };
            (parent, start) = (branch, next_start);
        }
        Inserted::Done
    }

    /// The branch after `parent` with this fixed part, new or not.
    fn child(&mut self, parent: u32, fixed: &[u8], then: Then) -> Result<u32, Inserted> {
        let first = self.first_of(parent);
        let (mut number, mut siblings) = (first, 0);
        while let Some(branch) = self.branches.get(number as usize) {
            if branch.then == then && self.fixed[branch.start as usize..branch.end as usize] == *fixed {
                return Ok(number);
            }
            (number, siblings) = (branch.next, siblings + 1);
        }
        if siblings == SIBLINGS_MAX {
            return Err(Inserted::Full);
        }
        let new = self.branches.len() as u32;
        let start = self.fixed.len() as u32;
        self.fixed.extend_from_slice(fixed);
        let end = self.fixed.len() as u32;
        self.branches.push(Branch { start, end, then, first: NONE, next: first, hits: 0 });
        self.set_first(parent, new);
        Ok(new)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inserted {
    Done,
    Full,
}

/// A record taken apart into fixed parts and slots, to learn its shape.
#[derive(Debug)]
pub struct Outline<'a> {
    text: &'a [u8],
    /// How long the text was that values were read from.
    read_bytes: usize,
    /// All but the last, which has no slot.
    parts: Vec<Part>,
    /// One for the beginning, and one for each part.
    slots: Vec<Slot>,
}

#[derive(Debug)]
struct Part {
    /// Where its slot begins.
    fixed_end: usize,
    then: Then,
}

impl<'a> Outline<'a> {
    /// `None` if there is something that is read differently by readers who do not know about shapes: what is
    /// no JSON, and names with escapes.
    fn of(text: &'a [u8], length: usize, is_fixed: fn(&[u8]) -> bool) -> Option<Self> {
        let read_bytes = text.len().min(RECORD_BYTES_MAX);
        let text = text.get(..length)?;
        let mut outline = Self { text, read_bytes, parts: Vec::new(), slots: vec![Slot::default()] };
        let (mut at, mut depth, mut name) = (0, 0_u32, &b""[..]);
        loop {
            match *text.get(at)? {
                b'"' => {
                    let StringEnd { end, has_escapes } = scan::string(text, at).ok()?;
                    if text.get(scan::blanks(text, end)) == Some(&b':') {
                        if has_escapes {
                            return None;
                        }
                        name = &text[at + 1..end - 1];
                    } else if !is_fixed(name) {
                        outline.slot(at + 1, Then::Text, end, has_escapes)?;
                    }
                    at = end;
                }
                byte if is_number(Some(byte)) => {
                    let end = at + number_bytes(&text[at..]);
                    outline.slot(at, Then::Number, end, false)?;
                    at = end;
                }
                b'{' | b'[' if depth < DEPTH_MAX => {
                    depth += 1;
                    at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    at += 1;
                    if depth == 0 {
                        return (at == length).then_some(outline);
                    }
                }
                b',' | b':' | b'a'..=b'z' | b' ' | b'\n' | b'\r' | b'\t' => at += 1,
                _ => return None,
            }
        }
    }

    fn slot(&mut self, fixed_end: usize, then: Then, end: usize, has_escapes: bool) -> Option<()> {
        self.parts.push(Part { fixed_end, then });
        self.slots.push(Slot { end: end as u32, has_escapes });
        (self.parts.len() < SLOTS_MAX).then_some(())
    }

    /// Where a value that was read from the record stands in all records of its shape.
    pub fn spot(&self, value: &Value<'_>) -> Option<Spot> {
        let start = self.read_bytes.checked_sub(value.text.len())?;
        let end = start + value.length as usize;
        let (start, end) = (self.position(start)?, self.position(end)?);
        let is_slot = value.json().starts_with(b"\"") && end.after == 0 && end.slot == start.slot + 1;
        Some(Spot { start, end, kind: (!is_slot).then_some(value.kind) })
    }

    fn position(&self, offset: usize) -> Option<Position> {
        let slot = self.slots.partition_point(|slot| slot.end as usize <= offset).checked_sub(1)?;
        let fixed_end = self.parts.get(slot).map_or(self.text.len(), |part| part.fixed_end);
        if offset > fixed_end {
            return None;
        }
        // A record has at most so many slots, and bytes below 2^32.
        Some(Position { slot: slot as u8, after: (offset - self.slots[slot].end as usize) as u32 })
    }
}

/// Whether a number begins with this byte.
#[inline]
fn is_number(first: Option<u8>) -> bool {
    matches!(first, Some(b'-' | b'0'..=b'9'))
}

/// How many bytes belong to the number at the start of `text`.
#[inline]
fn number_bytes(text: &[u8]) -> usize {
    let is_in_number = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
    text.iter().position(|byte| !is_in_number(byte)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::super::cursor::Cursor;
    use super::*;

    type Spots = Vec<(Vec<u8>, Spot)>;
    type Values<'a> = Vec<(Vec<u8>, Value<'a>)>;

    /// The members of the record at the start of `text`: name and value, and how long it is.
    fn members(text: &[u8]) -> Option<(Values<'_>, usize)> {
        let mut members = Vec::new();
        let mut cursor = Cursor::new(text);
        let record = cursor.object(|name, cursor| {
            members.push((name.to_vec(), cursor.value()?));
            Ok(())
        });
        record.ok().map(|_| (members, cursor.offset()))
    }

    /// Reads records, one after another, as a caller does; how many had a known shape. Each is read alike by
    /// the general reader.
    #[track_caller]
    fn check(texts: &[&str], want_hits: usize) -> Shapes<Spots> {
        let mut shapes = Shapes::<Spots>::new(|name| name == b"type");
        let mut hits = 0;
        for text in texts {
            let followed = format!("{text},{{\"x\":\"y\"}}");
            let (members, length) = members(followed.as_bytes()).expect("an object");
            assert_eq!(length, text.len());
            let Some(hit) = shapes.find(followed.as_bytes()) else {
                shapes.learn(followed.as_bytes(), length, |outline| {
                    let spot =
                        |(name, value): &(Vec<u8>, Value<'_>)| Some((name.clone(), outline.spot(value)?));
                    members.iter().map(spot).collect()
                });
                continue;
            };
            hits += 1;
            assert_eq!(hit.length, length, "{text}");
            let known = shapes.known(hit);
            let found: Vec<_> = known
                .iter()
                .map(|(name, spot)| (name.clone(), shapes.value(followed.as_bytes(), spot)))
                .collect();
            let plain = |members: &[(Vec<u8>, Value<'_>)]| -> Vec<_> {
                members
                    .iter()
                    .map(|(name, value)| {
                        (name.clone(), value.json().to_vec(), value.as_bytes().map(Vec::from))
                    })
                    .collect()
            };
            assert_eq!(plain(&found), plain(&members), "{text}");
        }
        assert_eq!(hits, want_hits, "{texts:?}");
        shapes
    }

    #[test]
    fn strings_and_numbers_may_differ() {
        check(&[r#"{"a":"b"}"#, r#"{"a":""}"#, r#"{"a":"longer than thirty-two bytes, and than that"}"#], 2);
        check(&[r#"{"a":"b"}"#, r#"{"a":"\"}"}"#, r#"{"a":"c\\"}"#], 2);
        check(&[r#"{"a":1,"b":[-2.5e+3,{"c":0}]}"#, r#"{"a":12,"b":[7,{"c":-1}]}"#], 1);
        check(&[r#"{"a":{"b":["x","y"]},"c":"z"}"#, r#"{"a":{"b":["","\\\""]},"c":"{}"}"#], 1);
        check(&["{ \"a\" : \"b\" }", "{ \"a\" : \"c\" }"], 1);
    }

    #[test]
    fn all_else_belongs_to_the_shape() {
        check(&[r#"{"a":"b"}"#, r#"{"c":"b"}"#], 0);
        check(&[r#"{"a":"b"}"#, r#"{"a": "b"}"#], 0);
        check(&[r#"{"a":true}"#, r#"{"a":null}"#, r#"{"a":1}"#, r#"{"a":"b"}"#, r#"{"a":["b"]}"#], 0);
        check(&[r#"{"a":"b","c":"d"}"#, r#"{"a":"b"}"#, r#"{"c":"d","a":"b"}"#, r#"{"a":"x","a":"y"}"#], 0);
        check(&[r#"{"a":["b"]}"#, r#"{"a":["b","c"]}"#, r#"{"a":[]}"#], 0);
    }

    #[test]
    fn fixed_values_belong_to_the_shape() {
        check(&[r#"{"type":"b"}"#, r#"{"type":"c"}"#, r#"{"type":"b"}"#, r#"{"type":"c"}"#], 2);
        check(&[r#"{"type":"b","a":"x"}"#, r#"{"type":"b","a":"y"}"#], 1);
    }

    #[test]
    fn a_damaged_record_has_no_known_shape() {
        let mut shapes = check(&[r#"{"a":"b","c":1}"#], 0);
        assert!(shapes.find(br#"{"a":"b","c":1}"#).is_some());
        for text in
            [&b""[..], br#"{"a":"b"#, br#"{"a":"b","c":"#, br#"{"a":"b","c":1"#, br#"{"a":"b\","c":1}"#]
        {
            assert!(shapes.find(text).is_none());
        }
    }

    #[test]
    fn what_may_be_read_differently_is_not_learnt() {
        check(&[r#"{"\u0061":"b"}"#, r#"{"\u0061":"b"}"#], 0);
        check(&[r#"{"a":[\"]}"#, r#"{"a":[\"]}"#], 0);
        let many = format!(r#"{{"a":[{}]}}"#, vec!["1"; SLOTS_MAX + 1].join(","));
        check(&[&many, &many], 0);
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(LEARNT_BYTES_MAX));
        check(&[&long, &long], 0);
    }

    #[test]
    fn limits_hold_whatever_comes() {
        let texts: Vec<String> = (0..3_000).map(|number| format!(r#"{{"a{number}":"b","c":"d"}}"#)).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let shapes = check(&texts, 0);
        assert!(shapes.branches.len() <= 3 * SIBLINGS_MAX as usize);
        assert!(shapes.credits < 100, "what does not pay is not done");
        let nested: Vec<String> = (0..900)
            .map(|number| {
                format!("{{\"n{}\":{{\"m{number}\":[{}\"a\"]}}}}", number % 30, "\"a\",".repeat(20))
            })
            .collect();
        let shapes = check(&nested.iter().map(String::as_str).collect::<Vec<_>>(), 0);
        assert!(shapes.branches.len() <= BRANCHES_MAX && shapes.fixed.len() <= FIXED_BYTES_MAX);
        assert!(shapes.known.len() <= shapes.branches.len());
    }

    #[test]
    fn the_most_frequent_comes_first() {
        let (rare, often) = (r#"{"a":"b"}"#, r#"{"c":"d"}"#);
        let shapes = check(&[often, rare, often, often, rare, often], 4);
        let first = &shapes.branches[shapes.first as usize];
        assert_eq!(&shapes.fixed[first.start as usize..first.end as usize], br#"{"c":""#);
    }
}
