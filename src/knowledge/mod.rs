//! What hoplint knows about libraries: data under `rules/libraries/<language>/<library>.toml`.
//!
//! One vocabulary describes the functions of a library, a team's wrappers in the configuration, and (as summaries
//! that the link computes) the helpers of a service. The engine reads this vocabulary and names no library.

mod addresses;
mod headers;
mod load;
mod python;
mod schema;
mod tracing_words;
mod vocabulary;

pub use addresses::{
    ends_inside, is_address_word, is_common_word, is_data_key, is_house_word, is_setting_key, names_identity_document,
    names_settings,
};
pub use headers::{holds_message_key, is_message_key, is_sent_on_by_hand, is_trace_header};
pub use load::{Knowledge, wrapper_library};
pub use python::{LogSettings, is_filter, loads_modules, log_settings, runs_python, tests_generator};
pub use schema::{
    AddressForm, AnnotationDescription, AnnotationRole, AttributeEffect, CallShape, CloserEffect, ContextEnd,
    Conventions, EndpointEffect, ExtractEffect, FunctionDescription, Hop, HopKind, InjectEffect, LibraryDescription,
    Likeness, LogEffect, LogIds, ReadEffect, Registers, Removed, Sampler, Setting, SettingDescription, SettingSource,
    Slot, SpanEffect, Spawn, SpawnKind, StubNames, TypeDescription, TypeRole, Weaving, WeavingSwitch,
};
pub use tracing_words::{NameOf, speaks_of_tracing};
pub use vocabulary::{Vocabulary, has_part, has_start, vocabulary};
