//! # Spans: how wide points are, and which of them are kept together
//! A point has a **resolution**. The points of one resolution are cut into **spans** of an hour to a week, which are packed, stored, read
//! and forgotten as one; within its span a point has a **slot**.
//! **Not here:** what is in a span (`page.rs`), and which spans there are (`pages.rs`).
//!
//! Source: CloudWatch User Guide, "Metrics retention": 3 hours, 15 days, 63 days; there hours go after 455 days, here they stay ten
//! years, so that an imported trail of years ago still shows how its keys were used.

use super::Second;

pub const DAY_SECONDS: Second = 86_400;
pub const HIGH_RESOLUTION_KEPT_SECONDS: Second = 3 * 3_600;
pub const MINUTES_KEPT_DAYS: Second = 15;
pub const FIVE_MINUTES_KEPT_DAYS: Second = 63;
pub const HOURS_KEPT_DAYS: Second = 3_660;
const _: () = assert!(MINUTES_KEPT_DAYS < FIVE_MINUTES_KEPT_DAYS && FIVE_MINUTES_KEPT_DAYS < HOURS_KEPT_DAYS);

/// The width of a stored point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resolution {
    Second,
    Minute,
    FiveMinutes,
    Hour,
}

impl Resolution {
    pub const ALL: [Self; 4] = [Self::Second, Self::Minute, Self::FiveMinutes, Self::Hour];

    pub const fn seconds(self) -> Second {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::FiveMinutes => 300,
            Self::Hour => 3_600,
        }
    }

    pub fn from_seconds(seconds: Second) -> Option<Self> {
        Self::ALL.into_iter().find(|resolution| resolution.seconds() == seconds)
    }

    /// How long a span of such points is. Widths divide a day, or are whole days.
    pub const fn span_seconds(self) -> Second {
        match self {
            Self::Second | Self::Minute => 3_600,
            Self::FiveMinutes => DAY_SECONDS,
            Self::Hour => 7 * DAY_SECONDS,
        }
    }

    /// The finest that retention still grants, at `now`, to points of a time besides seconds; all of a day have the same.
    pub fn at_age(time: Second, now: Second) -> Self {
        let day_end = (time.div_euclid(DAY_SECONDS) + 1) * DAY_SECONDS;
        match (now - day_end).div_euclid(DAY_SECONDS) {
            ..MINUTES_KEPT_DAYS => Self::Minute,
            MINUTES_KEPT_DAYS..FIVE_MINUTES_KEPT_DAYS => Self::FiveMinutes,
            _ => Self::Hour,
        }
    }
}

/// Which span, by resolution and then by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanName {
    pub resolution: Resolution,
    /// Spans since 1970-01-01 UTC.
    pub number: i32,
}

impl SpanName {
    /// The span that holds a time. Log times are within the years that can be named, whose hours fit.
    pub fn holding(resolution: Resolution, time: Second) -> Self {
        Self { resolution, number: time.div_euclid(resolution.span_seconds()) as i32 }
    }

    pub fn start(self) -> Second {
        Second::from(self.number) * self.resolution.span_seconds()
    }

    pub fn end(self) -> Second {
        self.start() + self.resolution.span_seconds()
    }

    /// The slot of a time within the span.
    pub fn slot(self, time: Second) -> u32 {
        ((time - self.start()) / self.resolution.seconds()) as u32
    }

    /// When a slot begins.
    pub fn time(self, slot: u32) -> Second {
        self.start() + Second::from(slot) * self.resolution.seconds()
    }

    /// Whether nothing of it is kept any more.
    pub fn is_expired(self, now: Second) -> bool {
        let kept = match self.resolution {
            Resolution::Second => HIGH_RESOLUTION_KEPT_SECONDS,
            _ => HOURS_KEPT_DAYS * DAY_SECONDS,
        };
        now - self.end() > kept
    }

    /// The span that its points move into because of their age.
    pub fn ages_into(self, now: Second) -> Option<Self> {
        let wanted = Resolution::at_age(self.start(), now);
        let ages = self.resolution != Resolution::Second && wanted > self.resolution;
        ages.then(|| Self::holding(wanted, self.start()))
    }

    /// As part of a key; keys of a resolution are in the order of time.
    pub fn key(self) -> String {
        format!("{:04}/{:08x}", self.resolution.seconds(), self.number as u32 ^ SIGN)
    }

    pub fn from_key(key: &str) -> Option<Self> {
        let (seconds, number) = key.split_once('/')?;
        let resolution = Resolution::from_seconds(seconds.parse().ok()?)?;
        Some(Self { resolution, number: (u32::from_str_radix(number, 16).ok()? ^ SIGN) as i32 })
    }
}

/// Turned around, negative numbers come before the others in keys.
const SIGN: u32 = 1 << 31;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_in_order_and_read_back() {
        let spans = [-1, 0, 7, 400_000].map(|number| SpanName { resolution: Resolution::Minute, number });
        assert!(spans.is_sorted_by_key(|span| span.key()));
        for span in spans {
            assert_eq!(SpanName::from_key(&span.key()), Some(span));
        }
        assert_eq!(SpanName::from_key("0061/00000000"), None);
    }

    #[test]
    fn slots() {
        let span = SpanName::holding(Resolution::Minute, 7_261);
        assert_eq!((span.number, span.start(), span.end(), span.slot(7_261)), (2, 7_200, 10_800, 1));
        assert_eq!(span.time(1), 7_260);
        assert_eq!(SpanName::holding(Resolution::Hour, -1).number, -1);
    }

    #[test]
    fn ages() {
        let day = SpanName::holding(Resolution::Minute, DAY_SECONDS - 60);
        for (now, want) in [
            (16 * DAY_SECONDS - 1, None),
            (16 * DAY_SECONDS, Some(SpanName { resolution: Resolution::FiveMinutes, number: 0 })),
            (64 * DAY_SECONDS, Some(SpanName { resolution: Resolution::Hour, number: 0 })),
        ] {
            assert_eq!(day.ages_into(now), want);
        }
        let seconds = SpanName { resolution: Resolution::Second, ..day };
        assert_eq!(seconds.ages_into(64 * DAY_SECONDS), None);
        let gone = DAY_SECONDS + HIGH_RESOLUTION_KEPT_SECONDS;
        assert_eq!(
            (seconds.is_expired(gone), seconds.is_expired(gone + 1), day.is_expired(gone + 1)),
            (false, true, false)
        );
    }
}
