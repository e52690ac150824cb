//! Colours, of Cloudscape's palette for data, so that pictures and console look alike.

/// What a chart is drawn on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    #[default]
    Light,
    Dark,
}

const LIGHT_LINES: [&str; 10] = [
    "#688ae8", "#c33d69", "#2ea597", "#8456ce", "#e07941", "#3759ce", "#962249", "#096f64", "#6237a7",
    "#a84401",
];
const DARK_LINES: [&str; 10] = [
    "#7c9cf4", "#e07f9d", "#3bb8aa", "#b088f5", "#f08d55", "#5d7ff0", "#d64a7b", "#40bfa9", "#a57bea",
    "#d67a3e",
];

impl Theme {
    pub(crate) fn line(self, index: usize) -> &'static str {
        match self {
            Self::Light => LIGHT_LINES[index % LIGHT_LINES.len()],
            Self::Dark => DARK_LINES[index % DARK_LINES.len()],
        }
    }

    pub(crate) fn background(self) -> &'static str {
        self.of("#ffffff", "#161d26")
    }

    pub(crate) fn text(self) -> &'static str {
        self.of("#0f141a", "#ebebf0")
    }

    pub(crate) fn faint_text(self) -> &'static str {
        self.of("#656871", "#a4a4ad")
    }

    pub(crate) fn grid(self) -> &'static str {
        self.of("#e9ebed", "#2f3844")
    }

    pub(crate) fn axis(self) -> &'static str {
        self.of("#8c8c94", "#7a7a85")
    }

    /// Of marks without a colour of their own.
    pub(crate) fn mark(self) -> &'static str {
        self.of("#d13212", "#ff7a6b")
    }

    /// Of bands without a colour of their own.
    pub(crate) fn band(self) -> &'static str {
        self.of("#9ba7b6", "#6b7684")
    }

    pub(crate) fn warning(self) -> &'static str {
        self.of("#e07700", "#ffb347")
    }

    fn of(self, light: &'static str, dark: &'static str) -> &'static str {
        if self == Self::Light { light } else { dark }
    }
}

/// A colour as `#rrggbb`, if it is one.
pub(crate) fn checked(color: Option<&str>) -> Option<&str> {
    let is_color = |color: &&str| {
        color
            .strip_prefix('#')
            .is_some_and(|hex| hex.len() == 6 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    color.filter(is_color)
}
