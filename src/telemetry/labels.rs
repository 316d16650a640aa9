//! The labels of metrics: each a closed set, and each a label set of its own.

use std::fmt;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::LabelSetEncoder;

/// An enum whose variants are the values of one label.
macro_rules! label {
    ($(#[$doc:meta])* $name:ident($key:literal) {
        $($(#[$note:meta])* $variant:ident = $text:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$note])* $variant,)*
        }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }

        impl EncodeLabelSet for $name {
            fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
                [($key, self.as_str())].encode(encoder)
            }
        }
    };
}

label! {
    /// How an exchange's request ended.
    Outcome("outcome") {
        Masked = "masked",
        /// A route of the configuration let the body through as it is.
        Unmasked = "unmasked",
        /// An operator bypasses masking.
        Bypassed = "bypassed",
        Empty = "empty",
        /// The request may not pass.
        Refused = "refused",
        /// Masker, its store or the provider's answer was at fault.
        Failed = "failed",
        /// The request needs the mapping store, which is down.
        Unavailable = "unavailable",
        /// The answer did not come to its end: the provider or the client broke it off.
        Cut = "cut",
        /// The client went before its request was whole.
        Aborted = "aborted",
        /// Envoy answered itself: nothing was sent.
        Passed = "passed",
    }
}

label! {
    /// What became of a configuration that was read again.
    Reload("result") {
        Applied = "applied",
        Refused = "refused",
    }
}

label! {
    /// Why a conversation's masked beginning is not what it was.
    Cause("cause") {
        /// The operator forced the newest edition.
        Edition = "edition",
        /// Patterns or settings were edited or removed, or the program is another version.
        Settings = "settings",
        /// A fault of masker.
        Unknown = "unknown",
    }
}

label! {
    /// What became of a placeholder in an answer.
    Restored("result") {
        Known = "known",
        Unknown = "unknown",
    }
}

label! {
    /// Why a known placeholder was not restored.
    Kept("reason") {
        /// Critical, in the URL of a foreign host.
        ForeignUrl = "foreign_url",
        /// A secret that a shell would read as more than a word.
        ToolInput = "tool_input",
        Setting = "setting",
    }
}

label! {
    /// A place that must not change and held a finding.
    Place("place") {
        /// Of a model, a tool or a server.
        Name = "name",
        /// Ids, types and marks of the API.
        Id = "id",
        Metadata = "metadata",
        /// That the provider opens.
        Url = "url",
        /// For the provider.
        Credential = "credential",
        Path = "path",
        Query = "query",
        Header = "header",
    }
}

label! {
    /// Content that masker does not look into.
    Opaque("kind") {
        Image = "image",
        Audio = "audio",
        Video = "video",
        /// A PDF, or anything else in base64 that is no text.
        Document = "document",
        /// Stored at the provider.
        File = "file",
        /// A body that a route of the configuration let through.
        Binary = "binary",
    }
}

label! {
    /// A tool that the provider runs.
    Tool("tool") {
        WebSearch = "web_search",
        WebFetch = "web_fetch",
        Code = "code_execution",
        Mcp = "mcp",
        FileSearch = "file_search",
        Other = "other",
    }
}

label! {
    /// Where a block of a type that is not known was.
    Block("side") {
        Request = "request",
        Answer = "answer",
    }
}

label! {
    /// Why the answer to a masked request was not restored.
    Unread("reason") {
        /// Of no type that is restored.
        MediaType = "media_type",
        /// Of no type or of any, and not begun like JSON or events.
        Content = "content",
        Coding = "content_coding",
    }
}

/// Why a request was refused, as the error body names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Code(pub &'static str);

impl EncodeLabelSet for Code {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        [("code", self.0)].encode(encoder)
    }
}

label! {
    /// How bad an alert is, as programs know it.
    Severity("severity") {
        Info = "INFO",
        Medium = "MEDIUM",
        Warning = "WARNING",
        High = "HIGH",
        Critical = "CRITICAL",
    }
}

label! {
    /// What became of what somebody else is told.
    Told("result") {
        Sent = "sent",
        /// It did not fit, or could not be sent.
        Dropped = "dropped",
    }
}

label! {
    /// Whose certificate.
    Listener("listener") {
        Processor = "processor",
        Admin = "admin",
    }
}
